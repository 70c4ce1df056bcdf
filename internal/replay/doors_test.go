package replay

import (
	"testing"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
)

// TestDoorsUpTo: what happened to a door after Redis was asked for it says nothing of where
// it led then.
func TestDoorsUpTo(t *testing.T) {
	t.Parallel()
	h := ledger.History{Participant: "p1"}
	for seq, hash := range []string{"a", "b", "a", "c"} {
		h.Facts = append(h.Facts, event.Fact{
			Position: event.Position{Epoch: 1, Seq: uint64(seq)}, Kind: event.KindDoor, Participant: "p1", Body: event.Door{Hash: hash},
		})
	}
	for name, c := range map[string]struct {
		upTo uint64
		want map[string]uint64
	}{
		"in the beginning": {0, map[string]uint64{"a": 0}},
		"in between":       {1, map[string]uint64{"a": 0, "b": 1}},
		"at the end":       {9, map[string]uint64{"a": 2, "b": 1, "c": 3}},
	} {
		got := doorsOf(&h, func(_ string, at event.Position) bool { return at.Seq <= c.upTo })
		if len(got) != len(c.want) {
			t.Errorf("%s: got %v", name, got)
		}
		for _, d := range got {
			if at, ok := c.want[d.Hash]; !ok || d.at.Seq != at || d.Participant != "p1" {
				t.Errorf("%s: door %s of %s at %s", name, d.Hash, d.Participant, d.at)
			}
		}
	}
}
