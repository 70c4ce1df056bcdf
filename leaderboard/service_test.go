package leaderboard_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/leaderboard"
)

// published is one campaign with its snapshot.
type published struct {
	c    *campaign.Campaign
	snap *leaderboard.Snapshot
}

func (p published) Campaign(id string) (*campaign.Campaign, error) {
	if id != p.c.ID {
		return nil, campaign.ErrNotFound
	}
	return p.c, nil
}

func (p published) Snapshot(string) (*leaderboard.Snapshot, error) {
	if p.snap == nil {
		return nil, fault.ErrUnavailable
	}
	return p.snap, nil
}

func office(scope string) leaderboard.Viewer {
	return leaderboard.Viewer{Office: true, Campaign: "antidrug", Scope: scope}
}

// TestWhoMayLook is the matrix of breakdowns: an office sees everything within
// its scope, the public as deep as the campaign says. The city holds districts
// and a unit of its own, a district holds units.
func TestWhoMayLook(t *testing.T) {
	t.Parallel()
	none, regions, units := campaign.BreakdownNone, campaign.BreakdownRegions, campaign.BreakdownUnits
	public := leaderboard.Viewer{}
	for _, tc := range []struct {
		name   string
		public campaign.Breakdown
		viewer leaderboard.Viewer
		may    []string
		mayNot []string
	}{
		{"the public, nothing", none, public, nil, []string{"", "city", "d1", "d2"}},
		{"the public, regions", regions, public, []string{""}, []string{"city", "d1", "d2"}},
		{"the public, units", units, public, []string{"", "city", "d1", "d2"}, nil},
		{"the public, by default", "", public, nil, []string{"", "city", "d1"}},
		{"an office of everything", none, office(""), []string{"", "city", "d1", "d2"}, nil},
		{"an office of the city", none, office("city"), []string{"city", "d1", "d2"}, []string{""}},
		{"an office of a district", none, office("d1"), []string{"d1"}, []string{"", "city", "d2"}},
		{"an office of a unit", none, office("u1"), nil, []string{"", "city", "d1", "d2"}},
		{"an office of a unit, regions", regions, office("u1"), []string{""}, []string{"city", "d1"}},
		{"an office of nowhere", none, office("gone"), nil, []string{"", "city", "d1"}},
		{"an office of another campaign", none, leaderboard.Viewer{Office: true, Campaign: "other"}, nil, []string{"", "city", "d1"}},
		{"who says so without being one", none, leaderboard.Viewer{Campaign: "antidrug"}, nil, []string{"", "city", "d1"}},
	} {
		c := city(t)
		c.PublicBreakdown = tc.public
		p := published{c, &leaderboard.Snapshot{Campaign: c}}
		s := leaderboard.Service{Catalog: p, Snapshots: p, Now: func() time.Time { return base }}
		for _, parent := range tc.may {
			if table, err := s.Breakdown("antidrug", parent, "zh-CN", tc.viewer); err != nil || len(table.Rows) == 0 {
				t.Errorf("%s may not look below %q: %d rows, %v", tc.name, parent, len(table.Rows), err)
			}
		}
		for _, parent := range tc.mayNot {
			if table, err := s.Breakdown("antidrug", parent, "zh-CN", tc.viewer); !errors.Is(err, leaderboard.ErrNotPublished) || table.Rows != nil {
				t.Errorf("%s may look below %q: %d rows, %v", tc.name, parent, len(table.Rows), err)
			}
		}
	}
}

func TestBreakdownRefuses(t *testing.T) {
	t.Parallel()
	c := city(t)
	c.PublicBreakdown = campaign.BreakdownUnits
	p := published{c, &leaderboard.Snapshot{Campaign: c}}
	s := leaderboard.Service{Catalog: p, Snapshots: p, Now: func() time.Time { return base }}
	for _, parent := range []string{"u1", "nowhere", campaign.Unassigned} {
		if _, err := s.Breakdown("antidrug", parent, "zh-CN", office("")); fault.From(err).Kind != fault.Invalid {
			t.Errorf("below %s: %v", parent, err)
		}
	}
	if _, err := s.Breakdown("other", "", "zh-CN", office("")); !errors.Is(err, campaign.ErrNotFound) {
		t.Errorf("another campaign: %v", err)
	}
	s.Snapshots = published{c: c}
	if _, err := s.Breakdown("antidrug", "", "zh-CN", office("")); !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("before the first snapshot: %v", err)
	}
}

// TestABreakdownIsOfItsSnapshot: rows and time are of one moment.
func TestABreakdownIsOfItsSnapshot(t *testing.T) {
	t.Parallel()
	c := city(t)
	roll := leaderboard.RollUp(c.Tree, map[leaderboard.Cell]int64{{Unit: "u1", Metric: leaderboard.Enrolled}: 3})
	p := published{c, &leaderboard.Snapshot{Campaign: c, AsOf: base, Roll: roll}}
	s := leaderboard.Service{Catalog: p, Snapshots: p, Now: func() time.Time { return base }}
	table, err := s.Breakdown("antidrug", "d1", "zh-CN", office(""))
	if err != nil || table.Snapshot != p.snap {
		t.Fatalf("Breakdown = %v", err)
	}
	if diff := cmp.Diff(leaderboard.Breakdown(c.Tree, roll, "d1", "zh-CN"), table.Rows); diff != "" {
		t.Errorf("rows (-of the snapshot +got):\n%s", diff)
	}
}
