package catalog

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/fault"
	"qingyuan/internal/sqldb"
	"qingyuan/quiz"
)

// Stage is how far the operators have brought a campaign. What it allows at a
// moment follows from the clock besides: see StateOf.
type Stage string

// The stages. There is no way back: a campaign that was published stays so.
const (
	Draft     Stage = "draft"
	Published Stage = "published"
	Archived  Stage = "archived"
)

// Definition is everything about one version of a campaign.
type Definition = configs.Definition

// IDOf returns the id that a campaign file gives itself, "" where it has none.
func IDOf(text []byte) string { return configs.IDOf(text) }

// BankRef returns where a campaign file says that its bank is, "" where it has none.
func BankRef(text []byte) string { return configs.BankRef(text) }

// Zone returns where the days of every campaign begin and end.
func Zone() *time.Location { return configs.Zone() }

// Entry is one version of a campaign and how it came about.
type Entry struct {
	Campaign string
	// Version counts the campaign's versions from 1.
	Version int64
	At      time.Time
	// Actor and Login are who made it; Kind is what was done, Reason why.
	Actor, Login, Kind, Reason string

	Stage  Stage
	Paused bool
	// ClosedAt is when it was closed before closes_at, else zero.
	ClosedAt time.Time
	// Tree is the version in which the tree last changed, 0 for an empty one.
	Tree int64

	frame, bank    string // digests
	grove          int64  // where the rows of the tree lie
	clocks, banner string // JSON, "" for none
}

// Store is the catalog in SQL. Set the fields before the first use.
type Store struct {
	DB  *sqldb.DB
	Now func() time.Time
	// Others are campaigns that lie elsewhere: the demonstration, and those in files.
	// Their ids and serial prefixes are taken. May be nil.
	Others func() []configs.Definition
	// Banks gives what quiz.bank refers to as "bank:…": banks that are kept apart
	// from campaigns. May be nil.
	Banks Banks
	// Lacks tells of what a bank leads to and nobody would find, such as pictures. A bank
	// that lacks something is taken for no campaign. May be nil.
	Lacks func(ctx context.Context, b *quiz.Bank) ([]fault.Field, error)
	// Gates are asked before a campaign is published, and before one that is
	// published draws from another bank.
	Gates []Gate
	// Merged are told, in the transaction, of units that go into another one.
	Merged []func(ctx context.Context, tx *sql.Tx, campaignID string, units []string, into string) error

	// imports holds the one import of a table that is under way: each holds its table and
	// two trees, and the next one waits rather than holding as much again.
	imports chan struct{}

	trees       *lru.Cache[versioned, *grove]
	definitions *lru.Cache[versioned, configs.Definition]
}

// Banks finds banks that are kept apart from campaigns.
type Banks interface {
	// Bank returns the bank that a reference such as "bank:law/3" means.
	Bank(ctx context.Context, ref string) (*quiz.Bank, error)
}

// Gate refuses what must not be opened to the public, by a fault.
type Gate func(ctx context.Context, d configs.Definition) error

// BankScheme begins a reference to a bank that is kept apart.
const BankScheme = "bank:"

type versioned struct {
	campaign string
	version  int64
}

// How many trees and definitions are kept in memory. Those of the campaigns that
// are served are held by the Keeper's book anyway.
const (
	treesKept       = 8
	definitionsKept = 64
)

// NewStore returns the catalog of a database.
func NewStore(db *sqldb.DB, now func() time.Time) (*Store, error) {
	s := &Store{DB: db, Now: now, imports: make(chan struct{}, 1)}
	var err error
	if s.trees, err = lru.New[versioned, *grove](treesKept); err != nil {
		return nil, fmt.Errorf("open the catalog: %w", err)
	}
	if s.definitions, err = lru.New[versioned, configs.Definition](definitionsKept); err != nil {
		return nil, fmt.Errorf("open the catalog: %w", err)
	}
	return s, nil
}

// Head counts the changes of anything in the catalog.
func (s *Store) Head(ctx context.Context) (int64, error) {
	var n int64
	if err := s.DB.QueryRowContext(ctx, `SELECT change FROM catalog_head WHERE one = 1`).Scan(&n); err != nil {
		return 0, fmt.Errorf("look whether the catalog changed: %w", err)
	}
	return n, nil
}

const entryColumns = `v.campaign, v.version, v.at, v.actor, v.login, v.kind, v.reason, v.stage, v.paused, v.closed_at, v.frame, v.bank, v.tree, v.grove, v.clocks, v.banner`

const currentEntries = `SELECT ` + entryColumns + ` FROM catalog_campaigns c
	JOIN catalog_versions v ON v.campaign = c.id AND v.version = c.version`

// Entries returns every campaign at its current version, ordered by id.
func (s *Store) Entries(ctx context.Context) ([]Entry, error) {
	out, err := entries(ctx, s.DB, currentEntries+` ORDER BY c.id`)
	if err != nil {
		return nil, fmt.Errorf("list the catalog: %w", err)
	}
	return out, nil
}

// Entry returns a campaign at its current version, or campaign.ErrNotFound.
func (s *Store) Entry(ctx context.Context, id string) (Entry, error) { return current(ctx, s.DB, id) }

func current(ctx context.Context, q sqldb.Reader, id string) (Entry, error) {
	return one(ctx, q, id, currentEntries+` WHERE c.id = $1`, id)
}

// Version returns one version of a campaign, or campaign.ErrNotFound.
func (s *Store) Version(ctx context.Context, id string, version int64) (Entry, error) {
	return one(ctx, s.DB, id, `SELECT `+entryColumns+` FROM catalog_versions v WHERE v.campaign = $1 AND v.version = $2`, id, version)
}

// Versions returns the versions of a campaign, newest first, below a version; 0
// begins at the newest.
func (s *Store) Versions(ctx context.Context, id string, below int64, limit int) ([]Entry, error) {
	if below == 0 {
		below = 1 << 62
	}
	out, err := entries(ctx, s.DB, `SELECT `+entryColumns+` FROM catalog_versions v
		WHERE v.campaign = $1 AND v.version < $2 ORDER BY v.version DESC LIMIT $3`, id, below, limit)
	if err != nil {
		return nil, fmt.Errorf("list the versions of campaign %s: %w", id, err)
	}
	return out, nil
}

func one(ctx context.Context, q sqldb.Reader, id, query string, args ...any) (Entry, error) {
	found, err := entries(ctx, q, query, args...)
	if err != nil {
		return Entry{}, fmt.Errorf("read campaign %s: %w", id, err)
	}
	if len(found) == 0 {
		return Entry{}, notFound(id)
	}
	return found[0], nil
}

func entries(ctx context.Context, q sqldb.Reader, query string, args ...any) ([]Entry, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	return sqldb.Collect(rows, err, scanEntry)
}

func scanEntry(rows *sql.Rows) (Entry, error) {
	var e Entry
	var at, closed int64
	err := rows.Scan(&e.Campaign, &e.Version, &at, &e.Actor, &e.Login, &e.Kind, &e.Reason, &e.Stage, &e.Paused, &closed,
		&e.frame, &e.bank, &e.Tree, &e.grove, &e.clocks, &e.banner)
	e.At = time.UnixMilli(at).In(configs.Zone())
	if closed != 0 {
		e.ClosedAt = time.UnixMilli(closed).In(configs.Zone())
	}
	return e, err
}

// Text returns the campaign file of a version, without its tree.
func (s *Store) Text(ctx context.Context, e Entry) ([]byte, error) { return text(ctx, s.DB, e) }

func text(ctx context.Context, q sqldb.Reader, e Entry) ([]byte, error) {
	var body string
	err := q.QueryRowContext(ctx, `SELECT body FROM catalog_texts WHERE digest = $1`, e.frame).Scan(&body)
	if err != nil {
		return nil, fmt.Errorf("read version %d of campaign %s: %w", e.Version, e.Campaign, err)
	}
	return []byte(body), nil
}

// Definition returns everything about a version of a campaign. The caller must not
// change it.
func (s *Store) Definition(ctx context.Context, e Entry) (configs.Definition, error) {
	return s.definition(ctx, s.DB, e)
}

func (s *Store) definition(ctx context.Context, q sqldb.Reader, e Entry) (configs.Definition, error) {
	key := versioned{e.Campaign, e.Version}
	if d, ok := s.definitions.Get(key); ok {
		return d, nil
	}
	body, err := text(ctx, q, e)
	if err != nil {
		return configs.Definition{}, err
	}
	g, err := s.grove(ctx, q, e)
	if err != nil {
		return configs.Definition{}, err
	}
	m := material{text: body, filesKey: e.bank}
	if m.files, err = bankFiles(ctx, q, e.bank); err != nil {
		return configs.Definition{}, err
	}
	d, err := s.assemble(ctx, e, m, g.tree)
	if err != nil {
		return configs.Definition{}, fmt.Errorf("version %d of campaign %s: %w", e.Version, e.Campaign, err)
	}
	s.definitions.Add(key, d)
	return d, nil
}

// material is what a version consists of besides its tree.
type material struct {
	text     []byte
	files    map[string][]byte
	filesKey string
	bank     *quiz.Bank // what the files hold, where it is at hand
}

// assemble makes the definition of a version, with the switches that lie beside the
// text.
func (s *Store) assemble(ctx context.Context, e Entry, m material, tree *campaign.Tree) (configs.Definition, error) {
	parts := configs.Parts{Text: m.text, Files: m.files, Bank: m.bank, Tree: tree, Draft: e.Stage == Draft}
	if ref := configs.BankRef(m.text); strings.HasPrefix(ref, BankScheme) {
		if s.Banks == nil {
			return configs.Definition{}, fmt.Errorf("quiz.bank: %q: no banks are kept apart here", ref)
		}
		var err error
		if parts.Bank, err = s.Banks.Bank(ctx, ref); err != nil {
			return configs.Definition{}, fmt.Errorf("quiz.bank: %q: %w", ref, err)
		}
	}
	d, err := configs.Assemble(parts)
	if err != nil {
		return configs.Definition{}, err
	}
	if err := e.switches(d.Campaign); err != nil {
		return configs.Definition{}, err
	}
	d.Digest = fmt.Sprintf("v%d-%s", e.Version, d.Digest)
	return d, nil
}

// StateOf says in one word where a campaign stands at a moment: draft, scheduled,
// open, paused, closed or archived.
func StateOf(e Entry, c *campaign.Campaign, now time.Time) string {
	if e.Stage != Published {
		return string(e.Stage)
	}
	return string(c.StateAt(now))
}

// bankFiles reads the files of a bank that came with a campaign.
func bankFiles(ctx context.Context, q sqldb.Reader, key string) (map[string][]byte, error) {
	if key == "" {
		return nil, nil //nolint:nilnil // A campaign may have no quiz.
	}
	rows, err := q.QueryContext(ctx, `SELECT path, body FROM catalog_bank_files WHERE bank = $1`, key)
	out := map[string][]byte{}
	err = sqldb.Each(rows, err, func(r *sql.Rows) error {
		var name string
		var body []byte
		err := r.Scan(&name, &body)
		out[name] = body
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read bank %s: %w", key, err)
	}
	return out, nil
}

// keyOf names a set of files by their names and contents; "" for none.
func keyOf(files map[string][]byte) string {
	if len(files) == 0 {
		return ""
	}
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(sum, "%q %d\n", name, len(files[name]))
		sum.Write(files[name])
	}
	return hex.EncodeToString(sum.Sum(nil)[:12])
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// putMaterial keeps the text and the files of a version, where they are new.
func putMaterial(ctx context.Context, tx *sql.Tx, m material) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO catalog_texts (digest, body) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING`,
		digest(m.text), string(m.text))
	if err != nil {
		return fmt.Errorf("keep the text: %w", err)
	}
	for name, body := range m.files {
		_, err := tx.ExecContext(ctx, `INSERT INTO catalog_bank_files (bank, path, body) VALUES ($1, $2, $3) ON CONFLICT (bank, path) DO NOTHING`,
			m.filesKey, name, body)
		if err != nil {
			return fmt.Errorf("keep the bank's file %s: %w", name, err)
		}
	}
	return nil
}
