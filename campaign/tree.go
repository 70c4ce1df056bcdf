package campaign

import (
	"fmt"
	"strings"
)

// NodeKind tells an inner node of the organisation tree from a leaf.
type NodeKind string

// A region is an inner node; a unit is a leaf that participants belong to.
const (
	Region NodeKind = "region"
	Unit   NodeKind = "unit"
)

// Unassigned is the leaf of whoever enrolled without a unit.
const Unassigned = "unassigned"

// Node is one region or unit of the organisation tree.
type Node struct {
	ID   string
	Kind NodeKind
	Name Text
	// Code is the GB/T 2260 code of an administrative division, else "".
	Code string
	// Roster is how many persons belong to the unit; 0 means unknown. Regions
	// have the sum of their units.
	Roster int64
	// Retired units take nobody in any more; who belongs to one stays, and counts.
	Retired bool
	// Was are the ids of the units that have gone into this one, and of those that had
	// gone into them.
	Was []string
	// Units is how many units there are below a region; 1 of a unit.
	Units int64
	// Parent is the id of the region above, "" at the top.
	Parent   string
	Children []string
}

// Tree is a campaign's organisation tree: regions with units as leaves. It is
// immutable once built, so that all requests may share it.
type Tree struct {
	nodes map[string]*Node
	order []string // depth first, as in the file
	roots []string
}

// NewTree builds a tree from nodes in which parents come before children. A
// repeated id, an unknown parent or a unit with children is an error.
func NewTree(nodes []Node) (*Tree, error) {
	t := &Tree{nodes: make(map[string]*Node, len(nodes))}
	for _, n := range nodes {
		if err := t.add(n); err != nil {
			return nil, err
		}
	}
	for _, id := range t.order {
		if n := t.nodes[id]; n.Kind == Unit {
			n.Units = 1
			t.addUnit(n)
		}
	}
	return t, nil
}

func (t *Tree) add(n Node) error {
	n.Children = nil
	if n.ID == "" || n.ID == Unassigned || strings.ContainsAny(n.ID, "|:{} ") {
		return fmt.Errorf("node %q: id is empty, reserved or has a separator in it", n.ID)
	}
	if _, taken := t.nodes[n.ID]; taken {
		return fmt.Errorf("node %q: id is used twice", n.ID)
	}
	if n.Parent == "" {
		t.roots = append(t.roots, n.ID)
	} else {
		p, ok := t.nodes[n.Parent]
		if !ok || p.Kind != Region {
			return fmt.Errorf("node %q: parent %q is not a region above it", n.ID, n.Parent)
		}
		p.Children = append(p.Children, n.ID)
	}
	if n.Kind == Region {
		n.Roster, n.Units = 0, 0
	}
	t.nodes[n.ID] = &n
	t.order = append(t.order, n.ID)
	return nil
}

func (t *Tree) addUnit(u *Node) {
	for id := u.Parent; id != ""; {
		n := t.nodes[id]
		n.Roster += u.Roster
		n.Units++
		id = n.Parent
	}
}

// Node returns the node with the given id. The caller must not change it.
func (t *Tree) Node(id string) (*Node, bool) {
	n, ok := t.nodes[id]
	return n, ok
}

// Children returns the nodes below parent in the order of the file; parent ""
// gives the top.
func (t *Tree) Children(parent string) []*Node {
	ids := t.roots
	if parent != "" {
		n, ok := t.nodes[parent]
		if !ok {
			return nil
		}
		ids = n.Children
	}
	out := make([]*Node, len(ids))
	for i, id := range ids {
		out[i] = t.nodes[id]
	}
	return out
}

// Regions returns the ids of the regions above the node, nearest first.
func (t *Tree) Regions(id string) []string {
	var out []string
	n, ok := t.nodes[id]
	for ok && n.Parent != "" {
		out = append(out, n.Parent)
		n, ok = t.nodes[n.Parent]
	}
	return out
}

// Path returns the names of the regions above the node, topmost first.
func (t *Tree) Path(id, lang string) []string {
	above := t.Regions(id)
	out := make([]string, len(above))
	for i, r := range above {
		out[len(above)-1-i] = t.nodes[r].Name.In(lang)
	}
	return out
}

// Within tells whether the node is scope itself or below it; everything is
// within "".
func (t *Tree) Within(id, scope string) bool {
	for id != "" {
		if id == scope {
			return true
		}
		n, ok := t.nodes[id]
		if !ok {
			break
		}
		id = n.Parent
	}
	return scope == ""
}

// Units calls yield for every unit in the order of the file until it returns
// false.
func (t *Tree) Units(yield func(*Node) bool) {
	for _, id := range t.order {
		if n := t.nodes[id]; n.Kind == Unit && !yield(n) {
			return
		}
	}
}

// Nodes calls yield for every node, parents before children, until it returns
// false.
func (t *Tree) Nodes(yield func(*Node) bool) {
	for _, id := range t.order {
		if !yield(t.nodes[id]) {
			return
		}
	}
}

// Search returns at most limit nodes whose name in lang contains query, or
// whose code begins with it.
func (t *Tree) Search(query, lang string, limit int) []*Node {
	var out []*Node
	query = strings.ToLower(strings.TrimSpace(query))
	if query == "" {
		return nil
	}
	for _, id := range t.order {
		if len(out) >= limit {
			break
		}
		n := t.nodes[id]
		hit := strings.Contains(strings.ToLower(n.Name.In(lang)), query) ||
			n.Code != "" && strings.HasPrefix(n.Code, query)
		if hit {
			out = append(out, n)
		}
	}
	return out
}
