package catalog

import (
	"strings"
	"testing"
	"time"
)

// held is town with phases, tiers and a freeze: the first phase ends on the 11th,
// the second begins on the 12th; the boards stand still on the 20th.
var held = strings.NewReplacer(
	"ranking_mode: none", `ranking_mode: tiers
phases: [{id: one, title: 一, from: 2026-06-02 08:00, to: 2026-06-11 08:00}, {id: two, title: 二, from: 2026-06-12 08:00, to: 2026-06-13 08:00}]
freeze_at: 2026-06-20 08:00
unfreeze_at: 2026-06-21 08:00`,
).Replace(town)

// onDay is eight o'clock of a day of June, and so many seconds later.
func onDay(day, seconds int) time.Time {
	return time.Date(2026, 6, day, 8, 0, seconds, 0, before().Location())
}

func TestCheckBoardChange(t *testing.T) {
	t.Parallel()
	const two = ", {id: two, title: 二, from: 2026-06-12 08:00, to: 2026-06-13 08:00}"
	tests := map[string]struct {
		old, new string
		at       time.Time
		want     string // "" accepts
	}{
		"policy":                    {"pass_score: 60", "pass_score: 60, policy: sum", onDay(10, 0), "quiz.policy: best cannot become sum"},
		"policy before":             {"pass_score: 60", "pass_score: 60, policy: sum", before(), "quiz.policy: best cannot become sum"},
		"combined":                  {"shards: 2", "shards: 2\ncombined_boards: true", onDay(10, 0), "combined_boards: cannot change"},
		"combined before":           {"shards: 2", "shards: 2\ncombined_boards: true", before(), ""},
		"a phase that runs goes":    {"{id: one, title: 一, from: 2026-06-02 08:00, to: 2026-06-11 08:00}, ", "", onDay(10, 0), "phases: one has begun and cannot go"},
		"a phase to come goes":      {two, "", onDay(10, 0), ""},
		"a phase soon to come goes": {two, "", onDay(11, 86341), "phases: two has begun and cannot go"},
		"begins otherwise":          {"from: 2026-06-02", "from: 2026-06-03", onDay(10, 0), "phases: one has begun and cannot begin at another time"},
		"will begin otherwise":      {"from: 2026-06-12", "from: 2026-06-11", onDay(10, 0), ""},
		"would begin in the past":   {"from: 2026-06-12 08:00, to", "from: 2026-06-11 08:01, to", onDay(11, 30), "phases: two would begin less than a minute from now"},
		"runs longer":               {"to: 2026-06-11 08:00", "to: 2026-06-12 08:00", onDay(10, 0), ""},
		"runs longer, too late":     {"to: 2026-06-11 08:00", "to: 2026-06-12 08:00", onDay(10, 86341), "phases: one cannot end at another time"},
		"ended longer":              {"to: 2026-06-11 08:00", "to: 2026-06-12 08:00", onDay(11, 0), "phases: one cannot end at another time"},
		"has ended before":          {"to: 2026-06-11 08:00", "to: 2026-06-09 08:00", onDay(10, 0), "phases: one cannot end at another time"},
		"a new phase":               {two, two + ", {id: three, title: 三, from: 2026-06-13 08:00, to: 2026-06-14 08:00}", onDay(10, 0), ""},
		"a new phase from before":   {two, ", {id: three, title: 三, from: 2026-06-11 08:00, to: 2026-06-12 08:00}" + two, onDay(11, 1), "phases: three would begin"},
		"another title":             {"title: 一,", "title: 首,", onDay(15, 0), ""},
		"closes later":              {"2026-07-01 00:00", "2026-12-01 00:00", onDay(10, 0), ""},
		"closes too late":           {"2026-07-01 00:00", "2026-12-31 00:00", before(), "closes_at: 2026-12-31 00:00:00 is later than the boards can hold, which is before 2026-12-12 12:20:16"},
		"freeze":                    {"freeze_at: 2026-06-20", "freeze_at: 2026-06-19", onDay(10, 0), ""},
		"freeze taken back":         {"freeze_at: 2026-06-20 08:00\nunfreeze_at: 2026-06-21 08:00\n", "", onDay(10, 0), ""},
		"freeze now":                {"freeze_at: 2026-06-20 08:00", "freeze_at: 2026-06-10 08:01", onDay(10, 1), "freeze_at: 2026-06-10 08:01:00 is not at least a minute ahead"},
		"freeze in a minute":        {"freeze_at: 2026-06-20 08:00", "freeze_at: 2026-06-10 08:01", onDay(10, 0), ""},
		"freeze in hindsight":       {"freeze_at: 2026-06-20", "freeze_at: 2026-06-09", onDay(10, 0), "freeze_at: 2026-06-09 08:00:00 is not at least"},
		"later, at the last moment": {"freeze_at: 2026-06-20 08:00", "freeze_at: 2026-06-20 20:00", onDay(19, 86341), "freeze_at: cannot change less than a minute beforehand"},
		"taken back while frozen":   {"freeze_at: 2026-06-20 08:00\nunfreeze_at: 2026-06-21 08:00\n", "", onDay(20, 0), "freeze_at: cannot change"},
		"taken back afterwards":     {"freeze_at: 2026-06-20 08:00\nunfreeze_at: 2026-06-21 08:00\n", "", onDay(22, 0), "unfreeze_at: cannot change"},
		"a second one":              {"freeze_at: 2026-06-20 08:00\nunfreeze_at: 2026-06-21 08:00\n", "freeze_at: 2026-06-25 08:00\n", onDay(22, 0), "freeze_at: cannot change"},
		"longer while frozen":       {"unfreeze_at: 2026-06-21", "unfreeze_at: 2026-07-21", onDay(20, 0), ""},
		"for good while frozen":     {"unfreeze_at: 2026-06-21 08:00\n", "", onDay(20, 0), ""},
		"shorter while frozen":      {"unfreeze_at: 2026-06-21 08:00", "unfreeze_at: 2026-06-20 08:30", onDay(20, 60), ""},
		"unfreeze at once":          {"unfreeze_at: 2026-06-21 08:00", "unfreeze_at: 2026-06-20 08:01", onDay(20, 1), "unfreeze_at: 2026-06-20 08:01:00 is not at least a minute ahead"},
		"longer, afterwards":        {"unfreeze_at: 2026-06-21", "unfreeze_at: 2026-07-21", onDay(21, 0), "unfreeze_at: cannot change"},
		"tiers":                     {"ranking_mode: tiers", "ranking_mode: tiers\ntiers: [{tier: gold, share: 50}]", onDay(10, 0), ""},
		"tiers while frozen":        {"ranking_mode: tiers", "ranking_mode: tiers\ntiers: [{tier: gold, share: 50}]", onDay(20, 0), "tiers: cannot change while"},
		"no ranking while frozen":   {"ranking_mode: tiers", "ranking_mode: none", onDay(20, 0), ""},
		"weights":                   {"shards: 2", "shards: 2\ncomposite: {weights: {average: 100}}", onDay(10, 0), ""},
		"weights while frozen":      {"shards: 2", "shards: 2\ncomposite: {weights: {average: 100}}", onDay(20, 0), "composite: cannot change while"},
	}
	old := load(t, held)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := CheckChange(old, load(t, replace(t, held, tt.old, tt.new)), tt.at)
			if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// TestLongerAttemptsFitTheBoards shows that attempts stay within what the boards
// were laid out for.
func TestLongerAttemptsFitTheBoards(t *testing.T) {
	t.Parallel()
	long := replace(t, town, "2026-07-01", "2029-07-01")
	old := load(t, long)
	next := load(t, replace(t, long, "time_limit: 10m", "time_limit: 100m"))
	if err := CheckChange(old, next, during()); err != nil {
		t.Error(err)
	}
	// Shortened, the file alone would allow what the boards do not hold.
	next = load(t, replace(t, town, "time_limit: 10m", "time_limit: 2h"))
	if err := CheckChange(old, next, during()); err == nil || !strings.Contains(err.Error(), "quiz.time_limit: 2h0m0s is more than the boards can hold, which is 1h49m0s") {
		t.Errorf("two hours: %v", err)
	}
}
