package catalog

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/fault"
	"qingyuan/internal/sqldb"
)

// What may be done to a tree, as versions and the audit log call it.
const (
	KindNodeAdded    = "tree.added"
	KindNodeChanged  = "tree.changed"
	KindNodeRemoved  = "tree.removed"
	KindUnitsMerged  = "tree.merged"
	KindTreeImported = "tree.imported"
	KindTreeStarted  = "tree.started"
)

// NodeChange is what shall become of a region or unit; nil leaves a part as it is.
type NodeChange struct {
	Name, Code, Parent *string
	Roster             *int64
	Retired            *bool
}

// AddNode puts a region or a unit at the end of what lies below its parent. Without
// an id it gets its code, or one that follows from its parent and name.
func (s *Store) AddNode(ctx context.Context, act Act, id string, n campaign.Node) (Outcome, campaign.Node, error) {
	out, err := s.plant(ctx, act, KindNodeAdded, id, func(p *planting) error {
		if n.ID == "" {
			n.ID = p.freshID(n)
		}
		if err := checkNode(n); err != nil {
			return err
		}
		if p.has(n.ID) {
			return ErrTree.WithFields(fault.Field{Name: "id", Reason: "编号 " + n.ID + " 已被使用"})
		}
		return p.add(n)
	})
	return out, n, err
}

// ChangeNode renames, moves, or retires a node, or sets how many persons belong to
// it.
func (s *Store) ChangeNode(ctx context.Context, act Act, id, node string, c NodeChange) (Outcome, error) {
	return s.plant(ctx, act, KindNodeChanged, id, func(p *planting) error {
		n, err := p.node(node)
		if err != nil {
			return err
		}
		changed := c.apply(*n)
		if err := checkNode(changed); err != nil {
			return err
		}
		if changed.Parent != n.Parent {
			return p.move(changed)
		}
		*n = changed
		return p.checkCode(changed)
	})
}

func (c NodeChange) apply(n campaign.Node) campaign.Node {
	if c.Name != nil {
		n.Name = maps.Clone(n.Name)
		n.Name[campaign.DefaultLanguage] = *c.Name
	}
	if c.Code != nil {
		n.Code = *c.Code
	}
	if c.Parent != nil {
		n.Parent = *c.Parent
	}
	if c.Roster != nil {
		n.Roster = *c.Roster
	}
	if c.Retired != nil {
		n.Retired = *c.Retired
	}
	return n
}

// RemoveNode takes a node with everything below it out of the tree. Once people may
// belong to it, that is refused: retire it instead.
func (s *Store) RemoveNode(ctx context.Context, act Act, id, node string) (Outcome, error) {
	return s.plant(ctx, act, KindNodeRemoved, id, func(p *planting) error {
		if _, err := p.node(node); err != nil {
			return err
		}
		p.remove(node)
		return nil
	})
}

// MergeUnits lets units go into another one, rosters and all. Once people may belong
// to them, that is refused: their acts count for the unit they were done in.
func (s *Store) MergeUnits(ctx context.Context, act Act, id string, units []string, into string) (Outcome, error) {
	return s.change(ctx, act, KindUnitsMerged, id, func(_ context.Context, e *edit) error {
		p, err := e.planting()
		if err != nil {
			return err
		}
		if err := p.merge(units, into); err != nil {
			return err
		}
		e.nodes = p.list()
		e.also = append(e.also, func(ctx context.Context, version int64) error {
			return e.rememberMerge(ctx, version, units, into)
		})
		return nil
	})
}

func (e *edit) rememberMerge(ctx context.Context, version int64, units []string, into string) error {
	for _, u := range units {
		_, err := e.tx.ExecContext(ctx, `INSERT INTO catalog_merges (campaign, version, unit, into_id) VALUES ($1, $2, $3, $4)`,
			e.entry.Campaign, version, u, into)
		if err != nil {
			return fmt.Errorf("remember that unit %s went into %s: %w", u, into, err)
		}
	}
	for _, tell := range e.Merged {
		if err := tell(ctx, e.tx, e.entry.Campaign, units, into); err != nil {
			return err
		}
	}
	return nil
}

// plant is change for the tree.
func (s *Store) plant(ctx context.Context, act Act, kind, id string, fn func(p *planting) error) (Outcome, error) {
	return s.change(ctx, act, kind, id, func(_ context.Context, e *edit) error {
		p, err := e.planting()
		if err != nil {
			return err
		}
		if err := fn(p); err != nil {
			return err
		}
		e.nodes = p.list()
		return nil
	})
}

func (e *edit) planting() (*planting, error) {
	if err := e.there(); err != nil {
		return nil, err
	}
	return newPlanting(e.wood.tree), nil
}

// Change is one version of a node: what was there from then on.
type Change struct {
	Version     int64
	At          time.Time
	Login, Kind string
	Reason      string
	// Node is how it was since, without its children. It is gone where Gone is set,
	// and went into Into where that is not "".
	Node campaign.Node
	Gone bool
	Into string
}

// History returns what became of a node, newest first.
func (s *Store) History(ctx context.Context, id, node string) ([]Change, error) {
	fail := func(err error) ([]Change, error) {
		return nil, fmt.Errorf("history of node %s of campaign %s: %w", node, id, err)
	}
	groves, err := s.groves(ctx, id)
	if err != nil {
		return fail(err)
	}
	stays, err := s.stays(ctx, id, node, groves)
	if err != nil {
		return fail(err)
	}
	if len(stays) == 0 {
		return nil, ErrNode
	}
	var out []Change
	for i, now := range stays {
		// A tree that was written anew has a row for each node, changed or not.
		if i > 0 && stays[i-1].until == now.Version && same(&stays[i-1].Node, &now.Node) {
			continue
		}
		out = append(out, now.Change)
	}
	if until := stays[len(stays)-1].until; until != 0 {
		end, err := s.ending(ctx, id, node, until)
		if err != nil {
			return nil, err
		}
		out = append(out, end)
	}
	slices.Reverse(out)
	return out, nil
}

// stay is a node as it was from one version until before another; 0 is until now.
type stay struct {
	Change

	until int64
}

// groves lists the groves that a campaign's trees have lain in, each with the version
// that it begins with, in their order.
func (s *Store) groves(ctx context.Context, id string) ([][2]int64, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT grove, MIN(version) FROM catalog_versions WHERE campaign = $1 GROUP BY grove ORDER BY grove`, id)
	return sqldb.Collect(rows, err, func(r *sql.Rows) (g [2]int64, err error) {
		err = r.Scan(&g[0], &g[1])
		return g, err
	})
}

// stays reads the rows of a node, in the order of their versions. Those of groves that
// no version is in yet are left out.
func (s *Store) stays(ctx context.Context, id, node string, groves [][2]int64) ([]stay, error) {
	var out []stay
	for i, g := range groves {
		ends := int64(0)
		if i+1 < len(groves) {
			ends = groves[i+1][1]
		}
		part, err := s.staysIn(ctx, id, node, g)
		if err != nil {
			return nil, err
		}
		for j := range part {
			if part[j].until == 0 {
				part[j].until = ends
			}
		}
		out = append(out, part...)
	}
	return out, nil
}

func (s *Store) staysIn(ctx context.Context, id, node string, grove [2]int64) ([]stay, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT n.id, n.parent, n.region, n.name, n.names, n.code, n.roster, n.retired, n.place,
		v.version, n.until, v.at, v.login, v.kind, v.reason
		FROM catalog_nodes n JOIN catalog_versions v
			ON v.campaign = n.campaign AND v.version = CASE n.since WHEN 0 THEN $4 ELSE n.since END
		WHERE n.campaign = $1 AND n.id = $2 AND n.grove = $3 ORDER BY n.since`, id, node, grove[0], grove[1])
	return sqldb.Collect(rows, err, func(r *sql.Rows) (one stay, err error) {
		one.Change, one.until, err = scanChange(r)
		return one, err
	})
}

func scanChange(rows *sql.Rows) (c Change, until int64, err error) {
	var region bool
	var name, names string
	var at, place int64
	n := &c.Node
	err = rows.Scan(&n.ID, &n.Parent, &region, &name, &names, &n.Code, &n.Roster, &n.Retired, &place,
		&c.Version, &until, &at, &c.Login, &c.Kind, &c.Reason)
	if err != nil {
		return c, 0, err
	}
	c.At = time.UnixMilli(at).In(configs.Zone())
	return c, until, fill(n, region, name, names)
}

// ending says how a node left the tree.
func (s *Store) ending(ctx context.Context, id, node string, version int64) (Change, error) {
	c := Change{Version: version, Gone: true, Node: campaign.Node{ID: node}}
	var at int64
	err := s.DB.QueryRowContext(ctx, `SELECT v.at, v.login, v.kind, v.reason, COALESCE(m.into_id, '') FROM catalog_versions v
		LEFT JOIN catalog_merges m ON m.campaign = v.campaign AND m.version = v.version AND m.unit = $3
		WHERE v.campaign = $1 AND v.version = $2`, id, version, node).Scan(&at, &c.Login, &c.Kind, &c.Reason, &c.Into)
	if err != nil {
		return c, fmt.Errorf("end of node %s of campaign %s: %w", node, id, err)
	}
	c.At = time.UnixMilli(at).In(configs.Zone())
	return c, nil
}
