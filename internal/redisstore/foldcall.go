package redisstore

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"qingyuan/leaderboard"
)

// foldCall lays a batch out for fold_apply.lua. freezes says that the campaign has
// a freeze, at any time.
func foldCall(o *opened, shard int, batch *leaderboard.Batch, freezes bool) (keys []string, args []any) {
	k := o.shards[shard]
	c := &call{shardKeys: k, keys: []string{
		k.meta(), k.cursor(), k.tally(), k.tallyLate(), k.scores(), k.scoresLate(), k.minutes(), k.recent(), k.thaw(),
	}}
	lists := movesByBoard(batch.Moves, freezes)
	c.args = make([]any, 0, sizeOf(batch, len(lists)))
	c.args = append(c.args, o.epoch, batch.From.String(), batch.To.String(), leaderboard.FoldVersion, oldestMinute(batch), recentKept)
	count(c, batch.Tally.Cells, cellField)
	count(c, batch.Late.Cells, cellField)
	count(c, batch.Tally.Scores, strconv.Itoa)
	count(c, batch.Late.Scores, strconv.Itoa)
	count(c, batch.Minutes, minuteField)
	c.hours(batch.Hours)
	c.args = append(c.args, len(lists))
	for _, l := range lists {
		c.places(l)
	}
	c.args = append(c.args, len(batch.Recent))
	for i := range batch.Recent {
		c.args = append(c.args, packAct(batch.Recent[i]))
	}
	return c.keys, c.args
}

// sizeOf is about how many arguments a batch has.
func sizeOf(b *leaderboard.Batch, lists int) int {
	counts := len(b.Tally.Cells) + len(b.Late.Cells) + len(b.Tally.Scores) + len(b.Late.Scores) + len(b.Minutes) + len(b.Hours)
	return 30 + 2*counts + 4*lists + 3*len(b.Moves) + len(b.Recent)
}

// call collects a script's keys, each once, and its arguments.
type call struct {
	shardKeys

	keys []string
	args []any
	// boards says where the layers of a board begin.
	boards map[boardLayers]int
}

// boardLayers are so many of the layers of a board, from the first of those that
// are shown or of those that are hidden.
type boardLayers struct {
	scope  string
	hidden bool
	many   int
}

// count lays out by how much the fields of one hash change: the fields first, and
// then the changes, as the script hands them on.
func count[K comparable, V int64](c *call, changes map[K]V, field func(K) string) {
	n := len(changes)
	c.args = append(c.args, n)
	c.args = append(c.args, make([]any, 2*n)...)
	list := c.args[len(c.args)-2*n:]
	i := 0
	for k, change := range changes {
		list[i], list[n+i] = field(k), change
		i++
	}
}

// hours lays out the counts of each hour.
func (c *call) hours(cells map[leaderboard.BucketCell]int64) {
	byHour := map[int64]map[leaderboard.Cell]int64{}
	for at, n := range cells {
		if byHour[at.Bucket] == nil {
			byHour[at.Bucket] = map[leaderboard.Cell]int64{}
		}
		byHour[at.Bucket][at.Cell] = n
	}
	c.args = append(c.args, len(byHour))
	for hour, cells := range byHour {
		c.keys = append(c.keys, c.hour(hour))
		c.args = append(c.args, len(c.keys))
		count(c, cells, cellField)
	}
}

// placeList is a run of moves that do the same on one board, in the order of the
// facts.
type placeList struct {
	boardLayers

	what  string
	moves []*leaderboard.Move
}

// movesByBoard sorts moves into lists. Those of one board stay in their order;
// boards know nothing of each other.
func movesByBoard(moves []leaderboard.Move, freezes bool) []*placeList {
	var lists []*placeList
	last := map[string]*placeList{}
	for i := range moves {
		m := &moves[i]
		what, layers := moveOn(m, freezes)
		l := last[m.Scope]
		if l == nil || l.what != what || l.boardLayers != layers {
			l = &placeList{boardLayers: layers, what: what}
			last[m.Scope] = l
			lists = append(lists, l)
		}
		l.moves = append(l.moves, m)
	}
	for _, l := range lists {
		l.sort()
	}
	return lists
}

// sort puts raises in order of place, because the higher one stays whoever comes
// first. Neighbours on a large board are found by the same way through it, which is in
// the processor's cache then.
func (l *placeList) sort() {
	if l.moves[0].Op == leaderboard.Raise {
		slices.SortFunc(l.moves, func(a, b *leaderboard.Move) int { return cmp.Compare(a.Packed, b.Packed) })
	}
}

// moveOn says what the script is to do, and on no more layers than it may touch.
func moveOn(m *leaderboard.Move, freezes bool) (what string, on boardLayers) {
	if m.Op == leaderboard.Set {
		if m.To.Hidden {
			return "set hidden", boardLayers{m.Scope, false, len(allLayers)}
		}
		return "set", boardLayers{m.Scope, false, len(allLayers)}
	}
	add := m.Op == leaderboard.Add
	switch {
	case m.Late:
		return either(add, "add late", "raise late"), boardLayers{m.Scope, m.Hidden, len(shownLayers)}
	case freezes:
		return either(add, "add since", "raise since"), boardLayers{m.Scope, m.Hidden, len(shownLayers)}
	default:
		return either(add, "add", "raise"), boardLayers{m.Scope, m.Hidden, 1}
	}
}

func either(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// places lays out one list.
func (c *call) places(l *placeList) {
	c.args = append(c.args, c.place(l.boardLayers), l.what, l.scope, len(l.moves))
	for _, m := range l.moves {
		if m.Op == leaderboard.Set {
			base, now := placeTexts(m.To)
			c.args = append(c.args, base, now, m.Participant)
			continue
		}
		c.args = append(c.args, m.Packed, m.Participant)
	}
}

// place returns where in KEYS the first of some layers of a board is; the others
// follow it.
func (c *call) place(b boardLayers) int {
	if at, ok := c.boards[b]; ok {
		return at
	}
	if c.boards == nil {
		c.boards = map[boardLayers]int{}
	}
	from := 0
	if b.hidden {
		from = len(shownLayers)
	}
	c.boards[b] = len(c.keys) + 1
	for _, l := range allLayers[from : from+b.many] {
		c.keys = append(c.keys, c.layer(b.scope, l))
	}
	return c.boards[b]
}

func cellField(c leaderboard.Cell) string { return c.Unit + "|" + string(c.Metric) }

func minuteField(c leaderboard.BucketCell) string {
	return strconv.FormatInt(c.Bucket, 10) + "|" + string(c.Metric)
}

// oldestMinute is before which minutes may go: two hours before the newest.
func oldestMinute(b *leaderboard.Batch) int64 {
	var newest int64
	for cell := range b.Minutes {
		newest = max(newest, cell.Bucket)
	}
	return newest - int64(minutesKept/time.Minute)
}

// packAct writes "kind|ms|participant|unit".
func packAct(a leaderboard.Act) string {
	return strings.Join([]string{string(a.Kind), millis(a.At), a.Participant, a.Unit}, "|")
}
