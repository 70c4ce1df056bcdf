package shelf

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"qingyuan/internal/replay/state"
	"qingyuan/leaderboard"
)

// Filling puts one campaign onto the shelf. It may end anywhere and be begun again:
// nobody reads from it before Done.
type Filling struct {
	shelf *Shelf
	id    string

	mu   sync.Mutex
	sums *sums
}

// Begin begins to fill a campaign's place. What an earlier filling has left there goes.
// It is ErrKept where the campaign lies on the shelf already.
func (s *Shelf) Begin(ctx context.Context, id string) (*Filling, error) {
	fail := func(err error) (*Filling, error) {
		return nil, fmt.Errorf("make room for campaign %s on the shelf: %w", id, err)
	}
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO shelf (campaign, state, version, at, figures) VALUES ($1, 'moving', 1, $2, NULL)
			ON CONFLICT (campaign) DO UPDATE SET version = shelf.version + 1, at = excluded.at WHERE shelf.state = 'moving'`, id, s.Now().UnixMilli())
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrKept)
		}
		return nil
	})
	if err != nil {
		return fail(err)
	}
	if err := s.clear(ctx, id); err != nil {
		return fail(err)
	}
	return &Filling{shelf: s, id: id, sums: newSums()}, nil
}

// clearAtOnce bounds how long others wait for the database.
const clearAtOnce = 5000

// clear takes the places of a campaign away, in steps.
func (s *Shelf) clear(ctx context.Context, id string) error {
	for {
		var n int64
		err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
			done, err := tx.ExecContext(ctx, `DELETE FROM shelf_places WHERE campaign = $1 AND (scope, participant) IN
				(SELECT scope, participant FROM shelf_places WHERE campaign = $1 LIMIT $2)`, id, clearAtOnce)
			if err != nil {
				return err
			}
			n, err = done.RowsAffected()
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}

// place is a row of shelf_places.
type place struct {
	scope, participant string
	leaderboard.Placement
}

// placesOf are the rows of some people.
func placesOf(people []state.Person) []place {
	var out []place
	for i := range people {
		p := &people[i]
		if !p.Main.Empty() {
			out = append(out, place{"", p.Participant, p.Main})
		}
		for _, on := range p.Places {
			if !on.Empty() {
				out = append(out, place{on.Scope, p.Participant, on.Placement})
			}
		}
	}
	return out
}

// placesAtOnce is how many rows one statement writes.
const placesAtOnce = 100

// People puts people's places down.
func (f *Filling) People(ctx context.Context, people []state.Person) error {
	all := placesOf(people)
	err := f.shelf.DB.WithTx(ctx, func(tx *sql.Tx) error {
		for from := 0; from < len(all); from += placesAtOnce {
			if err := f.insert(ctx, tx, all[from:min(from+placesAtOnce, len(all))]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("put places of campaign %s onto the shelf: %w", f.id, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sums.places += int64(len(all))
	return nil
}

func (f *Filling) insert(ctx context.Context, tx *sql.Tx, some []place) error {
	marks, args := make([]string, len(some)), []any{f.id}
	for i, p := range some {
		n := len(args)
		marks[i] = fmt.Sprintf("($1, $%d, $%d, $%d, $%d, $%d)", n+1, n+2, n+3, n+4, n+5)
		hidden := 0
		if p.Hidden {
			hidden = 1
		}
		args = append(args, p.scope, p.participant, packedOrNull(p.Base), packedOrNull(p.Now), hidden)
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO shelf_places (campaign, scope, participant, base, now, hidden) VALUES "+ //nolint:gosec // Placeholders.
		strings.Join(marks, ", "), args...)
	return err
}

// packedOrNull is a place as the database has it: below 2^53.
func packedOrNull(p *uint64) any {
	if p == nil {
		return nil
	}
	return int64(*p) //nolint:gosec // Packed places are below 2^53.
}

// Sums adds what a shard comes to.
func (f *Filling) Sums(s *state.Sums) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sums.add(s)
}

// Done lets the campaign be read from the shelf from now on.
func (f *Filling) Done(ctx context.Context) error {
	raw, err := json.Marshal(f.sums.stored())
	if err != nil {
		return err
	}
	err = f.shelf.DB.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE shelf SET state = 'kept', version = version + 1, at = $1, figures = $2
			WHERE campaign = $3 AND state = 'moving'`, f.shelf.Now().UnixMilli(), raw, f.id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrKept)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("put campaign %s onto the shelf: %w", f.id, err)
	}
	return f.shelf.Refresh(ctx)
}

// Take takes a campaign off the shelf: it is served from elsewhere again. A repeat
// changes nothing.
func (s *Shelf) Take(ctx context.Context, id string) error {
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM shelf WHERE campaign = $1", id)
		return err
	})
	if err == nil {
		err = s.clear(ctx, id)
	}
	if err != nil {
		return fmt.Errorf("take campaign %s off the shelf: %w", id, err)
	}
	return s.Refresh(ctx)
}

// Compare tells how many of the figures and places differ from those of a filling that
// was not put down: see Measure.
func (s *Shelf) Compare(ctx context.Context, m *Measure) (int64, error) {
	k, err := s.of(m.id)
	if err != nil {
		return 0, err
	}
	stored, err := json.Marshal(k.figures)
	if err != nil {
		return 0, err
	}
	want, err := json.Marshal(m.sums.stored())
	if err != nil {
		return 0, err
	}
	if string(stored) != string(want) {
		m.Differences++
	}
	var there int64
	if err := s.DB.QueryRowContext(ctx, "SELECT COUNT(*) FROM shelf_places WHERE campaign = $1", m.id).Scan(&there); err != nil {
		return 0, fmt.Errorf("count the places of campaign %s on the shelf: %w", m.id, err)
	}
	if there != m.sums.places {
		m.Differences++
	}
	return m.Differences, nil
}

// Measure compares what the ledger says with what lies on the shelf.
type Measure struct {
	shelf *Shelf
	id    string

	mu   sync.Mutex
	sums *sums
	// Differences counts the people who stand elsewhere.
	Differences int64
}

// Measure begins to compare.
func (s *Shelf) Measure(id string) *Measure { return &Measure{shelf: s, id: id, sums: newSums()} }

// People compares the places of people.
func (m *Measure) People(ctx context.Context, people []state.Person) error {
	all := placesOf(people)
	wrong := int64(0)
	for _, p := range all {
		var base, now sql.NullInt64
		var hidden bool
		err := m.shelf.DB.QueryRowContext(ctx, "SELECT base, now, hidden FROM shelf_places WHERE campaign = $1 AND scope = $2 AND participant = $3",
			m.id, p.scope, p.participant).Scan(&base, &now, &hidden)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("compare places of campaign %s: %w", m.id, err)
		}
		if err != nil || hidden != p.Hidden || !isPlace(base, p.Base) || !isPlace(now, p.Now) {
			wrong++
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sums.places += int64(len(all))
	m.Differences += wrong
	return nil
}

func isPlace(there sql.NullInt64, want *uint64) bool {
	if want == nil || !there.Valid {
		return want == nil && !there.Valid
	}
	return there.Int64 == int64(*want) //nolint:gosec // Packed places are below 2^53.
}

// Sums adds what a shard comes to.
func (m *Measure) Sums(s *state.Sums) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sums.add(s)
}

// Return says that a campaign is on its way back: nobody reads it from the shelf any more.
// It is ErrNotKept where it never was there; a repeat changes nothing.
func (s *Shelf) Return(ctx context.Context, id string) error {
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE shelf SET state = 'moving', version = version + 1 WHERE campaign = $1", id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrNotKept)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("take campaign %s off the shelf: %w", id, err)
	}
	return s.Refresh(ctx)
}
