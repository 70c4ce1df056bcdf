package catalog

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/fault"
	"qingyuan/internal/sheet"
)

// column is what a column of a table of units means.
type column string

const (
	colParent  column = "parent"
	colID      column = "id"
	colName    column = "name"
	colKind    column = "kind"
	colCode    column = "code"
	colRoster  column = "roster"
	colRetired column = "retired"
	colIgnored column = "ignored" // known, and not read
)

// columnNames are what offices call the columns.
//
//nolint:gochecknoglobals // A constant in everything but the language.
var columnNames = map[string]column{
	"上级": colParent, "上级编号": colParent, "上级单位": colParent, "上级代码": colParent, "所属地区": colParent, "所属区划": colParent,
	"所属上级": colParent, "父级": colParent, "parent": colParent,
	"编号": colID, "单位编号": colID, "编码": colID, "单位代码": colID, "机构编号": colID, "id": colID,
	"名称": colName, "单位名称": colName, "机构名称": colName, "地区名称": colName, "区划名称": colName, "name": colName,
	"类型": colKind, "类别": colKind, "性质": colKind, "kind": colKind,
	"代码": colCode, "区划代码": colCode, "行政区划代码": colCode, "code": colCode,
	"应参与人数": colRoster, "应参加人数": colRoster, "应答人数": colRoster, "人数": colRoster, "总人数": colRoster, "名册人数": colRoster, "roster": colRoster,
	"状态": colRetired, "停用": colRetired, "是否停用": colRetired, "retired": colRetired,
	"上级名称": colIgnored, "序号": colIgnored, "备注": colIgnored, "单位数": colIgnored,
}

// levelNames are the columns of a table with a level in each column, from the top.
//
//nolint:gochecknoglobals // As above.
var levelNames = []struct {
	names []string
	unit  bool
}{
	{names: []string{"省", "省份", "省级", "省市", "省（自治区直辖市）"}},
	{names: []string{"市", "地市", "市级", "市州", "地级市", "市（州盟）"}},
	{names: []string{"县", "区县", "县区", "县级", "县市区", "县（市区）"}},
	{names: []string{"乡", "乡镇", "镇", "街道", "乡级", "乡镇街道", "乡（镇街道）"}},
	{names: []string{"村", "社区", "村级", "村社区", "村（社区）"}},
	{names: []string{"系统", "主管部门", "上级部门"}},
	{names: []string{"学校"}},
	{names: []string{"年级"}},
	{names: []string{"班级"}, unit: true},
	{names: []string{"单位", "单位名称", "机构", "机构名称"}, unit: true},
}

// head says what the columns of a file mean.
type head struct {
	// at is where each column stands; levels are those of a table with levels, from
	// the top, and unit the last of them where it is one for units, else -1.
	at     map[column]int
	levels []int
	unit   int
	// unknown are columns that nobody reads.
	unknown []string
}

// treeRow is one row of a table of units.
type treeRow struct {
	line int
	// path are the names of the regions above in a table with levels, parent what the
	// row calls its parent in one without.
	path   []string
	parent string

	id, name, kind, code, roster, retired string
	unitLevel                             bool // the name stood in a column for units
}

// headRows is how far down the head of a table may stand, below a title.
const headRows = 10

// treeFile is a table of units that was read.
type treeFile struct {
	head head
	rows []treeRow
}

// readTreeFile reads a table of units. told hears how many rows were read.
func readTreeFile(raw []byte, told func(rows int)) (*treeFile, error) {
	r, err := sheet.Open(raw, sheet.Limits{})
	if err != nil {
		return nil, err
	}
	f, err := readRows(r, told)
	return f, errors.Join(err, r.Close())
}

func readRows(r *sheet.Reader, told func(rows int)) (*treeFile, error) {
	f := &treeFile{}
	found := false
	for n := 0; ; n++ {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		switch {
		case line.Blank():
		case !found:
			if f.head, found = headOf(line.Cells); !found && n >= headRows {
				return nil, errNoHead()
			}
		default:
			f.rows = append(f.rows, f.head.row(line))
			told(len(f.rows))
		}
	}
	if !found {
		return nil, errNoHead()
	}
	return f, nil
}

func errNoHead() error {
	return sheet.ErrFile.WithFields(fault.Field{Name: "file", Reason: "找不到表头：应有“名称”列，或“省、市、县、乡、单位”各列"})
}

// headOf reads a row as the head, and tells whether it can be one.
func headOf(cells []string) (head, bool) {
	h := head{at: make(map[column]int), unit: -1}
	var names []string
	for _, c := range cells {
		names = append(names, plainHead(c))
	}
	if _, named := place(names, colName); !named || !slices.ContainsFunc(names, func(n string) bool { return columnNames[n] == colParent }) {
		h.readLevels(names)
	}
	for i, n := range names {
		c, known := columnNames[n]
		switch _, twice := h.at[c]; {
		case n == "" || slices.Contains(h.levels, i):
		case !known:
			h.unknown = append(h.unknown, cells[i])
		case c != colIgnored && !twice:
			h.at[c] = i
		}
	}
	_, named := h.at[colName]
	return h, named || len(h.levels) > 0
}

// place finds the first column of a meaning.
func place(names []string, want column) (int, bool) {
	i := slices.IndexFunc(names, func(n string) bool { return columnNames[n] == want })
	return i, i >= 0
}

func (h *head) readLevels(names []string) {
	for _, level := range levelNames {
		for i, n := range names {
			if slices.Contains(level.names, n) {
				h.levels = append(h.levels, i)
				if level.unit {
					h.unit = i
				}
				break
			}
		}
	}
	if len(h.levels) == 1 && h.unit >= 0 { // a list of names and nothing above them
		h.levels, h.unit = nil, -1
	}
}

// plainHead takes away what stands around the name of a column.
func plainHead(s string) string {
	s = strings.ToLower(strings.NewReplacer(" ", "", "\u3000", "", "\n", "", "*", "", "＊", "", "(", "（", ")", "）", "、", "").Replace(s))
	for _, tail := range []string{"（必填）", "（选填）", "（人）", "（可选）"} {
		s = strings.TrimSuffix(s, tail)
	}
	return strings.TrimSuffix(s, "：")
}

// row reads the cells of a line.
func (h *head) row(line sheet.Line) treeRow {
	cell := func(i int) string {
		if i < 0 || i >= len(line.Cells) {
			return ""
		}
		return sheet.Plain(line.Cells[i])
	}
	named := func(c column) string {
		if i, there := h.at[c]; there {
			return cell(i)
		}
		return ""
	}
	r := treeRow{
		line: line.Number, parent: named(colParent), id: named(colID), name: named(colName), kind: named(colKind),
		code: named(colCode), roster: named(colRoster), retired: named(colRetired),
	}
	for _, i := range h.levels {
		if text := cell(i); text != "" {
			r.path = append(r.path, text)
			r.unitLevel = i == h.unit
		}
	}
	if len(h.levels) > 0 && len(r.path) > 0 {
		r.name, r.path = r.path[len(r.path)-1], r.path[:len(r.path)-1]
	}
	return r
}

// kindOf reads what a row says it is; "" where it says nothing.
func (r *treeRow) kindOf() (campaign.NodeKind, error) {
	switch r.kind {
	case "":
		if r.unitLevel {
			return campaign.Unit, nil
		}
		return "", nil
	case "区划", "地区", "区域", "行政区划", "部门", "region":
		return campaign.Region, nil
	case "单位", "班级", "unit":
		return campaign.Unit, nil
	}
	return "", fmt.Errorf("类型“%s”应为“区划”或“单位”", r.kind)
}

// rosterOf reads a number of persons; nil where there is none.
func (r *treeRow) rosterOf() (*int64, error) {
	text := strings.NewReplacer(",", "", "，", "", "人", "").Replace(r.roster)
	if text == "" {
		return nil, nil //nolint:nilnil // Nothing is said.
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil { // a spreadsheet may keep 1200 as 1200.0 or 1.2E3
		f, ferr := strconv.ParseFloat(text, 64)
		if n = int64(f); ferr != nil || float64(n) != f {
			return nil, fmt.Errorf("人数“%s”不是整数", r.roster)
		}
	}
	if n < 0 || n > configs.MaxRoster {
		return nil, fmt.Errorf("人数“%s”不对", r.roster)
	}
	return &n, nil
}

// retiredOf reads whether a unit takes nobody in any more; nil where nothing is said.
func (r *treeRow) retiredOf() (*bool, error) {
	switch r.retired {
	case "":
		return nil, nil //nolint:nilnil // Nothing is said.
	case "停用", "已停用", "是", "true", "TRUE", "1":
		return new(true), nil
	case "启用", "正常", "使用中", "否", "false", "FALSE", "0":
		return new(false), nil
	}
	return nil, fmt.Errorf("状态“%s”应为“启用”或“停用”", r.retired)
}

// codeOf reads an administrative code.
func (r *treeRow) codeOf() (string, error) {
	code := r.code
	if strings.ContainsAny(code, ".Ee") { // a number, as a spreadsheet keeps it
		if f, err := strconv.ParseFloat(code, 64); err == nil {
			code = strconv.FormatInt(int64(f), 10)
		}
	}
	if code != "" && !configs.IsNodeCode(code) {
		return "", fmt.Errorf("代码“%s”应为 6 位或 12 位数字", r.code)
	}
	return code, nil
}
