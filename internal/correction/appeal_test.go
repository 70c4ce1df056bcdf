package correction_test

import (
	"errors"
	"testing"

	"qingyuan/internal/correction"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// TestAppeals: somebody who was taken out with the others speaks up; an operator refuses
// it, or a second person lets that one act count again, and nothing else.
func TestAppeals(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db, definition(t, "antidrug", 1))
		r.populate(8, 1)
		b := r.run(r.create(clerk(""), correction.Conditions{Attempts: true, From: noon}))
		ctx := t.Context()
		speak := func(i int) *correction.Appeal {
			a, fresh, err := r.service.Appeal(ctx, correction.Appeal{
				Act: act.Act{Participant: person(i), Number: 1}, Campaign: r.def.ID, Unit: units[i%4], Batch: b.ID, Text: " 本人作答，请核实 ",
			})
			if must(t, a, err); !fresh || a.State != correction.Received || a.Text != "本人作答，请核实" {
				t.Fatalf("%+v", a)
			}
			return a
		}
		first, second := speak(0), speak(1)
		again, fresh, err := r.service.Appeal(ctx, correction.Appeal{Act: first.Act, Campaign: r.def.ID, Unit: "u1", Batch: b.ID, Text: "再说一遍"})
		if err != nil || fresh || again.ID != first.ID || again.Text != first.Text {
			t.Errorf("a repeat: %+v, %t, %v", again, fresh, err)
		}
		if list, err := r.service.Appeals(ctx, clerk("u2"), r.def.ID, "", "", 10); err != nil || len(list) != 1 || list[0].ID != second.ID {
			t.Errorf("the second unit sees %v, %v", list, err)
		}
		if _, err := r.service.FindAppeal(ctx, clerk("u2"), r.def.ID, first.ID); !errors.Is(err, correction.ErrNoAppeal) {
			t.Errorf("the second unit finds %v", err)
		}
		must(t, 0, r.service.Review(ctx, clerk("u2"), second))
		must(t, 0, r.service.Refuse(ctx, clerk("u2"), second, "证据充分"))
		if err := r.service.Refuse(ctx, clerk("u2"), second, "证据充分"); !errors.Is(err, correction.ErrAnswered) {
			t.Errorf("answered twice: %v", err)
		}
		r.approve(r.service.AskUphold(ctx, clerk("u1"), first, "抱歉，已恢复"))
		own, err := r.service.OwnAppeals(ctx, r.def.ID, person(0))
		if err != nil || len(own) != 1 || own[0].State != correction.Upheld || own[0].Answer != "抱歉，已恢复" || own[0].DecidedAt.IsZero() {
			t.Errorf("%+v, %v", own, err)
		}
		r.settle()
		r.clean()
		if n := r.outNow(b); n != 7 {
			t.Errorf("%d are out, want 7", n)
		}
		if b = r.undo(b); b.Counts[correction.Back] != 8 {
			t.Errorf("%+v", b)
		}
		if n, err := r.service.Reseal(ctx); n != 2 || err != nil {
			t.Errorf("sealed anew: %d, %v", n, err)
		}
		must(t, 0, r.service.ErasePersonal(ctx, person(0)))
		own, err = r.service.OwnAppeals(ctx, r.def.ID, person(0))
		if err != nil || own[0].Text != "" || own[0].Answer != "" || own[0].State != correction.Upheld {
			t.Errorf("erased: %+v, %v", own[0], err)
		}
		r.settle()
		r.clean()
	})
}
