package correction

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
)

// FlagState is what an operator has made of a flag.
type FlagState string

// The states of a flag.
const (
	FlagNew       FlagState = "new"
	FlagConfirmed FlagState = "confirmed" // its acts may go into a batch
	FlagDismissed FlagState = "dismissed"
)

// Known tells whether there is such a state.
func (s FlagState) Known() bool { return s == FlagNew || s == FlagConfirmed || s == FlagDismissed }

// Flag is something that a rule has noticed.
type Flag struct {
	ID, Campaign string
	Rule         Rule
	// Unit is "" where several are concerned.
	Unit               string
	Acts, Participants int64
	// Evidence are the newest acts, at most 50; number -1 is a participant as a whole.
	Evidence          []ActID
	State             FlagState
	CreatedAt, SeenAt time.Time
	// Login decided at DecidedAt, for Reason; zero before.
	Login, Reason string
	DecidedAt     time.Time

	mark string
}

// ErrNoFlag is a flag that is not there, or not for this operator.
var ErrNoFlag = fault.New(fault.NotFound, "flag.not_found", "没有这条提示")

const flagColumns = `id, campaign, rule, mark, unit, acts, participants, evidence, state, created, seen, login, reason, decided`

func scanFlag(row interface{ Scan(dest ...any) error }) (*Flag, error) {
	var f Flag
	var evidence string
	var created, seen, decided int64
	err := row.Scan(&f.ID, &f.Campaign, &f.Rule, &f.mark, &f.Unit, &f.Acts, &f.Participants, &evidence, &f.State, &created, &seen, &f.Login, &f.Reason, &decided)
	if err != nil {
		return nil, err
	}
	f.CreatedAt, f.SeenAt, f.DecidedAt = moment(created), moment(seen), moment(decided)
	if err := json.Unmarshal([]byte(evidence), &f.Evidence); err != nil {
		return nil, fmt.Errorf("evidence of flag %s: %w", f.ID, err)
	}
	return &f, nil
}

// FlagQuery chooses flags; the zero value is all, from the newest.
type FlagQuery struct {
	State FlagState
	Rule  Rule
	// Before is the id that a page ended with.
	Before string
}

// Flags returns at most limit flags of a campaign that lie within the actor's part, the
// newest first.
func (s *Service) Flags(ctx context.Context, who operator.Actor, campaignID string, q FlagQuery, limit int) ([]*Flag, error) {
	def, err := s.Catalog.Campaign(campaignID)
	if err != nil {
		return nil, err
	}
	return operator.Seen(q.Before, limit, func(before string, most int) ([]*Flag, error) {
		rows, err := s.DB.QueryContext(ctx, `SELECT `+flagColumns+` FROM flags WHERE campaign = $1 AND id < $2
			AND ($3 = '' OR state = $3) AND ($4 = '' OR rule = $4) ORDER BY id DESC LIMIT $5`, campaignID, before, string(q.State), string(q.Rule), most)
		all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (*Flag, error) { return scanFlag(r) })
		if err != nil {
			return nil, fmt.Errorf("list the flags of %s: %w", campaignID, err)
		}
		return all, nil
	}, func(f *Flag) string { return f.ID }, func(f *Flag) bool { return who.Within(operator.CorrectResults, def, f.Unit) })
}

// Flag returns a flag within the actor's part.
func (s *Service) Flag(ctx context.Context, who operator.Actor, campaignID, id string) (*Flag, error) {
	def, err := s.Catalog.Campaign(campaignID)
	if err != nil {
		return nil, err
	}
	f, err := scanFlag(s.DB.QueryRowContext(ctx, `SELECT `+flagColumns+` FROM flags WHERE id = $1 AND campaign = $2`, id, campaignID))
	if errors.Is(err, sql.ErrNoRows) || err == nil && !who.Within(operator.CorrectResults, def, f.Unit) {
		return nil, ErrNoFlag
	}
	if err != nil {
		return nil, fmt.Errorf("read flag %s: %w", id, err)
	}
	return f, nil
}

// Decide writes down what an operator makes of a flag; they may change their mind.
// Nothing happens to anybody by it.
func (s *Service) Decide(ctx context.Context, who operator.Actor, f *Flag, to FlagState, why string) error {
	if to != FlagConfirmed && to != FlagDismissed {
		return fault.InvalidField("state", "应为 confirmed 或 dismissed")
	}
	now := s.Now()
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE flags SET state = $1, operator = $2, login = $3, decided = $4, reason = $5 WHERE id = $6`,
			string(to), who.ID, who.Login, now.UnixMilli(), why, f.ID)
		if err != nil {
			return err
		}
		r := who.Record(now, operator.CorrectResults, f.Campaign, "flag:"+f.ID)
		r.Before, r.After, r.Reason = json.RawMessage(`{"state":"`+string(f.State)+`"}`), json.RawMessage(`{"state":"`+string(to)+`"}`), why
		return audit.AppendTx(ctx, tx, r)
	})
	if err != nil {
		return fmt.Errorf("decide on flag %s: %w", f.ID, err)
	}
	f.State, f.Login, f.Reason, f.DecidedAt = to, who.Login, why, now
	return nil
}

// flagged adds to conditions the acts of the flags that they name, all of which must be
// confirmed and lie within the actor's part.
func (s *Service) flagged(ctx context.Context, who operator.Actor, def *campaign.Campaign, c *Conditions) error {
	for _, id := range c.Flags {
		f, err := s.Flag(ctx, who, def.ID, id)
		if errors.Is(err, ErrNoFlag) || err == nil && f.State != FlagConfirmed {
			return fault.InvalidField("conditions.flags", "只能使用本范围内已确认的提示")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// marked returns the acts, and the participants as a whole, whom flags are about.
func (s *Service) marked(ctx context.Context, campaignID string, flags []string) (acts []ActID, people []string, err error) {
	for _, id := range flags {
		rows, err := s.DB.QueryContext(ctx, `SELECT DISTINCT m.participant, m.number FROM flags f
			JOIN flag_marks m ON m.campaign = f.campaign AND m.rule = f.rule AND m.mark = f.mark
			WHERE f.id = $1 AND f.campaign = $2`, id, campaignID)
		all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (a ActID, err error) { return a, r.Scan(&a.Participant, &a.Number) })
		if err != nil {
			return nil, nil, fmt.Errorf("read what flag %s is about: %w", id, err)
		}
		for _, a := range all {
			if a.Number == wholePerson {
				people = append(people, a.Participant)
			} else {
				acts = append(acts, a)
			}
		}
	}
	slices.Sort(people)
	return acts, slices.Compact(people), nil
}

// Flagged tells by which rules acts of participants are noticed, of those flags that
// nobody has dismissed.
func (s *Service) Flagged(ctx context.Context, campaignID string) (map[string][]string, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT DISTINCT m.participant, f.rule FROM flags f
		JOIN flag_marks m ON m.campaign = f.campaign AND m.rule = f.rule AND m.mark = f.mark
		WHERE f.campaign = $1 AND f.state <> 'dismissed' ORDER BY m.participant, f.rule`, campaignID)
	type noticed struct{ participant, rule string }
	list, err := sqldb.Collect(rows, err, func(r *sql.Rows) (noticed, error) {
		var n noticed
		return n, r.Scan(&n.participant, &n.rule)
	})
	if err != nil {
		return nil, fmt.Errorf("who is flagged in %s: %w", campaignID, err)
	}
	out := map[string][]string{}
	for _, n := range list {
		out[n.participant] = append(out[n.participant], n.rule)
	}
	return out, nil
}
