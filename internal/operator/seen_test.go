package operator_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"qingyuan/internal/operator"
)

// TestSeen reads lists longer than what is read at once, of which every third row is seen.
func TestSeen(t *testing.T) {
	t.Parallel()
	const all = 1700
	name := func(n int) string { return fmt.Sprintf("%04d", n) }
	sees := func(n int) bool { return n%3 == 0 }
	var want []int
	for n := all - 1; n >= 0; n-- {
		if sees(n) {
			want = append(want, n)
		}
	}
	behind := func(before string, rows int) (out []int, _ error) {
		for n := all - 1; n >= 0 && len(out) < rows; n-- {
			if name(n) < before {
				out = append(out, n)
			}
		}
		return out, nil
	}
	from := func(offset, rows int64) (out []int, _ error) {
		for n := all - 1 - int(offset); n >= 0 && int64(len(out)) < rows; n-- {
			out = append(out, n)
		}
		return out, nil
	}
	for _, limit := range []int{1, 7, 200, 566, 567, 568} {
		var got, paged []int
		for before := ""; ; before = name(got[len(got)-1]) {
			part, err := operator.Seen(before, limit, behind, name, sees)
			if err != nil || len(part) > limit {
				t.Fatalf("%d rows, want %d at most; %v", len(part), limit, err)
			}
			if got = append(got, part...); len(part) < limit {
				break
			}
		}
		for {
			part, err := operator.SeenFrom(int64(len(paged)), int64(limit), from, sees)
			if err != nil || len(part) > limit {
				t.Fatalf("%d rows, want %d at most; %v", len(part), limit, err)
			}
			if paged = append(paged, part...); len(part) < limit {
				break
			}
		}
		if !slices.Equal(got, want) || !slices.Equal(paged, want) {
			t.Errorf("%d at a time: %d and %d rows, want %d", limit, len(got), len(paged), len(want))
		}
	}
	away := errors.New("away")
	if _, err := operator.Seen("", 1, func(string, int) ([]int, error) { return nil, away }, name, sees); !errors.Is(err, away) {
		t.Errorf("behind an id: %v", err)
	}
	if _, err := operator.SeenFrom(0, 1, func(int64, int64) ([]int, error) { return nil, away }, sees); !errors.Is(err, away) {
		t.Errorf("by offset: %v", err)
	}
}
