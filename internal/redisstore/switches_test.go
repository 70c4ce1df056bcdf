package redisstore

import (
	"cmp"
	"errors"
	"slices"
	"testing"

	"qingyuan/internal/fault"
	"qingyuan/internal/redistest"
)

func TestSwitches(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	ours, theirs := NewSwitches(server.Client(t)), NewSwitches(server.Client(t))
	want := func(want ...Switch) {
		t.Helper()
		got, err := theirs.Off(t.Context())
		slices.SortFunc(got, func(a, b Switch) int { return cmp.Compare(a.field(), b.field()) })
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("off are %v, %v; want %v", got, err, want)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	a, b, all := Switch{"a", "boards"}, Switch{"b", "live"}, Switch{EveryCampaign, "boards"}
	want()
	must(ours.SwitchOn(t.Context(), a))
	for _, s := range []Switch{a, b, all, a} {
		must(ours.SwitchOff(t.Context(), s))
	}
	want(all, a, b)
	must(ours.SwitchOn(t.Context(), a))
	want(all, b)
	must(ours.SwitchOff(t.Context(), a))
	must(ours.SwitchOn(t.Context(), all)) // wherever it was off
	want(b)

	server.Kill(t)
	_, read := ours.Off(t.Context())
	_, known := ours.Knows(t.Context(), "a")
	for _, err := range []error{read, known, ours.SwitchOff(t.Context(), a), ours.SwitchOn(t.Context(), a), ours.SwitchOn(t.Context(), all)} {
		if !errors.Is(err, fault.ErrUnavailable) {
			t.Errorf("without Redis: %v", err)
		}
	}
}

func TestSwitchesKnowCampaigns(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	for id, want := range map[string]bool{"antidrug": true, "antidrag": false, "": false} {
		if got, err := NewSwitches(r.db).Knows(t.Context(), id); err != nil || got != want {
			t.Errorf("%q: %t, %v", id, got, err)
		}
	}
}
