package catalog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/sheet"
)

// TreeImport is a table of units to be taken into a tree. Rows add regions and units
// or change them; what no row names stays as it is.
type TreeImport struct {
	// All applies nothing unless every row is good; otherwise the good ones are.
	All bool
	// Scopes are the nodes below which, themselves included, rows may change
	// something; a scope "" is everything.
	Scopes []string
	// Below is the node that rows without a parent belong to, "" for the top.
	Below string
	// Progress hears of rows read and written; nil for nobody.
	Progress func(done, total int64, note string)
	// Job names whoever imports, so that what an earlier try has left can be taken away.
	Job string
	// Hold is asked in each transaction, last; nil for nobody.
	Hold func(ctx context.Context, tx *sql.Tx) error
	// Kept is told, in the transaction of the version, what the import came to; nil for
	// nobody.
	Kept func(ctx context.Context, tx *sql.Tx, r TreeReport) error
}

// RowFault is what is wrong with one row.
type RowFault struct {
	// Line is the row's in the file, from 1.
	Line   int    `json:"line"`
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

// TreeReport says what an import came to. Found is the sum of Added, Changed,
// Unchanged and Refused.
type TreeReport struct {
	Found     int `json:"found"`
	Added     int `json:"added"`
	Changed   int `json:"changed"`
	Unchanged int `json:"unchanged"`
	Refused   int `json:"refused"`
	// Regions counts regions that only stood above others in a table with levels, and
	// were added for them.
	Regions int `json:"regions_made"`
	// Faults are the first of what was refused.
	Faults []RowFault `json:"faults"`
	// Ignored are columns that nobody reads.
	Ignored []string `json:"ignored_columns"`
	// Applied is false where nothing was changed: in a dry run, where All was asked
	// for and a row was refused, or where everything was like that already.
	Applied bool  `json:"applied"`
	Version int64 `json:"version"`
}

// maxRowFaults bounds what is told row by row.
const maxRowFaults = 1000

// errRows keeps a table with a bad row from being applied.
var errRows = errors.New("rows were refused")

// ImportTree takes a table of units (XLSX or CSV) into the tree of a campaign. A file
// that cannot be read is an error; rows that cannot be taken are in the report. One table
// is worked on at a time, whoever sends another meanwhile waits.
func (s *Store) ImportTree(ctx context.Context, act Act, id string, raw []byte, o TreeImport) (TreeReport, error) {
	tell := o.Progress
	if tell == nil {
		tell = func(int64, int64, string) {}
	}
	select {
	case s.imports <- struct{}{}:
		defer func() { <-s.imports }()
	case <-ctx.Done():
		return TreeReport{}, fmt.Errorf("wait to import the tree of %s: %w", id, ctx.Err())
	}
	f, err := readTreeFile(raw, func(rows int) { tell(int64(rows), 0, "读取表格") })
	if err != nil {
		return TreeReport{}, err
	}
	total := int64(len(f.rows))
	report := emptyReport(f)
	out, err := s.change(ctx, act, KindTreeImported, id, func(_ context.Context, e *edit) error {
		p, err := e.planting()
		if err != nil {
			return err
		}
		report = emptyReport(f) // it may be worked out once more
		tell(0, total, "核对各行")
		i := newImporter(p, f, o, &report, e)
		i.run()
		if o.All && report.Refused > 0 {
			return errRows
		}
		if err := p.checkDepth(); err != nil {
			return err
		}
		e.nodes = p.list()
		e.told = func(done int) { tell(int64(done), total, "写入") }
		e.job = o.Job
		if o.Kept != nil {
			e.also = append(e.also, func(ctx context.Context, version int64) error {
				report.Applied, report.Version = true, version
				return o.Kept(ctx, e.tx, report)
			})
		}
		if o.Hold != nil {
			e.hold = o.Hold
		}
		return nil
	})
	if errors.Is(err, errRows) {
		entry, err := s.Entry(ctx, id)
		report.Version = entry.Version
		return report, err
	}
	if err != nil {
		return TreeReport{}, err
	}
	report.Applied, report.Version = out.Changed, out.Version
	return report, nil
}

func emptyReport(f *treeFile) TreeReport {
	r := TreeReport{Found: len(f.rows), Ignored: f.head.unknown, Faults: []RowFault{}}
	if r.Ignored == nil {
		r.Ignored = []string{}
	}
	return r
}

// importer takes rows into a planting.
type importer struct {
	*planting

	file   *treeFile
	o      TreeImport
	report *TreeReport
	// opened says that people may take part: nothing moves any more.
	opened bool
	was    *campaign.Tree

	paths map[string]string // parent and name: id
	names map[string]string // name: id of the only region of that name, "" for several
	lines map[string]int    // id: line of the row that gave it
	// pending are the rows by what others may call them: ids, codes and names.
	pending map[string]*wanted
	state   []progress
}

// wanted is a row that others may call their parent.
type wanted struct {
	row  int
	only bool
}

// progress is how far a row is.
type progress uint8

const (
	untouched progress = iota
	underway
	done
)

func newImporter(p *planting, f *treeFile, o TreeImport, report *TreeReport, e *edit) *importer {
	i := &importer{
		planting: p, file: f, o: o, report: report, was: e.wood.tree,
		opened: e.was.Stage == Published && !e.Now().Before(e.old.Campaign.OpensAt),
		paths:  make(map[string]string, len(p.nodes)), names: map[string]string{}, lines: map[string]int{},
		pending: map[string]*wanted{}, state: make([]progress, len(f.rows)),
	}
	for id, n := range p.nodes {
		i.index(id, n)
	}
	return i
}

func (i *importer) index(id string, n *campaign.Node) {
	title := name(n)
	i.paths[pathKey(n.Parent, title)] = id
	if n.Kind != campaign.Region {
		return
	}
	if other, known := i.names[title]; known && other != id {
		id = ""
	}
	i.names[title] = id
}

func pathKey(parent, title string) string { return parent + "\x00" + title }

// run takes the rows in, parents before children whatever their order.
func (i *importer) run() {
	for n := range i.file.rows {
		r := &i.file.rows[n]
		for _, word := range []string{r.id, r.code, r.name} {
			if word == "" || len(i.file.head.levels) > 0 {
				continue
			}
			if w, known := i.pending[word]; known {
				w.only = w.only && w.row == n
			} else {
				i.pending[word] = &wanted{n, true}
			}
		}
	}
	for n := range i.file.rows {
		if w, there := i.pending[i.file.rows[n].parent]; there && w.only {
			i.expect(w.row)
		}
	}
	for n := range i.file.rows {
		i.take(n)
	}
}

// take takes one row in, after the one that it calls its parent.
func (i *importer) take(n int) {
	if i.state[n] != untouched {
		return
	}
	i.state[n] = underway
	defer func() { i.state[n] = done }()
	if bad := i.row(&i.file.rows[n]); bad != nil {
		i.report.Refused++
		if len(i.report.Faults) < maxRowFaults {
			i.report.Faults = append(i.report.Faults, *bad)
		}
	}
}

func (i *importer) row(r *treeRow) *RowFault {
	bad := func(field, format string, args ...any) *RowFault {
		return &RowFault{Line: r.line, Field: field, Reason: fmt.Sprintf(format, args...)}
	}
	if r.name == "" {
		return bad("name", "缺少名称")
	}
	kind, err := r.kindOf()
	if err != nil {
		return bad("kind", "%v", err)
	}
	code, err := r.codeOf()
	if err != nil {
		return bad("code", "%v", err)
	}
	people, err := r.rosterOf()
	if err != nil {
		return bad("roster", "%v", err)
	}
	retired, err := r.retiredOf()
	if err != nil {
		return bad("retired", "%v", err)
	}
	parent, err := i.parentOf(r)
	if err != nil {
		return bad("parent", "%v", err)
	}
	id, known := i.find(r, code, parent)
	n := campaign.Node{ID: id, Kind: kind, Parent: parent, Name: campaign.Text{}, Code: code}
	if known {
		n = *i.nodes[id]
		if i.stays() || r.parent == "" && id == i.o.Below {
			parent = n.Parent
		}
		n = NodeChange{Name: &r.name, Parent: &parent, Retired: retired, Roster: people}.apply(n)
		if code != "" {
			n.Code = code
		}
		if kind != "" && kind != n.Kind {
			return bad("kind", "“%s”不能改变类型", r.name)
		}
	} else {
		n.Name[campaign.DefaultLanguage] = r.name
		if people != nil {
			n.Roster = *people
		}
		n.Retired = retired != nil && *retired
		if kind == "" {
			n.Kind = i.guess(r, people)
		}
		if n.ID == "" {
			n.ID = i.freshID(n)
		}
	}
	if n.Kind == campaign.Region && people != nil && *people == 0 {
		n.Roster = 0
	}
	if line, twice := i.lines[n.ID]; twice {
		return bad("name", "与第 %d 行重复", line)
	}
	return i.settle(r, n, known)
}

// stays tells whether a row says nothing of where its node belongs.
func (i *importer) stays() bool {
	_, said := i.file.head.at[colParent]
	return !said && len(i.file.head.levels) == 0
}

// settle puts a node where its row wants it.
func (i *importer) settle(r *treeRow, n campaign.Node, known bool) *RowFault {
	was, before := i.was.Node(n.ID)
	if before && same(was, &n) {
		i.lines[n.ID] = r.line
		i.report.Unchanged++
		return nil
	}
	if err := i.check(n, was, before); err != nil {
		f := fault.From(err)
		if len(f.Fields) > 0 {
			return &RowFault{r.line, f.Fields[0].Name, f.Fields[0].Reason}
		}
		return &RowFault{r.line, "name", f.Text}
	}
	var err error
	switch {
	case !known:
		err = i.add(n)
	case i.nodes[n.ID].Parent != n.Parent:
		err = i.relocate(n)
	default:
		if err = i.checkCode(n); err == nil {
			*i.nodes[n.ID] = n
		}
	}
	if err != nil {
		f := fault.From(err)
		return &RowFault{r.line, f.Fields[0].Name, f.Fields[0].Reason}
	}
	i.index(n.ID, &n)
	i.lines[n.ID] = r.line
	if known {
		i.report.Changed++
	} else {
		i.report.Added++
	}
	return nil
}

// check holds a change to the actor's part of the tree, to what may change while
// people take part, and to the form of a node.
func (i *importer) check(n campaign.Node, was *campaign.Node, before bool) error {
	if !i.inScope(n) || before && !i.inScope(*was) {
		return ErrTree.WithFields(fault.Field{Name: "parent", Reason: "不在您的管辖范围内"})
	}
	if i.opened && before && was.Parent != n.Parent {
		return ErrTreeFixed.WithFields(fault.Field{Name: "parent", Reason: "活动已开放，不能再移动"})
	}
	return checkNode(n)
}

func (i *importer) inScope(n campaign.Node) bool {
	for _, scope := range i.o.Scopes {
		if scope == "" || scope == n.ID {
			return true
		}
		for id := n.Parent; id != ""; {
			if id == scope {
				return true
			}
			above, ok := i.nodes[id]
			if !ok {
				break
			}
			id = above.Parent
		}
	}
	return false
}

// find tells which node a row means: by its id, by its code, or by its name below
// its parent. One that is not there yet gets the id that the row gives it.
func (i *importer) find(r *treeRow, code, parent string) (string, bool) {
	if r.id != "" {
		return r.id, i.has(r.id)
	}
	if id, ok := i.codes[code]; ok && code != "" {
		return id, true
	}
	if id, ok := i.paths[pathKey(parent, r.name)]; ok && (code == "" || i.nodes[id].Code == "" || i.nodes[id].Code == code) {
		return id, true
	}
	return "", false
}

// guess tells what a row is that does not say so: what others belong to, or has a
// code and nobody in it, is a region.
func (i *importer) guess(r *treeRow, people *int64) campaign.NodeKind {
	if len(i.file.head.levels) > 0 || people == nil && r.code != "" {
		return campaign.Region
	}
	return campaign.Unit
}

// parentOf finds the node that a row calls its parent.
func (i *importer) parentOf(r *treeRow) (string, error) {
	if len(i.file.head.levels) > 0 {
		return i.walk(r)
	}
	if r.parent == "" {
		return i.o.Below, nil
	}
	if id, ok, err := i.named(r.parent); ok || err != nil {
		return id, err
	}
	if id, ok := i.byPath(r.parent); ok {
		return id, nil
	}
	return "", fmt.Errorf("找不到上级“%s”", r.parent)
}

// named finds a region by id, code or a name that only one has, in the tree or in
// another row, which is taken in first.
func (i *importer) named(word string) (id string, ok bool, err error) {
	if i.has(word) {
		return word, true, nil
	}
	if id, ok := i.codes[word]; ok {
		return id, true, nil
	}
	if w, there := i.pending[word]; there {
		if w.only && i.state[w.row] == underway {
			return "", false, fmt.Errorf("上级“%s”绕成了圈", word)
		}
		if w.only {
			i.expect(w.row)
			i.take(w.row)
		}
	}
	if i.has(word) {
		return word, true, nil
	}
	if id, ok := i.codes[word]; ok {
		return id, true, nil
	}
	id, known := i.names[word]
	if known && id == "" {
		return "", false, fmt.Errorf("上级“%s”不止一个，请改用编号或代码", word)
	}
	return id, known, nil
}

// expect marks a row as a region, because another one belongs to it.
func (i *importer) expect(n int) {
	if r := &i.file.rows[n]; r.kind == "" && !r.unitLevel && r.roster == "" {
		r.kind = "区划"
	}
}

// byPath finds a region by the names above it: 榆次区/新华街道.
func (i *importer) byPath(path string) (string, bool) {
	id := i.o.Below
	for part := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '>' || r == '／' }) {
		next, ok := i.paths[pathKey(id, strings.TrimSpace(part))]
		if !ok {
			return "", false
		}
		id = next
	}
	return id, id != i.o.Below
}

// walk goes down the levels of a row and makes the regions that are not there yet.
func (i *importer) walk(r *treeRow) (string, error) {
	id := i.o.Below
	for _, title := range r.path {
		if next, ok := i.paths[pathKey(id, title)]; ok {
			id = next
			continue
		}
		n := campaign.Node{Kind: campaign.Region, Parent: id, Name: campaign.Text{campaign.DefaultLanguage: title}}
		n.ID = i.freshID(n)
		if err := i.check(n, nil, false); err != nil {
			f := fault.From(err)
			return "", fmt.Errorf("上级“%s”：%s", title, f.Fields[0].Reason)
		}
		if err := i.add(n); err != nil {
			return "", fmt.Errorf("上级“%s”：%s", title, fault.From(err).Fields[0].Reason)
		}
		i.index(n.ID, &n)
		i.report.Regions++
		id = n.ID
	}
	return id, nil
}

// ExportTree writes what of a campaign's tree lies at and below the nodes, as a table; "" is
// all of it. Reading it in again changes nothing.
func ExportTree(t *campaign.Tree, nodes []string, w sheet.Writer) error {
	err := w.Table("组织架构",
		sheet.Column{Title: "编号", Width: 18}, sheet.Column{Title: "上级", Width: 18}, sheet.Column{Title: "上级名称", Width: 24},
		sheet.Column{Title: "类型", Width: 8}, sheet.Column{Title: "名称", Width: 32}, sheet.Column{Title: "代码", Width: 14},
		sheet.Column{Title: "应参与人数", Width: 12}, sheet.Column{Title: "状态", Width: 8})
	if err != nil {
		return err
	}
	for n := range t.Nodes {
		if !slices.ContainsFunc(nodes, func(top string) bool { return t.Within(n.ID, top) }) {
			continue
		}
		if err := w.Row(exported(t, n)...); err != nil {
			return fmt.Errorf("write node %s: %w", n.ID, err)
		}
	}
	return nil
}

func exported(t *campaign.Tree, n *campaign.Node) []any {
	kind, above := "单位", ""
	if n.Kind == campaign.Region {
		kind = "区划"
	}
	if p, ok := t.Node(n.Parent); ok {
		above = name(p)
	}
	var people any
	if n.Kind == campaign.Unit && n.Roster > 0 {
		people = n.Roster
	}
	state := "启用"
	if n.Retired {
		state = "停用"
	}
	if n.Kind == campaign.Region {
		state = ""
	}
	return []any{n.ID, n.Parent, above, kind, name(n), n.Code, people, state}
}
