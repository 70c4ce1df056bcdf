package replay_test

import (
	"testing"
)

func onShards(t *testing.T, test func(t *testing.T, shards int)) {
	t.Helper()
	for name, shards := range map[string]int{"S=1": 1, "S=4": 4} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, shards)
		})
	}
}

// TestASoundRedis: after everything that people can do, nothing differs.
func TestASoundRedis(t *testing.T) {
	t.Parallel()
	onShards(t, func(t *testing.T, shards int) {
		t.Helper()
		r := newRig(t, shards)
		r.populate()
		r.settle()
		report := r.clean()
		t.Logf("%+v", report)
	})
}
