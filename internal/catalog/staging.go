package catalog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"qingyuan/internal/sqldb"
)

// staging is a tree that was written into a grove of its own, and is nobody's yet.
type staging struct {
	campaign string
	grove    int64
	// upon is the version of the tree that it was worked out from.
	upon int64
}

const (
	// stagedFrom is how many rows a change of a tree may write in the transaction of its
	// version: more would keep others from writing for longer than a blink.
	stagedFrom = 1000
	// stagedAtOnce is how many rows of a grove one transaction writes or takes away.
	stagedAtOnce = 500
	// stagedFor is how long a grove stays that nobody writes to any more.
	stagedFor = 10 * time.Minute
)

// stage writes a tree of which much changes into a grove of its own, in small
// transactions, before the version is made that it belongs to.
func (e *edit) stage(ctx context.Context, p *plan, waiting *staging) error {
	if len(p.turn.ended)+len(p.turn.begun) < stagedFrom {
		return nil
	}
	if waiting.grove == 0 || waiting.upon != e.was.Tree {
		e.abandon(ctx, *waiting)
		*waiting = staging{campaign: e.entry.Campaign, upon: e.was.Tree}
		var err error
		if waiting.grove, err = e.newGrove(ctx); err != nil {
			return err
		}
		if err := e.fill(ctx, waiting.grove, p.wood); err != nil {
			return fmt.Errorf("write the tree beside the one that is served: %w", err)
		}
	}
	e.entry.grove = waiting.grove
	p.out.Entry = e.entry
	return nil
}

// newGrove takes a number that is above all before it. Groves that were left behind are
// taken away first.
func (e *edit) newGrove(ctx context.Context) (n int64, err error) {
	if err := e.Sweep(ctx); err != nil {
		return 0, err
	}
	err = e.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := e.take(ctx, tx); err != nil { // one at a time
			return err
		}
		err := tx.QueryRowContext(ctx, `SELECT 1 + MAX(grove) FROM (
			SELECT COALESCE(MAX(grove), 0) AS grove FROM catalog_versions WHERE campaign = $1 UNION ALL
			SELECT COALESCE(MAX(grove), 0) FROM catalog_groves WHERE campaign = $1) AS known`, e.entry.Campaign).Scan(&n)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO catalog_groves (campaign, grove, job, touched) VALUES ($1, $2, $3, $4)`,
			e.entry.Campaign, n, e.job, e.Now().UnixMilli())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("begin a tree beside the one that is served: %w", err)
	}
	return n, nil
}

// fill writes the rows of a tree.
func (e *edit) fill(ctx context.Context, grove int64, wood *grove) error {
	rows := make([]row, 0, len(wood.places))
	for n := range wood.tree.Nodes {
		rows = append(rows, row{*n, wood.places[n.ID]})
	}
	done := 0
	for part := range slices.Chunk(rows, stagedAtOnce) {
		err := e.DB.WithTx(ctx, func(tx *sql.Tx) error {
			in := inserter{tx: tx, id: e.entry.Campaign, grove: grove}
			if err := in.all(ctx, part, nil); err != nil {
				return err
			}
			if err := e.touch(ctx, tx, grove); err != nil {
				return err
			}
			return e.hold(ctx, tx)
		})
		if err != nil {
			return err
		}
		done += len(part)
		e.told(done)
	}
	return nil
}

// touch says that a grove is being written, and fails where it was given up.
func (e *edit) touch(ctx context.Context, tx *sql.Tx, grove int64) error {
	return oneRow(tx.ExecContext(ctx, `UPDATE catalog_groves SET touched = $1 WHERE campaign = $2 AND grove = $3 AND touched >= 0`,
		e.Now().UnixMilli(), e.entry.Campaign, grove))
}

// adopt makes a grove the campaign's. One that was given up meanwhile is written anew.
func (e *edit) adopt(ctx context.Context) error {
	return oneRow(e.tx.ExecContext(ctx, `DELETE FROM catalog_groves WHERE campaign = $1 AND grove = $2 AND touched >= 0`,
		e.entry.Campaign, e.entry.grove))
}

// errFelled says that a grove was taken away by somebody who thought that its writer
// was gone.
var errFelled = errors.New("the tree was taken away before it was whole")

// oneRow wants a statement to have found its row: errFelled otherwise.
func oneRow(done sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return errFelled
}

// abandon takes a grove away that is not needed. What stays for whatever reason is
// swept later.
func (s *Store) abandon(ctx context.Context, w staging) {
	if w.grove == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonPatience)
	defer cancel()
	_ = s.fell(ctx, w.campaign, w.grove)
}

const abandonPatience = 30 * time.Second

// Sweep takes away what is left of trees whose writers are gone.
func (s *Store) Sweep(ctx context.Context) error {
	return s.fellAll(ctx, `touched < $1`, s.Now().Add(-stagedFor).UnixMilli())
}

// Tend sweeps until ctx ends.
func (s *Store) Tend(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(stagedFor)
	defer tick.Stop()
	for {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "trees that were left behind are still there", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// clear takes away what a job has left.
func (s *Store) clear(ctx context.Context, job string) error {
	return s.fellAll(ctx, `job = $1`, job)
}

func (s *Store) fellAll(ctx context.Context, where string, arg any) error {
	rows, err := s.DB.QueryContext(ctx, `SELECT campaign, grove FROM catalog_groves WHERE `+where, arg)
	left, err := sqldb.Collect(rows, err, func(r *sql.Rows) (w staging, err error) {
		err = r.Scan(&w.campaign, &w.grove)
		return w, err
	})
	if err != nil {
		return fmt.Errorf("look for trees that were left behind: %w", err)
	}
	for _, w := range left {
		if err := s.fell(ctx, w.campaign, w.grove); err != nil {
			return err
		}
	}
	return nil
}

// fell takes a grove away, in small transactions. From the first on nobody can adopt
// it; one that was adopted is left alone.
func (s *Store) fell(ctx context.Context, id string, grove int64) error {
	fail := func(err error) error { return fmt.Errorf("take away grove %d of campaign %s: %w", grove, id, err) }
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		return oneRow(tx.ExecContext(ctx, `UPDATE catalog_groves SET touched = -1 WHERE campaign = $1 AND grove = $2`, id, grove))
	})
	if errors.Is(err, errFelled) {
		return nil
	}
	if err != nil {
		return fail(err)
	}
	for gone := int64(1); gone > 0; {
		err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
			done, err := tx.ExecContext(ctx, `DELETE FROM catalog_nodes WHERE campaign = $1 AND grove = $2 AND id IN
				(SELECT id FROM catalog_nodes WHERE campaign = $1 AND grove = $2 LIMIT $3)`, id, grove, stagedAtOnce)
			if err != nil {
				return err
			}
			gone, err = done.RowsAffected()
			return err
		})
		if err != nil {
			return fail(err)
		}
	}
	_, err = s.DB.ExecContext(ctx, `DELETE FROM catalog_groves WHERE campaign = $1 AND grove = $2 AND touched < 0`, id, grove)
	if err != nil {
		return fail(err)
	}
	return nil
}
