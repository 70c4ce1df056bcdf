//go:build chaos

package chaos

import (
	"fmt"
	"strings"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"qingyuan/internal/porttest"
)

// toxic is one way in which a network is bad, in one direction.
type toxic struct{ kind, stream, attributes string }

// toxics are six kinds in both directions. Half of the connections have them, so
// that there is something to be crossed with.
func toxics() []toxic {
	var all []toxic
	for _, stream := range []string{"downstream", "upstream"} {
		all = append(
			all,
			toxic{"latency", stream, `{"latency":15,"jitter":15}`},
			toxic{"reset_peer", stream, `{"timeout":5}`},
			toxic{"timeout", stream, `{"timeout":300}`},
			toxic{"limit_data", stream, `{"bytes":3000}`},
			toxic{"slow_close", stream, `{"delay":200}`},
			toxic{"bandwidth", stream, `{"rate":30}`},
		)
	}
	return all
}

const toxicity = 0.5

// hop is a proxy at an address that stays the same.
type hop struct {
	name, listen, upstream string

	proxy *toxiproxy.Proxy
}

// newHop puts a proxy without a toxic before upstream, until t ends.
func newHop(t testing.TB, upstream string) *hop {
	t.Helper()
	h := &hop{name: t.Name(), listen: porttest.Addr(t), upstream: upstream}
	if err := h.Clean(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.proxy.Stop() })
	return h
}

// Addr is where the proxy listens.
func (h *hop) Addr() string { return h.listen }

// Clean cuts all connections and lets new ones through as they are.
func (h *hop) Clean() error {
	if h.proxy != nil {
		h.proxy.Stop()
	}
	h.proxy = toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), h.name, h.listen, h.upstream)
	if err := h.proxy.Start(); err != nil {
		return fmt.Errorf("start the proxy at %s: %w", h.listen, err)
	}
	return nil
}

// Poison cuts all connections and lets a share of the new ones suffer.
func (h *hop) Poison(x toxic) error {
	if err := h.Clean(); err != nil {
		return err
	}
	_, err := h.proxy.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(
		`{"name":%q,"type":%q,"stream":%q,"toxicity":%g,"attributes":%s}`, x.kind, x.kind, x.stream, toxicity, x.attributes)))
	if err != nil {
		return fmt.Errorf("poison the proxy with %s: %w", x.kind, err)
	}
	return nil
}
