package httpapi

import (
	"bufio"
	"context"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/catalog"
	"qingyuan/internal/divisions"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/sheet"
)

// Imports puts imports of tables in line. Its one implementation joins the catalog to
// the jobs.
type Imports interface {
	SubmitTree(ctx context.Context, act catalog.Act, campaignID, node string, table io.Reader, o catalog.TreeImport) (job string, err error)
}

// treeRoutes keep the organisation tree of a campaign.
func (s *Server) treeRoutes() []route {
	const one = officePath + "/campaigns/:campaign"
	const tree, nodes = one + "/tree", one + "/tree/nodes"
	read := func(r route) route { return admin(r, operator.ReadCampaigns) }
	edit := func(r route) route { return admin(r, operator.EditTree) }
	return []route{
		read(get(tree, staff, s.listTree)),
		slow(read(get(tree+"/export", staff, s.exportTree))),
		upload(edit(post(tree+"/imports", staff, s.importTree))),
		edit(post(tree+"/start", staff, s.startTree)),
		edit(post(nodes, staff, s.addNode)),
		edit(patch(nodes+"/:node", staff, s.changeNode)),
		edit(del(nodes+"/:node", staff, s.removeNode)),
		edit(post(nodes+"/:node/merge", staff, s.mergeUnits)),
		read(get(nodes+"/:node/history", staff, s.showNodeHistory)),
		read(get(officePath+"/divisions", staff, s.listDivisions)),
	}
}

// deskNodeT is a region or unit as operators see it.
type deskNodeT struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	Code   string `json:"code"`
	Parent string `json:"parent"`
	// Roster is how many belong to it, 0 where nobody said; Units how many units there
	// are below it.
	Roster      int64 `json:"roster"`
	Units       int64 `json:"units"`
	Retired     bool  `json:"retired"`
	HasChildren bool  `json:"has_children"`
}

func deskNodeOf(n *campaign.Node, lang string) deskNodeT {
	return deskNodeT{
		ID: n.ID, Name: n.Name.In(lang), Kind: string(n.Kind), Code: n.Code, Parent: n.Parent, Roster: n.Roster, Units: n.Units,
		Retired: n.Retired, HasChildren: len(n.Children) > 0,
	}
}

// listTree handles GET /api/v1/admin/campaigns/{campaign}/tree: what lies below
// parent, what the query finds, or the top of the operator's own part.
func (s *Server) listTree(k *call) error {
	c, err := s.prepared(k, k.Params("campaign"))
	if err != nil {
		return err
	}
	nodes, err := s.treeAsked(k, c)
	if err != nil {
		return err
	}
	return sendStretch(k, nodes, func(n *campaign.Node) deskNodeT { return deskNodeOf(n, k.lang()) })
}

func (s *Server) treeAsked(k *call, c *campaign.Campaign) ([]*campaign.Node, error) {
	parent, query, err := k.parentOrQuery()
	if err != nil {
		return nil, err
	}
	if query != "" {
		return findOwn(k, c, query), nil
	}
	return s.treeBelow(k, c, parent)
}

// findOwn returns what the query finds within the operator's own part; ids are found as
// they are written.
func findOwn(k *call, c *campaign.Campaign, query string) []*campaign.Node {
	found := c.Tree.Search(query, k.lang(), math.MaxInt)
	if n, ok := c.Tree.Node(strings.TrimSpace(query)); ok && !slices.Contains(found, n) {
		found = append([]*campaign.Node{n}, found...)
	}
	return slices.DeleteFunc(found, func(n *campaign.Node) bool {
		return !k.actor.Within(operator.ReadCampaigns, c, n.ID)
	})
}

func (s *Server) treeBelow(k *call, c *campaign.Campaign, parent string) ([]*campaign.Node, error) {
	parts, err := s.parts(k, c, parent)
	if err != nil {
		return nil, err
	}
	if parent != "" || slices.Contains(parts, "") {
		return c.Tree.Children(parent), nil
	}
	var out []*campaign.Node
	for _, id := range parts {
		if n, ok := c.Tree.Node(id); ok {
			out = append(out, n)
		}
	}
	return out, nil
}

// parts are the nodes that an operator asks about: the one that is named, or the tops of
// their own part. "" is the whole tree; none is nothing of it.
func (s *Server) parts(k *call, c *campaign.Campaign, node string) ([]string, error) {
	if node != "" {
		return []string{node}, s.ownNode(k, operator.ReadCampaigns, c, node)
	}
	scopes, _ := k.actor.Scopes(operator.ReadCampaigns, c)
	return scopes, nil
}

// ownNode wants a node to be there and within the part that the operator may do the
// action in; "" is the top.
func (s *Server) ownNode(k *call, a operator.Action, c *campaign.Campaign, node string) error {
	if err := k.within(a, c, node); err != nil {
		return catalog.ErrNode
	}
	if _, ok := c.Tree.Node(node); node != "" && !ok {
		return catalog.ErrNode
	}
	return nil
}

// exportTree handles GET /api/v1/admin/campaigns/{campaign}/tree/export.
func (s *Server) exportTree(k *call) error {
	c, err := s.prepared(k, k.Params("campaign"))
	if err != nil {
		return err
	}
	below, err := k.text("parent")
	if err != nil {
		return err
	}
	parts, err := s.parts(k, c, below)
	if err != nil {
		return err
	}
	format := sheet.Format(or(k.Query("format"), string(sheet.XLSX)))
	if format != sheet.XLSX && format != sheet.CSV {
		return fault.InvalidField("format", "应为 xlsx 或 csv")
	}
	tree := c.Tree
	return s.stream(k, format.ContentType(), c.ID+"-tree."+string(format), func(_ context.Context, out *bufio.Writer) error {
		w, err := sheet.New(out, format)
		if err != nil {
			return err
		}
		if err := catalog.ExportTree(tree, parts, w); err != nil {
			return err
		}
		return w.Close()
	})
}

// importAnswer names the job that takes a table in.
type importAnswer struct {
	Job string `json:"job"`
}

// importTree handles POST /api/v1/admin/campaigns/{campaign}/tree/imports. The body is
// the file itself; the query says how it is taken in.
func (s *Server) importTree(k *call) error {
	raw, err := k.file()
	if err != nil {
		return err
	}
	c, err := s.prepared(k, k.Params("campaign"))
	if err != nil {
		return err
	}
	below, err := k.text("parent")
	if err != nil {
		return err
	}
	scopes, _ := k.actor.Scopes(operator.EditTree, c)
	if below == "" && len(scopes) == 1 {
		below = scopes[0] // the top of what the operator sees
	}
	if err := s.ownNode(k, operator.EditTree, c, below); err != nil {
		return err
	}
	o := catalog.TreeImport{Scopes: scopes, Below: below}
	act := catalog.Act{Actor: k.actor, Reason: k.Query("reason")}
	if o.All, act.DryRun, err = importMode(k); err != nil {
		return err
	}
	if err := checkReason(act.Reason, false); err != nil {
		return err
	}
	job, err := s.Imports.SubmitTree(k.ctx, act, c.ID, below, raw, o)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusAccepted, importAnswer{job})
}

// importMode reads mode=all|valid and dry_run=true|false.
func importMode(k *call) (all, dry bool, err error) {
	switch mode := k.Query("mode"); mode {
	case "", "all":
		all = true
	case "valid":
	default:
		return false, false, fault.InvalidField("mode", "应为 all 或 valid")
	}
	switch v := k.Query("dry_run"); v {
	case "", "false":
	case "true":
		dry = true
	default:
		return false, false, fault.InvalidField("dry_run", "应为 true 或 false")
	}
	return all, dry, nil
}

// startTree handles POST /api/v1/admin/campaigns/{campaign}/tree/start: divisions by
// their code, with what lies below them.
func (s *Server) startTree(k *call) error {
	var in struct {
		Code    string `json:"code"`
		Parent  string `json:"parent"`
		Levels  *int   `json:"levels"`
		Version int64  `json:"version"`
		Reason  string `json:"reason"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	if err := s.mayTree(k, in.Reason, in.Parent); err != nil {
		return err
	}
	levels := -1
	if in.Levels != nil {
		levels = *in.Levels
	}
	act := catalog.Act{Actor: k.actor, Reason: in.Reason, Version: in.Version}
	out, err := s.Campaigns.StartTree(k.ctx, act, k.Params("campaign"), in.Code, in.Parent, levels)
	return s.sendTree(k, out, err)
}

// mayTree checks a reason and whether the operator may change the tree at all of the
// nodes.
func (s *Server) mayTree(k *call, reason string, nodes ...string) error {
	if err := checkReason(reason, false); err != nil {
		return err
	}
	c, err := s.prepared(k, k.Params("campaign"))
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if err := s.ownNode(k, operator.EditTree, c, n); err != nil {
			return err
		}
	}
	return nil
}

// treeAnswer says what came of a change of the tree.
type treeAnswer struct {
	Version int64 `json:"version"`
	Changed bool  `json:"changed"`
	Added   int   `json:"added"`
	Edited  int   `json:"edited"`
	Removed int   `json:"removed"`
	// Node is the node that was added or changed, null where there is none.
	Node *deskNodeT `json:"node"`
}

func treeOf(out catalog.Outcome) treeAnswer {
	return treeAnswer{
		Version: out.Version, Changed: out.Changed, Added: out.Nodes.Added, Edited: out.Nodes.Changed, Removed: out.Nodes.Removed,
	}
}

func (s *Server) sendTree(k *call, out catalog.Outcome, err error) error {
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, treeOf(out))
}

func (s *Server) sendNode(k *call, status int, out catalog.Outcome, node string) error {
	a := treeOf(out)
	if n, ok := out.Definition.Campaign.Tree.Node(node); ok {
		a.Node = new(deskNodeOf(n, k.lang()))
	}
	return k.send(status, a)
}

// addNode handles POST /api/v1/admin/campaigns/{campaign}/tree/nodes.
func (s *Server) addNode(k *call) error {
	var in struct {
		Parent  string            `json:"parent"`
		Kind    campaign.NodeKind `json:"kind"`
		Name    string            `json:"name"`
		ID      string            `json:"id"`
		Code    string            `json:"code"`
		Roster  int64             `json:"roster"`
		Version int64             `json:"version"`
		Reason  string            `json:"reason"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	if err := s.mayTree(k, in.Reason, in.Parent); err != nil {
		return err
	}
	n := campaign.Node{
		ID: in.ID, Kind: in.Kind, Parent: in.Parent, Code: in.Code, Roster: in.Roster,
		Name: campaign.Text{campaign.DefaultLanguage: in.Name},
	}
	out, n, err := s.Campaigns.AddNode(k.ctx, catalog.Act{Actor: k.actor, Reason: in.Reason, Version: in.Version}, k.Params("campaign"), n)
	if err != nil {
		return err
	}
	return s.sendNode(k, fiber.StatusCreated, out, n.ID)
}

// changeNode handles PATCH /api/v1/admin/campaigns/{campaign}/tree/nodes/{node}.
func (s *Server) changeNode(k *call) error {
	var in struct {
		Name    *string `json:"name"`
		Code    *string `json:"code"`
		Parent  *string `json:"parent"`
		Roster  *int64  `json:"roster"`
		Retired *bool   `json:"retired"`
		Version int64   `json:"version"`
		Reason  string  `json:"reason"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	node, where := k.Params("node"), []string{k.Params("node")}
	if in.Parent != nil {
		where = append(where, *in.Parent)
	}
	if err := s.mayTree(k, in.Reason, where...); err != nil {
		return err
	}
	act := catalog.Act{Actor: k.actor, Reason: in.Reason, Version: in.Version}
	out, err := s.Campaigns.ChangeNode(k.ctx, act, k.Params("campaign"), node, catalog.NodeChange{
		Name: in.Name, Code: in.Code, Parent: in.Parent, Roster: in.Roster, Retired: in.Retired,
	})
	if err != nil {
		return err
	}
	return s.sendNode(k, fiber.StatusOK, out, node)
}

// removeNode handles DELETE /api/v1/admin/campaigns/{campaign}/tree/nodes/{node}. The
// reason is in the query: requests of this kind have no body.
func (s *Server) removeNode(k *call) error {
	reason, node := k.Query("reason"), k.Params("node")
	if err := s.mayTree(k, reason, node); err != nil {
		return err
	}
	out, err := s.Campaigns.RemoveNode(k.ctx, catalog.Act{Actor: k.actor, Reason: reason}, k.Params("campaign"), node)
	return s.sendTree(k, out, err)
}

// mergeUnits handles POST /api/v1/admin/campaigns/{campaign}/tree/nodes/{node}/merge:
// the units go into the node.
func (s *Server) mergeUnits(k *call) error {
	var in struct {
		Units   []string `json:"units"`
		Version int64    `json:"version"`
		Reason  string   `json:"reason"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	node := k.Params("node")
	if err := s.mayTree(k, in.Reason, append(slices.Clone(in.Units), node)...); err != nil {
		return err
	}
	act := catalog.Act{Actor: k.actor, Reason: in.Reason, Version: in.Version}
	out, err := s.Campaigns.MergeUnits(k.ctx, act, k.Params("campaign"), in.Units, node)
	if err != nil {
		return err
	}
	return s.sendNode(k, fiber.StatusOK, out, node)
}

// nodeHistoryT is one thing that happened to a node.
type nodeHistoryT struct {
	Version int64  `json:"version"`
	At      string `json:"at"`
	Login   string `json:"login"`
	Kind    string `json:"kind"`
	Reason  string `json:"reason"`
	// Node is how it was since, null once it was gone; Into is the unit that it went
	// into, "" for none.
	Node *deskNodeT `json:"node"`
	Into string     `json:"into"`
}

// showNodeHistory handles GET /api/v1/admin/campaigns/{campaign}/tree/nodes/{node}/history.
func (s *Server) showNodeHistory(k *call) error {
	c, err := s.prepared(k, k.Params("campaign"))
	if err != nil {
		return err
	}
	node := k.Params("node")
	// Who may see all may ask for what is gone, too.
	if err := s.ownNode(k, operator.ReadCampaigns, c, node); err != nil && !k.actor.Within(operator.ReadCampaigns, c, "") {
		return err
	}
	all, err := s.Campaigns.History(k.ctx, c.ID, node)
	if err != nil {
		return err
	}
	out := list[nodeHistoryT]{Items: []nodeHistoryT{}}
	for _, h := range all {
		t := nodeHistoryT{Version: h.Version, At: stamp(h.At, nil), Login: h.Login, Kind: h.Kind, Reason: h.Reason, Into: h.Into}
		if !h.Gone {
			t.Node = new(deskNodeOf(&h.Node, k.lang()))
		}
		out.Items = append(out.Items, t)
	}
	return k.send(fiber.StatusOK, out)
}

// listDivisions handles GET /api/v1/admin/divisions?parent=: what a tree may begin
// with.
func (s *Server) listDivisions(k *call) error {
	parent, err := k.text("parent")
	if err != nil {
		return err
	}
	type line struct {
		Code        string `json:"code"`
		Name        string `json:"name"`
		HasChildren bool   `json:"has_children"`
	}
	out := list[line]{Items: []line{}}
	for _, d := range divisions.Below(parent) {
		out.Items = append(out.Items, line{d.Code, d.Name, len(divisions.Below(d.Code)) > 0})
	}
	return k.send(fiber.StatusOK, out)
}
