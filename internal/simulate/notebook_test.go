package simulate

import (
	"slices"
	"sync"
	"testing"
)

// sheetWith makes a one-question paper whose ids belong to the attempt alone.
func sheetWith(attempt string) paper {
	return paper{Attempt: attempt, Questions: []question{{
		ID: attempt + "q", Kind: "multiple", Stem: "stem",
		Options: []option{{attempt + "x", "one"}, {attempt + "y", "two"}, {attempt + "z", "three"}},
	}}}
}

func TestNotebook(t *testing.T) {
	t.Parallel()
	n := newNotebook()
	first, second := sheetWith("a"), sheetWith("b")
	if ids := n.recall(first.Questions[0]); ids != nil {
		t.Errorf("an empty notebook recalls %v", ids)
	}
	n.learn(first, []reviewed{{ID: "elsewhere", Right: []string{"ax"}}, {ID: "aq", Right: []string{"az", "ax"}}})
	if ids := n.recall(second.Questions[0]); !slices.Equal(ids, []string{"bx", "bz"}) {
		t.Errorf("recalled %v, want bx and bz", ids)
	}
}

func TestNotebookIsShared(t *testing.T) {
	t.Parallel()
	n := newNotebook()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			sheet := sheetWith("a")
			n.learn(sheet, []reviewed{{ID: "aq", Right: []string{"ay"}}})
			if ids := n.recall(sheet.Questions[0]); !slices.Equal(ids, []string{"ay"}) {
				t.Errorf("recalled %v", ids)
			}
		})
	}
	wg.Wait()
}

// What is learnt shows in the counts: without it the figure of who passed would
// hardly be put to the test.
func TestReviewsHelpToPass(t *testing.T) {
	t.Parallel()
	var passed [2]int64
	for i, hidden := range []bool{true, false} {
		c, _ := testConfig(newFake(t, faults{unreviewed: hidden}), 150)
		rep := mustRun(t, c)
		mustPass(t, &rep)
		passed[i] = outcomeOf(&rep, "passed").Acknowledged
	}
	if passed[1] < passed[0]+20 {
		t.Errorf("%d passed without reviews, %d with them", passed[0], passed[1])
	}
}

func TestSameSet(t *testing.T) {
	t.Parallel()
	tests := []struct {
		a, b []string
		want bool
	}{
		{nil, []string{}, true},
		{[]string{"x", "y"}, []string{"y", "x"}, true},
		{[]string{"x"}, []string{"y"}, false},
		{[]string{"x"}, []string{"x", "y"}, false},
	}
	for _, tt := range tests {
		if got := sameSet(tt.a, tt.b); got != tt.want {
			t.Errorf("%v and %v: %t", tt.a, tt.b, got)
		}
	}
}
