package main

import (
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"qingyuan/configs"
	"qingyuan/internal/event"
	"qingyuan/internal/redistest"
)

// pair starts two servers of one deployment, as behind a load balancer.
func pair(t *testing.T, cfg configs.Config) [2]*server {
	t.Helper()
	var out [2]*server
	for i := range out {
		out[i] = start(t, another(t, cfg))
	}
	return out
}

// same runs call 200 times at once, half on each server, and returns the answers.
func same(t *testing.T, call func(i int) (int, result, error)) []result {
	t.Helper()
	const parallel = 200
	answers := make([]result, parallel)
	var wg sync.WaitGroup
	for i := range parallel {
		wg.Go(func() {
			status, r, err := call(i)
			if err != nil || status != 200 && status != 201 {
				t.Errorf("call %d = %d %v, %v", i, status, r, err)
			}
			answers[i] = r
		})
	}
	wg.Wait()
	return answers
}

// TestInvariant2OneOfManyCounts hands one attempt and one signature in 200 times
// at once through two servers.
func TestInvariant2OneOfManyCounts(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Durable(), redistest.TCP())
	cfg := on(t, redis.Addr(), "k")
	servers := pair(t, cfg)
	bases := [2]string{servers[0].base, servers[1].base}
	handInAtOnce(t, cfg, servers, func(p api, i int, path string, body any) (int, result, error) {
		p.base = bases[i%2]
		return p.breathing("POST", path, body)
	})
}

// TestInvariant2RepliesSwallowed does the same through proxies that swallow half
// of all replies: whoever hears nothing asks again until they hear something.
func TestInvariant2RepliesSwallowed(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Durable(), redistest.TCP())
	cfg := on(t, redis.Addr(), "k")
	servers := pair(t, cfg)
	var bases [2]string
	for i, s := range servers {
		proxy := faulty(t, strings.TrimPrefix(s.base, "http://"))
		poison(t, proxy, "limit_data", `{"bytes":0}`, 0.5)
		bases[i] = "http://" + proxy.Listen
	}
	var lost atomic.Int64
	handInAtOnce(t, cfg, servers, func(p api, i int, path string, body any) (int, result, error) {
		var err error
		for try := range 30 {
			p.base = bases[(i+try)%2]
			var status int
			var r result
			if status, r, err = p.breathing("POST", path, body); err == nil {
				return status, r, nil
			}
			lost.Add(1)
		}
		return 0, nil, err
	})
	if lost.Load() < 100 {
		t.Errorf("only %d replies were swallowed: the proxies do not do their work", lost.Load())
	}
}

// handInAtOnce enrols one person and posts one signature and one attempt 200
// times at once: all receipts must be equal, and one act of each counted.
func handInAtOnce(t *testing.T, cfg configs.Config, servers [2]*server, post func(p api, i int, path string, body any) (int, result, error)) {
	t.Helper()
	path := "/campaigns/" + demoCampaign
	p := servers[0].as("twice")
	p.enrol(demoCampaign)
	version := p.want(200, "GET", path+"/pledge", nil).text("version")
	sign := map[string]any{"version": version, "method": "typed", "name": "张三"}
	wantEqual(t, same(t, func(i int) (int, result, error) { return post(p, i, path+"/signatures", sign) }))
	paper := p.want(201, "POST", path+"/attempts", nil)
	answers := firstOptions(paper)
	wantEqual(t, same(t, func(i int) (int, result, error) {
		return post(p, i, path+"/attempts/"+paper.text("attempt")+"/submission", answers)
	}))
	for _, s := range servers {
		s.wantCounts(demoCampaign, map[string]float64{"participants": 1, "attempts": 1, "signatures": 1})
	}
	requireOneFact(t, cfg, event.KindSubmitted, event.KindSigned)
}

func wantEqual(t *testing.T, receipts []result) {
	t.Helper()
	for i, r := range receipts {
		if !reflect.DeepEqual(r, receipts[0]) {
			t.Fatalf("receipt %d differs:\n%v\n%v", i, r, receipts[0])
		}
	}
}

// requireOneFact checks that the ledger holds exactly one fact of each kind.
func requireOneFact(t *testing.T, cfg configs.Config, kinds ...event.Kind) {
	t.Helper()
	w := bench(t, cfg)
	list, err := w.ledger.After(t.Context(), demoCampaign, 0, event.Position{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	found := map[event.Kind]int{}
	for _, f := range list {
		found[f.Kind]++
	}
	for _, kind := range kinds {
		if found[kind] != 1 {
			t.Errorf("%d facts %s, want 1", found[kind], kind)
		}
	}
}

// bench returns a workbench on a deployment's data until the test ends, with
// everything that happened so far in the ledger.
func bench(t *testing.T, cfg configs.Config) *workbench {
	t.Helper()
	w, err := openWorkbench(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err == nil {
		err = w.drainAll(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.close(); err != nil {
			t.Errorf("close the workbench: %v", err)
		}
	})
	return w
}
