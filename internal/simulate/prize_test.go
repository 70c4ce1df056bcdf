package simulate

import (
	"net/http"
	"testing"
)

func (s *fake) showPrizes(w http.ResponseWriter, _ *http.Request) {
	if !s.faults.prizes {
		refuse(w, 404, "prize.none")
		return
	}
	answer(w, 200, map[string]any{"instant": map[string]any{"secret_sha256": "…"}})
}

func (s *fake) purse(w http.ResponseWriter, _ *http.Request, who *soul) {
	next, left, wins := 1, 1, []map[string]any{}
	if who.luck != nil {
		next, left = 2, 0
		if who.luck["won"] == true && !s.faults.unkept {
			wins = append(wins, map[string]any{"win": who.luck["win"]})
		}
	}
	answer(w, 200, map[string]any{
		"qualified": who.sheet != nil && who.sheet.receipt != nil, "next_number": next, "chances_left_today": left, "chances_left": nil, "wins": wins,
	})
}

// spend lets every second chance win.
func (s *fake) spend(w http.ResponseWriter, r *http.Request, who *soul) {
	var in luckRequest
	switch {
	case !read(w, r, &in):
	case in.Number > 2 || in.Number == 2 && who.luck == nil:
		refuse(w, 409, "prize.number")
	case in.Number == 2:
		refuse(w, 409, "prize.limit_reached")
	case who.luck == nil:
		s.won++
		who.luck = map[string]any{"number": 1, "at": "2026-06-01T08:00:00+08:00", "won": false, "win": nil, "prize": nil, "rolled": nil, "why": nil}
		if s.won%2 == 0 {
			item := s.won / 2
			if s.faults.shared {
				item = 1
			}
			who.luck["won"], who.luck["win"], who.luck["prize"], who.luck["rolled"] = true, "tea."+itoa(item), "tea", "tea"
		}
		answer(w, 200, who.luck)
	default:
		if s.faults.rerolled {
			who.luck["rolled"] = "tea" + itoa(s.writes)
		}
		answer(w, 200, who.luck)
	}
}

// Chances are spent once where there are prizes, whatever becomes of replies.
func TestRunWithPrizes(t *testing.T) {
	t.Parallel()
	s := newFake(t, faults{prizes: true, drop: func(n int, _ *http.Request) bool { return n%7 == 0 }})
	c, _ := testConfig(s, 100)
	rep := mustRun(t, c)
	mustPass(t, &rep)
	var spent int64
	for _, o := range rep.Operations {
		if o.Name == opChance.String() {
			spent = o.Done
		}
	}
	if s.won < 90 || spent < int64(s.won) {
		t.Errorf("%d chances were spent by %d requests, want one for everybody who handed in", s.won, spent)
	}
}

func TestRunFindsBentPrizes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		faults faults
		text   string
	}{
		"an item that two have won":    {faults{shared: true}, "was won by participant"},
		"a chance that ends anew":      {faults{rerolled: true}, "and the same again"},
		"a win that its owner has not": {faults{unkept: true}, "not among the own wins"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.faults.prizes = true
			c, _ := testConfig(newFake(t, tt.faults), 100)
			rep := mustRun(t, c)
			mustFind(t, &rep, WrongReceipt, tt.text)
		})
	}
}
