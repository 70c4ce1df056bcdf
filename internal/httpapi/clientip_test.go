package httpapi

import (
	"net/netip"
	"testing"
)

func prefixes(texts ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range texts {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func TestLastUntrusted(t *testing.T) {
	t.Parallel()
	proxies := prefixes("10.0.0.0/8", "fd00::/8")
	for name, tt := range map[string]struct{ forwarded, want string }{
		"nothing":                     {"", "10.0.0.1"},
		"one hop":                     {"203.0.113.9", "203.0.113.9"},
		"forged in front":             {"1.1.1.1, 203.0.113.9", "203.0.113.9"},
		"forged as a trusted one":     {"10.9.9.9, 203.0.113.9", "203.0.113.9"},
		"two proxies":                 {"1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"},
		"inside":                      {"10.7.7.7, 10.0.0.2", "10.7.7.7"},
		"with a port":                 {"203.0.113.9:4711", "203.0.113.9"},
		"version 6":                   {"2001:db8::1", "2001:db8::1"},
		"version 6 with a port":       {"[2001:db8::1]:443, fd00::5", "2001:db8::1"},
		"version 4 in 6":              {"::ffff:203.0.113.9", "203.0.113.9"},
		"rubbish":                     {"<script>", "10.0.0.1"},
		"rubbish before a proxy":      {"<script>, 10.0.0.2", "10.0.0.2"},
		"rubbish before what is good": {"<script>, 203.0.113.9", "203.0.113.9"},
		"empty hops":                  {", ,", "10.0.0.1"},
		"a zone":                      {"fe80::1%eth0", "fe80::1"},
	} {
		got := lastUntrusted(netip.MustParseAddr("10.0.0.1"), tt.forwarded, proxies)
		if got != netip.MustParseAddr(tt.want) {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// TestForwardedForIsBelievedOfProxiesOnly looks at whose bucket is emptied.
func TestForwardedForIsBelievedOfProxiesOnly(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		proxies []string
		second  int // status of a second request that claims another address
	}{
		"straight":        {nil, 429},
		"through a proxy": {[]string{"0.0.0.0/32"}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(b *bench) {
				b.TrustedProxies = prefixes(tt.proxies...)
				b.Limits.PerAddress = Rate{PerSecond: 0.01, Burst: 1}
			})
			for i, from := range []string{"203.0.113.1", "203.0.113.2"} {
				req := request("GET", "/api/v1/campaigns", "", "")
				req.Header.Set("X-Forwarded-For", "8.8.8.8, "+from)
				if a := b.do(t, req); i == 1 && a.status != tt.second {
					t.Errorf("second: %d %s, want %d", a.status, a.body, tt.second)
				}
			}
		})
	}
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"203.0.113.9": "203.0.113.9", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::", "::1": "::",
	} {
		if got := network(netip.MustParseAddr(in)); got != netip.MustParseAddr(want) {
			t.Errorf("%s counts as %s, want %s", in, got, want)
		}
	}
}
