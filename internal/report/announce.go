package report

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/sqldb"
	"qingyuan/leaderboard"
	"qingyuan/proof"
)

// Announced are the figures of a campaign as of an instant, as an office gives them
// out.
type Announced struct {
	Campaign string    `json:"campaign"`
	AsOf     time.Time `json:"as_of"`
	// Version is the campaign's when this was announced, 0 for one that lies in files:
	// rosters and rules were as it says.
	Version int64 `json:"campaign_version"`
	// Definitions say what the figures mean, in the words that were given out.
	Definitions []string `json:"definitions"`
	// Total comes first, the nodes follow in order of the tree, those without a unit
	// last.
	Total Line   `json:"total"`
	Nodes []Line `json:"nodes"`
	// Log names the checkpoint that the attempts and signatures are of; nil where no log
	// was kept, or nothing was accepted yet.
	Log *proof.Announced `json:"log,omitempty"`
}

// Line are the announced figures of one region or unit.
type Line struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Roster       int64  `json:"roster"`
	Units        int64  `json:"units"`
	Active       int64  `json:"active_units"`
	Enrolled     int64  `json:"enrolled"`
	Participants int64  `json:"participants"`
	Attempts     int64  `json:"attempts"`
	Signatures   int64  `json:"signatures"`
	Passed       int64  `json:"passed"`
	Full         int64  `json:"full_marks"`
	Scored       int64  `json:"scored"`
	Score        int64  `json:"score"`
	// Paper are those who have signed on paper, beside all others.
	Paper int64 `json:"paper"`
}

func lineOf(id, title string, n *campaign.Node, c leaderboard.Counts, paper int64) Line {
	return Line{
		ID: id, Name: title, Roster: n.Roster, Units: n.Units, Active: c.Active, Enrolled: c.Enrolled,
		Participants: c.Participants, Attempts: c.Attempts, Signatures: c.Signatures, Passed: c.Passed, Full: c.Full,
		Scored: c.Scored, Score: c.Score, Paper: paper,
	}
}

// Announce puts figures into the form in which they are announced.
func (f *Figures) Announce(asOf time.Time) Announced {
	roll, paper := f.Roll(), f.paperByNode()
	a := Announced{Campaign: f.Campaign.ID, AsOf: asOf, Version: f.Campaign.Version, Definitions: definitions()}
	var whole campaign.Node
	for n := range f.Campaign.Tree.Nodes {
		if n.Parent == "" {
			whole.Roster += n.Roster
			whole.Units += n.Units
		}
		a.Nodes = append(a.Nodes, lineOf(n.ID, name(n), n, roll.Nodes[n.ID], paper[n.ID]))
	}
	if none, lost := roll.Nodes[campaign.Unassigned], paper[campaign.Unassigned]; none.Enrolled+lost > 0 {
		a.Nodes = append(a.Nodes, lineOf(campaign.Unassigned, "未选择单位", &campaign.Node{}, none, lost))
	}
	a.Total = lineOf("", "合计", &whole, roll.Total, paper[""])
	return a
}

// Announcement is a sealed announcement.
type Announcement struct {
	Announced

	ID       string    `json:"id"`
	SealedAt time.Time `json:"sealed_at"`
	// Actor is the operator who sealed it.
	Actor  string `json:"actor"`
	SHA256 string `json:"sha256"` // of the figures, as they are kept
}

// Errors of announcements.
var (
	// ErrTooSoon is an instant up to which the ledger may not have everything yet.
	ErrTooSoon = fault.New(fault.Invalid, "report.too_soon", "统计时间须早于现在至少一分钟")
	// ErrNoAnnouncement is an id that nothing was announced under.
	ErrNoAnnouncement = fault.New(fault.NotFound, "report.not_announced", "没有这次发布的数据")
)

// settles is how long after an instant everything that was accepted before it is in
// the ledger.
const settles = time.Minute

// Announcements keeps what was announced.
type Announcements struct {
	db  *sqldb.DB
	now func() time.Time
}

// NewAnnouncements returns those of a database.
func NewAnnouncements(db *sqldb.DB, now func() time.Time) *Announcements {
	return &Announcements{db, now}
}

// Seal works out the figures of a source as of its AsOf, and keeps them with the act
// in the audit log. The source must tell of the whole campaign.
func (a *Announcements) Seal(ctx context.Context, s *Source, by audit.Record) (Announcement, error) {
	fail := func(err error) (Announcement, error) {
		return Announcement{}, fmt.Errorf("announce the figures of %s as of %s: %w", s.Campaign.ID, s.AsOf, err)
	}
	now := a.now()
	if s.AsOf.IsZero() || s.AsOf.After(now.Add(-settles)) {
		return fail(ErrTooSoon)
	}
	if s.Scope != "" {
		return fail(errors.New("the source tells of a part of the campaign"))
	}
	then, c, err := s.signed(ctx, s.AsOf)
	if err != nil {
		return fail(err)
	}
	then.then = then.upTo != nil
	f, err := then.figures(ctx)
	if err != nil {
		return fail(err)
	}
	n := Announcement{
		ID: ulid.MustNew(ulid.Timestamp(now), ulid.DefaultEntropy()).String(), SealedAt: now, Actor: by.Actor,
		Announced: f.Announce(s.AsOf),
	}
	if err := n.tie(c); err != nil {
		return fail(err)
	}
	if err := a.keep(ctx, &n, by); err != nil {
		return fail(err)
	}
	return n, nil
}

// signed is the source of what a checkpoint tells of a moment; where no log is kept it is
// that of the moment itself.
func (s *Source) signed(ctx context.Context, asOf time.Time) (*Source, proof.Signed, error) {
	out := *s
	out.AsOf = asOf
	if s.Log == nil {
		return &out, proof.Signed{}, nil
	}
	c, upTo, err := s.Log.AsOf(ctx, s.Campaign.ID, asOf)
	out.upTo = upTo
	return &out, c, err
}

// tie ties figures to the checkpoint that they are of. What the log does not bear out is
// not announced.
func (a *Announced) tie(c proof.Signed) error {
	if c.N == 0 {
		return nil
	}
	attempts, signatures := c.Totals.Count(proof.Attempt), c.Totals.Count(proof.Signature)
	if a.Total.Attempts != attempts || a.Total.Signatures != signatures {
		return fmt.Errorf("the ledger has %d attempts and %d signatures, and the checkpoint of %d leaves %d and %d: verify tells where they differ",
			a.Total.Attempts, a.Total.Signatures, c.N, attempts, signatures)
	}
	a.Log = proof.Announce(&c, a.AsOf, attempts, signatures)
	return nil
}

func (a *Announcements) keep(ctx context.Context, n *Announcement, by audit.Record) error {
	raw, err := json.Marshal(n.Announced)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(raw)
	n.SHA256 = hex.EncodeToString(sum[:])
	by.At, by.Campaign, by.Object = n.SealedAt, n.Campaign, "announcement:"+n.ID
	if by.After, err = json.Marshal(map[string]any{"as_of": n.AsOf, "sha256": n.SHA256}); err != nil {
		return err
	}
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO announcements (id, campaign, as_of, sealed, actor, figures, sha256)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			n.ID, n.Campaign, n.AsOf.UnixMilli(), n.SealedAt.UnixMilli(), n.Actor, string(raw), n.SHA256)
		if err != nil {
			return err
		}
		return audit.AppendTx(ctx, tx, by)
	})
}

const announcementList = "SELECT id, sealed, actor, figures, sha256 FROM announcements "

// Get returns an announcement of a campaign. One that is not as it was sealed is an
// error.
func (a *Announcements) Get(ctx context.Context, campaignID, id string) (Announcement, error) {
	row := a.db.QueryRowContext(ctx, announcementList+"WHERE campaign = $1 AND id = $2", campaignID, id)
	n, err := scanAnnouncement(row)
	if errors.Is(err, sql.ErrNoRows) {
		return n, ErrNoAnnouncement
	}
	if err != nil {
		return n, fmt.Errorf("read announcement %s of %s: %w", id, campaignID, err)
	}
	return n, nil
}

// List returns a campaign's announcements, newest first.
func (a *Announcements) List(ctx context.Context, campaignID string) ([]Announcement, error) {
	rows, err := a.db.QueryContext(ctx, announcementList+"WHERE campaign = $1 ORDER BY as_of DESC, id DESC", campaignID)
	out, err := sqldb.Collect(rows, err, func(r *sql.Rows) (Announcement, error) { return scanAnnouncement(r) })
	if err != nil {
		return nil, fmt.Errorf("list the announcements of %s: %w", campaignID, err)
	}
	return out, nil
}

func scanAnnouncement(row interface{ Scan(to ...any) error }) (Announcement, error) {
	var n Announcement
	var sealed int64
	var raw string
	if err := row.Scan(&n.ID, &sealed, &n.Actor, &raw, &n.SHA256); err != nil {
		return n, err
	}
	n.SealedAt = time.UnixMilli(sealed)
	sum := sha256.Sum256([]byte(raw))
	if hex.EncodeToString(sum[:]) != n.SHA256 {
		return n, fmt.Errorf("announcement %s is not what was sealed: its hash differs", n.ID)
	}
	return n, json.Unmarshal([]byte(raw), &n.Announced)
}

// Difference is a figure that was announced and is another one today, for the same
// instant: acts were corrected since.
type Difference struct {
	Node      string `json:"node"`
	Name      string `json:"name"`
	Figure    string `json:"figure"`
	Announced int64  `json:"announced"`
	Now       int64  `json:"now"`
}

// Differences compares what was announced with what the same instant looks like now.
func Differences(was, now *Announced) []Difference {
	today := map[string]Line{}
	for _, l := range append([]Line{now.Total}, now.Nodes...) {
		today[l.ID] = l
	}
	var out []Difference
	for _, l := range append([]Line{was.Total}, was.Nodes...) {
		t := today[l.ID]
		delete(today, l.ID)
		out = append(out, l.differs(&t)...)
	}
	for _, l := range append([]Line{now.Total}, now.Nodes...) {
		if _, left := today[l.ID]; left {
			none := Line{ID: l.ID, Name: l.Name}
			out = append(out, none.differs(&l)...)
		}
	}
	return out
}

// differs lists the figures of a line that are others today. Rosters belong to them: a
// rate is only as good as what it was divided by.
func (l *Line) differs(t *Line) []Difference {
	var out []Difference
	for _, f := range []struct {
		figure   string
		was, now int64
	}{
		{"roster", l.Roster, t.Roster},
		{"units", l.Units, t.Units},
		{"active_units", l.Active, t.Active},
		{"enrolled", l.Enrolled, t.Enrolled},
		{"participants", l.Participants, t.Participants},
		{"attempts", l.Attempts, t.Attempts},
		{"signatures", l.Signatures, t.Signatures},
		{"passed", l.Passed, t.Passed},
		{"full_marks", l.Full, t.Full},
		{"scored", l.Scored, t.Scored},
		{"score", l.Score, t.Score},
		{"paper", l.Paper, t.Paper},
	} {
		if f.was != f.now {
			out = append(out, Difference{l.ID, l.Name, f.figure, f.was, f.now})
		}
	}
	return out
}

// announced works out what would be announced as of an instant.
func (s *Source) announced(ctx context.Context, asOf time.Time) (Announced, error) {
	then := *s
	then.AsOf = asOf
	f, err := then.figures(ctx)
	if err != nil {
		return Announced{}, err
	}
	return f.Announce(asOf), nil
}

// Since lists what of an announcement was corrected since.
func (s *Source) Since(ctx context.Context, n *Announcement) ([]Difference, error) {
	fail := func(err error) ([]Difference, error) {
		return nil, fmt.Errorf("compare announcement %s: %w", n.ID, err)
	}
	then := s
	if n.Log != nil {
		var err error
		if then, _, err = s.signed(ctx, n.AsOf); err != nil {
			return fail(err)
		}
	}
	now, err := then.announced(ctx, n.AsOf)
	if err != nil {
		return fail(err)
	}
	return Differences(&n.Announced, &now), nil
}
