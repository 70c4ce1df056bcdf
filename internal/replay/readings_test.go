package replay_test

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

// reading is what one person can see of themselves.
type reading struct {
	Enrolment campaign.Enrolment
	Home      quiz.Home
	Receipts  []quiz.Receipt
	Signature pledge.Receipt
	Door      string
	Standings map[boardKey]leaderboard.Standing
}

// boardKey is a board as one sees it, and how many stand there.
type boardKey struct {
	Scope string
	View  leaderboard.View
	Total int64
}

// views are those that there can be.
func (r *rig) views() []leaderboard.View {
	if r.def.Freeze.At.IsZero() {
		return []leaderboard.View{leaderboard.Now}
	}
	return []leaderboard.View{leaderboard.Frozen, leaderboard.Now, leaderboard.Everybody}
}

// withoutFrozen leaves out what nobody sees any more once the freeze is over.
func withoutFrozen(all readings) readings {
	maps.DeleteFunc(all.Tops, func(k boardKey, _ []leaderboard.Entry) bool { return k.View == leaderboard.Frozen })
	for _, one := range all.People {
		maps.DeleteFunc(one.Standings, func(k boardKey, _ leaderboard.Standing) bool { return k.View == leaderboard.Frozen })
	}
	all.Tallies.Public, all.Tallies.Late = all.Tallies.All(), leaderboard.NewFigures()
	withoutZeros(all.Tallies.Public.Cells)
	withoutZeros(all.Tallies.Public.Scores)
	return all
}

// readings are what everybody can see.
type readings struct {
	People  map[string]reading
	Tops    map[boardKey][]leaderboard.Entry
	Tallies leaderboard.Tallies
	Hours   map[leaderboard.BucketCell]int64
}

// read reads everything through the services, as it is at this moment.
func (r *rig) read(people int) readings {
	r.Helper()
	ctx, id := r.Context(), r.def.ID
	out := readings{People: map[string]reading{}, Tops: map[boardKey][]leaderboard.Entry{}}
	scopes := []string{"", "g:public", "r:city", "r:d1", "r:d2", "u:u1", "u:u2", "u:u3", "u:u4", "u:" + campaign.Unassigned}
	var windows []string
	for day := range 6 {
		windows = append(windows, leaderboard.DayScope(r.def.Day(noon.AddDate(0, 0, day))))
	}
	for _, p := range r.def.Phases {
		windows = append(windows, leaderboard.PhaseScope(p.ID))
	}
	scopes = append(scopes, windows...)
	if r.def.Combined {
		for _, w := range windows {
			scopes = append(scopes, leaderboard.In("u:u1", w), leaderboard.In("r:city", w))
		}
	}
	for i := range people {
		out.People[person(i)] = r.readOne(i, scopes)
	}
	for _, scope := range scopes {
		for _, v := range r.views() {
			top, total, err := r.boards.Top(ctx, id, scope, v, 0, 100)
			out.Tops[boardKey{scope, v, total}] = must(r.TB, top, err)
		}
	}
	tallies, err := r.boards.Tallies(ctx, id)
	out.Tallies = must(r.TB, tallies, err)
	for _, f := range []leaderboard.Figures{out.Tallies.Public, out.Tallies.Late} {
		withoutZeros(f.Cells)
		withoutZeros(f.Scores)
	}
	withoutZeros(out.Tallies.Minutes)
	out.Tallies.Minutes = newestMinutes(out.Tallies.Minutes)
	hour := noon.Unix() / 3600
	hours, err := r.boards.Hours(ctx, id, hour-1, hour+24*6)
	out.Hours = must(r.TB, hours, err)
	withoutZeros(out.Hours)
	return out
}

func (r *rig) readOne(i int, scopes []string) reading {
	r.Helper()
	ctx, id, who := r.Context(), r.def.ID, person(i)
	one := reading{Standings: map[boardKey]leaderboard.Standing{}}
	var err error
	if one.Enrolment, err = r.enrols.Enrolment(ctx, id, who); err != nil && !errors.Is(err, campaign.ErrNotEnrolled) {
		r.Fatal(err)
	}
	home, err := r.quizzes.Home(ctx, id, who)
	one.Home = must(r.TB, home, err)
	views, _, err := r.quizzes.Attempts(ctx, id, who, 0, 100)
	if err != nil && !errors.Is(err, campaign.ErrRequired) {
		r.Fatal(err)
	}
	for _, v := range views {
		receipt, err := r.quizzes.Attempt(ctx, id, who, v.ID)
		one.Receipts = append(one.Receipts, must(r.TB, receipt, err))
	}
	if one.Signature, err = r.pledges.Signature(ctx, id, who); err != nil && !errors.Is(err, pledge.ErrNotSigned) {
		r.Fatal(err)
	}
	door, err := r.doors.Door(ctx, fmt.Sprint("door-", i))
	one.Door = must(r.TB, door, err).Participant
	for _, scope := range scopes {
		for _, v := range r.views() {
			s, ok, err := r.boards.Standing(ctx, id, scope, v, who, 2)
			if must(r.TB, ok, err) {
				one.Standings[boardKey{Scope: scope, View: v}] = s
			}
		}
	}
	return one
}

func withoutZeros[K comparable](cells map[K]int64) {
	for k, n := range cells {
		if n == 0 {
			delete(cells, k)
		}
	}
}

func newestMinutes(all map[leaderboard.BucketCell]int64) map[leaderboard.BucketCell]int64 {
	var newest int64
	for cell := range all {
		newest = max(newest, cell.Bucket)
	}
	for cell := range all {
		if cell.Bucket < newest-int64(leaderboard.MinutesKept/time.Minute) {
			delete(all, cell)
		}
	}
	return all
}

// complainer is a test, or a check of rapid within it.
type complainer interface {
	Helper()
	Errorf(format string, args ...any)
}

// same compares two readings of the same moment.
func same(t complainer, what string, before, after readings) {
	t.Helper()
	sheets := cmp.Comparer(func(a, b quiz.SheetOption) bool { return a.ID == b.ID && a.Text == b.Text })
	if diff := cmp.Diff(before, after, sheets, cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(0)); diff != "" {
		t.Errorf("%s (-before +after):\n%s", what, diff)
	}
}
