package correction_test

import (
	"context"
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/internal/challenge"
	"qingyuan/internal/correction"
	"qingyuan/internal/grant"
	"qingyuan/internal/jobs"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/redistest"
	"qingyuan/internal/sqltest"
	"qingyuan/internal/transfer"
	"qingyuan/internal/waittest"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// TestOnACluster takes a district out and puts it back, and marks a question again and back,
// where the shards lie on different nodes: everything is as before, to the byte.
func TestOnACluster(t *testing.T) { //nolint:tparallel // They follow each other on one cluster, which has no databases apart.
	t.Parallel()
	client := redistest.StartCluster(t, 3, 0).Client(t)
	t.Run("a batch", func(t *testing.T) {
		r := newRigOn(t, client, sqltest.SQLite(t), definition(t, "batch", 4))
		r.populate(60, 2)
		r.clean()
		before := r.image()
		b := r.run(r.create(clerk("d1"), correction.Conditions{Attempts: true, Signatures: true, From: noon}))
		if b.State != correction.Done || b.Items == 0 || b.Counts[correction.Out] != b.Items {
			t.Fatalf("after the run: %+v", b)
		}
		r.settle()
		r.clean()
		if cmp.Equal(before, r.image()) {
			t.Error("nothing was taken out")
		}
		if b = r.undo(b); b.State != correction.Undone || b.Counts[correction.Back] != b.Items {
			t.Fatalf("after the undo: %+v", b)
		}
		r.settle()
		r.clean()
		if diff := cmp.Diff(before, r.image()); diff != "" {
			t.Errorf("not as before (-before +after):\n%.4000s", diff)
		}
	})
	t.Run("a question", func(t *testing.T) {
		r := newRigOn(t, client, sqltest.SQLite(t), definition(t, "question", 4))
		markAgain(t, r, challenge.Judgement{Decision: challenge.Correct, Rule: quiz.AcceptBoth, Key: 1 << 2})
	})
	t.Run("transfers", func(t *testing.T) {
		transferAll(t, newRigOn(t, client, sqltest.SQLite(t), definition(t, "transfers", 4)))
	})
	t.Run("attempts given back", func(t *testing.T) { giveBackAll(t, newRigOn(t, client, sqltest.SQLite(t), definition(t, "given", 4))) })
}

// counted are the counts of every unit that are not nothing.
func (r *rig) counted() map[leaderboard.Cell]int64 {
	r.Helper()
	t, err := r.boards.Tallies(r.Context(), r.def.ID)
	must(r, 0, err)
	maps.DeleteFunc(t.Public.Cells, func(_ leaderboard.Cell, n int64) bool { return n == 0 })
	return t.Public.Cells
}

// transferAll lets everybody of a unit ask for another, and then for where they were: the
// counts follow, and are what they were.
func transferAll(t *testing.T, r *rig) {
	t.Helper()
	const people = 40
	r.populate(people, 1)
	before := r.counted()
	s := &transfer.Service{
		DB: r.sql, Box: r.box, Campaign: r.Campaign, Enrolment: r.enrols.Enrolment, Now: r.now,
		Bound:  func(context.Context, string, string, string) (bool, error) { return false, nil },
		Mover:  redisstore.NewCorrections(r.campaigns, r.Campaign, r.now),
		Failed: func(err error) { t.Error(err) },
	}
	everybody := func(to func(i int) string) {
		t.Helper()
		for i := range people {
			asked, _, err := s.Ask(t.Context(), r.def.ID, person(i), to(i), "")
			must(t, asked, err)
			for range 2 { // a repeat changes nothing
				must(t, 0, s.Grant(t.Context(), head(), asked, "同意"))
			}
		}
		r.settle()
		r.clean()
	}
	everybody(func(i int) string { return units[(i+1)%4] })
	for _, metric := range []leaderboard.Metric{leaderboard.Enrolled, leaderboard.Attempts, leaderboard.Score} {
		for i, unit := range units {
			if was, is := before[leaderboard.Cell{Unit: unit, Metric: metric}], r.counted()[leaderboard.Cell{Unit: units[(i+1)%4], Metric: metric}]; was != is {
				t.Errorf("%s of %s were %d, and %d went to the next", metric, unit, was, is)
			}
		}
	}
	everybody(func(i int) string { return units[i%4] })
	if diff := cmp.Diff(before, r.counted()); diff != "" {
		t.Errorf("not as before (-before +after):\n%s", diff)
	}
}

// giveBackAll gives everybody who sits an attempt back, twice by two acts: each has two
// more, and nobody's count changes.
func giveBackAll(t *testing.T, r *rig) {
	t.Helper()
	const people = 40
	r.populate(people, 1)
	r.stopJobs()
	for i := range people {
		_, _, err := r.quizzes.Start(t.Context(), r.def.ID, person(i), 0)
		must(t, 0, err)
	}
	r.settle()
	before := r.counted()
	q := &jobs.Queue{DB: r.sql, Now: time.Now, Log: slog.New(slog.DiscardHandler), Every: 25 * time.Millisecond}
	s := &grant.Service{
		DB: r.sql, Ledger: r.ledger, Acts: redisstore.NewCorrections(r.campaigns, r.Campaign, r.now), Catalog: r, Jobs: q, Now: time.Now, Stretch: 7,
	}
	s.Register(q)
	defer r.runJobs(q)()
	for n := range 2 {
		g, err := s.Create(t.Context(), head(), grant.Draft{Campaign: r.def.ID, From: noon.Add(-time.Hour), To: noon.Add(time.Hour), Reason: "断电"})
		must(t, g, err)
		until := func(want grant.State) {
			t.Helper()
			waittest.Until(t, "the grant to be "+string(want), func() bool {
				g, err = s.Find(t.Context(), head(), r.def.ID, g.ID)
				return must(t, g, err).State == want
			})
		}
		until(grant.Ready)
		must(t, 0, s.Run(t.Context(), head(), g))
		until(grant.Done)
		if g.Given != people {
			t.Errorf("%d of %d are given", g.Given, people)
		}
		for i := range people {
			st, err := r.quizStore().Standing(t.Context(), r.quizPerson(i))
			if err != nil || st.Given != n+1 {
				t.Errorf("%s was given %d, %v", person(i), st.Given, err)
			}
		}
	}
	r.settle()
	r.clean()
	if diff := cmp.Diff(before, r.counted()); diff != "" {
		t.Errorf("the counts have changed (-before +after):\n%s", diff)
	}
}
