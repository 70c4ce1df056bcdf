package redisstore

import (
	"testing"
	"time"

	"qingyuan/internal/redistest"
)

func TestVitals(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Durable(), redistest.Set("maxmemory", "64mb"))
	h := NewHealth(s.Client(t), time.Now)
	v, err := h.Vitals(t.Context())
	if err != nil || v.Used <= 0 || v.Most != 64<<20 || !v.LogOK {
		t.Errorf("%+v, %v", v, err)
	}
	plain, err := NewHealth(redistest.Start(t).Client(t), time.Now).Vitals(t.Context())
	if err != nil || plain.LogOK {
		t.Errorf("without a log: %+v, %v", plain, err)
	}
}

// TestTheFullestServerCounts compares by shares, where both servers have a limit.
func TestTheFullestServerCounts(t *testing.T) {
	t.Parallel()
	v := Vitals{Used: 50, Most: 1000, LogOK: true}
	v.add(Vitals{Used: 40, Most: 100, LogOK: true, Rewriting: true})
	v.add(Vitals{Used: 60, Most: 1000, LogOK: false})
	if want := (Vitals{Used: 40, Most: 100, Rewriting: true}); v != want {
		t.Errorf("%+v, want %+v", v, want)
	}
}
