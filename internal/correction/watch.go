package correction

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/quiz"
)

// Watcher reads the ledger as it grows and flags what its rules notice. Any number of
// servers may watch: what one has read, no other reads again.
type Watcher struct {
	*Service

	Rules FlagRules
	// Key makes marks out of names.
	Key [32]byte
	// Campaigns lists those to watch.
	Campaigns func() []*campaign.Campaign
	// Failed is told of what could not be read; it is tried again.
	Failed func(campaignID string, err error)
	// Every is the pause between two rounds; a quarter of a minute when zero, and at most.
	Every time.Duration

	marks answers
}

// Run watches until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	tick := time.NewTicker(min(cmp.Or(w.Every, watchEvery), watchEvery))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		w.Round(ctx)
	}
}

// Round reads everything that is new.
func (w *Watcher) Round(ctx context.Context) {
	for _, c := range w.Campaigns() {
		if err := w.all(ctx, c.ID); err != nil && ctx.Err() == nil {
			w.Failed(c.ID, err)
		}
	}
}

func (w *Watcher) all(ctx context.Context, id string) error {
	opened, known, err := w.Ledger.Campaign(ctx, id)
	if err != nil || !known {
		return err
	}
	for n := range opened.Shards {
		for read := watchedAtOnce; read == watchedAtOnce; {
			if read, err = w.Step(ctx, id, n); err != nil {
				return err
			}
		}
	}
	return nil
}

const (
	watchEvery = 15 * time.Second
	// watchedAtOnce bounds what is in memory, and how long on SQLite others wait to write.
	watchedAtOnce = 2000
	// settled is how old a fact must be: its personal record is in the ledger by then.
	settled = time.Minute
)

// Step reads the next facts of a shard and returns how many.
func (w *Watcher) Step(ctx context.Context, id string, shard int) (int, error) {
	fail := func(err error) (int, error) { return 0, fmt.Errorf("watch %s:%d: %w", id, shard, err) }
	from, err := w.cursor(ctx, id, shard)
	if err != nil {
		return fail(err)
	}
	facts, err := w.Ledger.After(ctx, id, shard, from, watchedAtOnce)
	if err != nil {
		return fail(err)
	}
	facts = until(facts, w.Now().Add(-settled))
	if len(facts) == 0 {
		return 0, nil
	}
	marks, err := w.look(ctx, ledger.Shard{Campaign: id, Number: shard}, facts)
	if err != nil {
		return fail(err)
	}
	if err := w.note(ctx, id, shard, from, facts[len(facts)-1].Position, marks); err != nil {
		return fail(err)
	}
	return len(facts), nil
}

// until cuts off facts from the first that is newer.
func until(facts []event.Fact, at time.Time) []event.Fact {
	for i := range facts {
		if facts[i].At.After(at) {
			return facts[:i]
		}
	}
	return facts
}

// cursor is how far the rules have read.
func (w *Watcher) cursor(ctx context.Context, id string, shard int) (p event.Position, err error) {
	err = w.DB.QueryRowContext(ctx, `SELECT epoch, seq FROM flag_cursors WHERE campaign = $1 AND shard = $2`, id, shard).Scan(&p.Epoch, &p.Seq)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return p, err
}

// look lets the rules look at facts.
func (w *Watcher) look(ctx context.Context, s ledger.Shard, facts []event.Fact) ([]Mark, error) {
	names, err := w.namesOf(ctx, s, facts)
	if err != nil {
		return nil, err
	}
	var marks []Mark
	for i := range facts {
		f := &facts[i]
		switch body := f.Body.(type) {
		case event.Enrolled:
			marks = append(marks, w.Rules.Enrolled(f, names[f.Participant], func(stem string) string { return w.keyed(s.Campaign, stem) })...)
		case event.Signed:
			marks = append(marks, w.Rules.From(f, act.Signature, body.Origin)...)
		case event.Submitted:
			more, err := w.submitted(ctx, s, f, &body)
			if err != nil {
				return nil, fmt.Errorf("fact %s: %w", f.Position, err)
			}
			marks = append(marks, more...)
		}
	}
	return marks, nil
}

func (w *Watcher) submitted(ctx context.Context, s ledger.Shard, f *event.Fact, body *event.Submitted) ([]Mark, error) {
	items, err := quiz.ParseItems(body.Items)
	if err != nil {
		return nil, err
	}
	w.marks.banks = w.Banks
	a := Act{Item: Item{}, bank: body.Bank, items: body.Items, choices: body.Choices}
	a.Number = body.Number
	if err := w.marks.mark(ctx, &a); err != nil {
		return nil, err
	}
	out := w.Rules.Submitted(f, body, len(items), a.mark)
	if body.Number < w.Rules.Regular.Attempts {
		return out, nil
	}
	h, err := w.Ledger.History(ctx, s, f.Participant)
	if err != nil {
		return nil, err
	}
	p, err := PersonOf(&h)
	if err != nil {
		return nil, err
	}
	return append(out, w.Rules.Spaced(p)...), nil
}

// namesOf opens the names of those who enrolled, as they are now; who was erased has none.
func (w *Watcher) namesOf(ctx context.Context, s ledger.Shard, facts []event.Fact) (map[string]string, error) {
	var enrolled []string
	for i := range facts {
		if facts[i].Kind == event.KindEnrolled {
			enrolled = append(enrolled, facts[i].Participant)
		}
	}
	records, err := w.Ledger.NewestRecords(ctx, s, event.RecordEnrolment, enrolled)
	if err != nil {
		return nil, err
	}
	names := make(map[string]string, len(records))
	for participant, r := range records {
		if r.Sealed == nil {
			continue
		}
		if names[participant], err = w.Name(s.Campaign, participant, r); err != nil {
			return nil, fmt.Errorf("open the name of participant %s: %w", participant, err)
		}
	}
	return names, nil
}

// keyed is what is kept of a text that nobody shall read.
func (w *Watcher) keyed(id, text string) string {
	m := hmac.New(sha256.New, w.Key[:])
	m.Write([]byte(id + "|" + text))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:12])
}

// errRead ends a step whose facts somebody else has read.
var errRead = errors.New("somebody else has read these facts")

// note keeps marks and moves the cursor, both or neither, and raises the flags that
// follow.
func (w *Watcher) note(ctx context.Context, id string, shard int, from, to event.Position, marks []Mark) error {
	err := w.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if err := moveCursor(ctx, tx, id, shard, from, to); err != nil {
			return err
		}
		if err := w.keepMarks(ctx, tx, id, marks); err != nil {
			return fmt.Errorf("keep %d marks: %w", len(marks), err)
		}
		r := raising{w.Service, tx, id, w.Rules.Limits}
		if err := r.all(ctx, marks); err != nil {
			return fmt.Errorf("raise flags: %w", err)
		}
		return nil
	})
	if errors.Is(err, errRead) {
		return nil
	}
	return err
}

func moveCursor(ctx context.Context, tx *sql.Tx, id string, shard int, from, to event.Position) error {
	if from == (event.Position{}) {
		_, err := tx.ExecContext(ctx, `INSERT INTO flag_cursors (campaign, shard, epoch, seq) VALUES ($1, $2, 0, 0) ON CONFLICT DO NOTHING`, id, shard)
		if err != nil {
			return err
		}
	}
	res, err := tx.ExecContext(ctx, `UPDATE flag_cursors SET epoch = $1, seq = $2 WHERE campaign = $3 AND shard = $4 AND epoch = $5 AND seq = $6`,
		to.Epoch, to.Seq, id, shard, from.Epoch, from.Seq)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, errRead)
	}
	return nil
}
