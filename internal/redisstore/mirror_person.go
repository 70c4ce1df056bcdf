package redisstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/replay/state"
)

// personFields packs what the hash of a participant must hold, in every field
// but v: answers kept in an open attempt are known to Redis alone.
func personFields(p *state.Person) (map[string]string, error) {
	f := make(map[string]string, 8+len(p.Finished)) //nolint:mnd // Room for the fields below.
	if e := &p.Enrolment; e.Unit != "" {
		f["u"], f["g"], f["e"], f["t"] = e.Unit, e.Group, packEnrolment(*e, p.Digest), millis(e.At)
	}
	if p.Last > 0 {
		f["l"] = strings.Join([]string{strconv.Itoa(p.Last), p.Day, strconv.Itoa(p.OnDay)}, "|")
	}
	if p.Open != nil {
		f["o"] = strconv.Itoa(p.Open.Number) + "|" + packOpen(p.Open)
	}
	for i := range p.Finished {
		f[slot(p.Finished[i].Number)] = packFinished(&p.Finished[i])
	}
	if p.Best != nil {
		f["b"] = packBest(p.Best.Place, &p.Best.Result)
	}
	if p.BestOfDay != nil {
		f["d"] = p.BestOfDay.Day + "|" + score(p.BestOfDay.Place)
	}
	if !p.FirstAct.IsZero() {
		f["f"] = millis(p.FirstAct)
	}
	if p.Signature != nil {
		s, err := packSignature(*p.Signature)
		if err != nil {
			return nil, fmt.Errorf("pack the signature of %s: %w", p.Participant, err)
		}
		f["s"] = s
	}
	return f, nil
}

// Images implements replay.Live.
func (m *Mirror) Images(ctx context.Context, campaign string, shard int, people []state.Person) ([]state.Image, error) {
	b := newImageBatch(campaign, shard, people)
	if err := ask(ctx, m.db, func(p redis.Pipeliner) { b.ask(ctx, p) }); err != nil {
		return nil, fmt.Errorf("%d participants of %s:%d: %w", len(people), campaign, shard, err)
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

// imageBatch reads many participants with one command for each board.
type imageBatch struct {
	keys        shardKeys
	people      []state.Person
	ids         []any
	hashes      []*redis.MapStringStringCmd
	board, open *redis.Cmd
	scoped      map[string]*scopedCmd
}

// scopedCmd asks one board for some of the participants.
type scopedCmd struct {
	ids []any
	cmd *redis.Cmd
	at  int // the next one to be taken from the answer
}

func newImageBatch(campaign string, shard int, people []state.Person) *imageBatch {
	b := &imageBatch{keys: keysOf(campaign, shard), people: people, scoped: map[string]*scopedCmd{}}
	for i := range people {
		id := people[i].Participant
		b.ids = append(b.ids, id)
		for _, place := range people[i].Places {
			c := b.scoped[place.Scope]
			if c == nil {
				c = &scopedCmd{}
				b.scoped[place.Scope] = c
			}
			c.ids = append(c.ids, id)
		}
	}
	return b
}

func (b *imageBatch) ask(ctx context.Context, p redis.Pipeliner) {
	for _, id := range b.ids {
		b.hashes = append(b.hashes, p.HGetAll(ctx, b.keys.participant(id.(string)))) //nolint:forcetypeassert // Only strings are put there.
	}
	b.board, b.open = scores(ctx, p, b.keys.board(), b.ids), scores(ctx, p, b.keys.open(), b.ids)
	for scope, c := range b.scoped {
		c.cmd = scores(ctx, p, b.keys.scoped(scope), c.ids)
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
		if img.Board, err = scoreAt(b.board, i); err != nil {
			return nil, err
		}
		if img.Open, err = scoreAt(b.open, i); err != nil {
			return nil, err
		}
		if err := b.addScoped(&b.people[i], img); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (b *imageBatch) addScoped(p *state.Person, img *state.Image) error {
	img.Scoped = make(map[string]string, len(p.Places))
	for _, place := range p.Places {
		c := b.scoped[place.Scope]
		v, err := scoreAt(c.cmd, c.at)
		if err != nil {
			return err
		}
		c.at++
		img.Scoped[place.Scope] = v
	}
	return nil
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
func (m *Mirror) Diff(p *state.Person, img *state.Image) ([]state.Mismatch, error) {
	want, err := personFields(p)
	if err != nil {
		return nil, err
	}
	out := hashMismatches(want, img.Fields)
	out = differ(out, "board", placeOf(p), img.Board)
	out = differ(out, "open set", deadlineOf(p), img.Open)
	expected := make(map[string]string, len(p.Places))
	for _, place := range p.Places {
		expected[place.Scope] = score(place.Packed)
	}
	for scope, got := range img.Scoped {
		out = differ(out, "board "+scope, expected[scope], got)
	}
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

func placeOf(p *state.Person) string {
	if p.Best == nil {
		return ""
	}
	return score(p.Best.Place)
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

// surplus finds the fields that should not be there, and kept answers that
// nobody can read.
func surplus(want, got map[string]string) []state.Mismatch {
	var out []state.Mismatch
	for name, value := range got {
		if _, known := want[name]; known {
			continue
		}
		title, _, _ := layoutOf(name)
		if name != "v" {
			out = append(out, state.Mismatch{Field: title, Want: "none", Got: "some"})
			continue
		}
		if _, err := unpackSaved(value); err != nil || want["o"] == "" {
			out = append(out, state.Mismatch{Field: title, Want: "those of an open attempt", Got: "others"})
		}
	}
	return out
}

// fieldMismatches names the parts of a packed field that differ.
func fieldMismatches(name, want, got string) []state.Mismatch {
	title, parts, hidden := layoutOf(name)
	if got == "" || len(parts) == 0 {
		return []state.Mismatch{{Field: title, Want: shown(want, len(parts) > 0), Got: shown(got, len(parts) > 0)}}
	}
	w, g := strings.SplitN(want, "|", len(parts)), strings.SplitN(got, "|", len(parts))
	if len(w) != len(g) {
		return []state.Mismatch{{Field: title, Want: fmt.Sprint(len(w), " parts"), Got: fmt.Sprint(len(g), " parts")}}
	}
	var out []state.Mismatch
	for i := range w {
		if w[i] != g[i] {
			hide := parts[i] == hidden
			out = append(out, state.Mismatch{Field: title + ": " + parts[i], Want: shown(w[i], hide), Got: shown(g[i], hide)})
		}
	}
	return out
}

// shown leaves out what names a person, and what is too long for a line.
func shown(s string, hide bool) string {
	switch {
	case s == "":
		return "none"
	case hide:
		return "some"
	default:
		return s
	}
}

// attemptParts are the parts that an open and a finished attempt share.
var attemptParts = []string{"started", "deadline", "bank", "seed", "items"}

// layoutOf names a field of a participant's hash, its parts, and the part that may
// not be shown because it names a person.
func layoutOf(name string) (title string, parts []string, hidden string) {
	switch name {
	case "u":
		return "unit", nil, ""
	case "g":
		return "group", nil, ""
	case "t":
		return "enrolled at", nil, ""
	case "f":
		return "first act", nil, ""
	case "v":
		return "kept answers", nil, ""
	case "e":
		return "enrolment", []string{"publish", "guardian", "digest", "notice", "name"}, "name"
	case "l":
		return "limits", []string{"last", "day", "on day"}, ""
	case "o":
		return "open attempt", append([]string{"number"}, attemptParts...), ""
	case "b":
		return "best", []string{"place", "score", "used", "at", "passed", "full"}, ""
	case "d":
		return "best of the day", []string{"day", "place"}, ""
	case "s":
		return "signature", []string{"state", "method", "at", "text", "version", "name"}, "name"
	}
	if number, ok := strings.CutPrefix(name, "a"); ok {
		return "attempt " + number, slices.Concat([]string{"state", "by"}, attemptParts,
			[]string{"choices", "score", "max", "correct", "passed", "used", "at"}), ""
	}
	return "field " + name, nil, ""
}
