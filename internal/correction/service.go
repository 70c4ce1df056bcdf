package correction

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/jobs"
	"qingyuan/internal/ledger"
	"qingyuan/internal/operator"
	"qingyuan/internal/seal"
	"qingyuan/internal/sqldb"
)

// Kinds of job.
const (
	JobCollect = "correction.collect"
	JobWork    = "correction.work"
)

// Acts corrects single acts where they are counted. Each method is one atomic step
// and may be repeated after an unknown outcome. act.ErrNone is an act that is not
// there.
type Acts interface {
	// Begin bars every earlier turn at the batch.
	Begin(ctx context.Context, campaignID string, t act.Turn) error
	Invalidate(ctx context.Context, campaignID string, t act.Turn, a act.Act) (act.Fate, error)
	Restore(ctx context.Context, campaignID string, t act.Turn, a act.Act) (act.Fate, error)
	Fate(ctx context.Context, campaignID string, a act.Act) (act.Fate, error)
	// Remark gives an attempt other marks, and Marks tells those that it has. Of an
	// attempt that has neither the marks before nor those afterwards comes act.ErrMarks.
	Remark(ctx context.Context, campaignID string, t act.Turn, r act.Remark) (act.Marks, error)
	Marks(ctx context.Context, campaignID string, a act.Act) (act.Marks, error)
}

// Catalog finds campaigns.
type Catalog interface {
	Campaign(id string) (*campaign.Campaign, error)
}

// Service makes batches and works on them. Set the fields before the first use.
type Service struct {
	DB      *sqldb.DB
	Ledger  *ledger.Ledger
	Acts    Acts
	Joins   Joiner
	Banks   Banks
	Catalog Catalog
	Jobs    *jobs.Queue
	// Challenges say which attempts a batch marks again; nil where none does.
	Challenges Challenges
	// Approvals asks second persons; see Kinds.
	Approvals Approvals
	// Origins are the keys by which conditions on addresses and devices are told; nil
	// where none are recorded.
	Origins *OriginKeys
	// Prizes gives a prize after all, once an appeal about it was upheld; nil where there
	// are none.
	Prizes func(ctx context.Context, who operator.Actor, campaignID, win string) error
	// Box seals what participants and operators write to each other.
	Box *seal.Box
	// People looks up what may be shown of participants.
	People func(ctx context.Context, campaignID string, ids []string) (map[string]string, error)
	// Name opens the record of an enrolment for the name in it.
	Name func(campaignID, participant string, r event.Record) (string, error)
	Now  func() time.Time
	// Pace is what part of the time is worked on a batch, so that the evening's
	// participants do not feel it: 0.25 when zero, 1 without a pause.
	Pace float64
	// Most is how many acts a batch may have; a million when zero.
	Most int64
	// Stretch is how many acts are corrected between two notes of how far the work
	// is; 256 when zero.
	Stretch int64
	// Patience is how long a Redis or a database may be away; 2 minutes when zero.
	Patience time.Duration

	told sync.Map // batch to its reason
}

// Register lets a queue do the work of this service.
func (s *Service) Register(q *jobs.Queue) {
	q.Register(JobCollect, s.collect)
	q.Register(JobWork, s.work)
}

func (s *Service) store() store { return store{s.DB} }

func (s *Service) now() time.Time { return s.Now().Truncate(time.Millisecond) }

// Draft is what a batch is made of.
type Draft struct {
	Campaign   string
	Conditions Conditions
	// Reason is told to the participants.
	Reason string
}

// longestReason bounds what participants are told, in characters.
const longestReason = 200

// Create begins a batch: the ledger is searched in the background, and nothing else
// happens. The batch reaches no further than the actor's own part of the tree.
func (s *Service) Create(ctx context.Context, who operator.Actor, d Draft) (*Batch, error) {
	def, err := s.Catalog.Campaign(d.Campaign)
	if err != nil {
		return nil, err
	}
	d.Conditions.unguard()
	if err := d.Conditions.Check(def); err != nil {
		return nil, err
	}
	b := &Batch{
		ID: newID(), Campaign: def.ID, State: Collecting, Conditions: d.Conditions, Creator: who.ID, Login: who.Login,
		CreatedAt: s.now(),
	}
	if b.Reason, err = campaign.Prose("reason", d.Reason, 1, longestReason); err != nil {
		return nil, err
	}
	if err := s.conceal(def.ID, &b.Conditions); err != nil {
		return nil, err
	}
	if err := s.flagged(ctx, who, def, &b.Conditions); err != nil {
		return nil, err
	}
	if b.Node, err = reach(who, def, d.Conditions.Scope); err != nil {
		return nil, err
	}
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error { return s.insert(ctx, tx, who, b) })
	if err != nil {
		return nil, fmt.Errorf("create a correction in %s: %w", def.ID, err)
	}
	return b, nil
}

// insert begins a batch in a transaction.
func (s *Service) insert(ctx context.Context, tx *sql.Tx, who operator.Actor, b *Batch) error {
	job, err := s.submit(ctx, tx, who, b, JobCollect)
	if err != nil {
		return err
	}
	if err := insertBatch(ctx, tx, b); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE corrections SET job = $1 WHERE id = $2`, job, b.ID); err != nil {
		return err
	}
	b.Job = job
	return s.remember(ctx, tx, who, b, "create")
}

// newID names a batch: 10 letters and digits.
func newID() string { return strings.ToLower(rand.Text()[:10]) }

// reach is the part of the tree that a batch of this actor reaches: the scope that
// was asked for, or their own part where none was.
func reach(who operator.Actor, def *campaign.Campaign, scope string) (string, error) {
	if scope != "" {
		if !who.Within(operator.CorrectResults, def, scope) {
			return "", fault.InvalidField("conditions.scope", "只能更正本部门范围内的记录")
		}
		return scope, nil
	}
	return who.Part(operator.CorrectResults, def, fault.InvalidField("conditions.scope", "请选择一个区划或单位"))
}

func (s *Service) submit(ctx context.Context, tx *sql.Tx, who operator.Actor, b *Batch, kind string) (string, error) {
	params, err := json.Marshal(params{b.ID})
	if err != nil {
		return "", fmt.Errorf("encode the parameters of batch %s: %w", b.ID, err)
	}
	return s.Jobs.SubmitTx(ctx, tx, jobs.Request{
		Kind: kind, Action: string(operator.CorrectResults), Campaign: b.Campaign, Node: b.Node,
		Actor: who.ID, Login: who.Login, Addr: who.Addr, Params: params,
	})
}

// params are those of both kinds of job.
type params struct {
	Batch string `json:"batch"`
}

// remember writes an act on a batch into the audit log, in its transaction.
func (s *Service) remember(ctx context.Context, tx *sql.Tx, who operator.Actor, b *Batch, what string) error {
	after := map[string]any{"do": what, "items": b.Items, "hash": b.Hash}
	if what == "create" {
		after = map[string]any{"do": what, "conditions": b.Conditions.brief(), "node": b.Node}
	}
	if b.Challenge != "" {
		after["challenge"] = b.Challenge
	}
	raw, err := json.Marshal(after)
	if err != nil {
		return fmt.Errorf("encode the audit of batch %s: %w", b.ID, err)
	}
	r := who.Record(s.Now(), operator.CorrectResults, b.Campaign, "correction:"+b.ID)
	r.After, r.Reason = raw, b.Reason
	return audit.AppendTx(ctx, tx, r)
}

// Find returns a batch that the actor may see, as it is now, or ErrNotFound.
func (s *Service) Find(ctx context.Context, who operator.Actor, campaignID, id string) (*Batch, error) {
	b, err := batch(ctx, s.DB, id)
	if err != nil {
		return nil, err
	}
	def, err := s.Catalog.Campaign(campaignID)
	if err != nil {
		return nil, err
	}
	if b.Campaign != campaignID || !sees(who, def, b) {
		return nil, ErrNotFound
	}
	return b, s.settle(ctx, b)
}

// sees tells whether an actor may correct, or approve corrections, where the batch
// reaches.
func sees(who operator.Actor, def *campaign.Campaign, b *Batch) bool {
	return who.Within(operator.CorrectResults, def, b.Node) || who.Within(operator.ApproveResults, def, b.Node)
}

// settle gives the state of a batch whose work has ended without a word: its server
// died too often.
func (s *Service) settle(ctx context.Context, b *Batch) error {
	if b.State != Running && b.State != Undoing && b.State != Collecting || b.Job == "" {
		return nil
	}
	j, err := s.Jobs.Job(ctx, b.Job)
	if err != nil {
		return err
	}
	if !j.State.Final() {
		return nil
	}
	now, err := batch(ctx, s.DB, b.ID) // the job ends after the batch
	if err != nil {
		return err
	}
	if *b = *now; b.State == Running || b.State == Undoing {
		b.Code, b.Text, b.State = j.Code, j.Error, ending(b.State, false).to
	} else if b.State == Collecting {
		b.Code, b.Text, b.State = j.Code, j.Error, Failed
	}
	return nil
}

// List returns the batches of a campaign that the actor may see, the newest first.
func (s *Service) List(ctx context.Context, who operator.Actor, campaignID string, offset, limit int64) ([]*Batch, error) {
	def, err := s.Catalog.Campaign(campaignID)
	if err != nil {
		return nil, err
	}
	out, err := operator.SeenFrom(offset, limit, func(offset, rows int64) ([]*Batch, error) {
		return s.store().list(ctx, campaignID, offset, rows)
	}, func(b *Batch) bool { return sees(who, def, b) })
	if err != nil {
		return nil, fmt.Errorf("list the corrections of %s: %w", campaignID, err)
	}
	for _, b := range out {
		if err := s.settle(ctx, b); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Items returns at most limit acts of a batch after a place on its list.
func (s *Service) Items(ctx context.Context, b *Batch, after, limit int64) ([]Item, error) {
	return s.store().items(ctx, b.ID, after, limit)
}

// Sample returns some acts of a batch, spread over its list.
func (s *Service) Sample(ctx context.Context, b *Batch) ([]Item, error) {
	var out []Item
	for _, n := range b.Summary.Sample {
		items, err := s.store().items(ctx, b.ID, n-1, 1)
		if err != nil {
			return nil, err
		}
		out = append(out, items...)
	}
	return out, nil
}

// Masked returns the masked names of the participants of some acts, as they are now.
func (s *Service) Masked(ctx context.Context, campaignID string, items []Item) (map[string]string, error) {
	var ids []string
	for i := range items {
		ids = append(ids, items[i].Participant)
	}
	slices.Sort(ids)
	out, err := s.People(ctx, campaignID, slices.Compact(ids))
	if err != nil {
		return nil, fmt.Errorf("names of %d participants of %s: %w", len(ids), campaignID, err)
	}
	for id, name := range out {
		out[id] = campaign.MaskName(name) // also where the person agreed to be named
	}
	return out, nil
}

// Told returns what the participants of a batch are told. It never changes.
func (s *Service) Told(ctx context.Context, id string) (string, error) {
	if told, ok := s.told.Load(id); ok {
		return told.(string), nil //nolint:forcetypeassert // Only strings are stored below.
	}
	b, err := batch(ctx, s.DB, id)
	if err != nil {
		return "", err
	}
	s.told.Store(id, b.Reason)
	return b.Reason, nil
}

// RunOn goes on with a batch that was stopped. Its list was approved before.
func (s *Service) RunOn(ctx context.Context, who operator.Actor, id string) (*Batch, error) {
	return s.change(ctx, who, id, move{what: "continue", lead: leadRunOn})
}

// UndoOn goes on with an undo that was stopped.
func (s *Service) UndoOn(ctx context.Context, who operator.Actor, id string) (*Batch, error) {
	return s.change(ctx, who, id, move{what: "continue undo", lead: leadUndoOn})
}

// GoOn goes on with a batch, or with its undo, after a stop.
func (s *Service) GoOn(ctx context.Context, who operator.Actor, b *Batch) (err error) {
	if b.backwards() {
		_, err = s.UndoOn(ctx, who, b.ID)
	} else {
		_, err = s.RunOn(ctx, who, b.ID)
	}
	return err
}

// move leads a batch to a state in which it is worked on.
type move struct {
	lead

	what string // in the audit log
	// set are more columns; approval is their argument $5.
	set, approval string
}

// change begins work on a batch.
func (s *Service) change(ctx context.Context, who operator.Actor, id string, m move) (*Batch, error) {
	b, err := batch(ctx, s.DB, id)
	if err != nil {
		return nil, err
	}
	stale := b.State
	if err := s.settle(ctx, b); err != nil {
		return nil, err
	}
	column := "ran"
	if m.to == Undoing {
		column = "returned"
	}
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if stale != b.State { // its server died: nobody else has written that down
			if err := (lead{[]State{stale}, b.State}).apply(ctx, tx, id, ""); err != nil {
				return err
			}
		}
		job, err := s.submit(ctx, tx, who, b, JobWork)
		if err != nil {
			return err
		}
		args := []any{job, s.Now().UnixMilli()}
		if m.set != "" {
			args = append(args, m.approval)
		}
		if err := s.comes(ctx, tx, b, m.to); err != nil {
			return err
		}
		if err := m.apply(ctx, tx, id, `, code = '', error = '', job = $3, `+column+` = $4`+m.set, args...); err != nil {
			return err
		}
		return s.remember(ctx, tx, who, b, m.what)
	})
	if err != nil {
		return nil, fmt.Errorf("%s batch %s: %w", m.what, id, err)
	}
	return batch(ctx, s.DB, id)
}

// Cancel stops the work on a batch, or its undo, where it is; what was done stays
// done. A batch that nobody has begun is discarded.
func (s *Service) Cancel(ctx context.Context, who operator.Actor, b *Batch) error {
	switch b.State {
	case Running, Undoing:
		err := s.DB.WithTx(ctx, func(tx *sql.Tx) error { return s.remember(ctx, tx, who, b, "cancel") })
		if err != nil {
			return fmt.Errorf("cancel batch %s: %w", b.ID, err)
		}
		return s.Jobs.Cancel(ctx, b.Job)
	default:
		err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
			if err := leadDiscard.apply(ctx, tx, b.ID, ""); err != nil {
				return err
			}
			return s.remember(ctx, tx, who, b, "discard")
		})
		if err != nil {
			return fmt.Errorf("discard batch %s: %w", b.ID, err)
		}
		if b.State != Collecting {
			return nil
		}
		if err := s.Jobs.Cancel(ctx, b.Job); !errors.Is(err, jobs.ErrFinal) {
			return err
		}
		return nil
	}
}

// brief is conditions without the lists of persons.
func (c *Conditions) brief() map[string]any {
	short := *c
	short.Participants, short.Acts, short.AddressMarks, short.DeviceMarks = nil, nil, nil, nil
	out := map[string]any{"conditions": short}
	if n := len(c.Participants); n > 0 {
		out["participants"] = n
	}
	for what, n := range map[string]int{"acts": len(c.Acts), "address_marks": len(c.AddressMarks), "device_marks": len(c.DeviceMarks)} {
		if n > 0 {
			out[what] = n
		}
	}
	return out
}
