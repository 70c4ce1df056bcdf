package replay_test

import (
	"errors"
	"fmt"
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
	Standings map[string]leaderboard.Standing
}

// readings are what everybody can see.
type readings struct {
	People  map[string]reading
	Tops    map[string][]leaderboard.Entry
	Tallies leaderboard.Tallies
	Hours   map[leaderboard.BucketCell]int64
}

// read reads everything through the services, as it is at this moment.
func (r *rig) read(people int) readings {
	r.Helper()
	ctx, id := r.Context(), r.def.ID
	out := readings{People: map[string]reading{}, Tops: map[string][]leaderboard.Entry{}}
	scopes := []string{"", "g:public", "r:city", "r:d1", "r:d2", "u:u1", "u:u2", "u:u3", "u:u4", "u:" + campaign.Unassigned}
	for day := range 6 {
		scopes = append(scopes, leaderboard.DayScope(r.def.Day(noon.AddDate(0, 0, day))))
	}
	for i := range people {
		out.People[person(i)] = r.readOne(i, scopes)
	}
	for _, scope := range scopes {
		top, total, err := r.boards.Top(ctx, id, scope, leaderboard.Now, 0, 100)
		out.Tops[fmt.Sprint(scope, " of ", total)] = must(r.TB, top, err)
	}
	tallies, err := r.boards.Tallies(ctx, id)
	out.Tallies = must(r.TB, tallies, err)
	withoutZeros(out.Tallies.Public.Cells)
	out.Tallies.Minutes = newestMinutes(out.Tallies.Minutes)
	hour := noon.Unix() / 3600
	hours, err := r.boards.Hours(ctx, id, hour-1, hour+24*6)
	out.Hours = must(r.TB, hours, err)
	return out
}

func (r *rig) readOne(i int, scopes []string) reading {
	r.Helper()
	ctx, id, who := r.Context(), r.def.ID, person(i)
	one := reading{Standings: map[string]leaderboard.Standing{}}
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
		s, ok, err := r.boards.Standing(ctx, id, scope, leaderboard.Now, who, 2)
		if must(r.TB, ok, err) {
			one.Standings[scope] = s
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
