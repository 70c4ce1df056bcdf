package campaign_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"qingyuan/campaign"
)

func region(id, parent, name, code string) campaign.Node {
	return campaign.Node{ID: id, Parent: parent, Kind: campaign.Region, Name: campaign.Text{"zh-CN": name}, Code: code}
}

func unit(id, parent, name string, roster int64) campaign.Node {
	return campaign.Node{ID: id, Parent: parent, Kind: campaign.Unit, Name: campaign.Text{"zh-CN": name}, Roster: roster}
}

// jinzhong is a city with two districts and a unit right below the city.
func jinzhong(t *testing.T) *campaign.Tree {
	t.Helper()
	tree, err := campaign.NewTree([]campaign.Node{
		region("jz", "", "晋中市", "140700"),
		region("yc", "jz", "榆次区", "140702"),
		unit("yc-1", "yc", "榆次第一中学", 1200),
		unit("yc-2", "yc", "榆次区公安局", 300),
		region("tg", "jz", "太谷区", "140703"),
		unit("tg-1", "tg", "太谷师范 Normal", 0),
		unit("jz-0", "jz", "晋中市直机关", 40),
		unit("alone", "", "省直单位", 7),
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func ids(nodes []*campaign.Node) []string {
	out := []string{}
	for _, n := range nodes {
		out = append(out, n.ID)
	}
	return out
}

func TestTreeFaults(t *testing.T) {
	t.Parallel()
	top := region("r", "", "区", "")
	for name, tc := range map[string]struct {
		nodes []campaign.Node
		says  string
	}{
		"no id":                   {[]campaign.Node{unit("", "", "x", 0)}, "empty"},
		"the id of those without": {[]campaign.Node{unit("unassigned", "", "x", 0)}, "reserved"},
		"a separator of fields":   {[]campaign.Node{unit("a|b", "", "x", 0)}, "separator"},
		"a separator of keys":     {[]campaign.Node{unit("a:b", "", "x", 0)}, "separator"},
		"an opening brace":        {[]campaign.Node{unit("a{b", "", "x", 0)}, "separator"},
		"a closing brace":         {[]campaign.Node{unit("a}b", "", "x", 0)}, "separator"},
		"a space":                 {[]campaign.Node{unit("a b", "", "x", 0)}, "separator"},
		"an id twice":             {[]campaign.Node{top, unit("u", "r", "x", 0), unit("u", "r", "y", 0)}, "twice"},
		"a region twice":          {[]campaign.Node{top, top}, "twice"},
		"an unknown parent":       {[]campaign.Node{unit("u", "nowhere", "x", 0)}, "nowhere"},
		"a child before":          {[]campaign.Node{unit("u", "r", "x", 0), top}, `"r"`},
		"a child of itself":       {[]campaign.Node{region("r", "r", "x", "")}, `"r"`},
		"a unit with a child":     {[]campaign.Node{top, unit("u", "r", "x", 0), unit("v", "u", "y", 0)}, `"u"`},
	} {
		_, err := campaign.NewTree(tc.nodes)
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: NewTree = %v, want an error that says %q", name, err, tc.says)
		}
	}
	if _, err := campaign.NewTree(nil); err != nil {
		t.Errorf("an empty tree: %v", err)
	}
}

func TestTheTreeIsItsOwn(t *testing.T) {
	t.Parallel()
	nodes := []campaign.Node{region("r", "", "区", ""), unit("u", "r", "x", 5)}
	nodes[0].Children = []string{"made up"}
	nodes[0].Roster = 99
	tree, err := campaign.NewTree(nodes)
	if err != nil {
		t.Fatal(err)
	}
	nodes[1].ID = "changed"
	n, _ := tree.Node("r")
	if diff := cmp.Diff([]string{"u"}, n.Children); diff != "" || n.Roster != 5 {
		t.Errorf("roster %d, children (-want +got):\n%s", n.Roster, diff)
	}
}

func TestRostersAddUp(t *testing.T) {
	t.Parallel()
	tree := jinzhong(t)
	for id, want := range map[string]int64{"jz": 1540, "yc": 1500, "tg": 0, "yc-1": 1200, "alone": 7} {
		if n, ok := tree.Node(id); !ok || n.Roster != want {
			t.Errorf("roster of %s = %+v, want %d", id, n, want)
		}
	}
}

func TestChildren(t *testing.T) {
	t.Parallel()
	tree := jinzhong(t)
	for parent, want := range map[string][]string{
		"": {"jz", "alone"}, "jz": {"yc", "tg", "jz-0"}, "yc": {"yc-1", "yc-2"}, "yc-1": {}, "nowhere": {},
	} {
		if diff := cmp.Diff(want, ids(tree.Children(parent))); diff != "" {
			t.Errorf("children of %q (-want +got):\n%s", parent, diff)
		}
	}
}

func TestRegionsAndPath(t *testing.T) {
	t.Parallel()
	tree := jinzhong(t)
	for id, want := range map[string]struct{ regions, path []string }{
		"yc-1":              {[]string{"yc", "jz"}, []string{"晋中市", "榆次区"}},
		"jz-0":              {[]string{"jz"}, []string{"晋中市"}},
		"yc":                {[]string{"jz"}, []string{"晋中市"}},
		"jz":                {nil, []string{}},
		"alone":             {nil, []string{}},
		campaign.Unassigned: {nil, []string{}},
	} {
		if diff := cmp.Diff(want.regions, tree.Regions(id)); diff != "" {
			t.Errorf("regions above %s (-want +got):\n%s", id, diff)
		}
		if diff := cmp.Diff(want.path, tree.Path(id, "zh-CN")); diff != "" {
			t.Errorf("path of %s (-want +got):\n%s", id, diff)
		}
	}
}

func TestWithin(t *testing.T) {
	t.Parallel()
	tree := jinzhong(t)
	for _, tc := range []struct {
		id, scope string
		want      bool
	}{
		{"yc-1", "", true},
		{"yc-1", "yc-1", true},
		{"yc-1", "yc", true},
		{"yc-1", "jz", true},
		{"yc-1", "tg", false},
		{"yc-1", "yc-2", false},
		{"yc", "yc-1", false}, // the region is not within its unit
		{"jz", "jz", true},
		{"", "", true},
		{"", "jz", false}, // the whole is not within a part
		{"nowhere", "", true},
		{"nowhere", "jz", false},
		{"nowhere", "nowhere", true},
		{campaign.Unassigned, "jz", false},
	} {
		if got := tree.Within(tc.id, tc.scope); got != tc.want {
			t.Errorf("Within(%q, %q) = %t", tc.id, tc.scope, got)
		}
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	tree := jinzhong(t)
	for _, tc := range []struct {
		query string
		limit int
		want  []string
	}{
		{"榆次", 10, []string{"yc", "yc-1", "yc-2"}},
		{"榆次", 2, []string{"yc", "yc-1"}},
		{"榆次", 1, []string{"yc"}},
		{"晋中", 0, []string{}},
		{" 公安 ", 10, []string{"yc-2"}},
		{"normal", 10, []string{"tg-1"}},
		{"NORMAL", 10, []string{"tg-1"}},
		{"1407", 10, []string{"jz", "yc", "tg"}},
		{"140703", 10, []string{"tg"}},
		{"0703", 10, []string{}}, // codes are found from their beginning
		{"北京", 10, []string{}},
		{"", 10, []string{}},
		{"  ", 10, []string{}},
	} {
		if diff := cmp.Diff(tc.want, ids(tree.Search(tc.query, "zh-CN", tc.limit))); diff != "" {
			t.Errorf("Search(%q, %d) (-want +got):\n%s", tc.query, tc.limit, diff)
		}
	}
}

// randomTree draws a tree of regions and units.
func randomTree(t *rapid.T) *campaign.Tree {
	regions := []string{""}
	nodes := make([]campaign.Node, rapid.IntRange(1, 40).Draw(t, "nodes"))
	for i := range nodes {
		parent := rapid.SampledFrom(regions).Draw(t, "parent")
		id := "n" + strconv.Itoa(i)
		if rapid.Bool().Draw(t, "region") {
			nodes[i] = region(id, parent, id, "")
			regions = append(regions, id)
		} else {
			nodes[i] = unit(id, parent, id, rapid.Int64Range(0, 1000).Draw(t, "roster"))
		}
	}
	tree, err := campaign.NewTree(nodes)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// TestTreesHoldTogether shows on random trees that a region's roster is the sum
// of its children's, and that all ways of looking at the tree agree.
func TestTreesHoldTogether(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tree := randomTree(t)
		var all, units []string
		for n := range tree.Nodes {
			all = append(all, n.ID)
			checkNode(t, tree, n)
			if n.Kind == campaign.Unit {
				units = append(units, n.ID)
			}
		}
		var listed []string
		for n := range tree.Units {
			listed = append(listed, n.ID)
		}
		if !slices.Equal(units, listed) {
			t.Errorf("units %v, want %v", listed, units)
		}
		for n := range tree.Nodes {
			if n.ID != all[0] {
				t.Errorf("Nodes begins with %s, want %s", n.ID, all[0])
			}
			break // as a caller may
		}
	})
}

func checkNode(t *rapid.T, tree *campaign.Tree, n *campaign.Node) {
	if n.Kind == campaign.Region {
		var sum int64
		for _, child := range tree.Children(n.ID) {
			sum += child.Roster
		}
		if sum != n.Roster {
			t.Errorf("roster of %s is %d, its children have %d", n.ID, n.Roster, sum)
		}
	}
	above := tree.Regions(n.ID)
	for _, r := range above {
		if !tree.Within(n.ID, r) || tree.Within(r, n.ID) {
			t.Errorf("%s is below %s, and Within says otherwise", n.ID, r)
		}
	}
	if n.Parent != "" && (len(above) == 0 || above[0] != n.Parent) {
		t.Errorf("regions above %s are %v, its parent is %s", n.ID, above, n.Parent)
	}
	if !slices.Contains(ids(tree.Children(n.Parent)), n.ID) {
		t.Errorf("%s is no child of its parent %q", n.ID, n.Parent)
	}
}
