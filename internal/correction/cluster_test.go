package correction_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"qingyuan/internal/challenge"
	"qingyuan/internal/correction"
	"qingyuan/internal/redistest"
	"qingyuan/internal/sqltest"
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
}
