package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"qingyuan/internal/catalog"
	"qingyuan/internal/sheet"
)

// treeCmds keep the organisation tree of a campaign.
type treeCmds struct {
	Import    treeImportCmd `cmd:"" help:"Take regions and units with their rosters in from a table (XLSX or CSV)."`
	Export    treeExportCmd `cmd:"" help:"Write the tree as a table. Importing that changes nothing."`
	StartFrom treeStartCmd  `cmd:"" name:"start-from" help:"Begin the tree with an administrative division, by its code, and all below it."`
	Change    treeChangeCmd `cmd:"" help:"Rename, move or retire a region or unit."`
	Merge     treeMergeCmd  `cmd:"" help:"Let units go into another one, with their rosters and everybody on them."`
}

// treeFlags choose the campaign whose tree is meant.
type treeFlags struct {
	officeFlags

	Campaign string `help:"Campaign." required:"" placeholder:"ID"`
}

// treeImportCmd takes a table in.
type treeImportCmd struct {
	treeFlags

	File   string `arg:"" help:"Table: 编号, 上级, 名称, 类型, 代码, 应参与人数, or 省, 市, 县, 乡, 单位." type:"existingfile"`
	Mode   string `help:"all: nothing unless every row is good; valid: the good rows." enum:"all,valid" default:"all"`
	Parent string `help:"Where rows without a parent belong; the top when left out." placeholder:"ID"`
	DryRun bool   `help:"Check and change nothing." name:"dry-run"`
}

// Run implements the command.
func (c treeImportCmd) Run(e env) error {
	raw, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	return c.onCatalog(e, func(ctx context.Context, s *catalog.Store) error {
		act := c.act()
		act.DryRun = c.DryRun
		o := catalog.TreeImport{All: c.Mode == "all", Scopes: []string{""}, Below: c.Parent}
		if !c.JSON {
			o.Progress = c.progress(e)
		}
		report, err := s.ImportTree(ctx, act, c.Campaign, raw, o)
		if err != nil {
			return err
		}
		return c.report(e, report)
	})
}

// progress draws a bar for the rows that are written.
func (c treeImportCmd) progress(e env) func(done, total int64, note string) {
	draw := bar(e.stderr, "import "+filepath.Base(c.File))
	return func(done, total int64, _ string) {
		if total > 0 && draw != nil {
			draw(done, total)
		}
	}
}

func (c treeImportCmd) report(e env, r catalog.TreeReport) error {
	if c.JSON {
		if err := json.NewEncoder(e.stdout).Encode(r); err != nil {
			return err
		}
	} else if err := printTreeReport(e, r); err != nil {
		return err
	}
	if r.Refused > 0 && c.Mode == "all" {
		return errReported
	}
	return nil
}

func printTreeReport(e env, r catalog.TreeReport) error {
	w := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
	could := "可"
	if r.Applied {
		could = ""
	}
	fmt.Fprintf(w, "共 %d 行\t%[2]s新增 %d\t%[2]s修改 %d\t不变 %d\t拒绝 %d\t%[2]s另建上级 %d\n",
		r.Found, could, r.Added, r.Changed, r.Unchanged, r.Refused, r.Regions)
	for _, f := range r.Faults {
		fmt.Fprintf(w, "第 %d 行\t%s\t%s\n", f.Line, f.Field, f.Reason)
	}
	if len(r.Ignored) > 0 {
		fmt.Fprintf(w, "没有读取的列\t%s\n", strings.Join(r.Ignored, "、"))
	}
	switch {
	case r.Applied:
		fmt.Fprintf(w, "已写入\t版本 %d\n", r.Version)
	case r.Added+r.Changed+r.Regions == 0:
		fmt.Fprintln(w, "没有改动")
	default:
		fmt.Fprintln(w, "尚未写入")
	}
	return w.Flush()
}

// treeExportCmd writes a tree.
type treeExportCmd struct {
	treeFlags

	File   string `arg:"" help:"File to write, .xlsx or .csv. It must not exist." type:"path"`
	Parent string `help:"Only what lies at and below this region." placeholder:"ID"`
}

// Run implements the command.
func (c treeExportCmd) Run(e env) error {
	format := sheet.Format(strings.TrimPrefix(strings.ToLower(filepath.Ext(c.File)), "."))
	if format != sheet.XLSX && format != sheet.CSV {
		return fmt.Errorf("%w: %s is neither .xlsx nor .csv", errUsage, c.File)
	}
	return c.onCatalog(e, func(ctx context.Context, s *catalog.Store) error {
		entry, err := s.Entry(ctx, c.Campaign)
		if err != nil {
			return err
		}
		d, err := s.Definition(ctx, entry)
		if err != nil {
			return err
		}
		if _, ok := d.Campaign.Tree.Node(c.Parent); c.Parent != "" && !ok {
			return catalog.ErrNode
		}
		return writeTree(c.File, format, d, c.Parent)
	})
}

func writeTree(file string, format sheet.Format, d catalog.Definition, below string) (err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // Where the operator wants it.
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			_ = os.Remove(file) // half a table is none
		}
	}()
	out := bufio.NewWriter(f)
	w, err := sheet.New(out, format)
	if err != nil {
		return err
	}
	return errors.Join(catalog.ExportTree(d.Campaign.Tree, []string{below}, w), w.Close(), out.Flush())
}

// treeStartCmd begins a tree.
type treeStartCmd struct {
	treeFlags

	Code   string `arg:"" help:"Code of a province, city or county, such as 140700."`
	Levels int    `help:"How many levels below it; all of them when negative." default:"-1"`
	Parent string `help:"Region to put it below; the top when left out." placeholder:"ID"`
}

// Run implements the command.
func (c treeStartCmd) Run(e env) error {
	return c.onCatalog(e, func(ctx context.Context, s *catalog.Store) error {
		out, err := s.StartTree(ctx, c.act(), c.Campaign, c.Code, c.Parent, c.Levels)
		if err != nil {
			return err
		}
		return c.tell(e, out, fmt.Sprintf("%d regions added", out.Nodes.Added))
	})
}

// treeChangeCmd changes one node.
type treeChangeCmd struct {
	treeFlags

	Node   string  `arg:"" help:"Region or unit."`
	Name   *string `help:"What it is called from now on." placeholder:"TEXT"`
	Parent *string `help:"Region to move it below, with all below it; empty for the top." placeholder:"ID"`
	Roster *int64  `help:"How many persons belong to the unit." placeholder:"N"`
	Retire *bool   `help:"Offer the unit to nobody any more; --retire=false offers it again."`
}

// Run implements the command.
func (c treeChangeCmd) Run(e env) error {
	return c.onCatalog(e, func(ctx context.Context, s *catalog.Store) error {
		out, err := s.ChangeNode(ctx, c.act(), c.Campaign, c.Node, catalog.NodeChange{
			Name: c.Name, Parent: c.Parent, Roster: c.Roster, Retired: c.Retire,
		})
		if err != nil {
			return err
		}
		return c.tell(e, out, "")
	})
}

// treeMergeCmd merges units.
type treeMergeCmd struct {
	treeFlags

	Units []string `arg:"" help:"Units that go."`
	Into  string   `help:"Unit that they go into." required:"" placeholder:"ID"`
}

// Run implements the command.
func (c treeMergeCmd) Run(e env) error {
	return c.onCatalog(e, func(ctx context.Context, s *catalog.Store) error {
		out, err := s.MergeUnits(ctx, c.act(), c.Campaign, c.Units, c.Into)
		if err != nil {
			return err
		}
		return c.tell(e, out, fmt.Sprintf("%d units are gone", out.Nodes.Removed))
	})
}
