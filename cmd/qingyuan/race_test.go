package main

import (
	"reflect"
	"sync"
	"testing"

	"qingyuan/internal/event"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/redistest"
	"qingyuan/internal/stream"
)

// pair starts two servers on one external Redis, as behind a load balancer.
func pair(t *testing.T, redisAddr string) [2]*server {
	t.Helper()
	var out [2]*server
	for i := range out {
		out[i] = start(t, on(t, redisAddr, "k"))
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
	servers := pair(t, redis.Addr())
	path := "/campaigns/" + demoCampaign
	p := servers[0].as("twice")
	p.enrol(demoCampaign)
	through := func(i int) api {
		a := p
		a.base = servers[i%2].base
		return a
	}

	version := p.want(200, "GET", path+"/pledge", nil).text("version")
	sign := map[string]any{"version": version, "method": "typed", "name": "张三"}
	wantEqual(t, same(t, func(i int) (int, result, error) { return through(i).call("POST", path+"/signatures", sign) }))
	paper := p.want(201, "POST", path+"/attempts", nil)
	answers := firstOptions(paper)
	wantEqual(t, same(t, func(i int) (int, result, error) {
		return through(i).call("POST", path+"/attempts/"+paper.text("attempt")+"/submission", answers)
	}))
	for _, s := range servers {
		s.wantCounts(demoCampaign, map[string]float64{"participants": 1, "attempts": 1, "signatures": 1})
	}
	requireOneFact(t, redis, event.KindSubmitted, event.KindSigned)
}

func wantEqual(t *testing.T, receipts []result) {
	t.Helper()
	for i, r := range receipts {
		if !reflect.DeepEqual(r, receipts[0]) {
			t.Fatalf("receipt %d differs:\n%v\n%v", i, r, receipts[0])
		}
	}
}

// requireOneFact checks that exactly one fact of each kind lies on the streams.
func requireOneFact(t *testing.T, redis *redistest.Server, kinds ...event.Kind) {
	t.Helper()
	db := redis.Client(t)
	found := map[event.Kind]int{}
	facts := stream.Reader{DB: db, Key: redisstore.FactsKey}
	list, err := facts.After(t.Context(), demoCampaign, 0, event.Position{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		found[f.Kind]++
	}
	for _, kind := range kinds {
		if found[kind] != 1 {
			t.Errorf("%d facts %s, want 1", found[kind], kind)
		}
	}
}
