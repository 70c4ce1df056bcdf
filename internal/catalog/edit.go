package catalog

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
)

// Act is who changes something, and why.
type Act struct {
	Actor  operator.Actor
	Reason string
	// Version is the one that the change was made upon; 0 takes whatever is there.
	Version int64
	// DryRun checks everything and changes nothing.
	DryRun bool
	// Unreviewed opens a campaign although nobody has signed its questions. The log
	// says so.
	Unreviewed bool
}

// Outcome is what an edit came to.
type Outcome struct {
	Entry
	Definition configs.Definition
	// Changed is false where everything was like that already, or in a dry run.
	Changed bool
	// Nodes says what became of the tree.
	Nodes NodeCounts
}

// NodeCounts are nodes of a tree that came, changed and went.
type NodeCounts struct{ Added, Changed, Removed int }

// edit is one change on its way: what is, and what shall be.
type edit struct {
	*Store

	act  Act
	kind string
	tx   *sql.Tx

	// fresh says that the campaign is not in the catalog yet.
	fresh bool
	was   Entry
	old   configs.Definition
	wood  *grove // the tree as it is
	entry Entry
	m     material
	// closes is the closes_at of the file as it was, whatever was closed before it.
	closes time.Time
	nodes  []campaign.Node // the tree as it shall be; nil where it stays
	told   func(done int)
	// unreviewed says that a gate would have refused.
	unreviewed bool
	// hold is asked in every transaction of the change, last; it keeps somebody who may
	// not change anything any more from doing so.
	hold func(ctx context.Context, tx *sql.Tx) error
	// job names who works on it, "" for who does so at once.
	job string
	// also runs in the transaction of the version, once that is known.
	also []func(ctx context.Context, version int64) error
}

// change makes the next version of a campaign together with its entry in the audit
// log. fn says what shall be; returning without having changed anything makes no
// version.
//
// What shall be is worked out and checked upon a snapshot, and a large tree is
// written where nobody looks yet, so that everybody else may write meanwhile. One
// short transaction makes it so, unless somebody else has changed the campaign since:
// then all begins again, and fn is called anew.
func (s *Store) change(ctx context.Context, act Act, kind, id string, fn func(ctx context.Context, e *edit) error) (Outcome, error) {
	fail := func(err error) (Outcome, error) { return Outcome{}, fmt.Errorf("%s campaign %s: %w", kind, id, err) }
	var waiting staging
	for range changeTries {
		e := &edit{Store: s, act: act, kind: kind, told: func(int) {}, hold: holdNothing}
		p, err := e.plan(ctx, id, fn)
		if err == nil && p.out.Changed {
			err = e.carryOut(ctx, &p, &waiting)
		}
		switch {
		case errors.Is(err, errFelled):
			waiting = staging{}
			continue
		case errors.Is(err, errMoved):
			continue
		case err != nil:
			s.abandon(ctx, waiting)
			return fail(err)
		}
		if act.DryRun {
			p.out.Changed = false
		}
		return p.out, nil
	}
	s.abandon(ctx, waiting)
	return fail(ErrVersion.Because(errMoved))
}

// changeTries is how often a change is worked out anew because others have changed
// the campaign meanwhile. One of them got through each time.
const changeTries = 64

// errMoved says that the campaign is not what the change was worked out upon.
var errMoved = errors.New("the campaign was changed meanwhile")

func holdNothing(context.Context, *sql.Tx) error { return nil }

// plan is a change that was worked out and checked, and is not made yet.
type plan struct {
	out  Outcome
	turn turn
	wood *grove
}

// plan works a change out upon a snapshot of the catalog.
func (e *edit) plan(ctx context.Context, id string, fn func(ctx context.Context, e *edit) error) (p plan, err error) {
	err = e.DB.Snapshot(ctx, func(tx *sql.Tx) error {
		e.tx = tx
		if err := e.load(ctx, id); err != nil {
			return err
		}
		if err := fn(ctx, e); err != nil {
			return err
		}
		p, err = e.finish(ctx)
		return err
	})
	return p, err
}

// carryOut makes a change that was planned.
func (e *edit) carryOut(ctx context.Context, p *plan, waiting *staging) error {
	if e.act.DryRun {
		return nil
	}
	if err := e.stage(ctx, p, waiting); err != nil {
		return err
	}
	err := e.DB.WithTx(ctx, func(tx *sql.Tx) error {
		e.tx = tx
		head, err := e.take(ctx, tx)
		if err != nil {
			return err
		}
		if err := e.unmoved(ctx, p.out.Definition); err != nil {
			return err
		}
		return e.write(ctx, head, p)
	})
	if err == nil {
		e.trees.Add(versioned{e.entry.Campaign, e.entry.Tree}, p.wood)
		e.definitions.Add(versioned{e.entry.Campaign, e.entry.Version}, p.out.Definition)
	}
	return err
}

// unmoved wants the campaign to be as it was when the change was worked out, and
// still on the same side of its opening: other things may change afterwards.
func (e *edit) unmoved(ctx context.Context, next configs.Definition) error {
	now, err := current(ctx, e.tx, e.entry.Campaign)
	if err != nil && fault.From(err).Kind != fault.NotFound {
		return err
	}
	if now.Version != e.was.Version || hasOpened(next.Campaign, e.Now()) != hasOpened(next.Campaign, e.entry.At) {
		return errMoved
	}
	return e.unique(ctx, next)
}

func hasOpened(c *campaign.Campaign, at time.Time) bool { return c.AlwaysOpen || !at.Before(c.OpensAt) }

// take holds the head of the catalog until the transaction ends: one edit at a time.
func (s *Store) take(ctx context.Context, tx *sql.Tx) (int64, error) {
	if _, err := tx.ExecContext(ctx, `UPDATE catalog_head SET change = change + 1 WHERE one = 1`); err != nil {
		return 0, fmt.Errorf("take the catalog: %w", err)
	}
	var n int64
	if err := tx.QueryRowContext(ctx, `SELECT change FROM catalog_head WHERE one = 1`).Scan(&n); err != nil {
		return 0, fmt.Errorf("take the catalog: %w", err)
	}
	return n, nil
}

// load reads the campaign as it is. One that is not there yet is no error here.
func (e *edit) load(ctx context.Context, id string) error {
	was, err := current(ctx, e.tx, id)
	if f := fault.From(err); f != nil && f.Kind == fault.NotFound {
		empty, err := campaign.NewTree(nil)
		if err != nil {
			return err
		}
		e.fresh, e.wood = true, &grove{tree: empty, places: map[string]int64{}}
		e.entry = Entry{Campaign: id, Stage: Draft}
		return nil
	}
	if err != nil {
		return err
	}
	if e.act.Version != 0 && e.act.Version != was.Version {
		return ErrVersion.Because(fmt.Errorf("changed upon version %d, and is at %d", e.act.Version, was.Version))
	}
	e.was, e.entry = was, was
	if e.wood, err = e.grove(ctx, e.tx, was); err != nil {
		return err
	}
	e.m.filesKey = was.bank
	if e.m.text, err = text(ctx, e.tx, was); err != nil {
		return err
	}
	e.closes = configs.ClosesAtOf(e.m.text)
	if e.m.files, err = bankFiles(ctx, e.tx, was.bank); err != nil {
		return err
	}
	if e.old, err = e.definition(ctx, e.tx, was); err != nil {
		return err
	}
	if was.bank != "" {
		e.m.bank = e.old.Bank
	}
	return nil
}

// there refuses to go on without a campaign, and with one that is archived.
func (e *edit) there() error {
	if e.fresh {
		return notFound(e.entry.Campaign)
	}
	if e.was.Stage == Archived {
		return stateFault("state", "活动已归档，只能查看")
	}
	return nil
}

// rewrite takes a text as what the campaign shall be, and files where its bank
// comes with it.
func (e *edit) rewrite(body []byte, files map[string][]byte) {
	was := e.m.text
	e.m.text = body
	if files != nil {
		e.m.files, e.m.filesKey, e.m.bank = files, keyOf(files), nil
	}
	switch ref := configs.BankRef(body); {
	case ref == "", strings.HasPrefix(ref, BankScheme):
		e.m.files, e.m.filesKey, e.m.bank = nil, "", nil
	case e.m.bank != nil && ref != configs.BankRef(was):
		e.m.bank = nil
	}
}

// finish works out what follows and checks it.
func (e *edit) finish(ctx context.Context) (plan, error) {
	p := plan{out: Outcome{Entry: e.was, Definition: e.old}}
	var err error
	if p.turn, p.wood, err = e.turn(); err != nil {
		return p, err
	}
	t := p.turn
	p.out.Nodes = NodeCounts{t.added, t.changed, t.gone}
	e.entry.frame, e.entry.bank = digest(e.m.text), e.m.filesKey
	if !e.fresh && t.nothing() && e.entry == e.was {
		return p, nil
	}
	e.entry.Version = e.was.Version + 1
	if !t.nothing() {
		e.entry.Tree = e.entry.Version
	}
	e.entry.At, e.entry.Actor, e.entry.Login, e.entry.Kind, e.entry.Reason = e.Now(), e.act.Actor.ID, e.act.Actor.Login, e.kind, e.act.Reason
	next, err := e.assemble(ctx, e.entry, e.m, p.wood.tree)
	if err != nil {
		return p, invalid(err)
	}
	if err := e.followClose(next); err != nil {
		return p, err
	}
	if err := e.allowed(ctx, next); err != nil {
		return p, err
	}
	p.out = Outcome{Entry: e.entry, Definition: next, Changed: true, Nodes: p.out.Nodes}
	return p, nil
}

// turn tells what becomes of the tree.
func (e *edit) turn() (turn, *grove, error) {
	if e.nodes == nil {
		return turn{}, e.wood, nil
	}
	t, wood, err := compare(e.wood, e.nodes)
	if err != nil {
		return t, nil, ErrTree.Because(err).WithFields(fault.Field{Name: "tree", Reason: err.Error()})
	}
	if t.nothing() {
		wood = e.wood
	}
	return t, wood, nil
}

// allowed checks what a definition that is faultless by itself may still not do.
func (e *edit) allowed(ctx context.Context, next configs.Definition) error {
	if next.Campaign.ID != e.entry.Campaign {
		return ErrInvalid.WithFields(fault.Field{Name: "id", Reason: "活动编号不能更改"})
	}
	if err := e.unique(ctx, next); err != nil {
		return err
	}
	if e.was.Stage == Published {
		if err := fixed(CheckChange(e.planned(), next, e.Now())); err != nil {
			return err
		}
	}
	newBank := next.Bank != nil && (e.old.Bank == nil || e.old.Bank.Digest != next.Bank.Digest)
	if newBank {
		if err := e.whole(ctx, next); err != nil {
			return err
		}
	}
	if e.entry.Stage != Published || e.was.Stage == Published && !newBank {
		return nil
	}
	for _, gate := range e.Gates {
		err := gate(ctx, next)
		if err != nil && !e.act.Unreviewed {
			return err
		}
		e.unreviewed = e.unreviewed || err != nil
	}
	return nil
}

// whole refuses a bank that leads to what is not there.
func (e *edit) whole(ctx context.Context, next configs.Definition) error {
	if e.Lacks == nil {
		return nil
	}
	gone, err := e.Lacks(ctx, next.Bank)
	if err != nil || len(gone) == 0 {
		return err
	}
	return ErrInvalid.WithFields(gone[:min(len(gone), maxFaults)]...)
}

// planned is the campaign as it was, with the close that its file gives it: the
// boards were laid out for that one, and an early close takes none of them away.
func (e *edit) planned() configs.Definition {
	d := e.old
	if e.closes.After(d.Campaign.ClosesAt) {
		c := *d.Campaign
		c.ClosesAt = e.closes
		d.Campaign = &c
	}
	return d
}

// unique refuses an id or a prefix that another campaign has.
func (e *edit) unique(ctx context.Context, next configs.Definition) error {
	prefix := prefixOf(next)
	taken := func(key, by string) error {
		return ErrExists.WithFields(fault.Field{Name: key, Reason: "已由活动 " + by + " 使用"})
	}
	if prefix != "" {
		var other string
		err := e.tx.QueryRowContext(ctx, `SELECT COALESCE(MIN(id), '') FROM catalog_campaigns WHERE prefix = $1 AND id <> $2`,
			prefix, next.Campaign.ID).Scan(&other)
		if err != nil {
			return fmt.Errorf("look for the prefix %s: %w", prefix, err)
		}
		if other != "" {
			return taken("pledge.prefix", other)
		}
	}
	if e.Others == nil {
		return nil
	}
	for _, d := range e.Others() {
		switch {
		case d.Campaign.ID == next.Campaign.ID && e.fresh && e.kind != KindApplied:
			return taken("id", d.Campaign.ID)
		case d.Campaign.ID != next.Campaign.ID && prefix != "" && prefixOf(d) == prefix:
			return taken("pledge.prefix", d.Campaign.ID)
		}
	}
	return nil
}

func prefixOf(d configs.Definition) string {
	if d.Pledge == nil {
		return ""
	}
	return d.Pledge.Prefix
}

func (e *edit) write(ctx context.Context, head int64, p *plan) error {
	n, next := e.entry, p.out.Definition
	if err := putMaterial(ctx, e.tx, e.m); err != nil {
		return err
	}
	closed := int64(0)
	if !n.ClosedAt.IsZero() {
		closed = n.ClosedAt.UnixMilli()
	}
	_, err := e.tx.ExecContext(ctx, `INSERT INTO catalog_versions
		(campaign, version, at, actor, login, kind, reason, stage, paused, closed_at, frame, bank, tree, grove, clocks, banner)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		n.Campaign, n.Version, n.At.UnixMilli(), n.Actor, n.Login, n.Kind, n.Reason, string(n.Stage), truth(n.Paused), closed,
		n.frame, n.bank, n.Tree, n.grove, n.clocks, n.banner)
	if err != nil {
		return fmt.Errorf("write version %d: %w", n.Version, err)
	}
	_, err = e.tx.ExecContext(ctx, `INSERT INTO catalog_campaigns (id, version, prefix, change) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET version = excluded.version, prefix = excluded.prefix, change = excluded.change`,
		n.Campaign, n.Version, prefixOf(next), head)
	if err != nil {
		return fmt.Errorf("move to version %d: %w", n.Version, err)
	}
	if err := e.writeTree(ctx, p.turn); err != nil {
		return err
	}
	for _, fn := range e.also {
		if err := fn(ctx, n.Version); err != nil {
			return err
		}
	}
	if err := e.remember(ctx, next, p.turn); err != nil {
		return err
	}
	return e.hold(ctx, e.tx)
}

// summary is what the audit log is told of a version. The texts themselves are kept
// with the versions.
type summary struct {
	Version int64  `json:"version"`
	State   string `json:"state"`
	Paused  bool   `json:"paused,omitempty"`
	// Stands says until when the clocks stand, as planned.
	Stands  string `json:"clocks_stand_until,omitempty"`
	Banner  string `json:"banner,omitempty"`
	Closes  string `json:"closes_at,omitempty"`
	Text    string `json:"text,omitempty"`
	Bank    string `json:"bank,omitempty"`
	Tree    int64  `json:"tree,omitempty"`
	Units   int64  `json:"units,omitempty"`
	Roster  int64  `json:"roster,omitempty"`
	Added   int    `json:"added,omitempty"`
	Changed int    `json:"changed,omitempty"`
	Removed int    `json:"removed,omitempty"`
	// Unreviewed says that it was opened with questions that nobody has signed.
	Unreviewed bool `json:"unreviewed,omitempty"`
}

func (e *edit) summary(n Entry, d configs.Definition) summary {
	s := summary{Version: n.Version, State: StateOf(n, d.Campaign, e.Now()), Paused: n.Paused, Text: short(n.frame), Tree: n.Tree}
	s.Closes = d.Campaign.ClosesAt.Format(timeForm)
	if stop, stands := d.Campaign.Clocks.StopAt(e.Now().Add(campaign.ClocksNotice)); stands {
		s.Stands = stop.Until.In(configs.Zone()).Format(timeForm)
	}
	if b := d.Campaign.Banner; b != nil {
		s.Banner = b.Text.In(campaign.DefaultLanguage)
	}
	if d.Bank != nil {
		s.Bank = d.Bank.Digest
	}
	for _, top := range d.Campaign.Tree.Children("") {
		s.Units += top.Units
		s.Roster += top.Roster
	}
	return s
}

const timeForm = "2006-01-02T15:04:05Z07:00"

func short(digest string) string { return digest[:min(12, len(digest))] }

func (e *edit) remember(ctx context.Context, next configs.Definition, t turn) error {
	r := audit.Record{
		At: e.Now(), Actor: e.act.Actor.ID, Login: e.act.Actor.Login, Addr: e.act.Actor.Addr,
		Action: "campaign." + e.kind, Campaign: e.entry.Campaign, Object: "campaign:" + e.entry.Campaign, Reason: e.act.Reason,
	}
	var err error
	if !e.fresh {
		if r.Before, err = json.Marshal(e.summary(e.was, e.old)); err != nil {
			return err
		}
	}
	after := e.summary(e.entry, next)
	after.Unreviewed = e.unreviewed
	after.Added, after.Changed, after.Removed = t.added, t.changed, t.gone
	if r.After, err = json.Marshal(after); err != nil {
		return err
	}
	return audit.AppendTx(ctx, e.tx, r)
}

// nodesOf lists the nodes of a tree in their order, free to be changed.
func nodesOf(t *campaign.Tree) []campaign.Node {
	out := make([]campaign.Node, 0, 64)
	for n := range t.Nodes {
		c := *n
		c.Children = nil
		if c.Kind == campaign.Region {
			c.Roster = 0
		}
		out = append(out, c)
	}
	return slices.Clip(out)
}
