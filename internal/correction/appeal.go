package correction

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"qingyuan/campaign"
	"qingyuan/internal/approval"
	"qingyuan/internal/audit"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
)

// AppealState is how far an appeal has come.
type AppealState string

// The states of an appeal. Upheld means that the act counts again.
const (
	Received AppealState = "received"
	InReview AppealState = "in_review"
	Upheld   AppealState = "upheld"
	Refused  AppealState = "refused"
)

// Known tells whether there is such a state.
func (s AppealState) Known() bool {
	return s == Received || s == InReview || s == Upheld || s == Refused
}

// Appeal is what a participant says against the invalidation of one of their acts, or
// against a prize that they are not given.
type Appeal struct {
	act.Act

	ID, Campaign string
	// Unit is where they belonged, Batch what has taken the act out, or PrizeDispute.
	Unit, Batch string
	// Text and Answer are "" once they were erased; Answer also before there is one.
	Text, Answer         string
	State                AppealState
	CreatedAt, DecidedAt time.Time
	Login                string // of who answered
}

// aboutPrize begins the name of what is appealed against where that is not a batch: that a
// prize is not given, or not yet.
const aboutPrize = "prize:"

// PrizeDispute names what an appeal about a prize is against: a win, since it came into its
// state, so that there may be another appeal after another decision.
func PrizeDispute(win string, since time.Time) string {
	return fmt.Sprintf("%s%s@%d", aboutPrize, win, since.UnixMilli())
}

// Win is the prize that an appeal is about, "" for an act.
func (a *Appeal) Win() string {
	about, ok := strings.CutPrefix(a.Batch, aboutPrize)
	if !ok {
		return ""
	}
	win, _, _ := strings.Cut(about, "@")
	return win
}

// Errors of appeals.
var (
	ErrNoAppeal = fault.New(fault.NotFound, "appeal.not_found", "没有这项申诉")
	ErrAnswered = fault.New(fault.Conflict, "appeal.answered", "这项申诉已有结论")
	// ErrCounts is an appeal against something that counts, or that was not taken out
	// by the office.
	ErrCounts = fault.New(fault.Conflict, "appeal.nothing", "这份记录没有被作废，无需申诉")
)

// The bounds of texts, in characters.
const longestText = 1000

func appealAAD(campaignID, participant string) []byte {
	return []byte("appeal|" + campaignID + "|" + participant)
}

// Appeal takes an appeal against what a batch did to an act. There is one for each act
// and batch: a repeat gives the first back, with fresh false.
func (s *Service) Appeal(ctx context.Context, a Appeal) (kept *Appeal, fresh bool, err error) {
	if a.Text, err = campaign.Prose("text", a.Text, 1, longestText); err != nil {
		return nil, false, err
	}
	if a.Batch == "" {
		return nil, false, ErrCounts
	}
	a.ID = ulid.Make().String()
	sealed := s.Box.Text(a.Text, appealAAD(a.Campaign, a.Participant))
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO appeals (id, campaign, unit, participant, number, batch, text, state, created)
			VALUES ($1, $2, $3, $4, $5, $6, $7, 'received', $8) ON CONFLICT (campaign, participant, number, batch) DO NOTHING`,
			a.ID, a.Campaign, a.Unit, a.Participant, a.Number, a.Batch, sealed, s.Now().UnixMilli())
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		fresh = n == 1
		return err
	})
	if err == nil {
		kept, err = s.appeal(ctx, `campaign = $1 AND participant = $2 AND number = $3 AND batch = $4`, a.Campaign, a.Participant, a.Number, a.Batch)
	}
	if err != nil {
		return nil, false, fmt.Errorf("take an appeal in %s: %w", a.Campaign, err)
	}
	return kept, fresh, nil
}

const appealColumns = `id, campaign, unit, participant, number, batch, text, answer, state, created, decided, login`

func (s *Service) appeal(ctx context.Context, where string, args ...any) (*Appeal, error) {
	a, err := s.scanAppeal(s.DB.QueryRowContext(ctx, `SELECT `+appealColumns+` FROM appeals WHERE `+where, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNoAppeal
	}
	return a, err
}

func (s *Service) scanAppeal(row interface{ Scan(dest ...any) error }) (*Appeal, error) {
	var a Appeal
	var text, answer []byte
	var created, decided int64
	err := row.Scan(&a.ID, &a.Campaign, &a.Unit, &a.Participant, &a.Number, &a.Batch, &text, &answer, &a.State, &created, &decided, &a.Login)
	if err != nil {
		return nil, err
	}
	a.CreatedAt, a.DecidedAt = moment(created), moment(decided)
	for _, t := range []struct {
		sealed []byte
		to     *string
	}{{text, &a.Text}, {answer, &a.Answer}} {
		if *t.to, err = s.Box.OpenText(t.sealed, appealAAD(a.Campaign, a.Participant)); err != nil {
			return nil, fmt.Errorf("open appeal %s: %w", a.ID, err)
		}
	}
	return &a, nil
}

// OwnAppeals returns those of a participant, the newest first.
func (s *Service) OwnAppeals(ctx context.Context, campaignID, participant string) ([]*Appeal, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT `+appealColumns+` FROM appeals WHERE campaign = $1 AND participant = $2 ORDER BY id DESC`, campaignID, participant)
	out, err := sqldb.Collect(rows, err, func(r *sql.Rows) (*Appeal, error) { return s.scanAppeal(r) })
	if err != nil {
		return nil, fmt.Errorf("appeals of a participant in %s: %w", campaignID, err)
	}
	return out, nil
}

// Appeals returns at most limit appeals of a campaign that the actor may answer, the
// newest first; before is the id that a page ended with, state "" any.
func (s *Service) Appeals(ctx context.Context, who operator.Actor, campaignID string, state AppealState, before string, limit int) ([]*Appeal, error) {
	def, err := s.Catalog.Campaign(campaignID)
	if err != nil {
		return nil, err
	}
	return operator.Seen(before, limit, func(before string, most int) ([]*Appeal, error) {
		rows, err := s.DB.QueryContext(ctx, `SELECT `+appealColumns+` FROM appeals
			WHERE campaign = $1 AND id < $2 AND ($3 = '' OR state = $3) ORDER BY id DESC LIMIT $4`, campaignID, before, string(state), most)
		all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (*Appeal, error) { return s.scanAppeal(r) })
		if err != nil {
			return nil, fmt.Errorf("list the appeals of %s: %w", campaignID, err)
		}
		return all, nil
	}, func(a *Appeal) string { return a.ID }, func(a *Appeal) bool { return who.Within(operator.CorrectResults, def, a.Unit) })
}

// FindAppeal returns an appeal that the actor may answer.
func (s *Service) FindAppeal(ctx context.Context, who operator.Actor, campaignID, id string) (*Appeal, error) {
	def, err := s.Catalog.Campaign(campaignID)
	if err != nil {
		return nil, err
	}
	a, err := s.appeal(ctx, `id = $1 AND campaign = $2`, id, campaignID)
	if err != nil {
		return nil, err
	}
	if !who.Within(operator.CorrectResults, def, a.Unit) {
		return nil, ErrNoAppeal
	}
	return a, nil
}

// Review tells the participant that somebody looks at an appeal.
func (s *Service) Review(ctx context.Context, who operator.Actor, a *Appeal) error {
	return s.lead(ctx, who, a, InReview, a.Answer)
}

// Refuse answers an appeal: the act stays out.
func (s *Service) Refuse(ctx context.Context, who operator.Actor, a *Appeal, answer string) error {
	answer, err := campaign.Prose("text", answer, 1, longestText)
	if err != nil {
		return err
	}
	return s.lead(ctx, who, a, Refused, answer)
}

// ApproveAppeal is the kind of approval with which one act of a batch counts again.
const ApproveAppeal = "appeal.uphold"

// AskUphold answers an appeal so that the act is to count again, once a second person
// has approved that. It returns the id of the approval.
func (s *Service) AskUphold(ctx context.Context, who operator.Actor, a *Appeal, answer string) (string, error) {
	answer, err := campaign.Prose("text", answer, 1, longestText)
	if err != nil {
		return "", err
	}
	if err := s.lead(ctx, who, a, InReview, answer); err != nil {
		return "", err
	}
	params, err := json.Marshal(appealed{a.ID})
	if err != nil {
		return "", fmt.Errorf("encode the approval of appeal %s: %w", a.ID, err)
	}
	reason := "申诉成立，恢复一份记录"
	if a.Win() != "" {
		reason = "申诉成立，发放奖品"
	}
	return s.Approvals.Ask(ctx, who, ApproveAppeal, a.Campaign, params, reason)
}

type appealed struct {
	Appeal string `json:"appeal"`
}

// lead moves an appeal that has no answer yet to a state.
func (s *Service) lead(ctx context.Context, who operator.Actor, a *Appeal, to AppealState, answer string) error {
	sealed := s.Box.Text(answer, appealAAD(a.Campaign, a.Participant))
	decided := int64(0)
	if to == Refused || to == Upheld {
		decided = s.Now().UnixMilli()
	}
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE appeals SET state = $1, answer = $2, decided = $3, operator = $4, login = $5
			WHERE id = $6 AND state IN ('received', 'in_review')`, string(to), sealed, decided, who.ID, who.Login, a.ID)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrAnswered)
		}
		r := who.Record(s.Now(), operator.CorrectResults, a.Campaign, "appeal:"+a.ID)
		r.Before, r.After = json.RawMessage(`{"state":"`+string(a.State)+`"}`), json.RawMessage(`{"state":"`+string(to)+`"}`)
		return audit.AppendTx(ctx, tx, r)
	})
	if err != nil {
		return fmt.Errorf("lead appeal %s to %s: %w", a.ID, to, err)
	}
	a.State, a.Answer = to, answer
	return nil
}

// uphold lets the act of an appeal count again, or gives the prize, unless that was done
// already.
func (s *Service) uphold(ctx context.Context, of approval.Approval) (json.RawMessage, error) {
	var p appealed
	if err := json.Unmarshal(of.Params, &p); err != nil {
		return nil, fmt.Errorf("parameters of approval %s: %w", of.ID, err)
	}
	a, err := s.appeal(ctx, `id = $1`, p.Appeal)
	if err != nil || a.State == Upheld {
		return nil, err
	}
	who := operator.Actor{ID: of.AskedBy, Login: of.AskedLogin}
	if win := a.Win(); win != "" {
		err = s.Prizes(ctx, who, a.Campaign, win)
	} else {
		err = s.restoreOne(ctx, a)
	}
	if err != nil {
		return nil, err
	}
	return nil, s.lead(ctx, who, a, Upheld, a.Answer)
}

// restoreOne gives one act of a batch back, in the turn that the batch is at.
func (s *Service) restoreOne(ctx context.Context, a *Appeal) error {
	b, err := batch(ctx, s.DB, a.Batch)
	if err != nil {
		return err
	}
	if b.State == Running || b.State == Undoing {
		return fault.ErrUnavailable.Because(ErrState) // it is being worked on: later
	}
	turn := act.Turn{Batch: b.ID, Number: b.Turn}
	if err := s.Acts.Begin(ctx, a.Campaign, turn); err != nil {
		return fault.ErrUnavailable.Because(err)
	}
	if _, err := s.Acts.Restore(ctx, a.Campaign, turn, a.Act); err != nil {
		return err
	}
	return s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE correction_items SET outcome = $1 WHERE batch = $2 AND participant = $3 AND number = $4 AND outcome = $5`,
			string(Back), b.ID, a.Participant, a.Number, string(Out))
		if err != nil {
			return err
		}
		return lookAtOnce(ctx, tx, b, s.now())
	})
}

// reachesAppeal is an approval.Reach: an appeal reaches the participant's unit.
func (s *Service) reachesAppeal(ctx context.Context, by operator.Actor, action operator.Action, def *campaign.Campaign, raw json.RawMessage) error {
	var p appealed
	if err := json.Unmarshal(raw, &p); err != nil {
		return fault.ErrInvalid.Because(err)
	}
	a, err := s.appeal(ctx, `id = $1`, p.Appeal)
	switch {
	case errors.Is(err, ErrNoAppeal):
		return fault.ErrNotFound
	case err != nil:
		return err
	case def == nil || a.Campaign != def.ID || !by.Within(action, def, a.Unit):
		return fault.ErrNotFound
	default:
		return nil
	}
}

// ErasePersonal takes away what a participant has written and what they were answered.
func (s *Service) ErasePersonal(ctx context.Context, participant string) error {
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE appeals SET text = NULL, answer = NULL WHERE participant = $1`, participant)
		return err
	})
	if err != nil {
		return fmt.Errorf("erase the appeals of participant %s: %w", participant, err)
	}
	return nil
}

// Reseal seals every text with the current key, and returns how many appeals there are.
func (s *Service) Reseal(ctx context.Context) (n int, err error) {
	for after := ""; ; {
		rows, err := s.DB.QueryContext(ctx, `SELECT `+appealColumns+` FROM appeals WHERE id > $1 ORDER BY id LIMIT $2`, after, pageSize)
		page, err := sqldb.Collect(rows, err, func(r *sql.Rows) (*Appeal, error) { return s.scanAppeal(r) })
		if err != nil {
			return n, fmt.Errorf("seal the appeals anew: %w", err)
		}
		for _, a := range page {
			if err := s.resealOne(ctx, a); err != nil {
				return n, fmt.Errorf("seal appeal %s anew: %w", a.ID, err)
			}
			after = a.ID
			n++
		}
		if len(page) < pageSize {
			return n, nil
		}
	}
}

func (s *Service) resealOne(ctx context.Context, a *Appeal) error {
	aad := appealAAD(a.Campaign, a.Participant)
	return s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		for column, text := range map[string]string{"text": a.Text, "answer": a.Answer} {
			if text == "" {
				continue
			}
			_, err := tx.ExecContext(ctx, `UPDATE appeals SET `+column+` = $1 WHERE id = $2 AND `+column+` IS NOT NULL`, //nolint:gosec // G202: names of ours
				s.Box.Text(text, aad), a.ID)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
