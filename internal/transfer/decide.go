package transfer

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/operator"
)

// Grant lets the participant belong to the unit that they asked for, with everything
// that counts. The decision is written down first, and the counts follow: a repeat, or
// Run after a stop, goes on where it was left. After the close nothing is granted, nor
// to a unit that is gone, nor to somebody who is counted as another participant.
func (s *Service) Grant(ctx context.Context, who operator.Actor, r *Request, reason string) error {
	fail := func(err error) error { return fmt.Errorf("grant transfer %s: %w", r.ID, err) }
	if r.State == Pending {
		if err := s.may(ctx, r); err != nil {
			return fail(err)
		}
		if err := s.decide(ctx, who, r, Granting, reason, 0); err != nil {
			return fail(err)
		}
	}
	if r.State == Granted {
		return nil
	}
	if r.State != Granting {
		return fail(ErrState)
	}
	if err := s.follow(ctx, r); err != nil {
		return fail(err)
	}
	return nil
}

// may tells why a request cannot be granted any more.
func (s *Service) may(ctx context.Context, r *Request) error {
	c, err := s.Campaign(r.Campaign)
	if err != nil {
		return err
	}
	if err := inTime(c, s.Now()); err != nil {
		return err
	}
	if err := receiving(c, r.To); err != nil {
		return err
	}
	return s.counted(ctx, r.Campaign, r.Participant)
}

// Refuse leaves the participant where they are, and tells them why.
func (s *Service) Refuse(ctx context.Context, who operator.Actor, r *Request, reason string) error {
	if err := s.decide(ctx, who, r, Refused, reason, 1); err != nil {
		return fmt.Errorf("refuse transfer %s: %w", r.ID, err)
	}
	return nil
}

// audited is what the log holds of a request: no word of what was written by its
// participant.
type audited struct {
	State State  `json:"state"`
	From  string `json:"from_unit"`
	To    string `json:"to_unit"`
}

// decide writes down what was decided of a request that waits, and who did. The reason
// has at least so many characters.
func (s *Service) decide(ctx context.Context, who operator.Actor, r *Request, to State, reason string, least int) error {
	reason, err := campaign.Prose("reason", reason, least, maxText)
	if err != nil {
		return err
	}
	now := s.Now().Truncate(time.Millisecond).UTC()
	ended := r.ID
	if to == Granting {
		ended = ""
	}
	record, err := r.record(now, who, to)
	record.Reason = reason
	if err == nil {
		err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
			err := changed(tx.ExecContext(ctx, `UPDATE transfers SET state = $1, answer = $2, decided = $3, operator = $4, login = $5, ended = $6
				WHERE id = $7 AND state = 'pending'`,
				string(to), s.Box.Text(reason, aad(r.ID)), now.UnixMilli(), who.ID, who.Login, ended, r.ID))
			if err != nil {
				return err
			}
			return audit.AppendTx(ctx, tx, record)
		})
	}
	if err == nil {
		r.State, r.Answer, r.DecidedAt, r.Login, r.by = to, reason, now, who.Login, who.ID
	}
	return err
}

// record is what the log is told of a request that comes to another state.
func (r *Request) record(now time.Time, who operator.Actor, to State) (audit.Record, error) {
	record := who.Record(now, operator.MoveParticipants, r.Campaign, "transfer:"+r.ID)
	before, errBefore := json.Marshal(audited{r.State, r.From, r.To})
	after, errAfter := json.Marshal(audited{to, r.From, r.To})
	record.Before, record.After = before, after
	return record, errors.Join(errBefore, errAfter)
}

// follow moves the participant of a request that was decided, and ends it. It may be
// repeated. Where they came to be counted as another participant meanwhile, the request
// waits again, and it returns ErrJoined.
func (s *Service) follow(ctx context.Context, r *Request) error {
	e, err := s.Enrolment(ctx, r.Campaign, r.Participant)
	if err != nil {
		return err
	}
	_, err = s.Mover.Transfer(ctx, r.Campaign, act.Transfer{
		Participant: r.Participant, Request: r.ID, To: act.Place{Unit: r.To, Group: e.Group},
	})
	if errors.Is(err, act.ErrElsewhere) {
		return errors.Join(ErrJoined, s.waitAgain(ctx, r))
	}
	if err != nil {
		return err
	}
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE transfers SET state = 'granted', ended = id WHERE id = $1 AND state = 'granting'`, r.ID)
		return err
	})
	if err == nil {
		r.State = Granted
	}
	return err
}

// waitAgain takes a decision back that no count can follow.
func (s *Service) waitAgain(ctx context.Context, r *Request) error {
	record, err := r.record(s.Now().Truncate(time.Millisecond).UTC(), operator.Actor{ID: r.by, Login: r.Login}, Pending)
	record.Reason = ErrJoined.Text
	if err == nil {
		err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
			err := changed(tx.ExecContext(ctx, `UPDATE transfers SET state = 'pending', answer = NULL, decided = 0, operator = '', login = '' WHERE id = $1 AND state = 'granting'`, r.ID))
			if err != nil {
				return err
			}
			return audit.AppendTx(ctx, tx, record)
		})
	}
	if err != nil {
		return fmt.Errorf("let transfer %s wait again: %w", r.ID, err)
	}
	r.State, r.Answer, r.DecidedAt, r.Login, r.by = Pending, "", time.Time{}, "", ""
	return nil
}

// goOnEvery is how often Run looks for what a stop has left halfway.
const goOnEvery = 30 * time.Second

// Run lets the counts of decided requests follow that a stop, or a Redis that did not
// answer, has left halfway, until ctx ends.
func (s *Service) Run(ctx context.Context) {
	tick := time.NewTicker(goOnEvery)
	defer tick.Stop()
	for {
		if err := s.GoOn(ctx); err != nil && ctx.Err() == nil {
			s.Failed(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// GoOn is one look of Run.
func (s *Service) GoOn(ctx context.Context) error {
	left, err := s.some(ctx, `state = 'granting' ORDER BY id`)
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range left {
		if err := s.follow(ctx, r); err != nil {
			errs = append(errs, fmt.Errorf("go on with transfer %s: %w", r.ID, err))
		}
	}
	return errors.Join(errs...)
}
