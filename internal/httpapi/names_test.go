package httpapi

import (
	"testing"

	"qingyuan/campaign"
)

// TestNameWithin tells classes of different schools apart, and says nothing twice.
func TestNameWithin(t *testing.T) {
	t.Parallel()
	name := func(s string) campaign.Text { return campaign.Text{campaign.DefaultLanguage: s} }
	tree, err := campaign.NewTree([]campaign.Node{
		{ID: "yc", Kind: campaign.Region, Name: name("榆次区")},
		{ID: "jm", Kind: campaign.Unit, Parent: "yc", Name: name("榆次区居民")},
		{ID: "zx", Kind: campaign.Region, Parent: "yc", Name: name("第一中学")},
		{ID: "c1", Kind: campaign.Unit, Parent: "zx", Name: name("初一（1）班")},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &campaign.Campaign{Tree: tree}
	for id, want := range map[string]string{
		"c1": "第一中学 初一（1）班", "zx": "榆次区 第一中学", "jm": "榆次区居民", "yc": "榆次区",
		campaign.Unassigned: unassignedName, "gone": "",
	} {
		if got := nameWithin(c, id, campaign.DefaultLanguage); got != want {
			t.Errorf("%s is called %q, want %q", id, got, want)
		}
	}
}
