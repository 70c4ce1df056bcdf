package replay_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"qingyuan/internal/redisstore"
)

// garden is a sound Redis in which one thing at a time is changed.
type garden struct {
	*rig
	planted int
}

// key finds the one key that ends like this.
func (g *garden) key(end string) string {
	g.Helper()
	keys := g.keys("*" + end)
	if len(keys) != 1 {
		g.Fatalf("%d keys end with %s: %v", len(keys), end, keys)
	}
	return keys[0]
}

func (g *garden) keys(pattern string) []string {
	g.Helper()
	keys, err := g.db.Keys(g.Context(), pattern).Result()
	slices.Sort(keys)
	return must(g.TB, keys, err)
}

// beside is a key of the same shard.
func (g *garden) beside(name string) string {
	return strings.TrimSuffix(g.key("}:tally"), "tally") + name
}

// look verifies what the key belongs to.
func (g *garden) look(key string) []string {
	g.Helper()
	if strings.Contains(key, redisstore.DoorsCampaign) {
		_, got := g.verifyDoors()
		return got
	}
	_, got := g.verifyCampaign()
	return got
}

// plant changes a key, expects exactly these differences, and changes it back.
func (g *garden) plant(key string, change func(), want ...string) {
	g.Helper()
	ctx := g.Context()
	before, err := g.db.Dump(ctx, key).Result()
	if err != nil && err != redis.Nil { //nolint:errorlint // redis.Nil is returned as is.
		g.Fatal(err)
	}
	change()
	got := g.look(key)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		g.Errorf("after a change of %s, differences (-want +got):\n%s", key, diff)
	}
	g.db.Del(ctx, key)
	if before != "" {
		g.db.Restore(ctx, key, 0, before)
	}
	g.planted++
}

// counts changes the fields of a hash of counts: one by itself, then each by one, and at
// last takes all away.
func (g *garden) counts(key string, title func(field string) string) {
	g.Helper()
	ctx := g.Context()
	counts := map[string]int{}
	for field, value := range g.db.HGetAll(ctx, key).Val() {
		counts[field], _ = strconv.Atoi(value)
	}
	differ := func(got func(n int) int) (out []string) {
		for field, n := range counts {
			if got(n) != n {
				out = append(out, fmt.Sprintf("%s: count: %d, not %d", title(field), got(n), n))
			}
		}
		return out
	}
	up := func(n int) int { return n + 1 }
	for field, n := range counts {
		g.plant(key, func() { g.db.HIncrBy(ctx, key, field, 1) }, fmt.Sprintf("%s: count: %d, not %d", title(field), n+1, n))
		break
	}
	g.plant(key, func() {
		for field := range counts {
			g.db.HIncrBy(ctx, key, field, 1)
		}
	}, differ(up)...)
	g.plant(key, func() { g.db.Del(ctx, key) }, differ(func(int) int { return 0 })...)
}

// board changes, takes away and adds an entry of a board of one layer.
func (g *garden) board(key, name string) { g.layer(key, name, name, "members") }

// layer changes, takes away and adds an entry of a layer of a board. What differs of
// a participant goes by a name, and how many there are by another.
func (g *garden) layer(key, name, board, whose string) {
	g.Helper()
	ctx := g.Context()
	entries := g.db.ZRangeWithScores(ctx, key, 0, -1).Val()
	if len(entries) == 0 {
		g.Fatalf("%s is empty", key)
	}
	members := func(got int) string { return fmt.Sprintf("%s: %s: %d, not %d", board, whose, got, len(entries)) }
	for _, e := range entries[:min(len(entries), 2)] {
		id, _ := e.Member.(string)
		place := strconv.FormatFloat(e.Score, 'f', -1, 64)
		more := strconv.FormatFloat(e.Score+1, 'f', -1, 64)
		g.plant(key, func() { g.db.ZIncrBy(ctx, key, 1, id) }, fmt.Sprintf("%s: %s: %s, not %s", id, name, more, place))
		g.plant(key, func() { g.db.ZRem(ctx, key, id) }, fmt.Sprintf("%s: %s: none, not %s", id, name, place), members(len(entries)-1))
	}
	g.plant(key, func() { g.db.ZAdd(ctx, key, z(1, "nobody")) }, members(len(entries)+1))
}

// TestEveryPlantIsFound changes one thing at a time in a Redis that real services
// have filled, and sees that verifying names exactly that.
func TestEveryPlantIsFound(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.populate()
	r.settle()
	r.clean()
	g := &garden{rig: r}
	ctx := t.Context()

	g.counts(g.key("}:tally"), func(f string) string { return "tally " + f })
	g.plant(g.key("}:tally"), func() { g.db.HSet(ctx, g.key("}:tally"), "u9|attempts", 1) }, "tally u9|attempts: count: 1, not 0")
	for _, key := range g.keys("*:hour:*") {
		hour := key[strings.LastIndex(key, ":")+1:]
		g.counts(key, func(f string) string { return "hour " + hour + " " + f })
	}
	early := g.beside("hour:1")
	g.plant(early, func() { g.db.HSet(ctx, early, "u1|attempts", 1) }, "hour 1 u1|attempts: count: 1, not 0")
	g.minutes()
	g.board(g.key("}:board"), "board")
	for _, key := range g.keys("*}:board:*") {
		g.board(key, "board "+key[strings.Index(key, ":board:")+len(":board:"):])
	}
	strange := g.beside("board:u:u9")
	g.plant(strange, func() { g.db.ZAdd(ctx, strange, z(1, person(1))) }, "board u:u9: members: 1, not 0")
	g.openSet()
	g.people()
	g.rest()
	r.clean()
	t.Logf("%d plants, each found and named", g.planted)
}

// minutes looks at those that are certainly kept.
func (g *garden) minutes() {
	g.Helper()
	ctx, key := g.Context(), g.key("}:minutes")
	var newest int64
	fields := g.db.HGetAll(ctx, key).Val()
	minute := func(field string) int64 {
		m, _ := strconv.ParseInt(field[:strings.Index(field, "|")], 10, 64)
		return m
	}
	for field := range fields {
		newest = max(newest, minute(field))
	}
	for field, value := range fields {
		if minute(field) < newest-120 {
			continue
		}
		n, _ := strconv.Atoi(value)
		g.plant(key, func() { g.db.HIncrBy(ctx, key, field, 1) },
			fmt.Sprintf("minute %s: count: %d, not %d", strings.ReplaceAll(field, "|", " "), n+1, n))
	}
}

func (g *garden) openSet() {
	g.Helper()
	ctx, key := g.Context(), g.key("}:open")
	for _, e := range g.db.ZRangeWithScores(ctx, key, 0, -1).Val() {
		id, _ := e.Member.(string)
		at := strconv.FormatFloat(e.Score, 'f', -1, 64)
		g.plant(key, func() { g.db.ZIncrBy(ctx, key, 1, id) },
			fmt.Sprintf("%s: open set: %s, not %s", id, strconv.FormatFloat(e.Score+1, 'f', -1, 64), at))
		g.plant(key, func() { g.db.ZRem(ctx, key, id) }, fmt.Sprintf("%s: open set: none, not %s", id, at), "open set: members: 3, not 4")
	}
	g.plant(key, func() { g.db.ZAdd(ctx, key, z(1, person(6))) },
		person(6)+": open set: 1, not none", "open set: members: 5, not 4")
}

// people changes every part of every field of everybody.
func (g *garden) people() {
	g.Helper()
	ctx := g.Context()
	for _, i := range []int{0, 3, 8, 10} { // who did most, moved a door, signed, and moved
		id := person(i)
		key := g.key("}:p:" + id)
		for field, value := range g.db.HGetAll(ctx, key).Val() {
			g.field(key, id, field, value)
		}
		g.plant(key, func() { g.db.HSet(ctx, key, "y", "1") }, id+": field y: some, not none")
		g.plant(key, func() { g.db.HSet(ctx, key, "x", "1") }, id+": hidden: some, not none")
		g.plant(key, func() { g.db.HSet(ctx, key, "a99", "1") }, id+": attempt 99: some, not none")
		g.plant(key, func() { g.db.Del(ctx, key) }, id+": participant: none, not some")
	}
	stranger := g.beside("p:stranger")
	g.plant(stranger, func() { g.db.HSet(ctx, stranger, "u", "u1", "g", "public") }, "stranger: participant: some, not none")
}

var titles = map[string]string{
	"u": "unit", "g": "group", "t": "enrolled at", "f": "has acted", "p": "best of the phase", "x": "hidden", "e": "enrolment", "l": "limits", "o": "open attempt",
	"b": "best", "d": "best of the day", "s": "signature", "v": "kept answers", "w": "transfers", "j": "joined with",
}

// field changes each part of a field by itself. What names a person is not shown.
func (g *garden) field(key, id, field, value string) {
	g.Helper()
	ctx := g.Context()
	title := titles[field]
	if strings.HasPrefix(field, "a") {
		title = "attempt " + field[1:]
	}
	if field == "v" {
		g.plant(key, func() { g.db.HSet(ctx, key, field, "x") }, id+": kept answers: others, not those of an open attempt")
		return
	}
	if field == "o" || field[0] == 'a' { // packed as bytes
		for i := range value {
			changed := []byte(value)
			changed[i] ^= 1
			g.change(key, field, string(changed), id+": "+title)
		}
	} else {
		parts := strings.Split(value, "|")
		for i := range parts {
			changed := slices.Clone(parts)
			changed[i] += "0"
			g.change(key, field, strings.Join(changed, "|"), id+": "+title)
		}
	}
	g.change(key, field, value+"|", id+": "+title)
	g.without(key, field, id+": "+title)
}

// change expects differences of one thing, and no name in them.
func (g *garden) change(key, field, value, begins string) {
	g.Helper()
	ctx := g.Context()
	before := g.db.HGet(ctx, key, field).Val()
	g.db.HSet(ctx, key, field, value)
	g.differs(key, begins, fmt.Sprintf("after %s of %s became %q", field, key, value))
	g.db.HSet(ctx, key, field, before)
}

// without takes a field away, and puts it back.
func (g *garden) without(key, field, begins string) {
	g.Helper()
	ctx := g.Context()
	before := g.db.HGet(ctx, key, field).Val()
	g.db.HDel(ctx, key, field)
	g.differs(key, begins, fmt.Sprintf("without %s of %s", field, key))
	g.db.HSet(ctx, key, field, before)
}

func (g *garden) differs(key, begins, what string) {
	g.Helper()
	got := g.look(key)
	if len(got) == 0 || slices.ContainsFunc(got, func(s string) bool { return !strings.HasPrefix(s, begins) || strings.Contains(s, "张") }) {
		g.Errorf("%s, differences %q; want some that begin %q and name nobody", what, got, begins)
	}
	g.planted++
}

// rest changes what belongs to nobody.
func (g *garden) rest() {
	g.Helper()
	ctx := g.Context()
	g.plant(g.key("}:recent"), func() { g.db.LPop(ctx, g.key("}:recent")) }, "recent: acts: others, not the newest")
	odd := g.beside("odd")
	g.plant(odd, func() { g.db.Set(ctx, odd, "1", 0) }, "odd: key: some, not none")
	g.doorPlants()

	bank := g.key("{bank:" + g.bank.Digest + "}")
	g.plant(bank, func() { g.db.Del(ctx, bank) }, "bank "+g.bank.Digest+": copy: none, not one")
	g.plant(bank, func() { g.db.SetRange(ctx, bank, 20, "damaged") }, "bank "+g.bank.Digest+": copy: another, not one that can be read")

	record := g.key("{antidrug}:campaign")
	for _, part := range []string{"shards", "base", "bits", "epoch"} {
		n, _ := strconv.Atoi(g.db.HGet(ctx, record, part).Val())
		g.plant(record, func() { g.db.HIncrBy(ctx, record, part, 1) }, fmt.Sprintf(": opening: %s: %d, not %d", part, n+1, n))
	}
	g.plant(record, func() { g.db.HSet(ctx, record, "state", "opening") }, ": opening: state: opening, not open")
	g.plant(record, func() { g.db.Del(ctx, record) }, ": opening: none, not a record")
	meta := g.key("{antidrug:0}:meta")
	g.plant(meta, func() { g.db.HSet(ctx, meta, "epoch", "7") }, ": epoch: 7, not 1")
	fold := g.key("{antidrug:0}:fold")
	g.plant(fold, func() { g.db.HSet(ctx, fold, "version", "99") }, ": fold version: 99, not 2")
	end := g.db.HGet(ctx, fold, "pos").Val()
	g.plant(fold, func() { g.db.HSet(ctx, fold, "pos", "1-9999") }, ": fold: 1-9999, not not after "+end)
}

func (g *garden) doorPlants() {
	g.Helper()
	ctx := g.Context()
	doors := g.keys("*}:d:door-*")
	if len(doors) != 12 {
		g.Fatalf("%d doors", len(doors))
	}
	for _, key := range doors {
		hash := key[strings.LastIndex(key, ":")+1:]
		leads := g.db.HGet(ctx, key, "p").Val()
		g.plant(key, func() { g.db.HSet(ctx, key, "p", person(3)+"0") }, fmt.Sprintf("door %s: participant: %s, not %s", hash, person(3)+"0", leads))
		g.plant(key, func() { g.db.HSet(ctx, key, "s", "") }, "door "+hash+": sealed: none, not some")
		g.plant(key, func() { g.db.Del(ctx, key) }, fmt.Sprintf("door %s: participant: none, not %s", hash, leads))
	}
	moved := g.key("}:d:door-3")
	g.plant(moved, func() { g.db.HSet(ctx, moved, "p", person(3)) }, fmt.Sprintf("door door-3: participant: %s, not %s", person(3), person(4)))
	extra := strings.Replace(moved, "door-3", "door-x", 1)
	g.plant(extra, func() { g.db.HSet(ctx, extra, "p", person(0), "s", "x") }, fmt.Sprintf("door door-x: participant: %s, not none", person(0)))
}

func z(score float64, member string) redis.Z { return redis.Z{Score: score, Member: member} }
