// Package rapidtest is what tests that draw with rapid share.
package rapidtest

import "pgregory.net/rapid"

// OneIn makes one in n of rapid's checks, the first to begin with, where all of them would
// take too long. From the first failure on it makes every one: or rapid, which repeats a
// failure to make it small, would call it a flaky test. `make machines` makes many more.
func OneIn(n int, check func(*rapid.T)) func(*rapid.T) {
	runs, failed := 0, false
	return func(rt *rapid.T) {
		runs++
		if !failed && (runs-1)%n != 0 {
			return
		}
		passed := false
		defer func() { failed = failed || !passed }()
		check(rt)
		passed = true
	}
}
