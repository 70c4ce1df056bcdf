package prooflog_test

import (
	"fmt"
	"strings"
	"testing"

	"qingyuan/internal/prooflog"
)

// rereader reads a log again a little at a time.
func (r *rig) rereader() (*prooflog.Rereader, *prooflog.Reread) {
	last := new(prooflog.Reread)
	return &prooflog.Rereader{
		Log: r.log, Leaves: 7, People: 4, Told: func(_ string, got prooflog.Reread) { *last = got },
		Failed: func(_ string, err error) { r.Error(err) },
	}, last
}

// TestRereadFinds: whatever is changed in a log behind its back is found within one time
// through it, a slice at a time, and named.
func TestRereadFinds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(r *rig)
		want   string
	}{
		"nothing": {func(*rig) {}, ""},
		"a leaf altered by one bit": {func(r *rig) {
			var raw []byte
			r.scan(&raw, "SELECT fields FROM proof_leaves WHERE idx = 11")
			raw[31] ^= 1
			r.exec("UPDATE proof_leaves SET fields = $1 WHERE idx = 11", raw)
		}, "leaf of leaf 11"},
		"the type of a leaf": {func(r *rig) { r.exec("UPDATE proof_leaves SET type = 'attempt.unchanged' WHERE idx = 9") }, "leaf of leaf 9"},
		"a leaf dropped":     {func(r *rig) { r.exec("DELETE FROM proof_leaves WHERE idx = 8") }, "leaf of leaf 8: it is not there"},
		"a tile altered": {func(r *rig) {
			var raw []byte
			r.scan(&raw, "SELECT data FROM proof_tiles WHERE level = 0")
			raw[40] ^= 1
			r.exec("UPDATE proof_tiles SET data = $1 WHERE level = 0", raw)
		}, "path of leaf 0"},
		"an older checkpoint altered": {func(r *rig) {
			var text string
			r.scan(&text, "SELECT signed FROM proof_checkpoints WHERE size = 10")
			r.exec("UPDATE proof_checkpoints SET signed = $1 WHERE size = 10", strings.Replace(text, "attempt.accepted 10", "attempt.accepted 11", 1))
		}, "that of 10 leaves"},
		"an older checkpoint replaced": {func(r *rig) {
			r.exec("UPDATE proof_checkpoints SET signed = (SELECT signed FROM proof_checkpoints WHERE size = 20) WHERE size = 10")
		}, "that of 10 leaves is of the tree 20"},
		"the newest checkpoint altered": {func(r *rig) {
			var text string
			r.scan(&text, "SELECT signed FROM proof_checkpoints WHERE size = 20")
			r.exec("UPDATE proof_checkpoints SET signed = $1 WHERE size = 20", strings.Replace(text, "\n20\n", "\n21\n", 1))
		}, "the newest"},
		"a score in the ledger": {func(r *rig) {
			r.exec("UPDATE facts SET body = $1 WHERE participant = 'p13'", []byte(`{"number":1,"score":81,"max":100,"correct":8,"passed":true,"used":12345,"bank":"b1","items":"a:0.1","choices":"3"}`))
		}, "act a1 of participant p13"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onOne(t, func(r *rig) {
				for i := range 20 {
					r.submit(fmt.Sprintf("p%02d", i), 1)
					if i == 9 {
						r.seal()
					}
				}
				r.seal()
				again, last := r.rereader()
				for again.Round(r.Context()); last.Through.IsZero(); again.Round(r.Context()) {
				}
				if len(last.Faults) > 0 || len(again.Warnings()) > 0 {
					r.Fatalf("nothing was changed, and it finds %v", last.Faults)
				}
				c.change(r)
				for range 10 { // what is left of one time, and one more
					again.Round(r.Context())
				}
				if c.want == "" && len(last.Faults) > 0 || !strings.Contains(fmt.Sprint(last.Faults), c.want) {
					r.Errorf("it finds %v, want %q", last.Faults, c.want)
				}
				if (c.want != "") != (len(again.Warnings()) == 1) {
					r.Errorf("warnings %q", again.Warnings())
				}
			})
		})
	}
}

// TestRereadForgets: who was erased is no fault, and neither is what was corrected.
func TestRereadForgets(t *testing.T) {
	t.Parallel()
	onBoth(t, 2, func(r *rig) {
		again, last := r.rereader()
		for range 3 {
			r.live(40)
			r.sign("ann", "李安")
			r.seal()
			again.Round(r.Context())
			r.erase("ann")
			if err := r.log.Erase(r.Context(), "ann"); err != nil {
				r.Fatal(err)
			}
			delete(r.acts, "ann0")
			for range 40 {
				again.Round(r.Context())
			}
		}
		if len(last.Faults) > 0 || last.Through.IsZero() {
			r.Errorf("%+v", last)
		}
	})
}
