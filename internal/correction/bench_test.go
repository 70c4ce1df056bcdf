package correction_test

import (
	"context"
	"fmt"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/correction"
	"qingyuan/internal/origin"
	"qingyuan/internal/sqltest"
	"qingyuan/pledge"
)

// BenchmarkWatch lets the rules read 2,000 people who enrolled, sat and signed, which is
// four facts of each, again and again as the campaign grows. Everybody has a device of
// their own; by address they come as at home, three behind each and a tenth of all through
// one carrier, or all of them through one proxy, whose address is the only one that the
// server sees.
//
//	go test ./internal/correction -run '^$' -bench Watch -benchtime 5x
func BenchmarkWatch(b *testing.B) {
	for name, from := range map[string]func(int) string{
		"at home": func(i int) string {
			if i%10 == 0 {
				return "198.51.100.1"
			}
			return fmt.Sprintf("10.%d.%d.7", i/3/250, i/3%250)
		},
		"one proxy": func(int) string { return "198.51.100.1" },
	} {
		b.Run(name, func(b *testing.B) {
			r := newRig(b, sqltest.SQLite(b), definition(b, "antidrug", 1))
			w, key := r.watcher(), origin.NewKey(origin.Secret{1})
			w.Rules = correction.DefaultFlagRules()
			w.Rules.FloorMS = 0 // nobody here reads
			const crowd, factsOf = 2000, 4
			var took time.Duration
			acted := 0
			for b.Loop() {
				b.StopTimer()
				for range crowd {
					mark := key.Mark(netip.MustParseAddr(from(acted)), fmt.Sprint("phone-", acted))
					must(b, 0, r.once(origin.With(b.Context(), mark), acted))
					acted++
				}
				r.settle()
				began := processorTime(b)
				b.StartTimer()
				w.Round(b.Context())
				b.StopTimer()
				took += processorTime(b) - began
				b.StartTimer()
			}
			b.ReportMetric(float64(took.Nanoseconds())/1000/float64(acted*factsOf), "µs/fact")
		})
	}
}

// once lets one person enrol by a name like any other, hand in once and sign.
func (r *rig) once(ctx context.Context, i int) error {
	id, name := person(i), string([]rune{'王', rune(0x5200 + i%500), rune(0x6600 + i/500)})
	_, err := r.enrols.Enrol(ctx, r.def.ID, id, campaign.Request{Unit: units[i%4], Group: "public", Name: name, NoticeVersion: "1"})
	if err == nil {
		err = r.sit(ctx, id, 2+i%3)
	}
	if err == nil {
		_, _, err = r.pledges.Sign(ctx, r.def.ID, id, pledge.Request{Version: "1", Method: pledge.Typed, Name: name})
	}
	return err
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	must(b, 0, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
