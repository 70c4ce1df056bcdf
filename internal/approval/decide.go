package approval

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
)

// Ask asks a second person to approve an act, and returns the id under which it is
// decided on and run. Asking the same again while it waits, or is run, changes nothing.
func (s *Service) Ask(ctx context.Context, by operator.Actor, kind, campaignID string, params json.RawMessage, reason string) (id string, err error) {
	defer mend(&err)
	k, ok := s.kinds[kind]
	if !ok {
		return "", fmt.Errorf("ask for %s: there is no such kind", kind)
	}
	if err := s.may(ctx, by, k.Asks, k, campaignID, params); err != nil {
		return "", err
	}
	now := s.o.Now()
	a := Approval{
		ID: ulid.MustNew(ulid.Timestamp(now), rand.Reader).String(), Kind: kind, Campaign: campaignID, Params: params, Reason: reason,
		AskedBy: by.ID, AskedLogin: by.Login, AskedAt: now, ExpiresAt: now.Add(Life), State: Asked,
	}
	rec := record(by, a, "approval.ask", now)
	rec.After, rec.Reason = params, reason
	err = s.o.DB.WithTx(ctx, func(tx *sql.Tx) error {
		// First, because it makes those who ask at once wait for each other.
		if err := audit.AppendTx(ctx, tx, rec); err != nil {
			return err
		}
		if err := k.alone(ctx, tx, &a); err != nil {
			return err
		}
		return insert(ctx, tx, a)
	})
	if err != nil && !errors.Is(err, errRepeated) {
		return "", fmt.Errorf("ask for %s: %w", kind, err)
	}
	return a.ID, nil
}

// errRepeated takes back what was to be written of a request that was made before.
var errRepeated = errors.New("the same was asked for already")

// alone looks for requests that are not through yet. One that asks for the very same is
// returned in a, with errRepeated.
func (k Kind) alone(ctx context.Context, tx *sql.Tx, a *Approval) error {
	waiting, err := readOpen(ctx, tx, *a)
	if err != nil {
		return err
	}
	for _, w := range waiting {
		if bytes.Equal(w.Params, a.Params) {
			*a = w
			return errRepeated
		}
		if k.Clash == nil {
			continue
		}
		if err := k.Clash(w.Params, a.Params); err != nil {
			return err
		}
	}
	return nil
}

// may tells whether the actor may do the action to all that the params are about, with
// the factors it asks for.
func (s *Service) may(ctx context.Context, by operator.Actor, a operator.Action, k Kind, campaignID string, params json.RawMessage) error {
	var c *campaign.Campaign
	if campaignID == "" {
		if !by.MayAnywhere(a) {
			return operator.ErrForbidden
		}
	} else if !by.May(a, campaignID) {
		return operator.ErrForbidden
	} else if found, err := s.o.Campaign(campaignID); err == nil {
		c = found
	} else {
		return err
	}
	if !by.TwoFactor {
		return operator.ErrTwoFactor
	}
	return k.Reach(ctx, by, a, c, params)
}

// record begins what the audit log is told about an approval.
func record(by operator.Actor, a Approval, what string, now time.Time) audit.Record {
	r := by.Record(now, operator.Action(what), a.Campaign, "approval:"+a.ID)
	r.Before = told(map[string]string{"kind": a.Kind, "state": string(a.State)})
	return r
}

func told(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts alone
	}
	return b
}

// Approve lets the act be run. Whoever asked for it cannot. A repeat by the same
// person changes nothing.
func (s *Service) Approve(ctx context.Context, by operator.Actor, id, reason string) (Approval, error) {
	a, err := s.decide(ctx, by, id, reason, Approved)
	if err == nil {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return a, err
}

// Refuse ends it. Whoever asked for it may take it back so.
func (s *Service) Refuse(ctx context.Context, by operator.Actor, id, reason string) (Approval, error) {
	return s.decide(ctx, by, id, reason, Refused)
}

func (s *Service) decide(ctx context.Context, by operator.Actor, id, reason string, to State) (_ Approval, err error) {
	defer mend(&err)
	var a Approval
	now := s.o.Now()
	err = s.o.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if a, err = read(ctx, tx, id); err != nil {
			return err
		}
		if err := s.mayDecide(ctx, by, a, to); err != nil {
			return err
		}
		if a.DecidedBy == by.ID && (a.State == to || to == Approved && a.State != Refused) {
			return nil // a repeat
		}
		if a.State != Asked {
			return ErrDecided
		}
		if !now.Before(a.ExpiresAt) {
			return ErrExpired
		}
		done, err := tx.ExecContext(ctx, `UPDATE approvals SET state = $1, decided_by = $2, decided_login = $3, decided_at = $4,
			decided_reason = $5, due = $4 WHERE id = $6 AND state = 'asked'`, string(to), by.ID, by.Login, now.UnixMilli(), reason, id)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return orDecided(err)
		}
		rec := record(by, a, "approval."+string(to), now)
		rec.Reason, rec.After = reason, told(map[string]string{"kind": a.Kind, "state": string(to), "asked_by": a.AskedBy})
		if err := audit.AppendTx(ctx, tx, rec); err != nil {
			return err
		}
		a, err = read(ctx, tx, id)
		return err
	})
	if err != nil {
		return Approval{}, fmt.Errorf("decide on %s: %w", id, err)
	}
	return s.seen(a), nil
}

func orDecided(err error) error {
	if err != nil {
		return err
	}
	return ErrDecided
}

// mayDecide refuses everybody who is not the second person. Who does not even see the
// approval is told that there is none.
func (s *Service) mayDecide(ctx context.Context, by operator.Actor, a Approval, to State) error {
	if a.AskedBy == by.ID {
		if to == Refused {
			return nil
		}
		return ErrOwn
	}
	k, ok := s.kinds[a.Kind]
	if !ok {
		return ErrNotFound
	}
	err := s.may(ctx, by, k.Approves, k, a.Campaign, a.Params)
	if f := fault.From(err); err != nil && (f.Kind == fault.NotFound || errors.Is(err, operator.ErrForbidden) || errors.Is(err, operator.ErrBeyond)) {
		return ErrNotFound.Because(err)
	}
	return err
}

// Find returns one approval that the actor has asked for, or may decide on.
func (s *Service) Find(ctx context.Context, by operator.Actor, id string) (_ Approval, err error) {
	defer mend(&err)
	a, err := read(ctx, s.o.DB, id)
	if err != nil {
		return Approval{}, err
	}
	if !s.visible(ctx, by, a) {
		return Approval{}, ErrNotFound
	}
	return s.seen(a), nil
}

// Filter chooses approvals; the zero value is all.
type Filter struct {
	Campaign string
	State    State
	// Before is the id after which the list goes on, "" from the newest.
	Before string
}

// List returns those that the actor has asked for or may decide on, the newest first;
// at most limit.
func (s *Service) List(ctx context.Context, by operator.Actor, f Filter, limit int) (_ []Approval, err error) {
	defer mend(&err)
	out := []Approval{}
	for before := f.Before; ; {
		page, err := readPage(ctx, s.o.DB, f.Campaign, before)
		if err != nil {
			return nil, err
		}
		for _, a := range page {
			before = a.ID
			a = s.seen(a)
			if (f.State == "" || f.State == a.State) && s.visible(ctx, by, a) {
				out = append(out, a)
			}
			if len(out) == limit {
				return out, nil
			}
		}
		if len(page) < pageSize {
			return out, nil
		}
	}
}

// visible tells whether the actor has to do with it. The second factor is asked for
// only when they decide.
func (s *Service) visible(ctx context.Context, by operator.Actor, a Approval) bool {
	if a.AskedBy == by.ID {
		return true
	}
	k, ok := s.kinds[a.Kind]
	by.TwoFactor = true
	return ok && (s.may(ctx, by, k.Approves, k, a.Campaign, a.Params) == nil || s.may(ctx, by, k.Asks, k, a.Campaign, a.Params) == nil)
}

// seen shows one whose time has run out as expired, before anybody has written it down.
func (s *Service) seen(a Approval) Approval {
	if a.State == Asked && !s.o.Now().Before(a.ExpiresAt) {
		a.State = Expired
	}
	return a
}

// mend turns an outage of the database into what may be shown.
func mend(err *error) {
	if *err == nil {
		return
	}
	if _, told := errors.AsType[*fault.Error](*err); !told && sqldb.IsUnavailable(*err) {
		*err = fault.ErrUnavailable.Because(*err)
	}
}
