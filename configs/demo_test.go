package configs

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"qingyuan/campaign"
	"qingyuan/prize"
)

// TestDemo holds what the product was first asked for.
func TestDemo(t *testing.T) {
	ds, err := Demo()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, d := range ds {
		c := d.Campaign
		ids = append(ids, c.ID)
		if state := c.StateAt(time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)); state != campaign.Open {
			t.Errorf("%s is %s in 2031, want it open whatever the date", c.ID, state)
		}
		if d.Quiz == nil || d.Pledge == nil {
			t.Errorf("%s lacks a quiz or a pledge", c.ID)
		}
		if c.Groups[0].Guardian {
			t.Errorf("%s: the first group, which pages offer first, needs a guardian", c.ID)
		}
		if d.Quiz.MaxScore() != 100 {
			t.Errorf("%s: a paper is worth %d, want 100", c.ID, d.Quiz.MaxScore())
		}
	}
	if want := []string{"jinzhong-2026", "jinzhong-civil-2026", "xizang-2026"}; !slices.Equal(ids, want) {
		t.Errorf("campaigns %v, want %v", ids, want)
	}
	for i, want := range []campaign.RankingMode{campaign.TopN, campaign.ProgressOnly, campaign.TopN} {
		if got := ds[i].Campaign.Ranking; got != want {
			t.Errorf("%s ranks %s, want %s", ids[i], got, want)
		}
	}
	prefixes := []string{ds[0].Pledge.Prefix, ds[1].Pledge.Prefix, ds[2].Pledge.Prefix}
	if want := []string{"JZ26", "JZGW26", "XZ26"}; !slices.Equal(prefixes, want) {
		t.Errorf("prefixes %v, want %v", prefixes, want)
	}
}

// TestDemoFiles shows that the files themselves are not open for ever, so that
// an operator may start from a copy.
func TestDemoFiles(t *testing.T) {
	files, err := fs.Sub(demoFiles, "demo")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"jinzhong-citizens.yaml", "jinzhong-civil.yaml", "tibet-public.yaml"} {
		d, err := LoadDefinition(files, name)
		if err != nil {
			t.Error(err)
		} else if d.Campaign.AlwaysOpen || !d.Campaign.Over(time.Date(2027, 1, 1, 0, 0, 0, 0, Zone())) {
			t.Errorf("%s never closes", name)
		}
	}
}

// TestDemoPrizes: one campaign shows every kind of prize and a draw, which is frozen
// within the hour; children win nothing.
func TestDemoPrizes(t *testing.T) {
	t.Parallel()
	now := time.Date(2031, 1, 1, 8, 59, 59, 0, Zone())
	ds, err := demo(now)
	if err != nil {
		t.Fatal(err)
	}
	if ds[0].Prizes != nil || ds[1].Prizes != nil || ds[2].Prizes == nil {
		t.Fatal("not the public quiz alone has prizes")
	}
	p := ds[2].Prizes
	kinds := map[prize.Kind]bool{}
	for _, x := range p.Instant {
		kinds[x.Kind] = true
	}
	if len(kinds) != 4 {
		t.Errorf("instant prizes are of the kinds %v, want all four", kinds)
	}
	if slices.Contains(p.Qualify.Groups, under14) || len(p.Qualify.Groups) == 0 {
		t.Errorf("prizes are for %v, want nobody under fourteen", p.Qualify.Groups)
	}
	if len(p.Draws) != 1 || !p.Draws[0].EntrantsAt.Equal(now.Add(time.Second)) {
		t.Errorf("draws %+v, want one that is frozen at the full hour", p.Draws)
	}
	text := p.Rules.Text.In(campaign.DefaultLanguage)
	for _, part := range []string{"谁可以参加", "工作人员", "逾期", "两年", "个人所得税", "申诉"} {
		if !strings.Contains(text, part) {
			t.Errorf("the rules say nothing of %s", part)
		}
	}
}

// TestDemoDivisions holds the divisions with their GB/T 2260 codes.
func TestDemoDivisions(t *testing.T) {
	jinzhong := map[string]string{
		"140702": "榆次区", "140703": "太谷区", "140721": "榆社县", "140722": "左权县", "140723": "和顺县", "140724": "昔阳县",
		"140725": "寿阳县", "140727": "祁县", "140728": "平遥县", "140729": "灵石县", "140781": "介休市",
	}
	civil := map[string]string{"140700": "市直单位"}
	maps.Copy(civil, jinzhong)
	want := []map[string]string{jinzhong, civil, {
		"540100": "拉萨市", "540200": "日喀则市", "540300": "昌都市", "540400": "林芝市", "540500": "山南市", "540600": "那曲市", "542500": "阿里地区",
	}}
	ds, err := Demo()
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range ds {
		top := d.Campaign.Tree.Children("")
		if len(top) != len(want[i]) {
			t.Errorf("%s has %d divisions, want %d", d.Campaign.ID, len(top), len(want[i]))
		}
		for _, n := range top {
			if want[i][n.Code] != n.Name.In(campaign.DefaultLanguage) || n.ID != n.Code || n.Roster == 0 {
				t.Errorf("%s: %s (%s) is called %q, has a roster of %d", d.Campaign.ID, n.ID, n.Code, n.Name, n.Roster)
			}
		}
	}
}

// TestDemoTexts holds the length and the languages of the texts.
func TestDemoTexts(t *testing.T) {
	ds, err := Demo()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range ds {
		for _, v := range d.Pledge.Versions {
			if n := utf8.RuneCountInString(v.Text.In(campaign.DefaultLanguage)); n < 200 || n > 400 {
				t.Errorf("%s: pledge %s has %d characters, want 200 to 400", d.Campaign.ID, v.Version, n)
			}
		}
		notice := d.Campaign.Consent.Text.In(campaign.DefaultLanguage)
		for _, part := range []string{"活动主办单位", "处理哪些信息", "用来做什么", "怎样保存", "撤回同意", "公开姓名", "个人信息保护法"} {
			if !strings.Contains(notice, part) {
				t.Errorf("%s: the consent notice says nothing of %s", d.Campaign.ID, part)
			}
		}
		if _, minors := d.Campaign.Group(under14); minors != strings.Contains(notice, "不满十四周岁") {
			t.Errorf("%s: the consent notice and the groups differ about children", d.Campaign.ID)
		}
	}
	if n := len(ds[0].Pledge.Versions); n < 2 {
		t.Errorf("%s shows %d versions of its pledge, want versioning to be seen", ds[0].Campaign.ID, n)
	}
	for name, text := range map[string]campaign.Text{
		"title": ds[2].Campaign.Title, "pledge": ds[2].Pledge.Current().Text, "region": ds[2].Campaign.Tree.Children("")[0].Name,
	} {
		if text.In("bo") == text.In(campaign.DefaultLanguage) {
			t.Errorf("%s: the %s is not in Tibetan", ds[2].Campaign.ID, name)
		}
	}
}

// TestDemoTopics wants a third of every paper to be about recognising, refusing
// and getting help, and not about statutes.
func TestDemoTopics(t *testing.T) {
	ds, err := Demo()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range ds {
		practical := 0
		for _, s := range d.Quiz.Strata {
			if len(s.Topics) > 0 && !slices.ContainsFunc(s.Topics, func(topic string) bool { return !slices.Contains(practicalTopics, topic) }) {
				practical += s.Count
			}
		}
		if 3*practical < d.Quiz.Questions() {
			t.Errorf("%s: %d of %d questions are practical, want a third", d.Campaign.ID, practical, d.Quiz.Questions())
		}
	}
}
