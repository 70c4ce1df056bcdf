//go:build chaos

package chaos

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestOracle is the test of the test: it plants every kind of fault, in the
// program's data or in the books, and the judge must find each, and nothing
// where nothing was planted.
func TestOracle(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	p := Launch(t, Options{Name: "oracle", Env: []string{sealing}})
	dir := Folder(t, "oracle-books")
	books := filepath.Join(dir, "true")
	c := NewCrowd(t, CrowdOptions{Name: "oracle", URL: []string{p.URL}, Dir: books, Clients: 3, HangUp: 0.05})
	// Every lie needs an act of its kind in the first book, made before the copy or after.
	work := func(acts int64) {
		t.Helper()
		c.Go(ctx)
		err := poll(ctx, patience, "something to lie about", func() (bool, error) {
			return c.Acknowledged() >= acts && allCanBePlanted(t, books), nil
		})
		if err := errors.Join(err, c.Rest(ctx)); err != nil {
			t.Fatal(err)
		}
	}
	work(1)
	restart(t, p, func() { copyFolder(t, p.Data, filepath.Join(dir, "older")) })
	work(c.Acknowledged() + 50)
	judge := func(dir string, patience time.Duration) Verdict {
		t.Helper()
		j := NewJudge(c)
		j.dir, j.patience = dir, patience
		v, err := j.Everything(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := judge(books, settleCounts); !v.OK() || v.Acknowledged == 0 {
		t.Fatalf("nothing is planted: %s", &v)
	}
	sealed := func(dir string) Verdict {
		t.Helper()
		j := NewJudge(c)
		j.reading = NewReading(dir)
		_, err := j.reading.Update()
		if err != nil {
			t.Fatal(err)
		}
		v, err := j.Sealed(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := sealed(books); !v.OK() {
		t.Errorf("nothing is planted in the log of acts: %s", &v)
	}
	const settled = time.Second // the figures are as they stay
	for name, planted := range plants() {
		lie := filepath.Join(dir, name)
		tamper(t, books, lie, planted.change)
		v := judge(lie, settled)
		if !slices.ContainsFunc(v.Faults, func(f Fault) bool { return f.Kind == planted.want }) {
			t.Errorf("planted %s, want a fault of the kind %q, got %s", name, planted.want, &v)
		}
	}
	fewer := filepath.Join(dir, "fewer submissions")
	tamper(t, books, fewer, once(func(e *Entry) bool { return e.Kind == actSubmit }, nil))
	if v := sealed(fewer); !slices.ContainsFunc(v.Faults, func(f Fault) bool { return f.Kind == faultDoubled }) {
		t.Errorf("the log has a leaf of an act that nobody meant to do: %s", &v)
	}
	restart(t, p, func() {
		if err := os.RemoveAll(p.Data); err != nil {
			t.Fatal(err)
		}
		copyFolder(t, filepath.Join(dir, "older"), p.Data)
	})
	if v := judge(books, settled); !slices.ContainsFunc(v.Faults, func(f Fault) bool { return f.Kind == faultLost }) {
		t.Errorf("the program forgot acts, want them to be missed, got %s", &v)
	}
}

// TestLeavesOfReceipts: no two receipts may name one leaf, nor one that the log has not.
func TestLeavesOfReceipts(t *testing.T) {
	t.Parallel()
	l := leaves{size: 2, of: map[int]string{}}
	l.take(0, "a")
	l.take(1, "b")
	if !l.v.OK() {
		t.Errorf("two leaves of two acts: %s", &l.v)
	}
	l.take(1, "c")
	l.take(2, "d")
	l.take(-1, "e")
	want := []string{faultDoubled, faultLost, faultLost}
	if !slices.EqualFunc(l.v.Faults, want, func(f Fault, kind string) bool { return f.Kind == kind }) {
		t.Errorf("found %v, want %v", l.v.Faults, want)
	}
}

// allCanBePlanted tells whether each lie would change the first book as it is now.
func allCanBePlanted(t *testing.T, books string) bool {
	t.Helper()
	text := wholeLines(t, books)
	for _, lie := range plants() {
		if bytes.Equal(bent(t, text, lie.change), bent(t, text, func(*Entry) bool { return true })) {
			return false
		}
	}
	return true
}

// plant is a change of a book that makes it a lie.
type plant struct {
	change func(*Entry) bool // false drops the line
	want   string            // the kind of fault that must be found
}

func plants() map[string]plant {
	drop := func(e *Entry) bool { return e.Kind == actSubmit }
	answer := func(e *Entry) bool { return e.Is == isAcknowledged }
	return map[string]plant{
		"an act that nobody meant to do": {once(drop, nil), faultDoubled},
		"an answer that was not given":   {outcomes(once(answer, nil)), faultOther},
		"a receipt that reads otherwise": {once(func(e *Entry) bool { return e.Score > 0 }, func(e *Entry) { e.Receipt += "0" }), faultLost},
		"a grade that the bank does not give": {
			once(func(e *Entry) bool { return e.Expect != nil }, func(e *Entry) { e.Expect.Score += 5 }), faultWrong,
		},
		"another body than was sent": {
			once(func(e *Entry) bool { return e.Kind == actEnrol }, func(e *Entry) { e.Body = json.RawMessage(`{}`) }), faultOther,
		},
		"somebody else's answer": {same(), faultCrossed},
	}
}

// restart stops the program, changes its data and starts it again.
func restart(t *testing.T, p *Program, change func()) {
	t.Helper()
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	change()
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(to, "secrets.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// once changes one act: the first that has a line that fits. All its lines that
// fit are changed, because an act sent twice has two answers and the later one
// would speak the truth. Without a change, that line and all that follows of the
// act are dropped.
func once(fits func(*Entry) bool, change func(*Entry)) func(*Entry) bool {
	act := 0
	return func(e *Entry) bool {
		switch {
		case act != 0 && e.Act != act:
			return true
		case act != 0 && change == nil:
			return false
		case !fits(e):
			return true
		}
		act = e.Act
		if change == nil {
			return false
		}
		change(e)
		return true
	}
}

// outcomes drops outcomes only, and all that an act has.
func outcomes(drop func(*Entry) bool) func(*Entry) bool {
	return func(e *Entry) bool { return e.Is == isIntent || drop(e) }
}

// same gives the second participant the id of the first.
func same() func(*Entry) bool {
	var doors []int
	first := ""
	return func(e *Entry) bool {
		if e.Kind == actDoor {
			doors = append(doors, e.Act)
		}
		if e.Is == isAcknowledged && slices.Contains(doors, e.Act) {
			if first == "" {
				first = e.Receipt
			}
			e.Receipt = first
		}
		return true
	}
}

// firstBook is the one that is tampered with.
const firstBook = "client-00.book"

// tamper copies books; the changes are made in the first one alone.
func tamper(t *testing.T, from, to string, change func(*Entry) bool) {
	t.Helper()
	copyBooks(t, from, to)
	if err := os.WriteFile(filepath.Join(to, firstBook), bent(t, wholeLines(t, from), change), 0o600); err != nil {
		t.Fatal(err)
	}
}

// wholeLines is the first book without a line that is being written.
func wholeLines(t *testing.T, books string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(books, firstBook))
	if err != nil {
		t.Fatal(err)
	}
	return text[:bytes.LastIndexByte(text, '\n')+1]
}

// bent is the text of a book with a change made in it.
func bent(t *testing.T, text []byte, change func(*Entry) bool) []byte {
	t.Helper()
	var out bytes.Buffer
	for line := range bytes.Lines(text) {
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		if change(&e) {
			out.Write(append(encode(e), '\n'))
		}
	}
	return out.Bytes()
}

func copyBooks(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// TestKey marks by the answers that stand in the bank's files.
func TestKey(t *testing.T) {
	t.Parallel()
	k, err := ReadKey()
	if err != nil {
		t.Fatal(err)
	}
	const stem = "《禁毒法》第二条直接列举了六种毒品，下列属于其中的有哪些？"
	q := question{ID: "q", Stem: stem}
	for i, text := range []string{"大麻", "阿司匹林", "吗啡", "鸦片", "甲基苯丙胺"} {
		q.Options = append(q.Options, struct {
			ID   string `json:"id"`
			Text string `json:"text"`
		}{string(rune('a' + i)), text})
	}
	sheet, rules := paper{Questions: []question{q}}, quizRules{MaxScore: 100, PassScore: 60}
	for given, want := range map[string]int{"acde": 100, "edca": 100, "acd": 0, "abcde": 0, "": 0} {
		var chosen []string
		for _, id := range given {
			chosen = append(chosen, string(id))
		}
		m, err := k.mark(sheet, answers{"q": chosen}, rules)
		if err != nil || m.Score != want || m.Passed != (want == 100) {
			t.Errorf("%q scores %+v, %v; want %d", given, m, err, want)
		}
	}
	sheet.Questions[0].Options = sheet.Questions[0].Options[1:]
	if _, err := k.mark(sheet, answers{}, rules); err == nil {
		t.Error("a question without its right options was marked")
	}
}

// TestBookSurvives reads a book whose last line was cut off: what was begun is
// not known, and everything before it is.
func TestBookSurvives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, err := OpenBook(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := b.Intend(Entry{Who: "w", Kind: actDoor, Body: json.RawMessage(`{}`)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Outcome(Entry{Act: 1, Is: isAcknowledged, Receipt: "r", Tries: 1}); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "client-00.book"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"act":2,"is":"acknow`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	r := NewReading(dir)
	if _, err := r.Update(); err != nil {
		t.Fatal(err)
	}
	if open := r.Open(); len(open) != 1 || open[0].Act != 2 || r.Accepted(actDoor) != 1 {
		t.Errorf("open %v, accepted %d; want the second act open and the first accepted", open, r.Accepted(actDoor))
	}
}
