//go:build !chaos

package main

// How much the tests with several servers do; see scale_chaos_test.go.
const (
	haEach   = 80 // people between two disturbances
	haRate   = 32 // a second
	haRounds = 1
)
