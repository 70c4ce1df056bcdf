package prizes

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
	"qingyuan/prize"
)

// maxExcluded bounds what is excluded at once.
const maxExcluded = 5000

// Insiders are people who may win nothing, by whatever the office has of them.
type Insiders struct {
	Participants []string
	// Lines are lines of the campaign's rosters.
	Lines []Line
	// Phones are numbers that they may have enrolled with, or give with a claim.
	Phones []string
}

// Line is a line of a roster.
type Line struct{ Unit, Number string }

// Exclude bars people from winning: those of the office and of units. Nobody is taken off
// the list again, so that no insider enters at the last moment; a repeat changes nothing.
// Whom lines and phone numbers lead to is looked up again until the entrants of a draw are
// frozen, and with each claim. It returns how many are new.
func (s *Service) Exclude(ctx context.Context, who operator.Actor, campaignID string, in Insiders, reason string) (added int, err error) {
	if _, err := s.Catalog.Prizes(campaignID); err != nil {
		return 0, err
	}
	if n := len(in.Participants) + len(in.Lines) + len(in.Phones); n == 0 || n > maxExcluded {
		return 0, fault.InvalidField("participants", fmt.Sprintf("participants、people 和 phones 合计应有 1 至 %d 人", maxExcluded))
	}
	marks, err := s.marks(ctx, campaignID, in)
	if err != nil {
		return 0, err
	}
	record := who.Record(s.Now(), operator.CorrectResults, campaignID, "prize:excluded")
	record.Reason = reason
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		added = 0
		for _, p := range in.Participants {
			n, err := s.bar(ctx, tx, campaignID, p, who.Login)
			if err != nil {
				return err
			}
			added += n
		}
		for _, m := range marks {
			n, err := affected(tx.ExecContext(ctx, `INSERT INTO prize_insiders (campaign, kind, mark, at, login) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
				campaignID, m.kind, m.mark, s.Now().UnixMilli(), who.Login))
			if err != nil {
				return err
			}
			added += n
		}
		var err error
		record.After, err = json.Marshal(map[string]any{
			"added": added, "participants": in.Participants, "lines": len(in.Lines), "phones": len(in.Phones),
		})
		if err != nil {
			return err
		}
		return audit.AppendTx(ctx, tx, record)
	})
	if err != nil {
		return 0, fmt.Errorf("exclude people from the prizes of %s: %w", campaignID, err)
	}
	return added, errors.Join(s.resolve(ctx, campaignID), s.Refresh(ctx))
}

// bar adds a participant to those who may win nothing.
func (s *Service) bar(ctx context.Context, tx *sql.Tx, campaignID, participant, login string) (added int, err error) {
	return affected(tx.ExecContext(ctx, `INSERT INTO prize_excluded (campaign, participant, at, login) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		campaignID, participant, s.Now().UnixMilli(), login))
}

func affected(res sql.Result, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// The kinds of marks by which insiders are known.
const (
	byLine  = "line"
	byPhone = "phone"
)

// insider is somebody by what an office has of them; the mark tells nothing.
type insider struct{ kind, mark, login string }

// marks are what is kept of lines and phone numbers.
func (s *Service) marks(ctx context.Context, campaignID string, in Insiders) ([]insider, error) {
	var out []insider
	var wrong []fault.Field
	for i, l := range in.Lines {
		mark, err := s.Line(ctx, campaignID, l.Unit, l.Number)
		if err != nil {
			return nil, err
		}
		if mark == "" {
			wrong = append(wrong, fault.Field{Name: fmt.Sprintf("people.%d", i), Reason: "该单位的名册中没有这个编号"})
		}
		out = append(out, insider{kind: byLine, mark: mark})
	}
	for i, p := range in.Phones {
		if !checks["phone"](p) {
			wrong = append(wrong, fault.Field{Name: fmt.Sprintf("phones.%d", i), Reason: reasons["phone"]})
		}
		out = append(out, insider{kind: byPhone, mark: s.phoneMark(campaignID, p)})
	}
	if len(wrong) > 0 {
		return nil, fault.ErrInvalid.WithFields(wrong...)
	}
	return out, nil
}

func (s *Service) phoneMark(campaignID, phone string) string {
	return s.mark(campaignID, "phone:", phone) // no prize is called so
}

// insiders reads by what insiders of a campaign are known, of one kind: marks, and who
// excluded them.
func (s *Service) insiders(ctx context.Context, campaignID, kind string) (map[string]string, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT mark, login FROM prize_insiders WHERE campaign = $1 AND kind = $2`, campaignID, kind)
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (i insider, err error) { return i, r.Scan(&i.mark, &i.login) })
	if err != nil {
		return nil, fmt.Errorf("read by what insiders of %s are known: %w", campaignID, err)
	}
	out := make(map[string]string, len(all))
	for _, i := range all {
		out[i.mark] = i.login
	}
	return out, nil
}

// resolve bars whoever has come by a line of a roster that is excluded.
func (s *Service) resolve(ctx context.Context, campaignID string) error {
	lines, err := s.insiders(ctx, campaignID, byLine)
	if err != nil {
		return err
	}
	for mark, login := range lines {
		p, err := s.AtLine(ctx, mark)
		if err != nil {
			return err
		}
		if p == "" {
			continue
		}
		err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
			_, err := s.bar(ctx, tx, campaignID, p, login)
			return err
		})
		if err != nil {
			return fmt.Errorf("exclude who came by a roster of %s: %w", campaignID, err)
		}
	}
	return nil
}

// recognise bars a winner who claims with the phone number of an insider.
func (s *Service) recognise(ctx context.Context, campaignID, participant, phone string) error {
	if phone == "" {
		return nil
	}
	phones, err := s.insiders(ctx, campaignID, byPhone)
	if err != nil {
		return err
	}
	login, known := phones[s.phoneMark(campaignID, phone)]
	if !known {
		return nil
	}
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := s.bar(ctx, tx, campaignID, participant, login)
		return err
	})
	if err != nil {
		return fmt.Errorf("exclude a winner by their phone in %s: %w", campaignID, err)
	}
	return nil
}

// excluded lists who may win nothing.
func (s *Service) excluded(ctx context.Context, campaignID string) ([]string, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT participant FROM prize_excluded WHERE campaign = $1 ORDER BY participant`, campaignID)
	out, err := sqldb.Collect(rows, err, func(r *sql.Rows) (p string, err error) { return p, r.Scan(&p) })
	if err != nil {
		return nil, fmt.Errorf("read who is excluded in %s: %w", campaignID, err)
	}
	return out, nil
}

// refreshExcluded keeps in mind who is excluded anywhere.
func (s *Service) refreshExcluded(ctx context.Context) error {
	barred := map[prize.Person]bool{}
	for _, o := range s.Plans() {
		list, err := s.excluded(ctx, o.Campaign.ID)
		if err != nil {
			return err
		}
		for _, p := range list {
			barred[prize.Person{Campaign: o.Campaign.ID, Participant: p}] = true
		}
	}
	s.mu.Lock()
	s.barred = barred
	s.mu.Unlock()
	return nil
}

// Barred tells whether a participant may win nothing.
func (s *Service) Barred(campaignID, participant string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.barred[prize.Person{Campaign: campaignID, Participant: participant}]
}
