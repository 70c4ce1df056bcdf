//go:build chaos

package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	camp "qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/redistest"
)

// namesakes are people whose enrolments bear their own names.
type namesakes struct {
	*stores
	hurry

	def *camp.Campaign
	row *Row

	heard, gaveUp atomic.Int64
}

const howManyNames = 200

// TestCancelStormOnRedis does the same as TestCancelStorm one level below, where
// the program itself gives up on Redis: answers that come too late must never
// reach the next caller of the connection.
func TestCancelStormOnRedis(t *testing.T) {
	t.Parallel()
	def, err := smallCampaign("cancel")
	if err != nil {
		t.Fatal(err)
	}
	s, err := openStores(t.Context(), redistest.Start(t, redistest.Durable()).Options(), def)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.db.Close() }()
	n := &namesakes{stores: s, def: def, row: NewRow("half of all calls to Redis cancelled midway")}
	if err := n.enrol(t.Context()); err != nil {
		t.Fatal(err)
	}
	calls := int64(Rounds("cancel.calls", 10_000, 100_000))
	n.storm(t, calls)
	n.row.Round(1)
	heard, gaveUp := n.heard.Load(), n.gaveUp.Load()
	n.row.Note("%d answers heard, %d calls given up", heard, gaveUp)
	wantStorm(t, heard, gaveUp)
}

func (n *namesakes) enrol(ctx context.Context) error {
	for i := range howManyNames {
		e := camp.Enrolment{Unit: "u", Group: "public", DisplayName: nameOf(i), NoticeVersion: "1", At: time.Now()}
		if _, err := n.enrolments.Enrol(ctx, n.def.ID, fmt.Sprint("p", i), e, camp.Personal{}); err != nil {
			return err
		}
	}
	return nil
}

func nameOf(i int) string { return fmt.Sprint("name of ", i) }

// storm makes so many calls, many at once.
func (n *namesakes) storm(t *testing.T, calls int64) {
	t.Helper()
	const callers = 16
	seeds := Random(t.Name())
	var all sync.WaitGroup
	for range callers {
		random := newRandom(seeds.Uint64())
		all.Go(func() {
			for range calls / callers {
				n.one(t, random)
			}
		})
	}
	all.Wait()
}

// one reads somebody's enrolment, and does not wait for long.
func (n *namesakes) one(t *testing.T, random *rand.Rand) {
	t.Helper()
	ctx, cancel := n.context(t.Context(), random)
	defer cancel()
	i := random.IntN(howManyNames)
	e, err := n.enrolments.Enrolment(ctx, n.def.ID, fmt.Sprint("p", i))
	n.learn(err == nil)
	switch {
	case errors.Is(err, fault.ErrUnavailable):
		n.gaveUp.Add(1)
	case err != nil || e.DisplayName != nameOf(i):
		n.row.Book(Verdict{Faults: []Fault{{faultCrossed, e.DisplayName}}})
		t.Errorf("p%d was answered %q, %v", i, e.DisplayName, err)
	default:
		n.heard.Add(1)
	}
}
