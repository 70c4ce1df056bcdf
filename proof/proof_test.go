package proof_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"qingyuan/proof"
)

const origin = "qingyuan/d1/town-2026"

// tb is a test, or one of the many of a property.
type tb interface {
	Helper()
	Fatal(args ...any)
}

// pen signs checkpoints of a log that lies in memory.
type pen struct {
	key    ed25519.PrivateKey
	public string
}

func newPen(t tb, seed byte) pen {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	public, err := proof.VerifierKey(origin, key.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return pen{key, public}
}

// shelf is a log in memory, kept by tiles as the stores do.
type shelf struct {
	tree   tlog.Tree
	tiles  map[tlog.Tile][]byte // by level and number; the width is left out
	leaves []proof.Leaf
	fields [][]proof.Field
	totals proof.Totals
	signed []string
}

func newShelf() *shelf { return &shelf{tiles: map[tlog.Tile][]byte{}, totals: proof.Totals{}} }

func (s *shelf) Height() int                     { return proof.TileHeight }
func (s *shelf) SaveTiles([]tlog.Tile, [][]byte) {}
func (s *shelf) reader() tlog.HashReader         { return tlog.TileHashReader(s.tree, s) }
func (s *shelf) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, t := range tiles {
		data := s.tiles[tlog.Tile{L: t.L, N: t.N}]
		if len(data) < t.W*tlog.HashSize {
			return nil, fmt.Errorf("tile %v is not there", t)
		}
		out[i] = data[:t.W*tlog.HashSize]
	}
	return out, nil
}

// add appends a leaf with its fields opened.
func (s *shelf) add(t tb, of int64, kind proof.Type, values ...string) {
	t.Helper()
	var seed proof.Seed
	copy(seed[:], fmt.Sprintf("seed %d", len(s.leaves)))
	var fields []proof.Field
	for i := 0; i+1 < len(values); i += 2 {
		fields = append(fields, seed.Open(values[i], values[i+1]))
	}
	l := proof.Leaf{Type: kind, Of: of, Fields: proof.FieldsHash(fields)}
	tree, tiles, err := proof.Grow(s.tree, s.reader(), []tlog.Hash{l.Hash()})
	if err != nil {
		t.Fatal(err)
	}
	s.tree = tree
	for _, tile := range tiles {
		s.tiles[tlog.Tile{L: tile.L, N: tile.N}] = tile.Data
	}
	s.leaves, s.fields = append(s.leaves, l), append(s.fields, fields)
	s.totals.Add(kind)
}

func (s *shelf) sign(t tb, p pen) string {
	t.Helper()
	c := proof.Checkpoint{Origin: origin, Tree: s.tree, At: time.UnixMilli(1_795_000_000_123), Totals: s.totals}
	signed, err := c.Sign(p.key)
	if err != nil {
		t.Fatal(err)
	}
	s.signed = append(s.signed, signed)
	return signed
}

// bundle is of the leaves with these indexes.
func (s *shelf) bundle(t tb, p pen, indexes ...int64) *proof.Bundle {
	t.Helper()
	b := &proof.Bundle{
		Format: proof.BundleFormat, Origin: origin, Keys: []string{p.public}, Checkpoint: s.sign(t, p), Size: s.tree.N, Root: s.tree.Hash,
	}
	for _, i := range indexes {
		path, err := tlog.ProveRecord(s.tree.N, i, s.reader())
		if err != nil {
			t.Fatal(err)
		}
		b.Entries = append(b.Entries, proof.NewEntry(i, s.leaves[i], s.fields[i], path))
	}
	return b
}

const (
	pledgeText = "我承诺：珍爱生命，远离毒品。"
	strokes    = `[[{"x":1,"y":2}]]`
)

// signature adds one signature between two attempts, and its end.
func signature(t tb) *shelf {
	t.Helper()
	s := newShelf()
	s.add(t, proof.Unknown, proof.AttemptAccepted, proof.FieldTime, "2026-06-01T08:00:00.000Z", proof.FieldScore, "80")
	s.add(t, proof.Unknown, proof.SignatureAccepted, proof.FieldName, "李明", proof.FieldMaskedName, "李*", proof.FieldTime, "2026-06-02T08:00:00.000Z",
		proof.FieldText, proof.Digest(pledgeText), proof.FieldVersion, "v1", proof.FieldUnit, "no1", proof.FieldImage, proof.Digest(strokes))
	s.add(t, proof.Unknown, proof.AttemptAccepted, proof.FieldTime, "2026-06-03T08:00:00.000Z")
	s.add(t, 1, proof.SignatureInvalidated, proof.FieldTime, "2026-06-04T08:00:00.000Z")
	return s
}

func signatureBundle(t tb) *proof.Bundle {
	t.Helper()
	b := signature(t).bundle(t, newPen(t, 1), 1, 3)
	text, image := pledgeText, strokes
	b.Text, b.Image = &text, &image
	return b
}

// TestEachPartIsNamed: a bundle holds as it was given, and whatever is altered in it is
// named, alone.
func TestEachPartIsNamed(t *testing.T) {
	t.Parallel()
	change := func(field, value string) func(*proof.Bundle) {
		return func(b *proof.Bundle) {
			for i := range b.Entries[0].Fields {
				if f := &b.Entries[0].Fields[i]; f.Name == field {
					f.Value = &value
				}
			}
		}
	}
	other := newPen(t, 2)
	cases := []struct {
		part   string
		change func(*proof.Bundle)
	}{
		{"", func(*proof.Bundle) {}},
		{proof.FieldName, change(proof.FieldName, "李月")},
		{proof.FieldTime, change(proof.FieldTime, "2026-06-02T08:00:00.001Z")},
		{proof.FieldUnit, change(proof.FieldUnit, "no2")},
		{proof.FieldVersion, change(proof.FieldVersion, "v2")},
		{proof.FieldText, func(b *proof.Bundle) { *b.Text += " " }},
		{proof.FieldImage, func(b *proof.Bundle) { *b.Image = strings.Replace(*b.Image, "1", "2", 1) }},
		{proof.FieldName, func(b *proof.Bundle) { b.Entries[0].Fields[0].Commitment[3] ^= 1 }},
		{proof.FieldName, func(b *proof.Bundle) { b.Entries[0].Fields[0].Salt[3] ^= 1 }},
		{proof.PartLeaf, func(b *proof.Bundle) { b.Entries[0].Fields[0] = proof.Seed{}.Open(proof.FieldName, "李月") }},
		{proof.PartLeaf, func(b *proof.Bundle) { b.Entries[1].Type = proof.SignatureWithdrawn }},
		{proof.PartLeaf, func(b *proof.Bundle) { b.Entries[0].Fields = b.Entries[0].Fields[1:] }},
		{proof.PartPath, func(b *proof.Bundle) { b.Entries[0].Path[0][0] ^= 1 }},
		{proof.PartPath, func(b *proof.Bundle) { b.Entries[0].Path = b.Entries[0].Path[1:] }},
		{proof.PartPath, func(b *proof.Bundle) { b.Entries[1].Index = 2 }},
		{proof.PartEntries, func(b *proof.Bundle) { b.Entries = nil; b.Text, b.Image = nil, nil }},
		{proof.PartEntries, func(b *proof.Bundle) { b.Entries = b.Entries[1:]; b.Text, b.Image = nil, nil }},
		{proof.PartCheckpoint, func(b *proof.Bundle) { b.Checkpoint = strings.Replace(b.Checkpoint, "\n4\n", "\n5\n", 1) }},
		{proof.PartCheckpoint, func(b *proof.Bundle) { b.Checkpoint = signature(t).sign(t, other) }},
		{proof.PartCheckpoint, func(b *proof.Bundle) {
			s := signature(t)
			s.add(t, proof.Unknown, proof.AttemptAccepted)
			b.Checkpoint = s.sign(t, newPen(t, 1))
		}},
		{proof.PartCheckpoint, func(b *proof.Bundle) { b.Origin = "qingyuan/d1/other" }},
	}
	for i, c := range cases {
		b := signatureBundle(t)
		c.change(b)
		_, faults := b.Verify([]string{newPen(t, 1).public})
		parts := map[string]bool{}
		for _, f := range faults {
			parts[f.Part] = true
		}
		if c.part == "" && len(faults) > 0 || c.part != "" && (len(parts) != 1 || !parts[c.part]) {
			t.Errorf("case %d: %v, want %q", i, faults, c.part)
		}
	}
}

// TestEveryByteOfABundle alters one byte after the other: nothing of what it proves may
// be another and hold.
func TestEveryByteOfABundle(t *testing.T) {
	t.Parallel()
	b := signatureBundle(t)
	var whole bytes.Buffer
	if err := b.Write(&whole); err != nil {
		t.Fatal(err)
	}
	keys := []string{newPen(t, 1).public}
	again, err := proof.ReadBundle(bytes.NewReader(whole.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if _, faults := again.Verify(keys); len(faults) > 0 || again.Counts() {
		t.Fatalf("as it was written: %v, counts %t", faults, again.Counts())
	}
	rapid.Check(t, func(t *rapid.T) {
		raw := bytes.Clone(whole.Bytes())
		at := rapid.IntRange(0, len(raw)-1).Draw(t, "at")
		raw[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
		got, err := proof.ReadBundle(bytes.NewReader(raw))
		if err != nil {
			return
		}
		if _, faults := got.Verify(keys); len(faults) > 0 {
			return
		}
		// It holds: then it says the same. Keys are what its reader does not take from it, and
		// JSON may be spelled in several ways.
		got.Keys = b.Keys
		var said bytes.Buffer
		if err := got.Write(&said); err != nil || !bytes.Equal(said.Bytes(), whole.Bytes()) {
			t.Fatalf("byte %d altered, and it holds:\n%s", at, said.Bytes())
		}
	})
}

// TestClosedFields: what is not opened is bound all the same, and cannot be told.
func TestClosedFields(t *testing.T) {
	t.Parallel()
	b := signatureBundle(t)
	b.Image = nil
	for i := range b.Entries[0].Fields {
		if f := &b.Entries[0].Fields[i]; f.Name == proof.FieldName || f.Name == proof.FieldImage {
			*f = f.Close()
		}
	}
	keys := []string{newPen(t, 1).public}
	if _, faults := b.Verify(keys); len(faults) > 0 {
		t.Errorf("closed: %v", faults)
	}
	var out bytes.Buffer
	if err := b.Write(&out); err != nil || strings.Contains(out.String(), "李明") {
		t.Errorf("%v, the name stands in\n%s", err, out.String())
	}
	if _, ok := b.Entries[0].Value(proof.FieldName); ok {
		t.Error("a closed field has a value")
	}
	image := strokes
	b.Image = &image
	if _, faults := b.Verify(keys); len(faults) != 1 || faults[0].Part != proof.FieldImage {
		t.Errorf("an image that nothing binds: %v", faults)
	}
}

// random is a log of any shape that could have happened, with checkpoints at random.
func random(t *rapid.T, p pen) *shelf {
	s := newShelf()
	type act struct {
		subject proof.Subject
		counts  bool
	}
	acts, signed := map[int64]*act{}, false
	for range rapid.IntRange(1, 40).Draw(t, "leaves") {
		var order []int64
		for i := range s.leaves {
			if acts[int64(i)] != nil {
				order = append(order, int64(i))
			}
		}
		if len(order) == 0 || rapid.Bool().Draw(t, "accept") {
			subject := rapid.SampledFrom([]proof.Subject{proof.Attempt, proof.Signature}).Draw(t, "subject")
			acts[int64(len(s.leaves))] = &act{subject, true}
			s.add(t, proof.Unknown, proof.Type(subject)+".accepted", proof.FieldScore, fmt.Sprint(len(s.leaves)))
		} else {
			of := rapid.SampledFrom(order).Draw(t, "of")
			a := acts[of]
			kinds := []string{"restored", "unchanged"}
			if a.counts {
				kinds = []string{"invalidated", "withdrawn", "unchanged"}
			}
			kind := rapid.SampledFrom(kinds).Draw(t, "kind")
			if kind != "unchanged" {
				a.counts = !a.counts
			}
			if rapid.IntRange(0, 9).Draw(t, "erased") == 0 {
				delete(acts, of)
				of = proof.Unknown
			}
			s.add(t, of, proof.Type(a.subject)+"."+proof.Type(kind), proof.FieldTime, "x")
		}
		if signed = rapid.IntRange(0, 3).Draw(t, "sign") == 0; signed {
			s.sign(t, p)
		}
	}
	if !signed {
		s.sign(t, p)
	}
	return s
}

// file writes a log, each checkpoint behind its last leaf.
func (s *shelf) file(t tb, p pen) []byte {
	t.Helper()
	var out bytes.Buffer
	w := proof.NewLogWriter(&out, origin, []string{p.public})
	next := 0
	behind := func(n int) {
		for next < len(s.signed) {
			c, err := proof.OpenCheckpoint(s.signed[next], []string{p.public})
			if err != nil {
				t.Fatal(err)
			}
			if int(c.N) != n {
				return
			}
			w.Checkpoint(s.signed[next])
			next++
		}
	}
	for i, l := range s.leaves {
		w.Leaf(l, l.Hash())
		behind(i + 1)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestWholeLogs: a log of any shape reads as it was written and counts what counts; with a
// line dropped, doubled, exchanged or altered in one byte it does not hold.
func TestWholeLogs(t *testing.T) {
	t.Parallel()
	p := newPen(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		s := random(t, p)
		raw := s.file(t, p)
		got, err := proof.ReadLog(bytes.NewReader(raw), []string{p.public}, s.signed)
		if err != nil || len(got.Faults) > 0 || got.Last.N != s.tree.N || got.Kept == 0 {
			t.Fatalf("%v, %v", err, got)
		}
		for _, subject := range []proof.Subject{proof.Attempt, proof.Signature} {
			if got.Last.Totals.Count(subject) != s.totals.Count(subject) {
				t.Errorf("%s: %d, want %d", subject, got.Last.Totals.Count(subject), s.totals.Count(subject))
			}
		}
		lines := bytes.SplitAfter(raw, []byte("\n"))
		lines = lines[:len(lines)-1]
		at := rapid.IntRange(1, len(lines)-1).Draw(t, "line")
		var bad [][]byte
		how := rapid.SampledFrom([]string{"drop", "double", "byte"}).Draw(t, "how")
		switch how {
		case "drop":
			if bytes.Contains(lines[at], []byte("checkpoint")) && at < len(lines)-1 {
				return // one that was not the last is missed by nobody who has not kept it
			}
			bad = append(slices.Clone(lines[:at]), lines[at+1:]...)
		case "double":
			if bytes.Contains(lines[at], []byte("checkpoint")) {
				return
			}
			bad = slices.Insert(slices.Clone(lines), at, lines[at])
		case "byte":
			line := bytes.Clone(lines[at])
			line[rapid.IntRange(0, len(line)-2).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
			bad = slices.Clone(lines)
			bad[at] = line
		}
		altered := bytes.Join(bad, nil)
		wrong, err := proof.ReadLog(bytes.NewReader(altered), []string{p.public}, nil)
		if err == nil && len(wrong.Faults) == 0 && !sameLines(altered, raw) {
			t.Fatalf("%s of line %d is not found:\n%s", how, at, altered)
		}
	})
}

// TestOneSpelling: the last letter of a hash and of a signature has bits that mean nothing,
// and a log in which they are set is not as it was written.
func TestOneSpelling(t *testing.T) {
	t.Parallel()
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	p := newPen(t, 1)
	s := newShelf()
	s.add(t, proof.Unknown, proof.AttemptAccepted, proof.FieldTime, "2026-06-01T08:00:00.000Z", proof.FieldScore, "80")
	s.sign(t, p)
	raw := s.file(t, p)
	_, lines, _ := bytes.Cut(raw, []byte("\n")) // the head has keys, which its reader need not trust
	altered := 0
	for at := len(raw) - len(lines); at < len(raw)-1; at++ {
		if raw[at+1] != '=' {
			continue
		}
		other := bytes.Clone(raw)
		other[at] = letters[strings.IndexByte(letters, raw[at])|1]
		got, err := proof.ReadLog(bytes.NewReader(other), []string{p.public}, nil)
		if err == nil && len(got.Faults) == 0 {
			t.Errorf("%q for %q at %d is not found", other[at], raw[at], at)
		}
		altered++
	}
	if altered != 4 {
		t.Errorf("%d letters, want those of two hashes, a root and a signature", altered)
	}
}

// sameLines tells whether both files say the same however JSON is spelled in them.
func sameLines(a, b []byte) bool {
	plain := func(raw []byte) string {
		return strings.NewReplacer(" ", "", "\t", "", "\r", "").Replace(string(raw))
	}
	return plain(a) == plain(b)
}

// TestALogMadeAnew: one that holds in itself and is another than before is found by
// whoever has kept a checkpoint.
func TestALogMadeAnew(t *testing.T) {
	t.Parallel()
	p := newPen(t, 1)
	first := signature(t)
	kept := first.sign(t, p)
	second := newShelf()
	for range 5 {
		second.add(t, proof.Unknown, proof.AttemptAccepted)
	}
	second.sign(t, p)
	for name, c := range map[string]struct {
		log  *shelf
		want string
	}{
		"the same":  {first, ""},
		"made anew": {second, "made anew"},
		"cut": {func() *shelf {
			s := newShelf()
			s.add(t, proof.Unknown, proof.AttemptAccepted, proof.FieldTime, "2026-06-01T08:00:00.000Z", proof.FieldScore, "80")
			s.sign(t, p)
			return s
		}(), "it was cut"},
	} {
		got, err := proof.ReadLog(bytes.NewReader(c.log.file(t, p)), []string{p.public}, []string{kept})
		if err != nil {
			t.Fatal(err)
		}
		if c.want == "" && len(got.Faults) > 0 || c.want != "" && (len(got.Faults) != 1 || !strings.Contains(got.Faults[0].Text, c.want) || got.Faults[0].Part != proof.PartCheckpoint) {
			t.Errorf("%s: %v", name, got.Faults)
		}
	}
}

// TestConsistent: a tree continues each of its own beginnings and no other tree.
func TestConsistent(t *testing.T) {
	t.Parallel()
	s := newShelf()
	var trees []tlog.Tree
	for i := range 300 { // over the border of a tile
		trees = append(trees, s.tree)
		s.add(t, proof.Unknown, proof.AttemptAccepted, proof.FieldScore, fmt.Sprint(i))
	}
	for _, earlier := range trees {
		if err := proof.Consistent(s.tree, earlier, s.reader()); err != nil {
			t.Error(err)
		}
		earlier.Hash[0] ^= 1
		if err := proof.Consistent(s.tree, earlier, s.reader()); err == nil && earlier.N > 0 {
			t.Errorf("continues another tree of %d", earlier.N)
		}
	}
	if err := proof.Consistent(trees[10], trees[11], s.reader()); err == nil {
		t.Error("a shorter tree continues a longer one")
	}
}

// TestLeafIsFixed: leaves are read by programs of other people, for ever.
func TestLeafIsFixed(t *testing.T) {
	t.Parallel()
	f := proof.Seed{1}.Open(proof.FieldUnit, "no1")
	l := proof.Leaf{Type: proof.AttemptRestored, Of: 17, Fields: proof.FieldsHash([]proof.Field{f})}
	const want = "qingyuan.leaf/1\nattempt.restored\n17\n"
	if got := string(l.Bytes()); !strings.HasPrefix(got, want) || len(got) != len(want)+45 {
		t.Errorf("%q", got)
	}
	back, err := proof.ParseLeaf(l.Bytes())
	if err != nil || back != l {
		t.Errorf("%v, %v", back, err)
	}
	for _, bad := range []string{
		"", "qingyuan.leaf/2\nattempt.accepted\n-\n" + l.Fields.String() + "\n", "qingyuan.leaf/1\nattempt.taken\n-\n" + l.Fields.String() + "\n",
		"qingyuan.leaf/1\nattempt.accepted\n3\n" + l.Fields.String() + "\n", "qingyuan.leaf/1\nattempt.restored\n03\n" + l.Fields.String() + "\n",
		"qingyuan.leaf/1\nattempt.restored\n-1\n" + l.Fields.String() + "\n",
	} {
		if got, err := proof.ParseLeaf([]byte(bad)); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}

// TestFieldsAreFixed: what a log binds of these values was worked out by another program,
// and is never anything else.
func TestFieldsAreFixed(t *testing.T) {
	t.Parallel()
	values := []proof.Value{
		{Name: proof.FieldTime, Text: "2026-06-02T08:00:00.123Z"},
		{Name: proof.FieldUnit, Text: "no1"},
		{Name: proof.FieldNumber, Text: "2"},
		{Name: proof.FieldAnswers, Text: "3,1,0\n2"},
		{Name: proof.FieldPaper, Text: strings.Repeat("q1:0.1.2.3,", 40)},
		{Name: proof.FieldImage, Text: ""},
	}
	l := proof.Leaf{Type: proof.AttemptAccepted, Of: proof.Unknown, Fields: proof.Seed{1}.FieldsHash(values)}
	if got, want := l.Fields.String(), "P1tE+daa2KLGTdSEVWvGaMfKsBXD+Sx87F94Yh8jteM="; got != want {
		t.Errorf("the fields' hash is %s, want %s", got, want)
	}
	if got, want := l.Hash().String(), "8l0ccqGkl/ynOsRibjTW+JHAEeNRXhd2RjBFul5B9ls="; got != want {
		t.Errorf("the leaf's hash is %s, want %s", got, want)
	}
}

// TestSealedAsOpened: whatever values say, a seed binds them without opening as when they
// are opened, and both as the format is described.
func TestSealedAsOpened(t *testing.T) {
	t.Parallel()
	name := rapid.OneOf(rapid.SampledFrom([]string{proof.FieldName, proof.FieldMaskedName, proof.FieldPaper}), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		seed := proof.Seed(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed"))
		values := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) proof.Value {
			text := rapid.String().Draw(t, "text")
			return proof.Value{Name: name.Draw(t, "name"), Text: strings.Repeat(text, rapid.SampledFrom([]int{0, 1, 1, 1, 90}).Draw(t, "times"))}
		}), 0, 20).Draw(t, "values")
		open := make([]proof.Field, len(values))
		lines := "qingyuan.fields/1\n"
		for i, v := range values {
			open[i] = seed.Open(v.Name, v.Text)
			if f := open[i]; f.Name != v.Name || *f.Value != v.Text || string(f.Salt[:]) != saltOf(seed, v.Name) || !f.Holds() {
				t.Errorf("%+v is opened as %+v", v, f)
			}
			commitment := sha256.Sum256([]byte("qingyuan.field/1\n" + saltOf(seed, v.Name) + strings.ReplaceAll(v.Name, "\n", " ") + "\n" + v.Text))
			lines += v.Name + " " + base64.StdEncoding.EncodeToString(commitment[:]) + "\n"
		}
		want := tlog.Hash(sha256.Sum256([]byte(lines)))
		if sealed, opened := seed.FieldsHash(values), proof.FieldsHash(open); sealed != want || opened != want {
			t.Errorf("%+v are sealed as %s and opened as %s, want %s", values, sealed, opened, want)
		}
		l := proof.Leaf{Type: proof.AttemptRestored, Of: rapid.Int64Min(proof.Unknown).Draw(t, "of"), Fields: want}
		of := strings.Replace(strconv.FormatInt(l.Of, 10), "-1", "-", 1)
		if got, want := string(l.Bytes()), "qingyuan.leaf/1\nattempt.restored\n"+of+"\n"+want.String()+"\n"; got != want {
			t.Errorf("a leaf is written %q, want %q", got, want)
		}
	})
}

// saltOf is the salt of a field, as text.
func saltOf(seed proof.Seed, name string) string {
	m := hmac.New(sha256.New, seed[:])
	m.Write([]byte("qingyuan.salt/1 " + name))
	return string(m.Sum(nil)[:16])
}
