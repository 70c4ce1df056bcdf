//go:build chaos

package main

// With -tags chaos the tests with several servers take minutes.
const (
	haEach   = 500
	haRate   = 40 // a second
	haRounds = 10
)
