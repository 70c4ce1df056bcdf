package rehearse

import (
	"slices"
	"strings"
	"testing"
	"time"

	"qingyuan/internal/simulate"
)

// well is a rehearsal of the real size on which everything went well.
func well() Measured {
	m := Measured{
		At: time.Date(2026, 6, 20, 9, 30, 0, 0, time.UTC), Version: "v1", Own: true, Expected: 300_000,
		CPUs: 16, MemoryBytes: 32 << 30, DiskFree: 400 << 30, DiskTaken: 600 << 20,
		SyncAlone: Syncs{Count: 100, P99MS: 1}, SyncBusy: Syncs{Count: 1000, P99MS: 4},
		Load: simulate.Report{
			Participants: simulate.Participants{Asked: 120_000, Done: 120_000}, Requests: 1_000_000,
			Arrivals:   &simulate.Arrivals{Shape: simulate.Rush, Seconds: 480, PeakPerSecond: 1800, LateP99MS: 3, MostUnderWay: 900},
			Operations: []simulate.Operation{{Name: "submit", P50MS: 12, P99MS: 90}},
			Timeline:   []simulate.Slice{{Seconds: 8, Arrived: 800, Requests: 7000, P99MS: 60}, {Second: 8, Seconds: 8, Arrived: 9600, Requests: 90_000, P99MS: 340}},
		},
	}
	for i := range 60 {
		m.Samples = append(m.Samples, Sample{
			Second: float64(i), Busy: 6, Server: 3, Redis: 0.5, People: 2.4, FreeBytes: 20 << 30, ServerBytes: 200 << 20,
			RedisBytes: 100<<20 + int64(i)<<20,
		})
	}
	return m
}

// bend makes the second part of the time too slow.
func bend(m *Measured) { m.Load.Timeline[1].P99MS = 2500 }

// during changes all samples.
func during(change func(*Sample)) func(*Measured) {
	return func(m *Measured) {
		for i := range m.Samples {
			change(&m.Samples[i])
		}
	}
}

// TestAdmit: who is told to use a waiting room is told at which rate.
func TestAdmit(t *testing.T) {
	t.Parallel()
	m := well()
	m.Load.Timeline[1].Unavailable, m.Load.Timeline[1].Finished = 50, 4000 // 500 a second
	m.Load.Timeline = append(m.Load.Timeline, simulate.Slice{Second: 16, Seconds: 8, Requests: 9, Finished: 800, P99MS: 2000})
	found := Judge(&m)
	if len(found) == 0 || !strings.Contains(found[0].Advice.EN, "queue.admit_per_second: 450)") {
		t.Errorf("found %+v", found)
	}
	m.Load.Timeline[1].Finished, m.Load.Timeline[2].Finished = 0, 0
	if found = Judge(&m); len(found) == 0 || strings.Contains(found[0].Advice.EN, "admit_per_second") {
		t.Errorf("of a machine that carried nobody: %+v", found)
	}
}

func TestNothingToSayWhereAllIsWell(t *testing.T) {
	t.Parallel()
	m := well()
	if found := Judge(&m); len(found) != 0 {
		t.Errorf("found %+v", found)
	}
	if r := NewReport(m); r.Verdict != Held || r.HeldPerSecond != 1200 || r.WorstP99MS != 340 {
		t.Errorf("verdict %s, held %.0f a second, worst %.0f ms", r.Verdict, r.HeldPerSecond, r.WorstP99MS)
	}
}

// Each rule speaks of its own figure, as gravely as it deserves, and no other
// rule speaks with it.
func TestRules(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*Measured)
		want   string // code and grade of every finding
		figure string // in the figure of the first
	}{
		"an error": {func(m *Measured) { m.Load.Errors = map[string]int64{"internal": 3} }, "wrong bad", "3 errors"},
		"people who came to no end": {func(m *Measured) {
			m.Load.Errors, m.Load.ProblemCounts = map[string]int64{"service.unavailable": 7}, map[string]int{simulate.Failed: 7}
		}, "wrong bad", "7 errors that no repeat mended, 0 results"},
		"a lost act":                  {func(m *Measured) { m.Load.ProblemCounts = map[string]int{simulate.CountsOff: 1} }, "wrong bad", "1 results"},
		"a slow disk":                 {func(m *Measured) { m.SyncBusy.P99MS = 45 }, "sync_slow weak", "45.0 ms in the rush"},
		"a disk just fast enough":     {func(m *Measured) { m.SyncBusy.P99MS = 19.9 }, "", ""},
		"a very slow disk that bends": {func(m *Measured) { m.SyncAlone.P99MS = 120; bend(m) }, "sync_slow bad", "120.0 ms alone"},
		"and one that does not":       {func(m *Measured) { m.SyncAlone.P99MS = 120 }, "sync_slow weak", ""},
		"redis nearly full":           {during(func(s *Sample) { s.Redis = 0.8 }), "redis_bound weak", "0.80 of a core"},
		"redis bound":                 {func(m *Measured) { during(func(s *Sample) { s.Redis = 0.95 })(m); bend(m) }, "redis_bound bad", "0.95 of a core"},
		"redis busy for one second":   {func(m *Measured) { m.Samples[9].Redis = 1 }, "", ""},
		"all cores busy by the server": {
			func(m *Measured) { during(func(s *Sample) { s.Busy, s.Server = 15.8, 13 })(m); bend(m) }, "cpu_full bad", "of 16 cores 15.8",
		},
		"all cores busy by the people": {func(m *Measured) { during(func(s *Sample) { s.Busy, s.People = 15.8, 12 })(m); bend(m) }, "cpu_full weak", "12.0 of them"},
		"all cores busy by others":     {func(m *Measured) { during(func(s *Sample) { s.Busy = 15.8 })(m); bend(m) }, "cpu_full bad", "of 16 cores 15.8"},
		"little memory left":           {during(func(s *Sample) { s.FreeBytes = 4 << 30 }), "memory_short weak", "4.0 GiB of 32.0 GiB"},
		"hardly any memory left":       {func(m *Measured) { m.Samples[30].FreeBytes = 1 << 30; bend(m) }, "memory_short bad", "1.0 GiB"},
		"too many for the memory":      {func(m *Measured) { m.Expected = 40_000_000; m.Load.Arrivals.PeakPerSecond = 1e6; m.DiskTaken = 0 }, "memory_projected bad", "for 40000000 people"},
		"too few to project": {func(m *Measured) {
			m.Load.Participants.Done = 100
			m.Expected = 1 << 30
			m.Load.Arrivals.PeakPerSecond = 1e9
		}, "", ""},
		"too many for the disk":         {func(m *Measured) { m.DiskFree = 2 << 30 }, "disk_short weak", "2.0 GiB are free"},
		"far too many for the disk":     {func(m *Measured) { m.DiskFree = 1 << 30 }, "disk_short bad", "of disk"},
		"people held back":              {func(m *Measured) { m.Load.Arrivals.Held = 12 }, "load_held note", "12 people"},
		"limits":                        {func(m *Measured) { m.Load.Timeline[1].Limited = 70 }, "limited weak", "70 requests"},
		"turned away, with no cause":    {func(m *Measured) { m.Load.Timeline[1].Unavailable = 50 }, "unavailable weak, unexplained weak", "50 requests"},
		"often turned away, slow disk":  {func(m *Measured) { m.Load.Timeline[1].Broken = 50_000; m.SyncBusy.P99MS = 150 }, "sync_slow bad, unavailable bad", "150"},
		"a queue":                       {func(m *Measured) { m.Load.Waiting = simulate.Waiting{People: 900, P99MS: 20_000} }, "queued note", "at most 20 s"},
		"a slowed line":                 {during(func(s *Sample) { s.Pace = 0.7 }), "slowed note", "to 70 %"},
		"a line that hardly moves":      {during(func(s *Sample) { s.Pace = 0.2 }), "slowed weak", "to 20 %"},
		"a line at its rate":            {during(func(s *Sample) { s.Pace = 1 }), "", ""},
		"a long queue":                  {func(m *Measured) { m.Load.Waiting = simulate.Waiting{People: 900, P99MS: 300_000} }, "queued weak", "at most 300 s"},
		"a load that came late":         {func(m *Measured) { m.Load.Arrivals.LateP99MS = 900 }, "load_late note", "900 ms"},
		"a small rehearsal":             {func(m *Measured) { m.Load.Arrivals.PeakPerSecond = 100 }, "scaled_down note", "100 people"},
		"an external redis":             {func(m *Measured) { m.Elsewhere = []string{"Redis"} }, "elsewhere note", "external Redis"},
		"a server seen from afar":       {func(m *Measured) { m.Own, m.Samples, m.SyncBusy, m.SyncAlone = false, nil, Syncs{}, Syncs{}; bend(m) }, "unseen note", "not seen"},
		"slow, and nobody knows why":    {bend, "unexplained weak", "from second 8 on"},
		"no measurement of the machine": {func(m *Measured) { m.Samples, m.MemoryBytes, m.CPUs = nil, 0, 0 }, "unseen note", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := well()
			tt.change(&m)
			found := Judge(&m)
			var got []string
			for _, f := range found {
				got = append(got, f.Code+" "+string(f.Grade))
				if f.Figure.ZH == "" || f.Figure.EN == "" || f.Advice.ZH == "" || f.Advice.EN == "" {
					t.Errorf("%s lacks a text: %+v", f.Code, f)
				}
				if strings.Contains(f.Figure.ZH+f.Figure.EN+f.Advice.ZH+f.Advice.EN, "%!") {
					t.Errorf("%s is written wrongly: %+v", f.Code, f)
				}
			}
			slices.Sort(got)
			if text := strings.Join(got, ", "); text != tt.want {
				t.Fatalf("found %q, want %q", text, tt.want)
			}
			if len(found) > 0 && !strings.Contains(found[0].Figure.EN, tt.figure) {
				t.Errorf("the figure is %q, want one with %q", found[0].Figure.EN, tt.figure)
			}
		})
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	tests := map[Verdict]func(*Measured){
		Held:  func(*Measured) {},
		Bent:  bend,
		Broke: func(m *Measured) { m.Load.Errors = map[string]int64{"internal": 1} },
	}
	for want, change := range tests {
		m := well()
		change(&m)
		if r := NewReport(m); r.Verdict != want {
			t.Errorf("verdict %s, want %s", r.Verdict, want)
		}
	}
	m := well()
	bend(&m)
	if r := NewReport(m); r.HeldPerSecond != 100 {
		t.Errorf("held %.0f a second, want 100: what came while it was slow was not held", r.HeldPerSecond)
	}
}
