// Package growth measures what a campaign costs as it grows: per submission, per
// look at one's own place, per snapshot, in bytes and at a restart. It is made of
// tests and a benchmark alone.
//
// Every size has a Redis of its own, which keeps running, and the sizes are
// measured in turn, so that a machine that drifts drifts for all of them.
package growth
