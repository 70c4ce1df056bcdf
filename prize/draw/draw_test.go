package draw_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"qingyuan/prize/draw"
)

// tickets makes n tickets, sorted.
func tickets(rnd *rand.Rand, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%020d", rnd.Uint64())
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func announcement(secret draw.Secret, reserves int, counts ...int) draw.Announcement {
	a := draw.Announcement{
		Campaign: "town-2026", Draw: "main", Reserves: reserves, Source: "中国福利彩票双色球第 2026123 期开奖号码", SecretHash: sha256.Sum256(secret[:]),
	}
	for i, n := range counts {
		a.Prizes = append(a.Prizes, draw.Prize{ID: fmt.Sprint("p", i+1), Name: fmt.Sprint("奖品", i+1), Count: n})
	}
	return a
}

func secretOf(rnd *rand.Rand) (s draw.Secret) {
	for i := range s {
		s[i] = byte(rnd.Uint32())
	}
	return s
}

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 2026)) }

func made(t testing.TB, rnd *rand.Rand, entrants, excluded, reserves int, counts ...int) *draw.File {
	t.Helper()
	secret := secretOf(rnd)
	all := tickets(rnd, entrants+excluded)
	rnd.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	f := draw.Frozen{Entrants: all[:len(all)-excluded], Excluded: all[len(all)-excluded:]}
	slices.Sort(f.Entrants)
	slices.Sort(f.Excluded)
	out, err := draw.New(announcement(secret, reserves, counts...), f, secret, "03 07 11 19 26 31 + 09")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func written(t testing.TB, f *draw.File) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestAgreesWithTheDescription compares ten thousand draws with another program that
// knows the description alone.
func TestAgreesWithTheDescription(t *testing.T) {
	t.Parallel()
	for i := range uint64(10_000) {
		rnd := random(i)
		f := made(t, rnd, rnd.IntN(40), rnd.IntN(5), rnd.IntN(6), 1+rnd.IntN(3), 1+rnd.IntN(9))
		raw := written(t, f)
		want, err := again(raw)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range f.Places {
			got = append(got, fmt.Sprint(p.Place, " ", p.Prize, " ", p.Ticket))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("draw %d: the package draws\n%q\nthe description\n%q", i, got, want)
		}
		read, err := draw.Read(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if err := read.Verify(); err != nil {
			t.Fatalf("draw %d: %v", i, err)
		}
	}
}

// TestEverybodyIsAsLikely draws often among a few, and compares how often each wins
// with what chance makes of it.
func TestEverybodyIsAsLikely(t *testing.T) {
	t.Parallel()
	const entrants, draws, winners = 30, 30_000, 3
	rnd := random(7)
	all := tickets(rnd, entrants)
	a := announcement(draw.Secret{}, 0, winners)
	root, err := draw.Root(all)
	if err != nil {
		t.Fatal(err)
	}
	first, atAll := map[string]int{}, map[string]int{}
	for i := range draws {
		secret := secretOf(rnd)
		places := draw.Choose(draw.Seed(root, secret[:], fmt.Sprint(i)), &a, all)
		first[places[0].Ticket]++
		for _, p := range places {
			atAll[p.Ticket]++
		}
	}
	// 29 degrees of freedom: one in a million lies above 79.8 (chi-square table,
	// 1 - 1e-6). That who wins once cannot win again makes the second sum smaller.
	for name, won := range map[string]struct {
		times map[string]int
		total float64
	}{"first place": {first, draws}, "any place": {atAll, draws * winners}} {
		want, sum := won.total/entrants, 0.0
		for _, ticket := range all {
			d := float64(won.times[ticket]) - want
			sum += d * d / want
		}
		if sum > 79.8 {
			t.Errorf("%s: chi-square %.1f over %d entrants", name, sum, entrants)
		}
	}
}

// TestAltered alters each part of a file, alone: each is found and named.
func TestAltered(t *testing.T) {
	t.Parallel()
	other := draw.Hash(sha256.Sum256([]byte("other")))
	for name, c := range map[string]struct {
		alter func(*draw.File)
		part  string
	}{
		"format":               {func(f *draw.File) { f.Format = "qingyuan.draw/2" }, "format"},
		"campaign":             {func(f *draw.File) { f.Announcement.Campaign = "other" }, "announcement_sha256"},
		"draw":                 {func(f *draw.File) { f.Announcement.Draw = "second" }, "announcement_sha256"},
		"source":               {func(f *draw.File) { f.Announcement.Source += "一" }, "announcement_sha256"},
		"a prize's count":      {func(f *draw.File) { f.Announcement.Prizes[0].Count++ }, "announcement_sha256"},
		"no prizes":            {func(f *draw.File) { f.Announcement.Prizes = nil }, "announcement"},
		"reserves":             {func(f *draw.File) { f.Announcement.Reserves++ }, "announcement_sha256"},
		"the secret's hash":    {func(f *draw.File) { f.Announcement.SecretHash = other }, "announcement_sha256"},
		"announcement's hash":  {func(f *draw.File) { f.AnnouncementHash = other }, "announcement_sha256"},
		"an entrant":           {func(f *draw.File) { f.Entrants[3] = f.Entrants[3][:19] + "x" }, "entrants_root"},
		"order":                {func(f *draw.File) { f.Entrants[3], f.Entrants[4] = f.Entrants[4], f.Entrants[3] }, "entrants"},
		"an entrant twice":     {func(f *draw.File) { f.Entrants[3] = f.Entrants[4] }, "entrants"},
		"an entrant less":      {func(f *draw.File) { f.Entrants = f.Entrants[1:] }, "entrants_count"},
		"a name as ticket":     {func(f *draw.File) { f.Entrants[3] = "张三张三张三张三" }, "entrants"},
		"count":                {func(f *draw.File) { f.Count++ }, "entrants_count"},
		"root":                 {func(f *draw.File) { f.Root = other }, "entrants_root"},
		"an insider less":      {func(f *draw.File) { f.Excluded = f.Excluded[1:] }, "excluded_count"},
		"an insider":           {func(f *draw.File) { f.Excluded[0] = f.Excluded[0][:19] + "x" }, "excluded_root"},
		"insiders' count":      {func(f *draw.File) { f.ExcludedCount++ }, "excluded_count"},
		"insiders' root":       {func(f *draw.File) { f.ExcludedRoot = other }, "excluded_root"},
		"secret":               {func(f *draw.File) { f.Secret = other }, "secret"},
		"value":                {func(f *draw.File) { f.Value += " " }, "seed"},
		"no value":             {func(f *draw.File) { f.Value = "" }, "value"},
		"seed":                 {func(f *draw.File) { f.Seed = other }, "seed"},
		"a winner":             {func(f *draw.File) { f.Places[0].Ticket = f.Places[5].Ticket }, "places"},
		"a winner's prize":     {func(f *draw.File) { f.Places[0].Prize = "p2" }, "places"},
		"two winners changed":  {func(f *draw.File) { f.Places[0], f.Places[1] = f.Places[1], f.Places[0] }, "places"},
		"a winner less":        {func(f *draw.File) { f.Places = f.Places[1:] }, "places"},
		"redraw out of order":  {func(f *draw.File) { f.Redraws[0], f.Redraws[1] = f.Redraws[1], f.Redraws[0] }, "redraws"},
		"redraw to a friend":   {func(f *draw.File) { f.Redraws[0].Ticket = f.Entrants[0] }, "redraws"},
		"redraw of no prize":   {func(f *draw.File) { f.Redraws[0].Place = 7 }, "redraws"},
		"redraw with no word":  {func(f *draw.File) { f.Redraws[0].Reason = " " }, "redraws"},
		"a redraw too many":    {func(f *draw.File) { f.Redraws = append(f.Redraws, f.Redraws...) }, "redraws"},
		"an insider who wins":  {func(f *draw.File) { bribe(t, f) }, "excluded"},
		"all drawn once more":  {func(f *draw.File) { secondDraw(t, f) }, "secret"},
		"drawn at another day": {func(f *draw.File) { f.Value, f.Seed = "08", other }, "seed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := made(t, random(3), 50, 4, 3, 1, 3)
			for place := range 2 {
				if _, err := f.Redraw(place+1, "无人领取"); err != nil {
					t.Fatal(err)
				}
			}
			if err := f.Verify(); err != nil {
				t.Fatalf("before it was altered: %v", err)
			}
			c.alter(f)
			read, err := draw.Read(bytes.NewReader(written(t, f)))
			if err != nil {
				t.Fatal(err)
			}
			part, ok := errors.AsType[*draw.PartError](read.Verify())
			if !ok || part.Part != c.part {
				t.Fatalf("the fault is %v, want one of %q", read.Verify(), c.part)
			}
		})
	}
}

// bribe lets somebody of the excluded in, and makes everything else fit.
func bribe(t *testing.T, f *draw.File) {
	t.Helper()
	f.Entrants = append(f.Entrants, f.Excluded[0])
	slices.Sort(f.Entrants)
	f.Count = len(f.Entrants)
	root, err := draw.Root(f.Entrants)
	if err != nil {
		t.Fatal(err)
	}
	f.Root = root
	f.Seed = draw.Seed(root, f.Secret[:], f.Value)
	f.Places = draw.Choose(f.Seed, &f.Announcement, f.Entrants)
	f.Redraws = nil
}

// secondDraw draws again with another secret, and makes everything else fit.
func secondDraw(t *testing.T, f *draw.File) {
	t.Helper()
	f.Secret = draw.Hash(sha256.Sum256([]byte("again")))
	f.Seed = draw.Seed(f.Root, f.Secret[:], f.Value)
	f.Places = draw.Choose(f.Seed, &f.Announcement, f.Entrants)
	f.Redraws = nil
}

// TestReadsStrictly gives Read what only looks like a file.
func TestReadsStrictly(t *testing.T) {
	t.Parallel()
	raw := string(written(t, made(t, random(5), 20, 2, 1, 2)))
	for name, text := range map[string]string{
		"a field twice":     strings.Replace(raw, `"value":`, `"value":"x","value":`, 1),
		"an unknown field":  strings.Replace(raw, `"value":`, `"winner":"x","value":`, 1),
		"another case":      strings.Replace(raw, `"value":`, `"Value":`, 1),
		"something after":   raw + `{"format":"qingyuan.draw/1"}`,
		"a hash too short":  strings.Replace(raw, `"seed":"`, `"seed":"","x":"`, 1),
		"capital hex":       strings.Replace(raw, `"seed":"`, `"seed":"A`, 1),
		"half of it":        raw[:len(raw)/2],
		"nothing":           "",
		"a number as count": strings.Replace(raw, `"entrants_count":20`, `"entrants_count":20.0`, 1),
	} {
		if _, err := draw.Read(strings.NewReader(text)); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

// TestFewEntrants draws among fewer than there are prizes.
func TestFewEntrants(t *testing.T) {
	t.Parallel()
	for entrants := range 5 {
		f := made(t, random(9), entrants, 0, 2, 2)
		if len(f.Places) != min(entrants, 4) {
			t.Errorf("%d entrants: %d places", entrants, len(f.Places))
		}
		if _, err := f.Redraw(1, "无人领取"); (err == nil) != (entrants > 2) {
			t.Errorf("%d entrants: a redraw = %v", entrants, err)
		}
	}
	f := made(t, random(9), 3, 0, 2, 2)
	if _, err := f.Redraw(1, "无人领取"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Redraw(1, "仍无人领取"); !errors.Is(err, draw.ErrNoReserve) {
		t.Errorf("a redraw without reserves = %v", err)
	}
}

func TestAnnouncements(t *testing.T) {
	t.Parallel()
	for name, alter := range map[string]func(*draw.Announcement){
		"no source":      func(a *draw.Announcement) { a.Source = "" },
		"a long name":    func(a *draw.Announcement) { a.Draw = strings.Repeat("抽", 400) },
		"two of one id":  func(a *draw.Announcement) { a.Prizes[1].ID = a.Prizes[0].ID },
		"none of one":    func(a *draw.Announcement) { a.Prizes[1].Count = 0 },
		"less than none": func(a *draw.Announcement) { a.Reserves = -1 },
		"too many":       func(a *draw.Announcement) { a.Reserves = draw.MaxPlaces },
	} {
		a := announcement(draw.Secret{}, 1, 1, 2)
		if err := a.Validate(); err != nil {
			t.Fatal(err)
		}
		alter(&a)
		if a.Validate() == nil {
			t.Errorf("%s: it is valid", name)
		}
	}
}

// FuzzVerify reads anything: what verifies can be drawn again by the description.
func FuzzVerify(f *testing.F) {
	f.Add(written(f, made(f, random(1), 9, 2, 1, 2)))
	f.Add(written(f, made(f, random(2), 0, 0, 0, 1)))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		file, err := draw.Read(bytes.NewReader(raw))
		if err != nil || file.Verify() != nil {
			return
		}
		places, err := again(raw)
		if err != nil || len(places) != len(file.Places) {
			t.Fatalf("%d places, and the description draws %d: %v", len(file.Places), len(places), err)
		}
	})
}
