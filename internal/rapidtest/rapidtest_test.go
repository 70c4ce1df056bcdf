package rapidtest_test

import (
	"testing"

	"pgregory.net/rapid"

	"qingyuan/internal/rapidtest"
)

// TestOneIn: one in three is made until one fails, and every one from then on.
func TestOneIn(t *testing.T) {
	t.Parallel()
	made := 0
	check := rapidtest.OneIn(3, func(*rapid.T) {
		if made++; made == 3 {
			panic("it fails")
		}
	})
	for run, want := range []int{1, 1, 1, 2, 2, 2, 3, 4, 5} {
		func() {
			defer func() {
				if failed := recover() != nil; failed != (run == 6) {
					t.Errorf("run %d: failed %t", run, failed)
				}
			}()
			check(nil)
		}()
		if made != want {
			t.Errorf("%d checks were made after run %d, want %d", made, run, want)
		}
	}
}
