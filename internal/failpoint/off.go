//go:build !failpoints

package failpoint

// Armed tells whether this build has failpoints.
const Armed = false

// Hit does nothing in this build and returns nil.
func Hit(string) error { return nil }
