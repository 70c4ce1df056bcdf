// Package ledgertest is what any ledger must do, whichever database it lies in.
package ledgertest

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
)

// Exercise runs the suite. fresh makes a database that is empty, and returns a
// function that opens the ledger in it, as often as it is called.
func Exercise(t *testing.T, fresh func(t testing.TB) func() *ledger.Ledger) {
	t.Helper()
	for _, promises := range []map[string]func(*desk){
		appendPromises(), troublePromises(), erasurePromises(), historyPromises(), registerPromises(),
	} {
		for name, promise := range promises {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				promise(newDesk(t, fresh))
			})
		}
	}
}

// desk is a ledger and what a test does with it.
type desk struct {
	testing.TB
	*ledger.Ledger

	fresh func(testing.TB) func() *ledger.Ledger
	// reopen opens the same database once more.
	reopen func() *ledger.Ledger
}

func newDesk(t testing.TB, fresh func(testing.TB) func() *ledger.Ledger) *desk {
	t.Helper()
	reopen := fresh(t)
	return &desk{TB: t, Ledger: reopen(), fresh: fresh, reopen: reopen}
}

// home is the shard that most tests write to.
var home = ledger.Shard{Campaign: "c1", Number: 3}

// append appends entries to home after from, and wants them stored.
func (d *desk) append(s event.Stream, from event.Position, entries ...event.Entry) event.Position {
	d.Helper()
	return d.appendTo(home, s, from, entries...)
}

func (d *desk) appendTo(shard ledger.Shard, s event.Stream, from event.Position, entries ...event.Entry) event.Position {
	d.Helper()
	out, err := d.Append(d.Context(), batch(shard, s, from, entries...))
	if err != nil || out.Moved || out.Stored != len(entries) {
		d.Fatalf("Append = %+v, %v; want %d stored", out, err, len(entries))
	}
	return out.To
}

func batch(shard ledger.Shard, s event.Stream, from event.Position, entries ...event.Entry) ledger.Batch {
	return ledger.Batch{Shard: shard, Stream: s, From: from, Entries: entries, Now: Noon()}
}

// at wants the cursor of a stream of home at a position.
func (d *desk) at(s event.Stream, want event.Position) {
	d.Helper()
	got, err := d.Cursor(d.Context(), home, s)
	d.wants("Cursor", err)
	d.same("cursor of the "+string(s), want, got)
}

// facts are the facts of home, in order.
func (d *desk) facts() []event.Fact {
	d.Helper()
	h, err := d.After(d.Context(), home.Campaign, home.Number, event.Position{}, 1_000_000)
	d.wants("After", err)
	return h
}

func (d *desk) wants(what string, err error) {
	d.Helper()
	if err != nil {
		d.Fatalf("%s: %v", what, err)
	}
}

func (d *desk) same(what string, want, got any) {
	d.Helper()
	if reflect.DeepEqual(want, got) { // which is quicker by far
		return
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		d.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
