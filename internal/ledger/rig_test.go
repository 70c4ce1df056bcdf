package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/ledger/ledgertest"
	"qingyuan/internal/redistest"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/internal/stream"
	"qingyuan/internal/waittest"
)

var home = ledger.Shard{Campaign: "c1", Number: 3}

func keyOf(campaign string, shard int, s event.Stream) string {
	return fmt.Sprintf("%s of %s %d", s, campaign, shard)
}

// source is a real Redis, with a fold and banks that a test sets.
type source struct {
	*stream.Reader

	mu    sync.Mutex
	fold  event.Position
	banks map[string][]byte
	asked map[string]int
	// before is called before each question; its error is the answer.
	before func(question string) error
}

func newSource(db redis.UniversalClient) *source {
	return &source{
		Reader: &stream.Reader{DB: db, Key: keyOf}, banks: map[string][]byte{}, asked: map[string]int{},
	}
}

func (s *source) ask(question string) error {
	s.mu.Lock()
	s.asked[question]++
	before := s.before
	s.mu.Unlock()
	if before == nil {
		return nil
	}
	return before(question)
}

// stumble makes one kind of question fail until it is called again with "".
func (s *source) stumble(question string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = func(q string) error {
		if q == question {
			return errStumble
		}
		return nil
	}
}

var errStumble = errors.New("stumbled")

func (s *source) Entries(ctx context.Context, c string, n int, st event.Stream, after event.Position, limit int) ([]event.Entry, error) {
	if err := s.ask("entries"); err != nil {
		return nil, err
	}
	return s.Reader.Entries(ctx, c, n, st, after, limit)
}

func (s *source) Last(ctx context.Context, c string, n int, st event.Stream) (event.Position, error) {
	if err := s.ask("last"); err != nil {
		return event.Position{}, err
	}
	return s.Reader.Last(ctx, c, n, st)
}

// times tells how often a question was asked.
func (s *source) times(question string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[question]
}

func (s *source) Confirm(context.Context, string, int) error { return s.ask("confirm") }

func (s *source) Trim(ctx context.Context, c string, n int, st event.Stream, upTo event.Position) error {
	if err := s.ask("trim"); err != nil {
		return err
	}
	return s.Reader.Trim(ctx, c, n, st, upTo)
}

func (s *source) FoldCursor(context.Context, string, int) (event.Position, error) {
	err := s.ask("fold")
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fold, err
}

func (s *source) Bank(_ context.Context, digest string) ([]byte, error) {
	err := s.ask("bank " + digest)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.banks[digest], err
}

func (s *source) folded(p event.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fold = p
}

// rig is an archiver between a real Redis and a real database.
type rig struct {
	*testing.T
	archiver *ledger.Archiver

	db     *redis.Client
	source *source

	mu     sync.Mutex
	now    time.Time
	failed []error
	moved  map[event.Stream]int
	dead   int
}

func newRig(t *testing.T, db *sqldb.DB) *rig {
	t.Helper()
	return newRigOn(t, db, redistest.Start(t).Client(t))
}

func newRigOn(t *testing.T, db *sqldb.DB, redisDB *redis.Client) *rig {
	t.Helper()
	r := &rig{T: t, db: redisDB, source: newSource(redisDB), now: ledgertest.Noon(), moved: map[event.Stream]int{}}
	r.archiver = r.another(ledger.New(db))
	return r
}

// another is one more archiver of the same shard, as of another server.
func (r *rig) another(l *ledger.Ledger) *ledger.Archiver {
	return &ledger.Archiver{
		Ledger: l, Source: r.source, Shard: home, Idle: time.Millisecond,
		Archived: func(s event.Stream, n int, _ time.Duration) { r.note(func() { r.moved[s] += n }) },
		Dead:     func(n int) { r.note(func() { r.dead += n }) },
		Failed:   func(err error) { r.note(func() { r.failed = append(r.failed, err) }) },
		Now: func() time.Time {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.now
		},
	}
}

func (r *rig) note(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// add appends entries to a stream of home as the scripts do.
func (r *rig) add(s event.Stream, entries ...event.Entry) {
	r.Helper()
	if err := write(r.Context(), r.db, s, entries); err != nil {
		r.Fatal(err)
	}
}

func write(ctx context.Context, db *redis.Client, s event.Stream, entries []event.Entry) error {
	for len(entries) > 0 {
		n := min(len(entries), 1000)
		_, err := db.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, e := range entries[:n] {
				p.XAdd(ctx, &redis.XAddArgs{
					Stream: keyOf(home.Campaign, home.Number, s), ID: fmt.Sprintf("%d-*", e.Epoch), Values: values(&e),
				})
			}
			return nil
		})
		if err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

// left are the numbers of the entries that a stream still has.
func (r *rig) left(s event.Stream) (seqs []uint64) {
	r.Helper()
	messages, err := r.db.XRange(r.Context(), keyOf(home.Campaign, home.Number, s), "-", "+").Result()
	r.wants("XRANGE", err)
	for _, m := range messages {
		p, err := event.ParsePosition(m.ID)
		r.wants("ParsePosition", err)
		seqs = append(seqs, p.Seq)
	}
	return seqs
}

func (r *rig) step(s event.Stream, want int) {
	r.Helper()
	n, err := r.archiver.Step(r.Context(), s)
	r.wants("Step", err)
	r.same("entries of a step", want, n)
}

func (r *rig) facts() []event.Fact {
	r.Helper()
	facts, err := r.archiver.Ledger.After(r.Context(), home.Campaign, home.Number, event.Position{}, 1_000_000)
	r.wants("After", err)
	return facts
}

func (r *rig) at(s event.Stream, want event.Position) {
	r.Helper()
	got, err := r.archiver.Ledger.Cursor(r.Context(), home, s)
	r.wants("Cursor", err)
	r.same("cursor of the "+string(s), want, got)
}

func (r *rig) wants(what string, err error) {
	r.Helper()
	if err != nil {
		r.Fatalf("%s: %v", what, err)
	}
}

func (r *rig) same(what string, want, got any) {
	r.Helper()
	if reflect.DeepEqual(want, got) { // which is quicker by far
		return
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		r.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// await polls until something holds.
func (r *rig) await(what string, holds func() bool) {
	r.Helper()
	waittest.Until(r, what, holds)
}

// run runs an archiver until the test ends or stop is called.
func (r *rig) run(a *ledger.Archiver) (stop func()) {
	ctx, cancel := context.WithCancel(r.Context())
	var wg sync.WaitGroup
	wg.Go(func() { a.Run(ctx) })
	stop = func() { cancel(); wg.Wait() }
	r.Cleanup(stop)
	return stop
}

func onBoth(t *testing.T, test func(*rig)) {
	t.Helper()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) { t.Helper(); test(newRig(t, db)) })
}

// values are the fields of an entry as XADD takes them.
func values(e *event.Entry) []string {
	var all []string
	for _, f := range e.Fields {
		all = append(all, f.Name, f.Value)
	}
	return all
}
