package correction_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/correction"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/origin"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/pledge"
)

// TestWindows: a device is flagged where enough people used it within one hour, whenever
// that was and however long nobody has looked; people who follow each other slowly are
// not. Later acts change a flag only where they are enough again.
func TestWindows(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rounds [][]time.Duration // before each person signs on the device; between lists the rules look
		want   string            // acts and people of the flag
	}{
		"four in an hour":                       {[][]time.Duration{{0, 20 * time.Minute, 20 * time.Minute, 20 * time.Minute}}, "4 4"},
		"the fourth is a moment late":           {[][]time.Duration{{0, 20 * time.Minute, 20 * time.Minute, 20*time.Minute + time.Millisecond}}, ""},
		"four, and nobody looked until the day": {[][]time.Duration{{0, 0, 0, 0, 23 * time.Hour}}, "4 4"},
		"three each hour":                       {[][]time.Duration{{0, 0, 0, 2 * time.Hour, 0, 0}}, ""},
		"one at each look":                      {[][]time.Duration{{0}, {0}, {0}, {0}}, "4 4"},
		"two, and two of them before":           {[][]time.Duration{{0, 0}, {59 * time.Minute, time.Minute}}, "4 4"},
		"a fifth":                               {[][]time.Duration{{0, 0, 0, 0}, {time.Minute}}, "5 5"},
		"a fifth the next day":                  {[][]time.Duration{{0, 0, 0, 0}, {23 * time.Hour}}, "4 4"},
		"again, and only those count":           {[][]time.Duration{{0, 0, 0, 0, 0}, {23 * time.Hour, 0, 0, 0}}, "4 4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, sqltest.SQLite(t), definition(t, "antidrug", 1))
			w, i := r.watcher(), 0
			for _, pauses := range tc.rounds {
				for _, pause := range pauses {
					r.pass(pause)
					r.signOn("tablet", i)
					i++
				}
				r.settle()
				w.Round(t.Context())
			}
			got := ""
			for _, f := range r.flags(correction.SameDevice) {
				got += fmt.Sprint(f.Acts, f.Participants)
			}
			if got != tc.want {
				t.Errorf("flagged: %q, want %q", got, tc.want)
			}
		})
	}
}

// TestAWholeCity: a flag counts the newest thousand acts, however many bear its mark, and
// all of them are what it is about.
func TestAWholeCity(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db, definition(t, "antidrug", 1))
		for i := range 4 {
			r.signOn("tablet", i)
		}
		r.settle()
		w := r.watcher()
		w.Round(t.Context())
		_, _, device := origin.Parts(originKey().Mark(netip.IPv4Unspecified(), "tablet"))
		more := sqldb.Insertion{Into: "flag_marks (campaign, rule, mark, at, participant, number, unit)", Width: 7}
		for i := range 1200 {
			more.Add(r.def.ID, string(correction.SameDevice), device, r.now().UnixMilli(), fmt.Sprint("somebody-", i), act.Signature, "u1")
		}
		must(t, 0, insert(t, db, more))
		r.signOn("tablet", 4)
		r.settle()
		w.Round(t.Context())
		flags := r.flags(correction.SameDevice)
		if len(flags) != 1 || flags[0].Acts != 1000 || flags[0].Participants != 1000 || len(flags[0].Evidence) != 50 {
			t.Fatalf("flags: %+v", flags)
		}
		if newest := flags[0].Evidence[0].Participant; newest != person(4) {
			t.Errorf("the newest act is of %s", newest)
		}
		noticed, err := r.service.Flagged(t.Context(), r.def.ID)
		if must(t, 0, err); len(noticed) != 1205 {
			t.Errorf("%d people are noticed, want 1205", len(noticed))
		}
	})
}

func insert(t *testing.T, db *sqldb.DB, rows sqldb.Insertion) error {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	must(t, 0, err)
	if err := rows.Run(t.Context(), tx, db.Dialect); err != nil {
		return err
	}
	return tx.Commit()
}

// TestNamesOfTheErased: whoever was erased before the rules came to them has no name that
// could look like a list's.
func TestNamesOfTheErased(t *testing.T) {
	t.Parallel()
	r := newRig(t, sqltest.SQLite(t), definition(t, "antidrug", 1))
	for i := range 5 {
		_, err := r.enrols.Enrol(t.Context(), r.def.ID, person(i), campaign.Request{
			Unit: "u1", Group: "public", Name: "李小明" + strings.Split("甲乙丙丁戊", "")[i], NoticeVersion: "1",
		})
		must(t, 0, err)
	}
	_, err := r.campaigns.Erase(t.Context(), r.def.ID, person(0), r.now())
	must(t, 0, err)
	r.settle()
	r.watcher().Round(t.Context())
	flags := r.flags(correction.NameList)
	if len(flags) != 1 || flags[0].Participants != 4 {
		t.Errorf("flags: %+v", flags)
	}
}

func originKey() *origin.Key { return origin.NewKey(origin.Secret{1}) }

// signOn lets somebody sign on a device, with an address of their own.
func (r *rig) signOn(device string, i int) {
	r.Helper()
	from := netip.AddrFrom4([4]byte{10, 0, byte(i / 256), byte(i)})
	ctx := origin.With(r.Context(), originKey().Mark(from, device))
	_, err := r.enrols.Enrol(ctx, r.def.ID, person(i), campaign.Request{Unit: units[i%4], Group: "public", Name: "王小红", NoticeVersion: "1"})
	must(r, 0, err)
	_, _, err = r.pledges.Sign(ctx, r.def.ID, person(i), pledge.Request{Version: "1", Method: pledge.Typed, Name: "王小红"})
	must(r, 0, err)
}

// flags are those of one rule.
func (r *rig) flags(rule correction.Rule) []*correction.Flag {
	r.Helper()
	flags, err := r.service.Flags(r.Context(), head(), r.def.ID, correction.FlagQuery{Rule: rule}, 50)
	return must(r, flags, err)
}
