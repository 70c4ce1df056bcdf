package correction_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/correction"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// watcher reads the rig's ledger as if it were tomorrow.
func (r *rig) watcher() *correction.Watcher {
	service := r.newService()
	service.Now = func() time.Time { return r.now().Add(24 * time.Hour) }
	rules := correction.DefaultFlagRules()
	rules.Regular.Attempts = 4
	rules.Limits[correction.SameWrong] = correction.Limit{Participants: 2}
	return &correction.Watcher{
		Service: service, Rules: rules, Campaigns: func() []*campaign.Campaign { return []*campaign.Campaign{r.def} },
		Failed: func(id string, err error) { r.Errorf("watch %s: %v", id, err) },
	}
}

// TestFlags: what the rules notice is flagged once, whoever reads; an operator confirms
// or dismisses it, and only what is confirmed may go into a batch.
func TestFlags(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db, definition(t, "antidrug", 2))
		ctx := t.Context()
		for i := range 8 {
			_, err := r.enrols.Enrol(ctx, r.def.ID, person(i), campaign.Request{
				Unit: "u1", Group: "public", Name: []string{"李明一", "李明二", "李明甲", "李明乙", "王小红", "张华", "赵云", "钱进"}[i], NoticeVersion: "1",
			})
			must(t, 0, err)
		}
		for range 5 {
			r.pass(10 * time.Minute)
			must(t, 0, r.sit(ctx, person(5), 4))
		}
		r.settle()
		w := r.watcher()
		w.Round(ctx)
		w.Round(ctx) // nothing is read twice
		other := r.watcher()
		other.Round(ctx)
		got := map[correction.Rule]*correction.Flag{}
		flags, err := r.service.Flags(ctx, head(), r.def.ID, correction.FlagQuery{}, 50)
		must(t, flags, err)
		for _, f := range flags {
			got[f.Rule] = f
		}
		want := map[correction.Rule]string{correction.NameList: "4 4", correction.TooFast: "5 1", correction.EvenSpacing: "4 1"}
		for rule, n := range want {
			if f := got[rule]; f == nil || fmt.Sprint(f.Acts, f.Participants) != n || f.State != correction.FlagNew || f.Unit != "u1" {
				t.Errorf("%s: %+v, want %s", rule, f, n)
			}
		}
		if len(flags) != len(want) {
			t.Errorf("%d flags, want %d", len(flags), len(want))
		}
		if theirs, err := r.service.Flags(ctx, clerk("u2"), r.def.ID, correction.FlagQuery{}, 50); err != nil || len(theirs) != 0 {
			t.Errorf("another unit sees %v, %v", theirs, err)
		}
		fast := got[correction.TooFast]
		byFlag := correction.Conditions{Attempts: true, Flags: []string{fast.ID}}
		if _, err := r.service.Create(ctx, head(), correction.Draft{Campaign: r.def.ID, Conditions: byFlag, Reason: "过快"}); err == nil {
			t.Error("a flag that nobody has confirmed goes into a batch")
		}
		must(t, 0, r.service.Decide(ctx, head(), fast, correction.FlagConfirmed, "核实"))
		if b := r.create(head(), byFlag); b.Items != 5 {
			t.Errorf("by the flag: %+v", b)
		}
		must(t, 0, r.service.Decide(ctx, head(), got[correction.NameList], correction.FlagDismissed, "同一家人"))
		open, err := r.service.Flags(ctx, head(), r.def.ID, correction.FlagQuery{State: correction.FlagNew}, 50)
		if err != nil || len(open) != 1 || open[0].Rule != correction.EvenSpacing {
			t.Errorf("still open: %v, %v", open, err)
		}
		if !slices.ContainsFunc(fast.Evidence, func(a correction.ActID) bool { return a.Participant == person(5) }) {
			t.Errorf("the evidence is %v", fast.Evidence)
		}
	})
}
