package replay_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"qingyuan/internal/replay"
)

// late lets something happen when everybody the ledger knew has been compared.
type late struct {
	replay.Live

	happens func()
}

func (l late) Participants(ctx context.Context, campaign string, each func(shard int, id string) error) error {
	l.happens()
	return l.Live.Participants(ctx, campaign, each)
}

// TestNewcomers: who comes while a campaign is compared is no stranger and is not looked at
// one by one, unless the ledger has not got to know them yet; and who came by no act is
// found among them.
func TestNewcomers(t *testing.T) {
	t.Parallel()
	const many = 250 // more than are looked at together
	for name, c := range map[string]struct {
		archived  bool
		rechecked int64
	}{
		"in the ledger":            {true, 1},
		"on the streams until now": {false, many + 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onShards(t, func(t *testing.T, shards int) {
				t.Helper()
				r := newRig(t, shards)
				r.populate()
				r.settle()
				v := r.verifier()
				r.differences = nil
				v.Live = late{v.Live, func() {
					for i := range many {
						r.enrol(person(500+i), fmt.Sprint("u", 1+i%4))
					}
					if c.archived {
						r.settle()
					}
					beside := (&garden{rig: r}).keys("*}:tally")[0]
					must(t, 0, r.db.HSet(t.Context(), strings.TrimSuffix(beside, "tally")+"p:stranger", "u", "u1").Err())
				}}
				report, err := v.Campaign(t.Context(), r.def, &r.rules)
				must(t, 0, err)
				if got := r.inWords(&report); len(got) != 1 || got[0] != "stranger: participant: some, not none" || report.Rechecked != c.rechecked {
					t.Errorf("found %q, having looked again at %d, want the stranger and %d", got, report.Rechecked, c.rechecked)
				}
			})
		})
	}
}
