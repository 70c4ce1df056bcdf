package report

import (
	"cmp"
	"context"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
)

// Brief is a short text for chat groups (简报): the figures of an instant against those
// of the day before, and the regions that are furthest. before may be nil. It compares
// regions only where the campaign's rules let anybody compare them.
func Brief(c *campaign.Campaign, now, before *Announced) string {
	var b strings.Builder
	at := now.AsOf.In(c.Zone)
	fmt.Fprintf(&b, "【%s】截至%d月%d日%d时%02d分，", c.Title.In(campaign.DefaultLanguage), at.Month(), at.Day(), at.Hour(), at.Minute())
	then := Line{}
	if before != nil {
		then = before.Total
	}
	t := now.Total
	parts := []string{"累计参与" + figure(t.Participants, then.Participants, "人", before != nil)}
	if t.Attempts > 0 || then.Attempts > 0 {
		parts = append(parts, "答题"+figure(t.Attempts, then.Attempts, "人次", before != nil))
	}
	if t.Signatures > 0 || then.Signatures > 0 {
		parts = append(parts, "签署承诺书"+figure(t.Signatures, then.Signatures, "人", before != nil))
	}
	if t.Roster > 0 {
		parts = append(parts, "参与率"+percent(min(t.Participants, t.Roster), t.Roster))
	}
	if t.Scored > 0 {
		parts = append(parts, "及格率"+percent(t.Passed, t.Scored), "平均分"+mean(&t))
	}
	b.WriteString(strings.Join(parts, "，"))
	b.WriteString("。")
	if ahead := furthest(c, now); compares(c) && len(ahead) > 0 {
		fmt.Fprintf(&b, "参与率居前的地区：%s。", strings.Join(ahead, "、"))
	}
	return b.String()
}

// compares tells whether regions may be held against each other: where not even
// places of participants may be shown, an appraisal is to be feared.
func compares(c *campaign.Campaign) bool {
	return c.Ranking != campaign.RankNone && c.Ranking != campaign.ProgressOnly
}

// figure writes a count and what was added since.
func figure(now, before int64, of string, compared bool) string {
	text := grouped(now) + of
	if !compared {
		return text
	}
	return text + "（较昨日" + change(now-before) + "）"
}

// change writes what was added, or taken away.
func change(n int64) string {
	if n < 0 {
		return grouped(n)
	}
	return "+" + grouped(n)
}

func percent(part, whole int64) string {
	if whole == 0 {
		return "—"
	}
	return decimal(big.NewRat(100*part, whole)) + "%"
}

func mean(l *Line) string {
	if l.Scored == 0 {
		return "—"
	}
	return decimal(big.NewRat(l.Score, l.Scored))
}

// decimal writes a value with two digits, rounded half up as everywhere.
func decimal(v *big.Rat) string {
	r := leaderboard.RoundHalfUp(v, 2)
	return fmt.Sprintf("%d.%02d", r.Num/r.Den, r.Num%r.Den)
}

// grouped writes a number with commas every three digits.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// named is how many regions a brief names.
const named = 3

// furthest lists the regions right below the top with the highest rates. One region at
// the top that holds all others is looked into.
func furthest(c *campaign.Campaign, a *Announced) []string {
	top := c.Tree.Children(lowest(c.Tree, ""))
	lines := map[string]*Line{}
	for i := range a.Nodes {
		lines[a.Nodes[i].ID] = &a.Nodes[i]
	}
	var regions []*Line
	for _, n := range top {
		if l := lines[n.ID]; n.Kind == campaign.Region && l != nil && l.Roster > 0 && l.Participants > 0 {
			regions = append(regions, l)
		}
	}
	slices.SortStableFunc(regions, func(x, y *Line) int {
		a := leaderboard.Ratio{Num: min(x.Participants, x.Roster), Den: x.Roster}
		b := leaderboard.Ratio{Num: min(y.Participants, y.Roster), Den: y.Roster}
		return cmp.Or(b.Compare(a), cmp.Compare(x.ID, y.ID))
	})
	var out []string
	for _, l := range regions[:min(named, len(regions))] {
		out = append(out, l.Name+percent(min(l.Participants, l.Roster), l.Roster))
	}
	return out
}

// Brief works out the brief of a source: as of its instant, against the same time of
// the day before.
func (s *Source) Brief(ctx context.Context) (string, error) {
	asOf := s.AsOf
	if asOf.IsZero() {
		asOf = s.Now()
	}
	now, err := s.announced(ctx, asOf)
	if err != nil {
		return "", err
	}
	before, err := s.announced(ctx, asOf.In(s.Campaign.Zone).AddDate(0, 0, -1))
	if err != nil {
		return "", err
	}
	return Brief(s.Campaign, &now, &before), nil
}
