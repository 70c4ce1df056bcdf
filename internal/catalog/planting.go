package catalog

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/fault"
	"qingyuan/internal/sheet"
)

// planting is a tree that is being changed: nodes by their ids, and the order of
// what lies below each.
type planting struct {
	nodes map[string]*campaign.Node
	below map[string][]string
	codes map[string]string // code: id
}

func newPlanting(t *campaign.Tree) *planting {
	p := &planting{nodes: map[string]*campaign.Node{}, below: map[string][]string{}, codes: map[string]string{}}
	for _, n := range nodesOf(t) {
		p.put(n)
	}
	return p
}

func (p *planting) put(n campaign.Node) {
	p.nodes[n.ID] = &n
	p.below[n.Parent] = append(p.below[n.Parent], n.ID)
	if n.Code != "" {
		p.codes[n.Code] = n.ID
	}
}

func (p *planting) has(id string) bool { _, ok := p.nodes[id]; return ok }

func (p *planting) node(id string) (*campaign.Node, error) {
	n, ok := p.nodes[id]
	if !ok {
		return nil, ErrNode
	}
	return n, nil
}

// add puts a node at the end of what lies below its parent.
func (p *planting) add(n campaign.Node) error {
	if err := p.checkParent(n); err != nil {
		return err
	}
	if err := p.checkCode(n); err != nil {
		return err
	}
	p.put(n)
	return nil
}

func (p *planting) checkParent(n campaign.Node) error {
	depth := 1
	for id := n.Parent; id != ""; depth++ {
		above, ok := p.nodes[id]
		switch {
		case !ok:
			return ErrTree.WithFields(fault.Field{Name: "parent", Reason: "没有这个上级：" + id})
		case above.Kind != campaign.Region:
			return ErrTree.WithFields(fault.Field{Name: "parent", Reason: "上级“" + name(above) + "”是单位，不能再有下级"})
		case id == n.ID:
			return ErrTree.WithFields(fault.Field{Name: "parent", Reason: "上级不能是自己的下级"})
		}
		id = above.Parent
	}
	if depth > configs.MaxDepth {
		return ErrTree.WithFields(fault.Field{Name: "parent", Reason: fmt.Sprintf("层级不能多于 %d 级", configs.MaxDepth)})
	}
	return nil
}

func (p *planting) checkCode(n campaign.Node) error {
	if by, taken := p.codes[n.Code]; n.Code != "" && taken && by != n.ID {
		return ErrTree.WithFields(fault.Field{Name: "code", Reason: "代码 " + n.Code + " 已由“" + name(p.nodes[by]) + "”使用"})
	}
	if n.Code != "" {
		p.codes[n.Code] = n.ID
	}
	return nil
}

// move puts a node, with what lies below it, below another parent.
func (p *planting) move(n campaign.Node) error {
	if err := p.relocate(n); err != nil {
		return err
	}
	return p.checkDepth()
}

// relocate is move without looking how deep the tree has become. The node is left
// in the list where it was: children goes by the node.
func (p *planting) relocate(n campaign.Node) error {
	if err := p.checkParent(n); err != nil {
		return err
	}
	if err := p.checkCode(n); err != nil {
		return err
	}
	p.below[n.Parent] = append(p.below[n.Parent], n.ID)
	*p.nodes[n.ID] = n
	return nil
}

// children lists what lies below a node, in order, each once: where it was put last.
func (p *planting) children(parent string) []string {
	all := p.below[parent]
	out := make([]string, 0, len(all))
	var seen map[string]bool
	for _, id := range slices.Backward(all) {
		n, there := p.nodes[id]
		if !there || n.Parent != parent || seen[id] {
			continue
		}
		if seen == nil {
			seen = make(map[string]bool, len(all))
		}
		seen[id] = true
		out = append(out, id)
	}
	slices.Reverse(out)
	return out
}

// checkDepth holds for what was moved along, too.
func (p *planting) checkDepth() error {
	var deepest func(id string) int
	deepest = func(id string) int {
		most := 0
		for _, child := range p.children(id) {
			most = max(most, 1+deepest(child))
		}
		return most
	}
	if deepest("") > configs.MaxDepth {
		return ErrTree.WithFields(fault.Field{Name: "parent", Reason: fmt.Sprintf("层级不能多于 %d 级", configs.MaxDepth)})
	}
	return nil
}

func (p *planting) remove(id string) {
	for _, child := range p.children(id) {
		p.remove(child)
	}
	delete(p.codes, p.nodes[id].Code)
	delete(p.nodes, id)
}

func (p *planting) merge(units []string, into string) error {
	to, err := p.node(into)
	if err != nil {
		return err
	}
	if len(units) == 0 || slices.Contains(units, into) || to.Kind != campaign.Unit || hasTwice(units) {
		return ErrTree.WithFields(fault.Field{Name: "units", Reason: "应为要并入另一单位的一个或几个单位"})
	}
	for _, id := range units {
		n, err := p.node(id)
		if err != nil {
			return err
		}
		if n.Kind != campaign.Unit {
			return ErrTree.WithFields(fault.Field{Name: "units", Reason: "“" + name(n) + "”不是单位"})
		}
		to.Roster += n.Roster
		to.Was = slices.Concat(to.Was, n.Was, []string{id})
		p.remove(id)
	}
	return checkNode(*to)
}

func hasTwice(all []string) bool {
	seen := map[string]bool{}
	for _, s := range all {
		if seen[s] {
			return true
		}
		seen[s] = true
	}
	return false
}

// list returns the nodes depth first.
func (p *planting) list() []campaign.Node {
	out := make([]campaign.Node, 0, len(p.nodes))
	var walk func(parent string)
	walk = func(parent string) {
		for _, id := range p.children(parent) {
			out = append(out, *p.nodes[id])
			walk(id)
		}
	}
	walk("")
	return out
}

// freshID makes the id of a node that was given none: its code, or a name that
// follows from where it stands and what it is called, so that the same file makes
// the same ids wherever it is read.
func (p *planting) freshID(n campaign.Node) string {
	if n.Code != "" && !p.has(n.Code) {
		return n.Code
	}
	for i := 0; ; i++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d", n.Parent, name(&n), i))
		id := "n" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:11]
		if !p.has(id) {
			return id
		}
	}
}

func name(n *campaign.Node) string { return n.Name.In(campaign.DefaultLanguage) }

// maxName bounds the name of a region or unit, in characters.
const maxName = 100

// checkNode checks what can be said of a node by itself.
func checkNode(n campaign.Node) error {
	bad := func(field, reason string) error { return ErrTree.WithFields(fault.Field{Name: field, Reason: reason}) }
	title := name(&n)
	switch {
	case !configs.IsNodeID(n.ID) || n.ID == campaign.Unassigned:
		return bad("id", "编号应为字母、数字、点和连字符，至多 40 个")
	case strings.TrimSpace(title) == "":
		return bad("name", "缺少名称")
	case utf8.RuneCountInString(title) > maxName:
		return bad("name", fmt.Sprintf("名称至多 %d 个字", maxName))
	case strings.ContainsFunc(title, unicode.IsControl), strings.TrimSpace(title) != title:
		return bad("name", "名称不能有换行、控制字符或首尾空格")
	case sheet.Risky(title):
		return bad("name", "名称不能以公式符号（= + - @）开头")
	case n.Code != "" && !configs.IsNodeCode(n.Code):
		return bad("code", "代码应为 6 位或 12 位数字")
	case n.Roster < 0 || n.Roster > configs.MaxRoster:
		return bad("roster", "人数不对")
	case n.Kind == campaign.Region && n.Roster != 0:
		return bad("roster", "地区的人数是下属单位之和，不能填写")
	case n.Kind == campaign.Region && n.Retired:
		return bad("retired", "只有单位可以停用")
	case n.Kind != campaign.Region && n.Kind != campaign.Unit:
		return bad("kind", "类型应为“区划”或“单位”")
	}
	return nil
}
