package prizes

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

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

// insider is somebody by what an office has of them; the mark tells nothing.
type insider struct{ kind, mark string }

// marks are what is kept of lines and phone numbers.
func (s *Service) marks(ctx context.Context, campaignID string, in Insiders) ([]insider, error) {
	phones, wrong := s.Marks.phones(campaignID, in.Phones)
	var out []insider
	for _, m := range phones {
		out = append(out, insider{byPhone, m})
	}
	for i, l := range in.Lines {
		m, err := s.Marks.Door(ctx, campaignID, l.Unit, l.Number)
		if err != nil {
			return nil, err
		}
		if m == "" {
			wrong = append(wrong, noLine(i))
		}
		out = append(out, insider{byLine, m})
	}
	if len(wrong) > 0 {
		return nil, fault.ErrInvalid.WithFields(wrong...)
	}
	return out, nil
}

// insiders reads by what insiders of a campaign are known, of one kind: marks, and who has
// said them.
func (s *Service) insiders(ctx context.Context, campaignID, kind string) (map[string]string, error) {
	return marksOf(ctx, s.DB, `SELECT mark, login FROM prize_insiders WHERE campaign = $1 AND kind = $2`, campaignID, kind)
}

// phoneBook recognises the phone numbers of insiders of a campaign: those that are on its
// list, and those of whoever runs campaigns.
type phoneBook struct {
	marks         *Marks
	campaign      string
	listed, staff map[string]string
}

func (s *Service) phoneBook(ctx context.Context, campaignID string) (*phoneBook, error) {
	b := &phoneBook{marks: &s.Marks, campaign: campaignID}
	var err error
	if b.listed, err = s.insiders(ctx, campaignID, byPhone); err != nil {
		return nil, err
	}
	if s.Staff != nil {
		b.staff, err = s.Staff.by(ctx, campaignID, byPhone)
	}
	return b, err
}

// empty tells whether no number is an insider's.
func (b *phoneBook) empty() bool { return len(b.listed)+len(b.staff) == 0 }

// find tells whether one of somebody's numbers is an insider's, and who has said so.
func (b *phoneBook) find(numbers ...string) (login string, known bool) {
	for _, n := range numbers {
		if n == "" {
			continue
		}
		if login, known = b.listed[b.marks.phone(b.campaign, n)]; known {
			return login, true
		}
		if login, known = b.staff[b.marks.phone("", n)]; known {
			return login, true
		}
	}
	return "", false
}

// resolve bars whoever has come by a line of a roster that is an insider's.
func (s *Service) resolve(ctx context.Context, campaignID string) error {
	lines, err := s.insiders(ctx, campaignID, byLine)
	if err != nil {
		return err
	}
	if s.Staff != nil {
		staff, err := s.Staff.by(ctx, campaignID, byLine)
		if err != nil {
			return err
		}
		maps.Copy(lines, staff)
	}
	for mark, login := range lines {
		p, err := s.AtLine(ctx, mark)
		if err != nil {
			return err
		}
		if p == "" {
			continue
		}
		if err := s.barOne(ctx, campaignID, p, login); err != nil {
			return fmt.Errorf("exclude who came by a roster of %s: %w", campaignID, err)
		}
	}
	return nil
}

// recognise bars a winner who claims with the phone number of an insider, or has enrolled
// with it.
func (s *Service) recognise(ctx context.Context, campaignID, participant, phone string) error {
	book, err := s.phoneBook(ctx, campaignID)
	if err != nil || book.empty() {
		return err
	}
	numbers := []string{phone}
	if s.Phones != nil {
		enrolled, err := s.Phones(ctx, campaignID, participant)
		if err != nil {
			return err
		}
		numbers = append(numbers, enrolled...)
	}
	login, known := book.find(numbers...)
	if !known {
		return nil
	}
	if err := s.barOne(ctx, campaignID, participant, login); err != nil {
		return fmt.Errorf("exclude a winner by their phone in %s: %w", campaignID, err)
	}
	return nil
}

func (s *Service) barOne(ctx context.Context, campaignID, participant, login string) error {
	return s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := s.bar(ctx, tx, campaignID, participant, login)
		return err
	})
}

// GoesOnAs bars who goes on as another participant wherever they were barred.
func (s *Service) GoesOnAs(ctx context.Context, from, to string) error {
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO prize_excluded (campaign, participant, at, login)
			SELECT campaign, CAST($1 AS TEXT), CAST($2 AS BIGINT), login FROM prize_excluded WHERE participant = $3 ON CONFLICT DO NOTHING`, to, s.Now().UnixMilli(), from)
		return err
	})
	if err != nil {
		return fmt.Errorf("exclude who goes on as %s: %w", to, err)
	}
	return nil
}

// Exclusion is what is on the list of a campaign.
type Exclusion struct {
	// Participants may win nothing; Lines and Phones are by what more of them are known, and
	// Unknown the accounts of whose holders nothing is known.
	Participants, Lines, Phones int
	Unknown                     []operator.Account
}

// Exclusion tells what is on the list of a campaign, and which operators are not known.
func (s *Service) Exclusion(ctx context.Context, campaignID string) (out Exclusion, err error) {
	o, err := s.Catalog.Prizes(campaignID)
	if err != nil {
		return out, err
	}
	err = s.DB.QueryRowContext(ctx, `SELECT
		(SELECT COUNT(*) FROM prize_excluded WHERE campaign = $1),
		(SELECT COUNT(*) FROM prize_insiders WHERE campaign = $1 AND kind = 'line'),
		(SELECT COUNT(*) FROM prize_insiders WHERE campaign = $1 AND kind = 'phone')`, campaignID).Scan(&out.Participants, &out.Lines, &out.Phones)
	if err != nil {
		return out, fmt.Errorf("read who is excluded in %s: %w", campaignID, err)
	}
	if s.Staff != nil {
		out.Unknown, err = s.Staff.Unknown(ctx, o.Campaign)
	}
	return out, err
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
