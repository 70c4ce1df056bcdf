// Package shelf keeps campaigns that were moved out of Redis. A campaign on the shelf is
// read only: its facts lie in the ledger, its places and figures in two tables beside it,
// and what belongs to one person is worked out from their history when somebody asks.
//
// The shelf holds no name: those come from the sealed records of the ledger, so that an
// erasure reaches the boards of a campaign long over.
package shelf

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/ledger"
	"qingyuan/internal/replay"
	"qingyuan/internal/sqldb"
	"qingyuan/leaderboard"
)

// Errors of the shelf.
var (
	// ErrArchived is an act in a campaign that lies on the shelf.
	ErrArchived = fault.New(fault.Conflict, "campaign.archived", "活动已归档，数据只供查看")
	// ErrKept is a campaign that lies there already.
	ErrKept = errors.New("the campaign is on the shelf already")
	// ErrNotKept is one that does not.
	ErrNotKept = errors.New("the campaign is not on the shelf")
)

// Shelf reads the campaigns that lie there. Set the fields before the first use.
type Shelf struct {
	DB     *sqldb.DB
	Ledger *ledger.Ledger
	// Find looks a campaign up, or returns campaign.ErrNotFound.
	Find func(id string) (*campaign.Campaign, error)
	// Open reads sealed records.
	Open replay.Open
	Now  func() time.Time

	mu   sync.RWMutex
	kept map[string]*kept
}

// kept is a campaign on the shelf, at one version.
type kept struct {
	version int64
	opened  ledger.Opened
	layout  leaderboard.Layout
	figures figures

	mu     sync.Mutex
	people map[string]leaderboard.Person // that were looked up
}

// Has tells whether a campaign lies on the shelf, as far as Refresh has heard.
func (s *Shelf) Has(id string) bool { return s.find(id) != nil }

func (s *Shelf) find(id string) *kept {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.kept[id]
}

// of returns a campaign on the shelf.
func (s *Shelf) of(id string) (*kept, error) {
	if k := s.find(id); k != nil {
		return k, nil
	}
	return nil, fault.ErrUnavailable.Because(fmt.Errorf("%s: %w", id, ErrNotKept))
}

// still tells after a reading whether it was of a campaign that lies on the shelf: one on
// its way back loses its places, and a server hears of that a moment later. It is
// fault.ErrUnavailable where it does not.
func (s *Shelf) still(ctx context.Context, id string) error {
	var kept bool
	err := s.DB.QueryRowContext(ctx, "SELECT COUNT(*) > 0 FROM shelf WHERE campaign = $1 AND state = 'kept'", id).Scan(&kept)
	if err != nil {
		return fmt.Errorf("look whether %s lies on the shelf: %w", id, err)
	}
	if !kept {
		return fault.ErrUnavailable.Because(fmt.Errorf("%s: %w", id, ErrNotKept))
	}
	return nil
}

// Refresh looks what lies on the shelf. Without an answer what was there stays.
func (s *Shelf) Refresh(ctx context.Context) error {
	rows, err := s.DB.QueryContext(ctx, "SELECT campaign, version FROM shelf WHERE state = 'kept'")
	versions := map[string]int64{}
	err = sqldb.Each(rows, err, func(r *sql.Rows) error {
		var id string
		var version int64
		err := r.Scan(&id, &version)
		versions[id] = version
		return err
	})
	if err != nil {
		return fmt.Errorf("look what lies on the shelf: %w", err)
	}
	fresh := map[string]*kept{}
	for id, version := range versions {
		if k := s.find(id); k != nil && k.version == version {
			fresh[id] = k
			continue
		}
		if fresh[id], err = s.load(ctx, id); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = fresh
	return nil
}

func (s *Shelf) load(ctx context.Context, id string) (*kept, error) {
	fail := func(err error) (*kept, error) { return nil, fmt.Errorf("take campaign %s from the shelf: %w", id, err) }
	k := &kept{people: map[string]leaderboard.Person{}}
	var raw []byte
	err := s.DB.QueryRowContext(ctx, "SELECT version, figures FROM shelf WHERE campaign = $1 AND state = 'kept'", id).Scan(&k.version, &raw)
	if err != nil {
		return fail(err)
	}
	if err := json.Unmarshal(raw, &k.figures); err != nil {
		return fail(err)
	}
	var known bool
	if k.opened, known, err = s.Ledger.Campaign(ctx, id); err != nil {
		return fail(err)
	}
	if !known {
		return fail(errors.New("the ledger does not know it"))
	}
	k.layout, err = leaderboard.ParseLayout(strconv.FormatInt(k.opened.Base, 10), strconv.FormatUint(uint64(k.opened.Bits), 10))
	if err != nil {
		return fail(err)
	}
	return k, nil
}

// changed lets every server read a campaign anew.
func (s *Shelf) changed(ctx context.Context, id string) error {
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE shelf SET version = version + 1 WHERE campaign = $1", id)
		return err
	})
	if err != nil {
		return fmt.Errorf("tell that campaign %s has changed on the shelf: %w", id, err)
	}
	return s.Refresh(ctx)
}

// life works out what became of a participant; nil where the campaign knows nobody by
// that id.
func (s *Shelf) life(ctx context.Context, id, participant string) (*replay.Life, ledger.Shard, error) {
	k, err := s.of(id)
	if err != nil {
		return nil, ledger.Shard{}, err
	}
	c, err := s.Find(id)
	if err != nil {
		return nil, ledger.Shard{}, err
	}
	shards, err := s.Ledger.ShardsIn(ctx, id, participant)
	if err != nil || len(shards) == 0 {
		return nil, ledger.Shard{}, err
	}
	h, err := s.Ledger.History(ctx, shards[0], participant)
	if err != nil || len(h.Facts) == 0 {
		return nil, shards[0], err
	}
	rules := replay.Rules{Campaign: c, Layout: k.layout, Open: s.Open, Now: s.Now}
	life := rules.Replay(h, h.Facts[len(h.Facts)-1].Position)
	unnamed(&life)
	return &life, shards[0], nil
}

// IDs lists what lies on the shelf, in order.
func (s *Shelf) IDs() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Sorted(maps.Keys(s.kept))
}

// unnamed calls whoever was erased what everybody is called who has no name.
func unnamed(l *replay.Life) {
	if e := &l.Enrolment; e.Unit != "" && e.DisplayName == "" {
		e.DisplayName = campaign.MaskName("")
	}
	if l.Signature != nil && l.Signature.MaskedName == "" {
		l.Signature.MaskedName = campaign.MaskName("")
	}
}
