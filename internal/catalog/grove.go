package catalog

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"qingyuan/campaign"
	"qingyuan/internal/sqldb"
)

// grove is a tree and where in the order each of its nodes stands.
type grove struct {
	tree   *campaign.Tree
	places map[string]int64
}

// gap is what lies between the places of neighbours at first, so that a node which
// comes between them moves nobody else.
const gap = 1 << 10

// grove returns the tree of a version.
func (s *Store) grove(ctx context.Context, q sqldb.Reader, e Entry) (*grove, error) {
	key := versioned{e.Campaign, e.Tree}
	if g, ok := s.trees.Get(key); ok {
		return g, nil
	}
	g, err := readGrove(ctx, q, e)
	if err != nil {
		return nil, fmt.Errorf("read the tree of campaign %s at version %d: %w", e.Campaign, e.Tree, err)
	}
	s.trees.Add(key, g)
	return g, nil
}

func readGrove(ctx context.Context, q sqldb.Reader, e Entry) (*grove, error) {
	rows, err := q.QueryContext(ctx, `SELECT id, parent, region, name, names, code, roster, retired, place FROM catalog_nodes
		WHERE campaign = $1 AND grove = $2 AND since <= $3 AND (until = 0 OR until > $3) ORDER BY place, id`, e.Campaign, e.grove, e.Tree)
	g := &grove{places: map[string]int64{}}
	below := map[string][]campaign.Node{}
	err = sqldb.Each(rows, err, func(r *sql.Rows) error {
		n, place, err := scanNode(r)
		below[n.Parent] = append(below[n.Parent], n)
		g.places[n.ID] = place
		return err
	})
	if err != nil {
		return nil, err
	}
	nodes := inOrder(below)
	if err := gather(ctx, q, e, nodes); err != nil {
		return nil, err
	}
	g.tree, err = campaign.NewTree(nodes)
	return g, err
}

// gather tells nodes which units have gone into them.
func gather(ctx context.Context, q sqldb.Reader, e Entry, nodes []campaign.Node) error {
	rows, err := q.QueryContext(ctx, `SELECT unit, into_id FROM catalog_merges WHERE campaign = $1 AND version <= $2 ORDER BY version, unit`,
		e.Campaign, e.Tree)
	went := map[string][]string{}
	err = sqldb.Each(rows, err, func(r *sql.Rows) error {
		var unit, into string
		err := r.Scan(&unit, &into)
		went[into] = append(append(went[into], went[unit]...), unit)
		return err
	})
	if err != nil {
		return err
	}
	for i := range nodes {
		nodes[i].Was = went[nodes[i].ID]
	}
	return nil
}

// inOrder lists nodes depth first. Nodes whose parents are missing are left out.
func inOrder(below map[string][]campaign.Node) []campaign.Node {
	var out []campaign.Node
	var walk func(parent string)
	walk = func(parent string) {
		for _, n := range below[parent] {
			out = append(out, n)
			walk(n.ID)
		}
	}
	walk("")
	return out
}

func scanNode(rows *sql.Rows) (n campaign.Node, place int64, err error) {
	var region bool
	var name, names string
	if err := rows.Scan(&n.ID, &n.Parent, &region, &name, &names, &n.Code, &n.Roster, &n.Retired, &place); err != nil {
		return n, 0, err
	}
	return n, place, fill(&n, region, name, names)
}

// fill sets what is stored in another form.
func fill(n *campaign.Node, region bool, name, names string) error {
	n.Kind, n.Name = campaign.Unit, campaign.Text{}
	if region {
		n.Kind = campaign.Region
	}
	if names != "" {
		if err := json.Unmarshal([]byte(names), &n.Name); err != nil {
			return fmt.Errorf("names of node %s: %w", n.ID, err)
		}
	}
	n.Name[campaign.DefaultLanguage] = name
	return nil
}

// row is a node as it is stored.
type row struct {
	campaign.Node

	place int64
}

// turn is what becomes of a tree: the rows that end and those that begin.
type turn struct {
	ended []string
	begun []row
	// added, changed and gone count nodes, for those who ask what happened.
	added, changed, gone int
}

func (t turn) nothing() bool { return len(t.ended) == 0 && len(t.begun) == 0 }

// compare tells what turns the old tree into the nodes of next, which stand in
// their order. A node that stays as and where it was costs nothing.
func compare(old *grove, next []campaign.Node) (turn, *grove, error) {
	for i := range next {
		if was, known := old.tree.Node(next[i].ID); known && next[i].Was == nil {
			next[i].Was = was.Was // a table of units does not say it
		}
	}
	tree, err := campaign.NewTree(next)
	if err != nil {
		return turn{}, nil, err
	}
	g := &grove{tree: tree, places: make(map[string]int64, len(next))}
	var t turn
	places := placesFor(old, next)
	for i, n := range next {
		g.places[n.ID] = places[i]
		was, known := old.tree.Node(n.ID)
		switch {
		case !known:
			t.added++
		case same(was, &n) && old.places[n.ID] == places[i]:
			continue
		default:
			t.ended = append(t.ended, n.ID)
			if !same(was, &n) {
				t.changed++
			}
		}
		t.begun = append(t.begun, row{n, places[i]})
	}
	for n := range old.tree.Nodes {
		if _, stays := tree.Node(n.ID); !stays {
			t.ended = append(t.ended, n.ID)
			t.gone++
		}
	}
	return t, g, nil
}

func same(a, b *campaign.Node) bool {
	roster := b.Roster
	if b.Kind == campaign.Region {
		roster = a.Roster // the sum of what lies below
	}
	return a.Kind == b.Kind && a.Parent == b.Parent && a.Code == b.Code && a.Roster == roster && a.Retired == b.Retired &&
		maps.Equal(a.Name, b.Name)
}

// placesFor gives every node a place above the one before, and leaves those of old
// where they are as far as the order allows.
func placesFor(old *grove, next []campaign.Node) []int64 {
	following := make([]int64, len(next)+1) // the nearest old place behind, 0 for none
	for i := len(next) - 1; i >= 0; i-- {
		following[i] = following[i+1]
		if p, ok := old.places[next[i].ID]; ok {
			following[i] = p
		}
	}
	out := make([]int64, len(next))
	last := int64(0)
	for i, n := range next {
		p, known := old.places[n.ID]
		switch ahead := following[i+1]; {
		case known && p > last:
		case ahead > last+1:
			p = last + min(gap, (ahead-last)/2)
		default:
			p = last + gap
		}
		out[i], last = p, p
	}
	return out
}

// writeTree carries a turn out, as of the version that is made.
func (e *edit) writeTree(ctx context.Context, t turn) error {
	if e.entry.grove != e.was.grove { // it was written beforehand
		return e.adopt(ctx)
	}
	n := e.entry
	for part := range slices.Chunk(t.ended, sqldb.AtOnce) {
		args := []any{n.Version, n.Campaign, n.grove}
		for _, id := range part {
			args = append(args, id)
		}
		query := `UPDATE catalog_nodes SET until = $1 WHERE campaign = $2 AND grove = $3 AND until = 0 AND id IN (` + sqldb.Places(4, len(part)) + `)` //nolint:gosec // Placeholders.
		if _, err := e.tx.ExecContext(ctx, query, args...); err != nil {
			return fmt.Errorf("end %d nodes: %w", len(part), err)
		}
	}
	in := inserter{tx: e.tx, id: n.Campaign, grove: n.grove, version: n.Version}
	return in.all(ctx, t.begun, e.told)
}

// inserter writes rows by a statement that is prepared once for each number of them.
type inserter struct {
	tx             *sql.Tx
	id             string
	grove, version int64

	stmt *sql.Stmt
	rows int
}

const (
	nodeColumns  = "(campaign, grove, id, since, until, parent, region, name, names, code, roster, retired, place)"
	valuesPerRow = 9
)

// all writes rows; told hears of how many so far, nil is nobody.
func (in *inserter) all(ctx context.Context, rows []row, told func(done int)) error {
	defer in.close()
	done := 0
	for part := range slices.Chunk(rows, sqldb.AtOnce) {
		if err := in.insert(ctx, part); err != nil {
			return fmt.Errorf("write %d nodes: %w", len(part), err)
		}
		if done += len(part); told != nil {
			told(done)
		}
	}
	return nil
}

func (in *inserter) prepare(ctx context.Context, rows int) (err error) {
	if rows == in.rows {
		return nil
	}
	in.close()
	groups := make([]string, rows)
	for i := range groups {
		at := 4 + i*valuesPerRow
		groups[i] = fmt.Sprintf("($1, $2, $%d, $3, 0, %s)", at, sqldb.Places(at+1, valuesPerRow-1))
	}
	query := "INSERT INTO catalog_nodes " + nodeColumns + " VALUES " + strings.Join(groups, ", ") //nolint:gosec // Placeholders.
	in.stmt, err = in.tx.PrepareContext(ctx, query)
	in.rows = rows
	return err
}

func (in *inserter) insert(ctx context.Context, part []row) error {
	if err := in.prepare(ctx, len(part)); err != nil {
		return err
	}
	args := []any{in.id, in.grove, in.version}
	for _, r := range part {
		names, err := otherNames(r.Name)
		if err != nil {
			return err
		}
		args = append(args, r.ID, r.Parent, truth(r.Kind == campaign.Region), r.Name[campaign.DefaultLanguage], names,
			r.Code, roster(r.Node), truth(r.Retired), r.place)
	}
	_, err := in.stmt.ExecContext(ctx, args...)
	return err
}

func (in *inserter) close() {
	if in.stmt != nil {
		_ = in.stmt.Close() // it ends with the transaction anyway
	}
}

// roster is what is stored: regions have the sum of their units.
func roster(n campaign.Node) int64 {
	if n.Kind == campaign.Region {
		return 0
	}
	return n.Roster
}

func otherNames(t campaign.Text) (string, error) {
	if len(t) <= 1 {
		return "", nil
	}
	others := maps.Clone(t)
	delete(others, campaign.DefaultLanguage)
	raw, err := json.Marshal(others)
	return string(raw), err
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
