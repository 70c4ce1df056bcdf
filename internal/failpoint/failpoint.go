// Package failpoint marks the places at which a test wants a process to die or
// to fail: just before a commit, just after it. In an ordinary build the marks
// do nothing. The build tag "failpoints" arms them, and so does a test for itself.
//
// An armed program reads the variable QINGYUAN_FAILPOINTS once:
//
//	ledger.before_commit=kill@3,ledger.before_trim=error@1
//
// The first kills the process as kill -9 does when it comes by the third time,
// the second makes the first visit fail. One name may stand there several times.
package failpoint

import "errors"

// Env names the variable that says what happens where.
const Env = "QINGYUAN_FAILPOINTS"

// ErrInjected is the failure of a failpoint that was told to fail.
var ErrInjected = errors.New("failpoint")
