package correction_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/correction"
	"qingyuan/internal/origin"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// TestOrigins: acts are found by address, by network and by device, flagged where many
// share one, and told apart no more once the key is destroyed. No address is stored
// anywhere.
func TestOrigins(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db, definition(t, "antidrug", 1))
		keys := &correction.OriginKeys{
			DB: db, Now: r.now, Campaigns: func() []*campaign.Campaign { return []*campaign.Campaign{r.def} },
			Failed: func(err error) { t.Error(err) },
		}
		must(t, 0, keys.Refresh(t.Context()))
		must(t, 0, keys.Refresh(t.Context()))
		r.service.Origins = keys
		key := keys.Key(r.def.ID)
		for i := range 6 { // four on one device, and each of a network of two
			addr := netip.MustParseAddr(fmt.Sprintf("203.0.%d.%d", 113+i%2, 7+i))
			device := map[bool]string{true: "tablet", false: fmt.Sprint("phone-", i)}[i < 4]
			must(t, 0, r.live(origin.With(t.Context(), key.Mark(addr, device)), i, 1, i == 5))
		}
		r.settle()
		r.clean()
		for name, tc := range map[string]struct {
			c    correction.Conditions
			want int64
		}{
			"an address":              {correction.Conditions{Attempts: true, Address: "203.0.113.7"}, 1},
			"the same as a prefix":    {correction.Conditions{Attempts: true, Address: "203.0.113.7/32"}, 1},
			"a few addresses":         {correction.Conditions{Attempts: true, Address: "203.0.113.8/29"}, 2},
			"a network":               {correction.Conditions{Attempts: true, Signatures: true, Address: "203.0.114.0/24"}, 4},
			"two networks":            {correction.Conditions{Attempts: true, Address: "203.0.112.0/22"}, 6},
			"a device":                {correction.Conditions{Attempts: true, Device: "tablet"}, 4},
			"a device in one network": {correction.Conditions{Attempts: true, Device: "tablet", Address: "203.0.114.0/24"}, 2},
			"elsewhere":               {correction.Conditions{Attempts: true, Address: "198.51.100.0/24"}, 0},
		} {
			b := r.create(head(), tc.c)
			if b.Items != tc.want || b.Conditions.Address != "" || b.Conditions.Device != "" {
				t.Errorf("%s: %d acts, want %d; kept %q %q", name, b.Items, tc.want, b.Conditions.Address, b.Conditions.Device)
			}
		}
		for _, wrong := range []string{"203.0.0.0/15", "x", "2001:db8::/64", "2001:db8::/32"} {
			_, err := r.service.Create(t.Context(), head(), correction.Draft{
				Campaign: r.def.ID, Conditions: correction.Conditions{Attempts: true, Address: wrong}, Reason: "刷分",
			})
			if f := faultOf(t, err); len(f.Fields) != 1 || f.Fields[0].Name != "conditions.address" {
				t.Errorf("%s: %v", wrong, err)
			}
		}
		w := r.watcher()
		w.Round(t.Context())
		flags, err := r.service.Flags(t.Context(), head(), r.def.ID, correction.FlagQuery{Rule: correction.SameDevice}, 10)
		if err != nil || len(flags) != 1 || flags[0].Participants != 4 || flags[0].Unit != "" {
			t.Errorf("flags %+v, %v", flags, err)
		}
		r.noAddress(t)

		r.pass(r.def.ClosesAt.Sub(noon) + 31*24*time.Hour)
		must(t, 0, keys.Refresh(t.Context()))
		must(t, 0, keys.Refresh(t.Context()))
		_, err = r.service.Create(t.Context(), head(), correction.Draft{
			Campaign: r.def.ID, Conditions: correction.Conditions{Attempts: true, Device: "tablet"}, Reason: "刷分",
		})
		if keys.Key(r.def.ID) != nil || !errors.Is(err, correction.ErrNoOrigins) {
			t.Errorf("after the end: %v", err)
		}
		var left int
		must(t, 0, db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM origin_keys WHERE bytes IS NOT NULL`).Scan(&left))
		if left != 0 {
			t.Error("the key is still there")
		}
	})
}

// noAddress fails where an address lies in a fact, a batch or the audit log.
func (r *rig) noAddress(t *testing.T) {
	t.Helper()
	for _, query := range []string{`SELECT body FROM facts`, `SELECT conditions FROM corrections`, `SELECT after FROM audit`, `SELECT mark FROM flag_marks`} {
		r.noAddressIn(t, query)
	}
}

func (r *rig) noAddressIn(t *testing.T, query string) {
	t.Helper()
	rows, err := r.sql.QueryContext(t.Context(), query)
	must(t, 0, err)
	defer func() { must(t, 0, rows.Close()) }()
	for rows.Next() {
		var text []byte
		must(t, 0, rows.Scan(&text))
		if strings.Contains(string(text), "203.0") || strings.Contains(string(text), "tablet") {
			t.Errorf("%s holds %s", query, text)
		}
	}
	must(t, 0, rows.Err())
}
