//go:build !chaos

package main

// How much the tests with several servers do; see scale_chaos_test.go.
const (
	haPeople = 240
	haRate   = 32 // a second
	haRounds = 1
)
