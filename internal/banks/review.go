package banks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/quiz/bankbook"
)

// Pick is one version of one question. Whoever signs names what they have read: a
// version that is not the newest any more is refused.
type Pick struct {
	ID      string
	Version int64
}

// maxPicks is how many questions one act may reach.
const maxPicks = 500

// Submit asks for the review of versions. All of them go, or none.
func (s *Service) Submit(ctx context.Context, by operator.Actor, bank string, picks []Pick) ([]bankbook.Version, error) {
	return s.move(ctx, by, operator.EditBanks, bank, moving{actSubmit, "", bankbook.Submitted, picks}, func(v bankbook.Version) (bankbook.Version, error) {
		return v.Submit()
	})
}

// SignOff puts the actor's name under versions: see bankbook.Version.SignOff. All of
// them are signed, or none.
func (s *Service) SignOff(ctx context.Context, by operator.Actor, bank string, picks []Pick, reason string) ([]bankbook.Version, error) {
	return s.move(ctx, by, operator.ReviewBanks, bank, moving{actSignOff, reason, bankbook.Reviewed, picks}, func(v bankbook.Version) (bankbook.Version, error) {
		return v.SignOff(person(by), s.now(), s.today())
	})
}

// SendBack returns versions to their editors, with what is wrong.
func (s *Service) SendBack(ctx context.Context, by operator.Actor, bank string, picks []Pick, reason string) ([]bankbook.Version, error) {
	return s.move(ctx, by, operator.ReviewBanks, bank, moving{actSendBack, reason, bankbook.Draft, picks}, func(v bankbook.Version) (bankbook.Version, error) {
		return v.SendBack(person(by), s.now(), reason)
	})
}

// Withdraw takes signed versions out of what is published next, and their questions out of
// what campaigns draw: papers that have them stay as they are.
func (s *Service) Withdraw(ctx context.Context, by operator.Actor, bank string, picks []Pick, reason string) ([]bankbook.Version, error) {
	return s.move(ctx, by, operator.ReviewBanks, bank, moving{actWithdraw, reason, bankbook.Withdrawn, picks}, func(v bankbook.Version) (bankbook.Version, error) {
		return v.Withdraw(person(by), s.now(), reason)
	})
}

// moving is one act on versions.
type moving struct {
	act    operator.Action
	reason string
	to     bankbook.State
	picks  []Pick
}

func (s *Service) move(
	ctx context.Context, by operator.Actor, a operator.Action, bank string, m moving, step func(bankbook.Version) (bankbook.Version, error),
) (out []bankbook.Version, err error) {
	defer mend(&err)
	if n := len(m.picks); n == 0 || n > maxPicks {
		return nil, fault.InvalidField("questions", fmt.Sprintf("请选择 1 至 %d 道题", maxPicks))
	}
	draws := s.Drawing != nil && (m.to == bankbook.Withdrawn || m.to == bankbook.Reviewed)
	var hold func(context.Context, *sql.Tx) error
	if draws {
		hold = s.Drawing.HoldDrawing
	}
	err = s.changeHeld(ctx, hold, by, a, bank, func(tx *sql.Tx, b Bank) error {
		w := mover{s: s, tx: tx, bank: b.ID, moving: m, step: step}
		if err := w.all(ctx); err != nil {
			return err
		}
		out = w.out
		if len(w.moved) == 0 { // a repeat
			return nil
		}
		if draws {
			if err := s.redraw(ctx, tx, b.ID, m.to, w.out); err != nil {
				return err
			}
		}
		return s.remember(ctx, tx, by, b, deed{m.act, m.reason, map[string]any{"questions": w.moved}})
	})
	if err != nil {
		return nil, fmt.Errorf("%s in bank %s: %w", m.act, bank, err)
	}
	return out, nil
}

// redraw lets what campaigns draw follow the reviewers.
func (s *Service) redraw(ctx context.Context, tx *sql.Tx, bank string, to bankbook.State, versions []bankbook.Version) error {
	names := make([]string, len(versions))
	for i := range versions {
		q := &versions[i].Question
		if names[i] = q.ID; to == bankbook.Reviewed {
			names[i] = q.Fingerprint()
		}
	}
	if to == bankbook.Reviewed {
		return s.Drawing.ResumeDrawing(ctx, tx, bank, names)
	}
	return s.Drawing.StopDrawing(ctx, tx, bank, names)
}

// mover takes versions one step further, in one transaction.
type mover struct {
	moving

	s    *Service
	tx   *sql.Tx
	bank string
	step func(bankbook.Version) (bankbook.Version, error)

	out   []bankbook.Version
	moved []string
	first *fault.Error // with the fields of all that are refused
}

// all moves every pick, or gives what stands against each of them.
func (w *mover) all(ctx context.Context) error {
	for _, p := range w.picks {
		if err := w.one(ctx, p); err != nil {
			f, ok := errors.AsType[*fault.Error](err)
			if !ok || f.Kind == fault.Internal || f.Kind == fault.Unavailable {
				return err
			}
			if w.first == nil {
				w.first = f
			} else {
				w.first = w.first.WithFields(f.Fields...)
			}
		}
	}
	if w.first != nil {
		return w.first
	}
	return nil
}

func (w *mover) one(ctx context.Context, p Pick) error {
	h, err := history(ctx, w.tx, w.bank, p.ID)
	if err != nil {
		return err
	}
	v, err := w.chosen(h, p)
	if err != nil {
		return err
	}
	if v.State == w.to && w.to != bankbook.Draft { // done already: a repeat
		w.out = append(w.out, v)
		return nil
	}
	if v, err = w.step(v); err != nil {
		return err
	}
	w.out = append(w.out, v)
	w.moved = append(w.moved, fmt.Sprintf("%s/%d", p.ID, p.Version))
	return settle(ctx, w.tx, w.bank, h, v)
}

// chosen finds the version that is meant: the newest, or for a withdrawal the one in
// force.
func (w *mover) chosen(h bankbook.History, p Pick) (bankbook.Version, error) {
	v := h.Latest()
	if w.to == bankbook.Withdrawn && v.State != bankbook.Withdrawn {
		if f, ok := h.InForce(); ok {
			v = f
		}
	}
	if v.Number != p.Version {
		return v, bankbook.ErrVersion.WithFields(field(p.ID, fmt.Sprintf("现为第 %d 版", v.Number)))
	}
	return v, nil
}
