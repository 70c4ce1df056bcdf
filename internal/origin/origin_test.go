package origin_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"qingyuan/internal/origin"
)

func TestMarksTellApart(t *testing.T) {
	t.Parallel()
	key, other := origin.NewKey(origin.Secret{1}), origin.NewKey(origin.Secret{2})
	at := netip.MustParseAddr
	mark := key.Mark(at("203.0.113.7"), "phone-1")
	for name, tc := range map[string]struct {
		mark                     string
		address, network, device bool // the same
	}{
		"the same":             {key.Mark(at("203.0.113.7"), "phone-1"), true, true, true},
		"mapped into IPv6":     {key.Mark(at("::ffff:203.0.113.7"), "phone-1"), true, true, true},
		"a neighbour":          {key.Mark(at("203.0.113.8"), "phone-1"), false, true, true},
		"another network":      {key.Mark(at("203.0.114.7"), "phone-1"), false, false, true},
		"another device":       {key.Mark(at("203.0.113.7"), "phone-2"), true, true, false},
		"no device":            {key.Mark(at("203.0.113.7"), ""), true, true, false},
		"with another key":     {other.Mark(at("203.0.113.7"), "phone-1"), false, false, false},
		"from nowhere":         {key.Mark(netip.Addr{}, "phone-1"), false, false, false},
		"a device as its name": {key.Mark(at("2001:db8::1"), "203.0.113.7"), false, false, false},
	} {
		a, n, d := origin.Parts(mark)
		a2, n2, d2 := origin.Parts(tc.mark)
		if (a == a2) != tc.address || (n == n2) != tc.network || (d == d2) != tc.device {
			t.Errorf("%s: %q and %q", name, mark, tc.mark)
		}
		if strings.Contains(tc.mark, "203") && len(tc.mark) > 30 {
			t.Errorf("%s: %q is long", name, tc.mark)
		}
	}
	if a, b := key.Mark(at("2001:db8:1:2::3"), ""), key.Mark(at("2001:db8:1:ffff::9"), ""); strings.Split(a, ".")[1] != strings.Split(b, ".")[1] {
		t.Errorf("one /48 has two marks: %q and %q", a, b)
	}
}

func TestDevicesAreNames(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"": "", "phone-1": "phone-1", "A_b-9": "A_b-9", "a b": "", "a\nb": "", "手机": "", strings.Repeat("a", 65): "", strings.Repeat("a", 64): strings.Repeat("a", 64),
	} {
		if got := origin.CleanDevice(id); got != want {
			t.Errorf("%q is %q, want %q", id, got, want)
		}
	}
}

func TestContexts(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	if got := origin.From(ctx); got != "" {
		t.Errorf("from nowhere: %q", got)
	}
	if got := origin.From(origin.With(ctx, "a.b.")); got != "a.b." {
		t.Errorf("%q", got)
	}
	if origin.With(ctx, "") != ctx {
		t.Error("nothing was put into the context")
	}
}
