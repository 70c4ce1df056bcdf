//go:build failpoints

package failpoint

// Armed tells whether this build has failpoints.
const Armed = true

// obeyed has what happens where.
var obeyed = load
