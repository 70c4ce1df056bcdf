// Package prizetest is what any prize.Store must do, as tests: whatever happens, what
// was won of a prize is never more than there is, each item is one person's, and an
// acknowledged win stays.
package prizetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/prize"
)

// Bench is an empty store and what a test needs around it.
type Bench struct {
	// Stores are the same store as several servers hold it.
	Stores   []prize.Store
	Campaign string
	// Enrol makes a participant known, in unit "u1" and group "public".
	Enrol func(t testing.TB, participant string)
	// Facts returns all facts of the campaign, those of a participant in order.
	Facts func(t testing.TB) []event.Fact
}

// Opens is a moment at which the campaign of a Bench is open: 12:00 on 2026-06-10 in its
// zone, Asia/Shanghai.
func Opens() time.Time { return time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC) }

// day is the local date of Opens.
const day = "2026-06-10"

// RunStore exercises the store that open returns. open must return an empty store each
// time and release it through t.Cleanup.
func RunStore(t *testing.T, open func(t *testing.T) Bench) {
	t.Helper()
	for name, promise := range map[string]func(*bench){
		"a chance is spent once":          spentOnce,
		"the number must be the next":     inOrder,
		"a day and all have bounds":       bounded,
		"no more than the limit":          noMore,
		"a participant has so many wins":  had,
		"who has done nothing is nobody":  nobody,
		"many claims of the last ones":    crowd,
		"many servers repeat one chance":  repeated,
		"a win moves by its states alone": moves,
		"a draw gives each item once":     awarded,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &bench{T: t, Bench: open(t)}
			b.Store = b.Stores[0]
			promise(b)
		})
	}
}

// bench is a Bench in the hands of one test.
type bench struct {
	*testing.T
	Bench
	prize.Store
}

func (b *bench) person(participant string) prize.Person {
	return prize.Person{Campaign: b.Campaign, Participant: participant}
}

// try is chance number of somebody, that falls on a prize of which so many are to be had.
func try(number int, rolled string, limit int) prize.Try {
	return prize.Try{
		Number: number, At: Opens().Add(time.Duration(number) * time.Second), Day: day, Chances: prize.Chances{InAll: 100},
		Unit: "u1", Group: "public", Rolled: rolled, Limit: limit,
	}
}

// spend spends a chance of Ann's that must be taken.
func (b *bench) spend(t prize.Try) prize.Chance {
	b.Helper()
	c, outcome, err := b.Spend(b.Context(), b.person("ann"), t)
	if err != nil || outcome != prize.Spent {
		b.Fatalf("chance %d: %s, %v", t.Number, outcome, err)
	}
	return c
}

// refused wants a chance of hers not to be taken.
func (b *bench) refused(t prize.Try, want prize.Outcome) {
	b.Helper()
	if c, outcome, err := b.Spend(b.Context(), b.person("ann"), t); err != nil || outcome != want || c != (prize.Chance{}) {
		b.Errorf("chance %d: %+v, %s, %v, want %s", t.Number, c, outcome, err, want)
	}
}

// kinds lists the facts of one participant.
func (b *bench) kinds(participant string) []event.Kind {
	b.Helper()
	var out []event.Kind
	for _, f := range b.Facts(b.T) {
		if f.Participant == participant && f.Kind != event.KindEnrolled {
			out = append(out, f.Kind)
		}
	}
	return out
}

// same compares what must be equal.
func same[T any](b *bench, what string, want, got T) {
	b.Helper()
	if diff := cmp.Diff(want, got, cmp.Comparer(func(x, y time.Time) bool { return x.Equal(y) })); diff != "" {
		b.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func spentOnce(b *bench) {
	first := b.spend(try(1, "tea", 3))
	same(b, "the chance", prize.Chance{Number: 1, At: Opens().Add(time.Second), Rolled: "tea", Item: 1}, first)
	otherwise := try(1, "", 0)
	otherwise.At = Opens().Add(time.Hour)
	again, outcome, err := b.Spend(b.Context(), b.person("ann"), otherwise)
	if err != nil || outcome != prize.Repeat {
		b.Fatalf("again: %s, %v", outcome, err)
	}
	same(b, "the chance again", first, again)
	same(b, "facts", []event.Kind{event.KindWon}, b.kinds("ann"))
	none := b.spend(try(2, "", 0))
	list, err := b.Chances(b.Context(), b.person("ann"), 9, 9)
	if err != nil {
		b.Fatal(err)
	}
	same(b, "chances", []prize.Chance{none, first}, list)
	st, err := b.Standing(b.Context(), b.person("ann"))
	if err != nil {
		b.Fatal(err)
	}
	same(b, "standing", prize.Standing{Last: 2, Day: day, OnDay: 2, Wins: 1}, st)
	w, err := b.Win(b.Context(), b.Campaign, prize.WinID{Prize: "tea", Item: 1})
	if err != nil {
		b.Fatal(err)
	}
	same(b, "win", prize.Win{
		WinID: prize.WinID{Prize: "tea", Item: 1}, Participant: "ann", Unit: "u1", Group: "public", Chance: 1, At: first.At,
		State: prize.Won, Since: first.At,
	}, w)
}

func inOrder(b *bench) {
	b.refused(try(2, "tea", 3), prize.WrongNumber)
	b.spend(try(1, "", 0))
	b.refused(try(3, "tea", 3), prize.WrongNumber)
	b.granted(map[string]int{})
}

func (b *bench) granted(want map[string]int) {
	b.Helper()
	got, err := b.Granted(b.Context(), b.Campaign)
	if err != nil {
		b.Fatal(err)
	}
	same(b, "granted", want, got)
}

func bounded(b *bench) {
	t := try(1, "tea", 9)
	t.Chances = prize.Chances{PerDay: 1, InAll: 2}
	b.spend(t)
	t.Number = 2
	b.refused(t, prize.DayLimit)
	t.Day = "2026-06-11"
	b.spend(t)
	t.Number, t.Day = 3, "2026-06-12"
	b.refused(t, prize.AllLimit)
	b.granted(map[string]int{"tea": 2})
}

func noMore(b *bench) {
	for n := 1; n <= 3; n++ {
		c := b.spend(try(n, "tea", 2))
		if n <= 2 && c.Item != n || n == 3 && (c.Item != 0 || c.Why != prize.WhyGone || c.Rolled != "tea") {
			b.Errorf("chance %d: %+v", n, c)
		}
	}
	if c := b.spend(try(4, "tea", 3)); c.Item != 3 { // there are more by now
		b.Errorf("with another one: %+v", c)
	}
	b.granted(map[string]int{"tea": 3})
}

func had(b *bench) {
	t := try(1, "tea", 9)
	t.Chances.Wins = 1
	b.spend(t)
	t.Number = 2
	if c := b.spend(t); c.Item != 0 || c.Why != prize.WhyHad {
		b.Errorf("a second win: %+v", c)
	}
	same(b, "facts", []event.Kind{event.KindWon, event.KindChance}, b.kinds("ann"))
}

func nobody(b *bench) {
	if _, err := b.Acts(b.Context(), b.person("ann")); !errors.Is(err, campaign.ErrRequired) {
		b.Errorf("acts of nobody: %v", err)
	}
	b.Enrol(b.T, "ann")
	acts, err := b.Acts(b.Context(), b.person("ann"))
	if err != nil {
		b.Fatal(err)
	}
	same(b, "acts", prize.Acts{Unit: "u1", Group: "public"}, acts)
	st, err := b.Standing(b.Context(), b.person("ann"))
	if err != nil {
		b.Fatal(err)
	}
	same(b, "standing", prize.Standing{}, st)
	if _, err := b.Win(b.Context(), b.Campaign, prize.WinID{Prize: "tea", Item: 1}); !errors.Is(err, prize.ErrNoWin) {
		b.Errorf("a win of nobody: %v", err)
	}
	if own, err := b.OwnWins(b.Context(), b.person("ann")); err != nil || len(own) != 0 {
		b.Errorf("own wins of nobody: %+v, %v", own, err)
	}
}

// crowd: fifty at once for each of two prizes, through all servers.
func crowd(b *bench) {
	const people, stock = 50, 5
	prizes := []string{"tea", "book"}
	var wg sync.WaitGroup
	for i := range people * len(prizes) {
		wg.Go(func() {
			store := b.Stores[i%len(b.Stores)]
			if _, outcome, err := store.Spend(b.Context(), b.person(fmt.Sprint("p", i)), try(1, prizes[i%len(prizes)], stock)); err != nil || outcome != prize.Spent {
				b.Errorf("p%d: %s, %v", i, outcome, err)
			}
		})
	}
	wg.Wait()
	b.granted(map[string]int{"tea": stock, "book": stock})
	b.eachOnce(len(prizes) * stock)
}

// eachOnce wants so many wins, in the store and in the facts alike, and every item to be
// one person's.
func (b *bench) eachOnce(want int) {
	b.Helper()
	wins, err := b.Wins(b.Context(), b.Campaign)
	if err != nil {
		b.Fatal(err)
	}
	owners := map[prize.WinID]string{}
	for i := range wins {
		owners[wins[i].WinID] = wins[i].Participant
	}
	told := map[prize.WinID]string{}
	for _, f := range b.Facts(b.T) {
		if body, ok := f.Body.(event.Won); ok {
			id := prize.WinID{Prize: body.Prize, Item: body.Item}
			if told[id] != "" {
				b.Errorf("%s was won by %s and %s", id, told[id], f.Participant)
			}
			told[id] = f.Participant
		}
	}
	if len(wins) != want {
		b.Errorf("%d wins, want %d", len(wins), want)
	}
	same(b, "wins as the facts tell them", told, owners)
}

// repeated: the same chance through all servers at once.
func repeated(b *bench) {
	var mu sync.Mutex
	var seen []prize.Chance
	fresh := 0
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() {
			c, outcome, err := b.Stores[i%len(b.Stores)].Spend(b.Context(), b.person("ann"), try(1, "tea", 100))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				b.Error(err)
			}
			if outcome == prize.Spent {
				fresh++
			}
			seen = append(seen, c)
		})
	}
	wg.Wait()
	if fresh != 1 || slices.ContainsFunc(seen, func(c prize.Chance) bool { return c.Item != 1 }) {
		b.Errorf("%d were fresh: %+v", fresh, seen)
	}
	b.eachOnce(1)
}

func moves(b *bench) {
	b.spend(try(1, "tea", 1))
	id := prize.WinID{Prize: "tea", Item: 1}
	at := Opens().Add(time.Hour)
	move := func(from, to prize.State) (prize.Win, bool, error) {
		return b.Move(b.Context(), b.Campaign, id, from, to, at)
	}
	for _, wrong := range [][2]prize.State{{prize.Won, prize.Sent}, {prize.Claimed, prize.Sent}, {prize.Sent, prize.Won}} {
		if _, _, err := move(wrong[0], wrong[1]); !errors.Is(err, prize.ErrState) {
			b.Errorf("from %s to %s: %v", wrong[0], wrong[1], err)
		}
	}
	for _, fresh := range []bool{true, false} {
		w, was, err := move(prize.Won, prize.Claimed)
		if err != nil || was != fresh || w.State != prize.Claimed || !w.Since.Equal(at) || w.Participant != "ann" {
			b.Errorf("claimed: %+v, fresh %t, %v", w, was, err)
		}
	}
	if _, _, err := move(prize.Won, prize.Expired); !errors.Is(err, prize.ErrState) {
		b.Errorf("expired after it was claimed: %v", err)
	}
	for _, step := range [][2]prize.State{{prize.Claimed, prize.Refused}, {prize.Refused, prize.Won}, {prize.Won, prize.Expired}} {
		if _, fresh, err := move(step[0], step[1]); err != nil || !fresh {
			b.Errorf("from %s to %s: fresh %t, %v", step[0], step[1], fresh, err)
		}
	}
	if _, _, err := b.Move(b.Context(), b.Campaign, prize.WinID{Prize: "tea", Item: 2}, prize.Won, prize.Claimed, at); !errors.Is(err, prize.ErrNoWin) {
		b.Errorf("what nobody won: %v", err)
	}
	same(b, "facts", []event.Kind{
		event.KindWon, event.KindPrizeClaimed, event.KindPrizeRefused, event.KindPrizeReopened, event.KindPrizeExpired,
	}, b.kinds("ann"))
	b.granted(map[string]int{"tea": 1})
}

func awarded(b *bench) {
	w := prize.Win{
		WinID: prize.WinID{Prize: "car", Item: 1}, Participant: "ann", Unit: "u1", Group: "public", Draw: "final", Place: 1, At: Opens(),
		State: prize.Won, Since: Opens(),
	}
	for _, fresh := range []bool{true, false} {
		if got, err := b.Award(b.Context(), b.Campaign, w); err != nil || got != fresh {
			b.Errorf("award: fresh %t, %v", got, err)
		}
	}
	got, err := b.Win(b.Context(), b.Campaign, w.WinID)
	if err != nil {
		b.Fatal(err)
	}
	same(b, "win", w, got)
	b.spend(try(1, "tea", 1))
	own, err := b.OwnWins(b.Context(), b.person("ann"))
	if err != nil || len(own) != 2 || own[0].WinID != w.WinID || own[1].Prize != "tea" {
		b.Errorf("own wins: %+v, %v", own, err)
	}
	w.Participant = "bob"
	if _, err := b.Award(b.Context(), b.Campaign, w); !errors.Is(err, prize.ErrState) {
		b.Errorf("to somebody else: %v", err)
	}
	b.granted(map[string]int{"car": 1, "tea": 1})
	b.eachOnce(2)
}
