package offline

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/sqldb"
)

const columns = `id, campaign, unit, persons, held, proof, hash, login, created, withdrawn, reason, by_login`

func (s *Service) one(ctx context.Context, where string, args ...any) (Batch, error) {
	b, err := scan(s.DB.QueryRowContext(ctx, `SELECT `+columns+` FROM offline_batches WHERE `+where, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return Batch{}, ErrNotFound
	}
	if err != nil {
		return Batch{}, fmt.Errorf("read a batch of paper: %w", err)
	}
	return b, nil
}

func scan(row interface{ Scan(dest ...any) error }) (Batch, error) {
	var b Batch
	var created, withdrawn int64
	err := row.Scan(&b.ID, &b.Campaign, &b.Unit, &b.Persons, &b.Held, &b.Proof, &b.Hash, &b.Login, &created, &withdrawn, &b.Reason, &b.WithdrawnBy)
	b.CreatedAt = time.UnixMilli(created).UTC()
	if withdrawn > 0 {
		b.WithdrawnAt = time.UnixMilli(withdrawn).UTC()
	}
	return b, err
}

// Batches returns at most limit batches of a unit, the newest first, those withdrawn
// among them; before is the id that a page ended with.
func (s *Service) Batches(ctx context.Context, campaignID, unit, before string, limit int) ([]Batch, error) {
	if before == "" {
		before = "~" // behind every id
	}
	rows, err := s.DB.QueryContext(ctx, `SELECT `+columns+` FROM offline_batches
		WHERE campaign = $1 AND unit = $2 AND id < $3 ORDER BY id DESC LIMIT $4`, campaignID, unit, before, limit)
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (Batch, error) { return scan(r) })
	if err != nil {
		return nil, fmt.Errorf("list the paper of unit %s: %w", unit, err)
	}
	return all, nil
}

// Row is a child of a node with the persons who have signed on paper below it.
type Row struct {
	// Node is the id of a region or unit, campaign.Unassigned for units that have left
	// the tree.
	Node    string
	Persons int64
}

// Table is what lies below a node: the rows, in the order of the tree, add up to Persons.
type Table struct {
	Parent  string
	Persons int64
	Rows    []Row
}

// Below sums the batches that count by the children of a node; parent "" is the whole
// campaign. It returns fault.ErrNotFound for a node that is not in the tree.
func (s *Service) Below(ctx context.Context, campaignID, parent string) (Table, error) {
	c, err := s.Campaign(campaignID)
	if err != nil {
		return Table{}, err
	}
	units, err := s.PerUnit(ctx, campaignID, time.Time{})
	if err != nil {
		return Table{}, err
	}
	return Roll(c, units, parent)
}

// PerUnit returns the persons of each unit, in batches that count and were entered until
// an instant; the zero time is now.
func (s *Service) PerUnit(ctx context.Context, campaignID string, until time.Time) (map[string]int64, error) {
	if until.IsZero() {
		until = s.Now()
	}
	rows, err := s.DB.QueryContext(ctx, `SELECT unit, CAST(SUM(persons) AS BIGINT) FROM offline_batches
		WHERE campaign = $1 AND gone = '' AND created <= $2 GROUP BY unit`, campaignID, until.UnixMilli())
	units := map[string]int64{}
	err = sqldb.Each(rows, err, func(r *sql.Rows) error {
		var unit string
		var n int64
		err := r.Scan(&unit, &n)
		units[unit] = n
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sum the paper of %s: %w", campaignID, err)
	}
	return units, nil
}

// Roll sums persons by unit for the children of a node.
func Roll(c *campaign.Campaign, units map[string]int64, parent string) (Table, error) {
	t := Table{Parent: parent}
	if _, ok := c.Tree.Node(parent); parent != "" && !ok {
		return t, fault.ErrNotFound
	}
	sums, lost := map[string]int64{}, int64(0)
	for unit, n := range units {
		if _, ok := c.Tree.Node(unit); !ok {
			lost += n
			continue
		}
		sums[unit] += n
		for _, region := range c.Tree.Regions(unit) {
			sums[region] += n
		}
	}
	for _, n := range c.Tree.Children(parent) {
		t.Rows = append(t.Rows, Row{n.ID, sums[n.ID]})
		t.Persons += sums[n.ID]
	}
	if parent == "" && lost > 0 {
		t.Rows = append(t.Rows, Row{campaign.Unassigned, lost})
		t.Persons += lost
	}
	if n, ok := c.Tree.Node(parent); ok && n.Kind == campaign.Unit {
		t.Persons = sums[parent]
	}
	return t, nil
}
