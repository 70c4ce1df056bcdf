package casetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/leaderboard"
)

// Shards are how many parts every case is played with on a store.
func Shards() []int { return []int{1, 3, 16} }

// Replay plays every case by the pure rules, and on the stores that open gives.
func Replay(t *testing.T, cases []Case, open Open) {
	t.Helper()
	for i := range cases {
		c := &cases[i]
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			checked := check(t, c, "by the rules", c.plainly)
			if c.Rule.ofUnits() {
				checked = min(checked, c.onStores(t, open, c.unitsOn))
			} else {
				checked = min(checked, c.onStores(t, open, c.playedOn))
			}
			if checked != len(c.Queries) {
				t.Errorf("%d of %d queries were checked", checked, len(c.Queries))
			}
		})
	}
}

// Agree asks a board on a store and the rules the same, whatever the answers are. A
// case that a store cannot hold is an error.
func Agree(t testing.TB, c *Case, open Open, shards int) error {
	t.Helper()
	answer, err := c.playedOn(t, open, shards)
	if err != nil {
		return err
	}
	for i := range c.Queries {
		q := &c.Queries[i]
		want, errWant := c.plainly(q)
		got, errGot := answer(q)
		if (errWant == nil) != (errGot == nil) || errWant == nil && fmt.Sprint(want) != fmt.Sprint(got) {
			return fmt.Errorf("%s of %s%v at %v for %q: by the rules %v (%w), with %d shards %v (%w)",
				q.Q, q.Member, q.Members, q.Now, q.Audience, want, errWant, shards, got, errGot)
		}
	}
	return nil
}

// answerer finds the answer to a query.
type answerer func(*Query) (any, error)

// check compares every answer with what is expected, and counts them.
func check(t testing.TB, c *Case, where string, answer answerer) int {
	t.Helper()
	n := 0
	for i := range c.Queries {
		q := &c.Queries[i]
		got, err := answer(q)
		switch {
		case bytes.Equal(bytes.TrimSpace(q.Expect), []byte(`"error"`)):
			if err == nil {
				t.Errorf("%s: %s (query %d): %v, want an error", where, q.Q, i, got)
			}
		case err != nil:
			t.Errorf("%s: %s (query %d): %v", where, q.Q, i, err)
		default:
			if ok, err := matches(q.Expect, got); !ok || err != nil {
				t.Errorf("%s: %s (query %d): %+v, want %s (%v)", where, q.Q, i, got, q.Expect, err)
			}
		}
		n++
	}
	return n
}

// plainly answers by the rules alone.
func (c *Case) plainly(q *Query) (any, error) {
	switch {
	case q.Q == "encode" || q.Q == "decode":
		return q.recode(c.Rule.Encoding, false)
	case c.Rule.ofUnits():
		rows, err := c.rows()
		if err != nil {
			return nil, err
		}
		return c.askUnits(q, rows)
	}
	s, err := c.until(q.Now)
	if err != nil {
		return nil, err
	}
	return s.ask(q, s.truth)
}

// ask asks a board.
func (s *script) ask(q *Query, b board) (any, error) {
	at, err := s.sightOf(q)
	if err != nil {
		return nil, err
	}
	return answers()[q.Q](&inquiry{Query: q, script: s, board: b, sight: at})
}

// rows are what is known of units; a composite of rates knows none.
func (c *Case) rows() ([]leaderboard.Row, error) {
	if c.Rule.Kind == "composite" {
		return nil, nil
	}
	return c.unitRows()
}

func (c *Case) askUnits(q *Query, rows []leaderboard.Row) (any, error) {
	b, err := c.rankUnits(rows)
	if err != nil {
		return nil, err
	}
	return unitAnswers()[q.Q](b.as(namesIn(q.Expect)), q)
}

// namesIn are the first things of the pairs that are expected.
func namesIn(expect json.RawMessage) []string {
	var pairs [][]any
	if json.Unmarshal(expect, &pairs) != nil {
		return nil
	}
	var out []string
	for _, p := range pairs {
		if len(p) > 0 {
			out = append(out, fmt.Sprint(p[0]))
		}
	}
	return out
}

// onStores plays a case with every number of shards, and counts the answers that
// all gave. What a store cannot hold is told with its reason and counts as far as
// the rules were checked.
func (c *Case) onStores(t testing.TB, open Open, on func(testing.TB, Open, int) (answerer, error)) int {
	t.Helper()
	n := len(c.Queries)
	for _, shards := range c.shards() {
		answer, err := on(t, open, shards)
		var reason *unfit
		switch {
		case errors.As(err, &reason):
			t.Logf("not on a store: %v", reason)
			return n
		case err != nil:
			t.Errorf("%d shards: %v", shards, err)
			return 0
		}
		n = min(n, check(t, c, fmt.Sprintf("%d shards", shards), answer))
	}
	return n
}

// shards are how many a case is played with: also as many as it says.
func (c *Case) shards() []int {
	if n := c.Rule.Shards; n > 0 && !slices.Contains(Shards(), n) {
		return append(Shards(), n)
	}
	return Shards()
}

// unfit says why a store cannot hold a case.
type unfit struct{ error }

// playedOn plays what had happened by the time of each query. Once a freeze is over
// a query is asked twice, before the boards were thawed and after.
func (c *Case) playedOn(t testing.TB, open Open, shards int) (answerer, error) {
	t.Helper()
	boards := map[string]*played{}
	at := func(q *Query) (*script, *played, error) {
		s, err := c.until(q.Now)
		if err != nil {
			return nil, nil, err
		}
		sight, err := s.sightOf(q)
		if err != nil {
			return nil, nil, err
		}
		over := c.Rule.Unfreeze != nil && sight.now >= *c.Rule.Unfreeze // and so thawed
		key := fmt.Sprint(len(s.acts), over)
		if boards[key] == nil {
			if boards[key], err = play(t, open, shards, s); err != nil {
				return nil, nil, err
			}
		}
		return s, boards[key], nil
	}
	for i := range c.Queries { // what does not fit is known before anything is asked
		if s, err := c.until(c.Queries[i].Now); err == nil {
			if _, err := newMapping(s); err != nil {
				return nil, &unfit{err}
			}
		}
	}
	return func(q *Query) (any, error) {
		if q.Q == "encode" || q.Q == "decode" {
			return q.byLayout(t, c.Rule.Encoding)
		}
		s, p, err := at(q)
		if err != nil {
			return nil, err
		}
		return s.askTwice(q, p)
	}, nil
}

// byLayout answers with the layout of the boards, or as the rules do where none is
// the encoding.
func (q *Query) byLayout(t testing.TB, e *Encoding) (any, error) {
	t.Helper()
	answer, err := q.recode(e, true)
	if errors.Is(err, errEncoding) {
		t.Logf("not on a store: %v", err)
		return q.recode(e, false)
	}
	return answer, err
}

func (s *script) askTwice(q *Query, p *played) (any, error) {
	first, err := s.ask(q, p)
	if err != nil || !p.c.Freeze.Over(p.now) {
		return first, err
	}
	if err := p.thaw(); err != nil {
		return nil, err
	}
	second, err := s.ask(q, p)
	if err == nil && fmt.Sprint(first) != fmt.Sprint(second) {
		return nil, fmt.Errorf("before the boards were thawed %v, and after %v", first, second)
	}
	return second, err
}

// unitsOn puts what is said of units into the tallies of a store, spread over its
// shards, and ranks what comes back through a snapshot.
func (c *Case) unitsOn(t testing.TB, open Open, shards int) (answerer, error) {
	t.Helper()
	if c.Rule.Kind == "composite" {
		return nil, &unfit{errors.New("it says rates, and a store counts")}
	}
	rows, err := c.unitRows()
	if err != nil {
		return nil, err
	}
	back, err := throughStore(t, open, shards, rows)
	if err != nil {
		return nil, err
	}
	return func(q *Query) (any, error) { return c.askUnits(q, back) }, nil
}

// throughStore returns rows as a store tells them that was told their counts.
func throughStore(t testing.TB, open Open, shards int, rows []leaderboard.Row) ([]leaderboard.Row, error) {
	t.Helper()
	nodes := make([]campaign.Node, len(rows))
	for i, r := range rows {
		nodes[i] = campaign.Node{
			ID: fmt.Sprint("u", i), Kind: campaign.Unit, Roster: r.Roster, Name: campaign.Text{campaign.DefaultLanguage: r.Name},
		}
	}
	tree, err := campaign.NewTree(nodes)
	if err != nil {
		return nil, err
	}
	c := campaignOf(t, &Rule{}, shards)
	c.Tree = tree
	b := open(t, c)
	for shard := range shards {
		batch := leaderboard.NewBatch(event.Position{})
		batch.To = event.Position{Epoch: 1}
		for i, r := range rows {
			addShare(batch.Tally.Cells, nodes[i].ID, r.Counts, int64(shards), int64(shard))
		}
		if _, err := b.Store.Apply(t.Context(), c.ID, shard, batch); err != nil {
			return nil, err
		}
	}
	snap, err := (&leaderboard.Builder{Store: b.Store, Campaign: c}).Build(t.Context(), opened().Add(time.Hour))
	if err != nil {
		return nil, err
	}
	back := leaderboard.Breakdown(tree, snap.Roll, "", campaign.DefaultLanguage)
	return slices.DeleteFunc(back, func(r leaderboard.Row) bool { return strings.HasPrefix(r.ID, campaign.Unassigned) }), nil
}

// addShare adds the part of counts that one of so many shards holds.
func addShare(cells map[leaderboard.Cell]int64, unit string, c leaderboard.Counts, shards, shard int64) {
	share := func(m leaderboard.Metric, n int64) {
		part := n / shards
		if shard < n%shards {
			part++
		}
		cells[leaderboard.Cell{Unit: unit, Metric: m}] = part
	}
	share(leaderboard.Participants, c.Participants)
	share(leaderboard.Scored, c.Scored)
	share(leaderboard.Score, c.Score)
	share(leaderboard.Passed, c.Passed)
	share(leaderboard.Full, c.Full)
	share(leaderboard.Signatures, c.Signatures)
}
