package leaderboard_test

import (
	"cmp"
	"errors"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qingyuan/leaderboard"
)

// base is when the campaigns here open, a whole second.
var base = time.Date(2026, 6, 1, 1, 0, 0, 0, time.UTC)

// layouts are all there are: steps of one, two and four seconds.
func layouts() map[time.Duration]leaderboard.Layout {
	return map[time.Duration]leaderboard.Layout{
		time.Second:     {Base: base, TimeBits: 18},
		2 * time.Second: {Base: base, TimeBits: 17},
		4 * time.Second: {Base: base, TimeBits: 16},
	}
}

func TestPackByHand(t *testing.T) {
	t.Parallel()
	l := leaderboard.Layout{Base: base, TimeBits: 18}
	for _, tc := range []struct {
		score int
		used  time.Duration
		after time.Duration
		want  uint64
	}{
		{2047, 0, 0, 1<<53 - 1},
		{0, 26214300 * time.Millisecond, 16777215 * time.Second, 0},
		{100, 125300 * time.Millisecond, 24 * time.Hour, 444181675683455},
		{100, 125399 * time.Millisecond, 24*time.Hour + 999*time.Millisecond, 444181675683455}, // below the resolution
	} {
		got, err := l.Pack(tc.score, tc.used, base.Add(tc.after))
		if err != nil || got != tc.want {
			t.Errorf("Pack(%d, %v, +%v) = %d, %v; want %d", tc.score, tc.used, tc.after, got, err, tc.want)
		}
	}
}

// TestOutOfRange shows that what a layout cannot hold is refused, never wrapped.
func TestOutOfRange(t *testing.T) {
	t.Parallel()
	for step, l := range layouts() {
		longest := time.Duration(1<<l.TimeBits-1) * 100 * time.Millisecond
		last := l.Span() - time.Nanosecond
		if _, err := l.Pack(2047, longest+99*time.Millisecond, base.Add(last)); err != nil {
			t.Errorf("steps of %v: the last that fits is refused: %v", step, err)
		}
		for why, tc := range map[string]struct {
			score       int
			used, after time.Duration
		}{
			"a negative score":   {-1, 0, 0},
			"too many points":    {2048, 0, 0},
			"a negative time":    {0, -time.Second, 0},
			"too long a time":    {0, longest + 100*time.Millisecond, 0},
			"before the base":    {0, 0, -time.Nanosecond},
			"after the last":     {0, 0, l.Span()},
			"long after the end": {0, 0, 100 * 365 * 24 * time.Hour},
		} {
			if v, err := l.Pack(tc.score, tc.used, base.Add(tc.after)); !errors.Is(err, leaderboard.ErrOutOfRange) {
				t.Errorf("steps of %v, %s: Pack = %d, %v", step, why, v, err)
			}
		}
	}
}

// attempt is one that some layout holds, at its resolution.
type attempt struct {
	score int
	used  time.Duration
	at    time.Time
}

func genAttempt(t *rapid.T, l leaderboard.Layout, name string) attempt {
	steps := int64(l.Span() / l.Step())
	return attempt{
		// Few different values, so that ties are common.
		score: rapid.OneOf(rapid.IntRange(0, 3), rapid.IntRange(0, 2047)).Draw(t, name+" score"),
		used: 100 * time.Millisecond *
			time.Duration(rapid.OneOf(rapid.Int64Range(0, 3), rapid.Int64Range(0, 1<<l.TimeBits-1)).Draw(t, name+" used")),
		at: l.Base.Add(l.Step() *
			time.Duration(rapid.OneOf(rapid.Int64Range(0, 3), rapid.Int64Range(0, steps-1)).Draw(t, name+" at"))),
	}
}

// better is the rule: by score, then less time, then earlier.
func better(a, b attempt) int {
	return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.used, b.used), a.at.Compare(b.at))
}

// TestPackKeepsTheOrder: one attempt is better than another exactly if its packed
// number is larger.
func TestPackKeepsTheOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := layouts()[time.Second<<rapid.IntRange(0, 2).Draw(t, "layout")]
		a, b := genAttempt(t, l, "a"), genAttempt(t, l, "b")
		pa, errA := l.Pack(a.score, a.used, a.at)
		pb, errB := l.Pack(b.score, b.used, b.at)
		if errA != nil || errB != nil || pa >= 1<<53 {
			t.Fatalf("Pack = %d, %v and %d, %v", pa, errA, pb, errB)
		}
		if got := cmp.Compare(pb, pa); got != better(a, b) {
			t.Errorf("%+v is packed %d, %+v is packed %d", a, pa, b, pb)
		}
		score, used, at := l.Unpack(pa)
		if score != a.score || used != a.used || !at.Equal(a.at) {
			t.Errorf("Unpack(Pack(%+v)) = %d, %v, %s", a, score, used, at)
		}
	})
}

// TestARedisScoreHoldsIt: a sorted set keeps scores as doubles.
func TestARedisScoreHoldsIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := layouts()[time.Second]
		a := genAttempt(t, l, "a")
		v, err := l.Pack(a.score, a.used, a.at)
		if err != nil {
			t.Fatal(err)
		}
		f, err := strconv.ParseFloat(strconv.FormatUint(v, 10), 64)
		if err != nil || uint64(f) != v {
			t.Errorf("%d is %f as a double", v, f)
		}
	})
}

// TestChooseLayout takes the finest that holds the campaign.
func TestChooseLayout(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	spans := map[time.Duration]time.Duration{}
	for step, l := range layouts() {
		if l.Step() != step {
			t.Errorf("Step of %d bits is %v", l.TimeBits, l.Step())
		}
		spans[step] = l.Span()
	}
	for _, tc := range []struct {
		length time.Duration
		bits   uint
	}{
		{27 * day, 18},
		{194 * day, 18},
		{spans[time.Second] - 1, 18},
		{spans[time.Second], 17},
		{731 * day, 17}, // a demonstration's two years
		{spans[2*time.Second] - 1, 17},
		{spans[2*time.Second], 16},
		{spans[4*time.Second] - 1, 16},
	} {
		l, err := leaderboard.ChooseLayout(base.Add(999*time.Millisecond), base.Add(tc.length))
		if err != nil || l.TimeBits != tc.bits || !l.Base.Equal(base) {
			t.Errorf("ChooseLayout for %v = %+v, %v; want %d bits from the whole second", tc.length, l, err, tc.bits)
		}
		if _, err := l.Pack(1, 0, base.Add(tc.length)); err != nil {
			t.Errorf("a submission at the close of %v: %v", tc.length, err)
		}
	}
	if l, err := leaderboard.ChooseLayout(base, base.Add(spans[4*time.Second])); !errors.Is(err, leaderboard.ErrOutOfRange) {
		t.Errorf("ChooseLayout for nine years = %+v, %v", l, err)
	}
}

func TestParseLayout(t *testing.T) {
	t.Parallel()
	for _, l := range layouts() {
		got, err := leaderboard.ParseLayout(strconv.FormatInt(l.Base.Unix(), 10), strconv.FormatUint(uint64(l.TimeBits), 10))
		if err != nil || got.TimeBits != l.TimeBits || !got.Base.Equal(l.Base) {
			t.Errorf("ParseLayout of %+v = %+v, %v", l, got, err)
		}
	}
	for _, bad := range [][2]string{{"", "18"}, {"now", "18"}, {"1", ""}, {"1", "15"}, {"1", "19"}, {"1", "-18"}, {"1", "274"}} {
		if l, err := leaderboard.ParseLayout(bad[0], bad[1]); err == nil {
			t.Errorf("ParseLayout(%q, %q) = %+v", bad[0], bad[1], l)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(uint64(0), uint8(0))
	f.Add(uint64(1)<<53-1, uint8(1))
	f.Add(uint64(444181675683455), uint8(2))
	f.Fuzz(func(t *testing.T, v uint64, which uint8) {
		l := layouts()[time.Second<<(which%3)]
		v %= 1 << 53
		score, used, at := l.Unpack(v)
		if again, err := l.Pack(score, used, at); err != nil || again != v {
			t.Errorf("Unpack(%d) = %d, %v, %s, which packs to %d, %v", v, score, used, at, again, err)
		}
	})
}
