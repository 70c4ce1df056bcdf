package correction

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/sqldb"
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
	// watchedAtOnce bounds what is in memory.
	watchedAtOnce = 500
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
	old := w.Now().Add(-settled)
	var marks []Mark
	read := 0
	for i := range facts {
		if facts[i].At.After(old) {
			break
		}
		more, err := w.look(ctx, ledger.Shard{Campaign: id, Number: shard}, &facts[i])
		if err != nil {
			return fail(fmt.Errorf("fact %s: %w", facts[i].Position, err))
		}
		marks = append(marks, more...)
		read++
	}
	if read == 0 {
		return 0, nil
	}
	if err := w.note(ctx, id, shard, from, facts[read-1].Position, marks); err != nil {
		return fail(err)
	}
	return read, nil
}

// cursor is how far the rules have read.
func (w *Watcher) cursor(ctx context.Context, id string, shard int) (p event.Position, err error) {
	err = w.DB.QueryRowContext(ctx, `SELECT epoch, seq FROM flag_cursors WHERE campaign = $1 AND shard = $2`, id, shard).Scan(&p.Epoch, &p.Seq)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return p, err
}

// look lets the rules look at one fact, and where they ask for it at the history.
func (w *Watcher) look(ctx context.Context, s ledger.Shard, f *event.Fact) ([]Mark, error) {
	switch body := f.Body.(type) {
	case event.Enrolled:
		name, err := w.nameOf(ctx, s, f)
		if err != nil || name == "" {
			return nil, err
		}
		return w.Rules.Enrolled(f, name, func(stem string) string { return w.keyed(s.Campaign, stem) }), nil
	case event.Signed:
		return w.Rules.From(f, act.Signature, body.Origin), nil
	case event.Submitted:
		return w.submitted(ctx, s, f, &body)
	default:
		return nil, nil
	}
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

// nameOf opens the name that somebody enrolled with; "" once it was erased.
func (w *Watcher) nameOf(ctx context.Context, s ledger.Shard, f *event.Fact) (string, error) {
	h, err := w.Ledger.History(ctx, s, f.Participant)
	if err != nil {
		return "", err
	}
	for i := range h.Records {
		if r := &h.Records[i]; r.Kind == event.RecordEnrolment && r.Sealed != nil {
			return w.Name(s.Campaign, f.Participant, *r)
		}
	}
	return "", nil
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
		touched := map[[2]string]Mark{}
		for _, m := range marks {
			if err := noteMark(ctx, tx, id, &m); err != nil {
				return err
			}
			touched[[2]string{string(m.Rule), m.Mark}] = m
		}
		for _, m := range touched {
			if err := w.raise(ctx, tx, id, &m, w.Rules.Limits[m.Rule]); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errRead) {
		return nil
	}
	return err
}

func noteMark(ctx context.Context, tx *sql.Tx, id string, m *Mark) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO flag_marks (campaign, rule, mark, at, participant, number, unit)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
		id, string(m.Rule), m.Mark, m.At.UnixMilli(), m.Participant, m.Number, m.Unit)
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

// evidenceShown is how many acts a flag names.
const evidenceShown = 50

// raise raises a flag, or adds to it, where enough participants bear a mark.
func (s *Service) raise(ctx context.Context, tx *sql.Tx, id string, m *Mark, limit Limit) error {
	since := int64(0)
	if limit.Window > 0 {
		since = m.At.Add(-limit.Window).UnixMilli()
	}
	var people, acts, units int64
	var unit string
	err := tx.QueryRowContext(ctx, `SELECT COUNT(DISTINCT participant), COUNT(*), COUNT(DISTINCT unit), COALESCE(MAX(unit), '') FROM flag_marks
		WHERE campaign = $1 AND rule = $2 AND mark = $3 AND at >= $4`, id, string(m.Rule), m.Mark, since).Scan(&people, &acts, &units, &unit)
	if err != nil || people < int64(max(limit.Participants, 1)) {
		return err
	}
	if units > 1 {
		unit = ""
	}
	evidence, err := evidenceOf(ctx, tx, id, m, since)
	if err != nil {
		return err
	}
	now := s.Now().UnixMilli()
	_, err = tx.ExecContext(ctx, `INSERT INTO flags (id, campaign, rule, mark, unit, acts, participants, evidence, state, created, seen)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'new', $9, $9)
		ON CONFLICT (campaign, rule, mark) DO UPDATE SET unit = $5, acts = $6, participants = $7, evidence = $8, seen = $9`,
		ulid.Make().String(), id, string(m.Rule), m.Mark, unit, acts, people, evidence, now)
	return err
}

// evidenceOf names the newest acts that bear a mark.
func evidenceOf(ctx context.Context, tx *sql.Tx, id string, m *Mark, since int64) (string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT participant, number FROM flag_marks
		WHERE campaign = $1 AND rule = $2 AND mark = $3 AND at >= $4 ORDER BY at DESC LIMIT $5`, id, string(m.Rule), m.Mark, since, evidenceShown)
	acts, err := sqldb.Collect(rows, err, func(r *sql.Rows) (a ActID, err error) { return a, r.Scan(&a.Participant, &a.Number) })
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(acts)
	return string(raw), err
}
