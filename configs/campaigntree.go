package configs

import (
	"regexp"
	"strconv"
	"strings"

	"qingyuan/campaign"
)

// The bounds of an organisation tree.
const (
	MaxDepth  = 8
	MaxRoster = 1 << 31
)

// IsNodeID tells whether a region or unit may have the id.
func IsNodeID(id string) bool { return nodeID.MatchString(id) }

// IsNodeCode tells whether a text has the form of an administrative code.
func IsNodeCode(code string) bool { return nodeCode.MatchString(code) }

var (
	nodeID   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$`)
	nodeCode = regexp.MustCompile(`^(\d{6}|\d{12})$`)
)

const nodeHint = "want letters, digits, dots and hyphens, at most 40"

// treeReader flattens the nested tree of a file. An entry with children or units
// is a region, every other one a unit:
//
//	tree:
//	  - code: "140702"            # the id, unless one is given
//	    name: 榆次区
//	    children:
//	      - {id: yc-drivers, name: 道路运输驾驶员, roster: 3200}
//	    units:                    # the same in short: id, name, roster
//	      - yc-residents 榆次区居民 58000
type treeReader struct {
	nodes []campaign.Node
	ids   map[string]string // id: where it stands
	codes map[string]string
	at    map[string]value
}

func (r *treeReader) read(v value) *campaign.Tree {
	r.ids, r.codes, r.at = map[string]string{}, map[string]string{}, map[string]value{}
	before := len(v.faults)
	for _, e := range v.list() {
		r.entry(e, "", 1)
	}
	t, err := campaign.NewTree(r.nodes)
	if err != nil && len(v.faults) == before { // else the cause is told already
		v.bad("%v", err)
	}
	if t == nil {
		t, _ = campaign.NewTree(nil) // an empty tree has no faults
	}
	return t
}

func (r *treeReader) entry(v value, parent string, depth int) {
	o := v.object("id", "code", "name", "roster", "children", "units")
	n := campaign.Node{Kind: campaign.Unit, Parent: parent, Name: o.must("name").langs()}
	if o.has("children") || o.has("units") {
		n.Kind = campaign.Region
	}
	if o.has("code") {
		n.Code = o.may("code").matching(nodeCode, "want the 6 or 12 digits of a division")
		once(o.may("code"), n.Code, r.codes)
	}
	if n.ID = n.Code; o.has("id") || !o.has("code") {
		n.ID = o.must("id").matching(nodeID, nodeHint)
	}
	if o.has("roster") {
		n.Roster = int64(o.may("roster").whole(0, MaxRoster))
		if n.Kind == campaign.Region {
			o.may("roster").bad("a region has the sum of its units")
		}
	}
	if r.add(v, n) && depth < MaxDepth {
		r.below(o, n.ID, depth)
	} else if depth >= MaxDepth && n.Kind == campaign.Region {
		v.bad("the tree is deeper than %d levels", MaxDepth)
	}
}

func (r *treeReader) below(o *object, id string, depth int) {
	for _, e := range o.may("children").list() {
		r.entry(e, id, depth+1)
	}
	for _, e := range o.may("units").list() {
		r.short(e, id)
	}
}

// short reads a unit written as "id name roster"; a number at the end is the
// roster, and may be left out.
func (r *treeReader) short(v value, parent string) {
	words := strings.Fields(v.text())
	if len(words) == 0 {
		return
	}
	n := campaign.Node{ID: words[0], Kind: campaign.Unit, Parent: parent}
	words = words[1:]
	if len(words) > 1 {
		if roster, err := strconv.ParseInt(words[len(words)-1], 10, 32); err == nil && roster >= 0 {
			n.Roster = roster
			words = words[:len(words)-1]
		}
	}
	n.Name = campaign.Text{campaign.DefaultLanguage: strings.Join(words, " ")}
	if len(words) == 0 || !nodeID.MatchString(n.ID) {
		v.bad("%q: want id, name and roster; of the id %s", v.node.Value, nodeHint)
		return
	}
	r.add(v, n)
}

// add takes the node in unless its id is missing, reserved or taken.
func (r *treeReader) add(v value, n campaign.Node) bool {
	switch n.ID {
	case "":
		return false
	case campaign.Unassigned:
		v.bad("%q is reserved for whoever enrols without a unit", n.ID)
		return false
	}
	if !once(v, n.ID, r.ids) {
		return false
	}
	r.nodes = append(r.nodes, n)
	r.at[n.ID] = v
	return true
}

// once reports a text that stands elsewhere already.
func once(v value, text string, seen map[string]string) bool {
	if text == "" {
		return true
	}
	if where, taken := seen[text]; taken {
		v.bad("%q is taken by %s", text, where)
		return false
	}
	seen[text] = v.where()
	return true
}
