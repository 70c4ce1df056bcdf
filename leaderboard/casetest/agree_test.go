package casetest_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"qingyuan/leaderboard/casetest"
)

// genCase draws a board with few different values, so that ties are common, and
// everything that can happen on it, in the order of time.
func genCase(t *rapid.T) *casetest.Case {
	c := &casetest.Case{Rule: casetest.Rule{
		Policy: rapid.SampledFrom([]string{"best", "sum", "sum_days", "last"}).Draw(t, "policy"),
		Tie:    []string{"used_asc", "at_asc"},
	}}
	if c.Rule.Policy == "sum" || c.Rule.Policy == "sum_days" {
		c.Rule.Tie = []string{"at_asc"}
	}
	if c.Rule.Policy != "last" && rapid.Bool().Draw(t, "freezes") {
		c.Rule.Freeze = moment(rapid.Int64Range(0, 10).Draw(t, "freeze"))
		if rapid.Bool().Draw(t, "thaws") {
			c.Rule.Unfreeze = moment(int64(*c.Rule.Freeze)/1000 + rapid.Int64Range(1, 8).Draw(t, "unfreeze"))
		}
	}
	attempts := map[string]int{}
	var now int64
	for range rapid.IntRange(1, 25).Draw(t, "ops") {
		now += rapid.Int64Range(0, 1).Draw(t, "later")
		c.Ops = append(c.Ops, genOp(t, now, attempts))
	}
	for range 2 {
		asked{c}.ask(moment(rapid.Int64Range(0, now+1).Draw(t, "now")))
	}
	return c
}

func moment(s int64) *casetest.Moment { return new(casetest.Moment(1000 * s)) }

func genOp(t *rapid.T, now int64, attempts map[string]int) casetest.Op {
	o := casetest.Op{Member: rapid.SampledFrom(members()).Draw(t, "member"), At: moment(now)}
	o.Op = rapid.SampledFrom([]string{"submit", "submit", "submit", "hide", "show", "invalidate", "restore", "remove"}).Draw(t, "op")
	if n := attempts[o.Member]; o.Op == "invalidate" || o.Op == "restore" {
		if o.Attempt = rapid.IntRange(0, n).Draw(t, "attempt"); o.Attempt == 0 {
			o.Op = "submit"
		}
	}
	if o.Op == "submit" {
		attempts[o.Member]++
		o.Score, o.UsedMS = new(rapid.Int64Range(0, 3).Draw(t, "score")), 100*rapid.Int64Range(0, 1).Draw(t, "used")
	}
	return o
}

func members() []string { return []string{"a", "b", "c", "d", "e"} }

type asked struct{ *casetest.Case }

// ask adds every question about everybody, in everybody's eyes.
func (c asked) ask(now *casetest.Moment) {
	for _, audience := range []string{"public", "admin"} {
		for _, q := range []casetest.Query{
			{Q: "ranks", Members: members()},
			{Q: "page", Page: 1, Size: 9},
			{Q: "page_members", Page: 2, Size: 2},
			{Q: "count"},
			{Q: "score_ranks", Scores: []int64{0, 1, 2, 3, 4}},
			{Q: "own_score", Members: members()},
			{Q: "own_rank_shown", Members: members()},
			{Q: "beaten_floor", Members: members()},
			{Q: "record", Members: members()},
			{Q: "around", Member: "c", Size: 3},
			{Q: "around_ranks", Member: "a", Size: 2},
		} {
			q.Now, q.Audience = now, audience
			c.Queries = append(c.Queries, q)
		}
	}
}

// TestStoreAndRulesAgree: whatever happens, in every view and at every moment, boards
// on Redis answer what a plain sorted list does.
func TestStoreAndRulesAgree(t *testing.T) {
	t.Parallel()
	open := onRedis(t)
	rapid.Check(t, func(rt *rapid.T) {
		c := genCase(rt)
		shards := rapid.SampledFrom(casetest.Shards()).Draw(rt, "shards")
		if err := casetest.Agree(t, c, open, shards); err != nil {
			rt.Error(fmt.Errorf("%+v: %w", c.Rule, err))
		}
	})
}
