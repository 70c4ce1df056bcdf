package main

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"qingyuan/internal/redistest"
	"qingyuan/internal/simulate"
)

// faulty is a proxy to upstream that can break connections.
func faulty(t *testing.T, upstream string) *toxiproxy.Proxy {
	t.Helper()
	srv := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(srv, t.Name(), "127.0.0.1:0", upstream)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// poison adds a toxic to everything that flows back from upstream.
func poison(t *testing.T, p *toxiproxy.Proxy, kind, attributes string, share float64) {
	t.Helper()
	_, err := p.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(
		`{"name":%q,"type":%q,"stream":"downstream","toxicity":%g,"attributes":%s}`, kind, kind, share, attributes)))
	if err != nil {
		t.Fatal(err)
	}
}

// TestRepliesLostBeforeTheClient lets a proxy cut connections in mid-reply
// between people and server. Every act must count once all the same.
func TestRepliesLostBeforeTheClient(t *testing.T) {
	t.Parallel()
	s := start(t, demo(t))
	target, err := url.Parse(s.base)
	if err != nil {
		t.Fatal(err)
	}
	p := faulty(t, target.Host)
	poison(t, p, "limit_data", `{"bytes":30000}`, 0.5)
	simulateThrough(t, "http://"+p.Listen)
}

// TestRepliesLostBeforeTheServer does the same between the server and Redis.
func TestRepliesLostBeforeTheServer(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Durable(), redistest.TCP())
	p := faulty(t, redis.Addr())
	s := start(t, on(t, p.Listen, "k"))
	poison(t, p, "limit_data", `{"bytes":20000}`, 0.5)
	simulateThrough(t, s.base)
}

func simulateThrough(t *testing.T, target string) {
	t.Helper()
	cfg := simulate.Default()
	cfg.Target, cfg.Campaign, cfg.Participants, cfg.Workers = target, demoCampaign, 150, 16
	report, err := simulate.Run(t.Context(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	requireOK(t, &report)
}
