//go:build !failpoints

package failpoint

// Armed tells whether this build has failpoints.
const Armed = false

// obeyed is nothing in this build, until a test calls Arm.
var obeyed func() *board
