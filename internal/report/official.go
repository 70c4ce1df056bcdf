package report

import (
	"fmt"
	"strings"

	"qingyuan/campaign"
	"qingyuan/internal/sheet"
	"qingyuan/leaderboard"
)

// Notice is what has to stand on every list that leaves the system: results of
// learning are no basis of appraisal (国办函〔2026〕12号).
const Notice = "本表仅用于了解禁毒宣传教育活动开展情况，不得作为考核评价依据。"

// definitions say what the columns mean, below every table of figures.
func definitions() []string {
	return []string{
		Notice,
		"参与人数：至少有一次有效交卷或签署的人数；参与率：参与人数除以应参与人数（按名册）。",
		"答题人次：有效交卷次数；及格率、满分率、平均分：按每人最好成绩计算，分母为有成绩的人数；总分：每人最好成绩之和。",
		"参与单位数：至少一人参与的单位数。已作废或撤回的答卷和签署均不计入。",
		"纸质承诺人数：由单位按批登记的纸质签署人数，单独列出，不计入签署人数、参与人数和任何比率。",
	}
}

// Official writes the table that offices report upwards: the children of a node
// with their units, persons and results, and the sum of them. parent "" is the whole
// campaign, told by the regions right below the one that holds everything.
func Official(w sheet.Writer, f *Figures, parent string) error {
	tree := f.Campaign.Tree
	if err := inTree(f, parent); err != nil {
		return err
	}
	everybody, title := parent == "", "各地区情况"
	if everybody {
		parent = lowest(tree, "")
	} else if n, ok := tree.Node(parent); ok {
		title = name(n)
	}
	if err := w.Table(title, officialColumns()...); err != nil {
		return err
	}
	for _, row := range officialRows(f, parent, everybody) {
		if err := w.Row(row...); err != nil {
			return err
		}
	}
	return w.Note(definitions()...)
}

func inTree(f *Figures, node string) error {
	if _, ok := f.Campaign.Tree.Node(node); node != "" && !ok {
		return fmt.Errorf("table of %s: campaign %s has no such region or unit", node, f.Campaign.ID)
	}
	return nil
}

// lowest is the lowest region below a node that holds everything that the node does.
func lowest(t *campaign.Tree, node string) string {
	for {
		below := t.Children(node)
		if len(below) != 1 || below[0].Kind != campaign.Region {
			return node
		}
		node = below[0].ID
	}
}

// ofUnits is how many columns of the official table count units.
const ofUnits = 3

// Units writes the figures of persons of the official table for every unit below a node,
// each with the regions above it, and the sum of them. parent "" is the whole campaign.
func Units(w sheet.Writer, f *Figures, parent string) error {
	if err := inTree(f, parent); err != nil {
		return err
	}
	columns := append([]sheet.Column{{Title: "所属地区", Width: 24}, {Title: "单位", Width: 24}, {Title: "单位编号"}}, officialColumns()[1+ofUnits:]...)
	if err := w.Table("各单位情况", columns...); err != nil {
		return err
	}
	tree, roll, paper := f.Campaign.Tree, f.Roll(), f.paperByNode()
	put := func(regions, id string, row []any) error {
		return w.Row(append([]any{regions, row[0], id}, row[1+ofUnits:]...)...)
	}
	for n := range tree.Nodes {
		if n.Kind != campaign.Unit || !tree.Within(n.ID, parent) {
			continue
		}
		regions := strings.Join(tree.Path(n.ID, campaign.DefaultLanguage), " / ")
		if err := put(regions, n.ID, officialRow(name(n), n, roll.Nodes[n.ID], paper[n.ID])); err != nil {
			return err
		}
	}
	sums := officialRows(f, parent, parent == "")
	for _, row := range sums[len(tree.Children(parent)):] {
		if err := put("", "", row); err != nil {
			return err
		}
	}
	return w.Note(definitions()...)
}

// officialRows are the rows of a node's children and their sum. With everybody those
// without a unit have a row as well, and are in the sum.
func officialRows(f *Figures, parent string, everybody bool) [][]any {
	tree, roll, paper := f.Campaign.Tree, f.Roll(), f.paperByNode()
	var rows [][]any
	var whole campaign.Node
	for _, n := range tree.Children(parent) {
		whole.Roster += n.Roster
		whole.Units += n.Units
		rows = append(rows, officialRow(name(n), n, roll.Nodes[n.ID], paper[n.ID]))
	}
	counts, papers := roll.Nodes[parent], paper[parent]
	if n, ok := tree.Node(parent); ok {
		whole = *n
	}
	if everybody {
		counts, papers = roll.Total, paper[""]
		if none, lost := roll.Nodes[campaign.Unassigned], paper[campaign.Unassigned]; none.Enrolled+lost > 0 {
			rows = append(rows, officialRow("未选择单位", &campaign.Node{}, none, lost))
		}
	}
	return append(rows, officialRow("合计", &whole, counts, papers))
}

func name(n *campaign.Node) string { return n.Name.In(campaign.DefaultLanguage) }

func officialColumns() []sheet.Column {
	return []sheet.Column{
		{Title: "地区", Width: 24},
		{Title: "参与单位数"},
		{Title: "单位总数"},
		{Title: "单位参与率"},
		{Title: "参与人数"},
		{Title: "应参与人数"},
		{Title: "参与率"},
		{Title: "报名人数"},
		{Title: "答题人次"},
		{Title: "签署人数"},
		{Title: "及格率"},
		{Title: "满分率"},
		{Title: "平均分"},
		{Title: "总分"},
		{Title: "纸质承诺人数"},
	}
}

// officialRow is a node's row. A rate is cut at the whole, as on the boards: a roster
// that is too small is the roster's fault. Who has signed on paper comes last, beside all
// others.
func officialRow(title string, n *campaign.Node, c leaderboard.Counts, paper int64) []any {
	return []any{
		title,
		c.Active, n.Units,
		sheet.Rate{Part: c.Active, Whole: n.Units},
		c.Participants, n.Roster,
		sheet.Rate{Part: min(c.Participants, n.Roster), Whole: n.Roster},
		c.Enrolled, c.Attempts, c.Signatures,
		sheet.Rate{Part: c.Passed, Whole: c.Scored},
		sheet.Rate{Part: c.Full, Whole: c.Scored},
		average(&c), c.Score, paper,
	}
}

// average is empty where nobody has a score, and rounded to two digits.
func average(c *leaderboard.Counts) any {
	mean, ok := c.Average()
	if !ok {
		return nil
	}
	return round(mean, 2)
}
