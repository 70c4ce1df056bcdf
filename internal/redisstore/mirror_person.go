package redisstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/replay/state"
	"qingyuan/leaderboard"
)

// personFields packs what the hash of a participant must hold, in every field
// but v: answers kept in an open attempt are known to Redis alone.
func personFields(p *state.Person) (map[string]string, error) {
	f := make(map[string]string, 12+len(p.Finished)) //nolint:mnd // Room for the fields below.
	if e := &p.Enrolment; e.Unit != "" {
		f["u"], f["g"], f["e"], f["t"] = e.Unit, e.Group, packEnrolment(*e, p.Digest), moment(e.At)
	}
	if len(p.Stays) > 0 {
		f["w"] = packStays(p.Stays)
	}
	if p.Open != nil {
		f["o"] = strconv.Itoa(p.Open.Number) + "|" + packOpen(p.Open)
	}
	for i := range p.Finished {
		f[slot(p.Finished[i].Number)] = packFinished(&p.Finished[i])
	}
	if !p.FirstAct.IsZero() {
		f["f"] = flag(true)
	}
	if p.Hidden {
		f["x"] = flag(true)
	}
	if p.Joined != "" {
		f["j"] = packJoined(p.Joined, p.Returns)
	}
	var errs [3]error
	if p.Last > 0 {
		f["l"], errs[0] = packLimits(p)
	}
	errs[1] = addBest(f, p)
	if p.Signature != nil {
		f["s"], errs[2] = packSignature(*p.Signature)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("pack %s: %w", p.Participant, err)
	}
	return f, nil
}

// addBest packs the best attempt, and the places on the boards of the newest day
// and phase.
func addBest(f map[string]string, p *state.Person) error {
	if p.Best == nil {
		return nil
	}
	f["b"] = packBest(p.Best.Place, &p.Best.Result)
	day, err := packDay(p.OfDay.Window)
	f["d"] = packWindow(day, p.OfDay.Place, p.Best.Place)
	if p.OfPhase != nil {
		f["p"] = packWindow(p.OfPhase.Window, p.OfPhase.Place, p.Best.Place)
	}
	return err
}

// Images implements replay.Live. Most boards have one layer: which have more is
// asked first. Who comes onto another meanwhile seems to differ, and is looked at
// again.
func (m *Mirror) Images(ctx context.Context, campaign string, shard int, people []state.Person) ([]state.Image, error) {
	b := newImageBatch(campaign, shard, people)
	for _, step := range []func(context.Context, redis.Pipeliner){b.askLayers, b.ask} {
		if err := ask(ctx, m.db, func(p redis.Pipeliner) { step(ctx, p) }); err != nil {
			return nil, fmt.Errorf("%d participants of %s:%d: %w", len(people), campaign, shard, err)
		}
	}
	return b.images()
}

// Look implements replay.Live.
func (m *Mirror) Look(ctx context.Context, campaign string, shard int, people []state.Person) ([]state.Image, state.Head, error) {
	b := newImageBatch(campaign, shard, people)
	var at headCmds
	err := m.atomically(ctx, func(p redis.Pipeliner) {
		b.ask(ctx, p)
		at = askHead(ctx, p, b.keys)
	})
	if err != nil {
		return nil, state.Head{}, fmt.Errorf("%d participants of %s:%d: %w", len(people), campaign, shard, err)
	}
	head, err := at.head()
	if err != nil {
		return nil, state.Head{}, err
	}
	images, err := b.images()
	return images, head, err
}

// imageBatch reads many participants with one command for each layer of a board.
type imageBatch struct {
	keys   shardKeys
	people []state.Person
	till   bool // the prizes lie in the shard
	ids    []any
	hashes []*redis.MapStringStringCmd
	lots   []lotCmds // nil in a shard that has no prizes
	open   *redis.Cmd
	boards map[string]*boardCmds // by scope; "" is the main board
}

// boardCmds ask one board for some of the participants.
type boardCmds struct {
	ids    []any
	more   *redis.IntCmd // how many layers there are beside the first; nil before it was asked
	layers []*redis.Cmd  // of allLayers; nil where there is none
	at     int           // the next one to be taken from the answers
}

func newImageBatch(campaign string, shard int, people []state.Person) *imageBatch {
	b := &imageBatch{keys: keysOf(campaign, shard), people: people, boards: map[string]*boardCmds{}, till: shard == tillShard}
	for i := range people {
		id := people[i].Participant
		b.ids = append(b.ids, id)
		for _, place := range people[i].Places {
			c := b.boards[place.Scope]
			if c == nil {
				c = &boardCmds{}
				b.boards[place.Scope] = c
			}
			c.ids = append(c.ids, id)
		}
	}
	b.boards[""] = &boardCmds{ids: b.ids}
	return b
}

func (b *imageBatch) askLayers(ctx context.Context, p redis.Pipeliner) {
	for scope, c := range b.boards {
		var keys []string
		for _, l := range allLayers[1:] {
			keys = append(keys, b.keys.layer(scope, l))
		}
		c.more = p.Exists(ctx, keys...)
	}
}

func (b *imageBatch) ask(ctx context.Context, p redis.Pipeliner) {
	for _, id := range b.ids {
		b.hashes = append(b.hashes, p.HGetAll(ctx, b.keys.participant(id.(string)))) //nolint:forcetypeassert // Only strings are put there.
	}
	if b.till {
		for i := range b.people {
			b.lots = append(b.lots, askLot(ctx, p, b.keys, &b.people[i]))
		}
	}
	b.open = scores(ctx, p, b.keys.open(), b.ids)
	for scope, c := range b.boards {
		c.layers = make([]*redis.Cmd, len(allLayers))
		for i, l := range allLayers {
			if i == 0 || c.more == nil || c.more.Val() > 0 {
				c.layers[i] = scores(ctx, p, b.keys.layer(scope, l), c.ids)
			}
		}
	}
}

// scores asks for entries as Redis has them: go-redis' own call makes no
// difference between a missing entry and one of zero.
func scores(ctx context.Context, p redis.Pipeliner, key string, members []any) *redis.Cmd {
	return p.Do(ctx, append([]any{"zmscore", key}, members...)...)
}

func (b *imageBatch) images() ([]state.Image, error) {
	out := make([]state.Image, len(b.people))
	for i := range b.people {
		img := &out[i]
		var err error
		img.Fields = b.hashes[i].Val()
		if img.Open, err = scoreAt(b.open, i); err != nil {
			return nil, err
		}
		if img.Main, err = b.boards[""].next(); err != nil {
			return nil, err
		}
		if err := b.addScoped(&b.people[i], img); err != nil {
			return nil, err
		}
		if b.till {
			img.Chances, img.Wins = b.lots[i].answers()
		}
	}
	return out, nil
}

func (b *imageBatch) addScoped(p *state.Person, img *state.Image) error {
	img.Scoped = make(map[string]state.Entries[string], len(p.Places))
	for _, place := range p.Places {
		var err error
		if img.Scoped[place.Scope], err = b.boards[place.Scope].next(); err != nil {
			return err
		}
	}
	return nil
}

// next takes the next participant's entries from the answers.
func (c *boardCmds) next() (state.Entries[string], error) {
	var err error
	out := layered(func(i int) string {
		if c.layers[i] == nil {
			return ""
		}
		v, e := scoreAt(c.layers[i], c.at)
		err = errors.Join(err, e)
		return v
	})
	c.at++
	return out, err
}

// scoreAt returns one of the entries that were asked for, as a whole number, or ""
// where there is none.
func scoreAt(c *redis.Cmd, i int) (string, error) {
	values, err := c.Slice()
	if err != nil {
		return "", outage(err)
	}
	switch v := values[i].(type) {
	case nil:
		return "", nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case string:
		return v, nil
	default:
		return "", fmt.Errorf("a board's entry is %T", v)
	}
}

// Diff implements replay.Live.
func (m *Mirror) Diff(p *state.Person, img *state.Image, still bool) ([]state.Mismatch, error) {
	want, err := personFields(p)
	if err != nil {
		return nil, err
	}
	out := hashMismatches(want, img.Fields)
	out = differ(out, "open set", deadlineOf(p), img.Open)
	out = placeMismatches(out, "board", &p.Main, &img.Main, still)
	expected := make(map[string]*leaderboard.Placement, len(p.Places))
	for i := range p.Places {
		expected[p.Places[i].Scope] = &p.Places[i].Placement
	}
	for scope, got := range img.Scoped {
		place := expected[scope]
		if place == nil {
			place = &leaderboard.Placement{}
		}
		out = placeMismatches(out, "board "+scope, place, &got, still)
	}
	lot, err := prizeMismatches(p.Lot, img.Chances, img.Wins)
	if err != nil {
		return nil, err
	}
	out = append(out, lot...)
	slices.SortFunc(out, func(a, b state.Mismatch) int { return strings.Compare(a.Field, b.Field) })
	return out, nil
}

// hashMismatches compares a participant's hash field by field. One that is
// missing as a whole, or too many, is one difference.
func hashMismatches(want, got map[string]string) []state.Mismatch {
	if (len(want) == 0) != (len(got) == 0) {
		return []state.Mismatch{{Field: "participant", Want: someOrNone(len(want)), Got: someOrNone(len(got))}}
	}
	var out []state.Mismatch
	for name, w := range want {
		if g := got[name]; g != w {
			out = append(out, fieldMismatches(name, w, g)...)
		}
	}
	return append(out, surplus(want, got)...)
}

func someOrNone(n int) string {
	if n == 0 {
		return "none"
	}
	return "some"
}

func deadlineOf(p *state.Person) string {
	if p.Open == nil {
		return ""
	}
	return millis(p.Open.Deadline)
}

func differ(out []state.Mismatch, field, want, got string) []state.Mismatch {
	if want == got {
		return out
	}
	return append(out, state.Mismatch{Field: field, Want: orNone(want), Got: orNone(got)})
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
