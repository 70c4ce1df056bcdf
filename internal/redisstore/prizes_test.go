package redisstore

import (
	"testing"
	"time"

	"qingyuan/internal/event"
	"qingyuan/prize"
	"qingyuan/prize/prizetest"
)

func TestPrizeStore(t *testing.T) {
	t.Parallel()
	onShards(t, func(t *testing.T, shards int) {
		t.Helper()
		open := suiteOn(t, shards)
		prizetest.RunStore(t, func(t *testing.T) prizetest.Bench {
			t.Helper()
			r := open(t)
			b := prizetest.Bench{
				Campaign: r.def.ID,
				Enrol:    func(_ testing.TB, participant string) { r.enrol(participant, "u1", "public") },
				Facts:    func(testing.TB) []event.Fact { return r.allFacts() },
			}
			for _, s := range r.servers {
				b.Stores = append(b.Stores, NewPrizes(s.campaigns, s.world.define))
			}
			return b
		})
	})
}

// win lets somebody win a prize by their first chance.
func (r *rig) win(participant, id string) {
	r.Helper()
	c, outcome, err := NewPrizes(r.campaigns, r.world.define).Spend(r.Context(), prize.Person{Campaign: r.def.ID, Participant: participant}, prize.Try{
		Number: 1, At: noon, Day: dayOf("", noon), Unit: "u1", Group: "public", Rolled: id, Limit: 1 << 20,
	})
	if err != nil || outcome != prize.Spent || c.Item == 0 {
		r.Fatalf("win by %s: %+v, %s, %v", participant, c, outcome, err)
	}
}

// TestWhatQualifies reads what somebody has done: attempts that count, and which of
// them was the first of its day, whatever became of others.
func TestWhatQualifies(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4)
	r.enrol("ann", "u1", "public")
	r.submit("ann", 40, time.Minute, noon)
	r.submit("ann", 90, time.Minute, noon.Add(time.Hour))
	r.submit("ann", 70, time.Minute, noon.Add(24*time.Hour))
	r.sign("ann", noon)
	acts, err := NewPrizes(r.campaigns, r.world.define).Acts(t.Context(), prize.Person{Campaign: r.def.ID, Participant: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	if len(acts.Attempts) != 3 || !acts.Signed || acts.Unit != "u1" {
		t.Fatalf("acts %+v", acts)
	}
	for name, q := range map[string]struct {
		prize.Qualify
		today, tomorrow, third bool
	}{
		"nothing":           {prize.Qualify{}, true, true, true},
		"passed today":      {prize.Qualify{Passed: true, Attempts: prize.DaysAttempts}, true, true, false},
		"first passed":      {prize.Qualify{Passed: true, Attempts: prize.FirstOfDay}, false, true, false},
		"score ever":        {prize.Qualify{MinScore: 90, Attempts: prize.AnyAttempt}, true, true, true},
		"more than anybody": {prize.Qualify{MinScore: 91, Attempts: prize.AnyAttempt}, false, false, false},
		"signed":            {prize.Qualify{Signed: true}, true, true, true},
		"another group":     {prize.Qualify{Groups: []string{"pupils"}}, false, false, false},
		"in the district":   {prize.Qualify{Regions: []string{"d1"}}, true, true, true},
		"elsewhere":         {prize.Qualify{Regions: []string{"d2"}}, false, false, false},
	} {
		for i, want := range []bool{q.today, q.tomorrow, q.third} {
			if got := q.Meets(r.def, &acts, noon.Add(time.Duration(i)*24*time.Hour).Add(2*time.Hour)); got != want {
				t.Errorf("%s, day %d: %t, want %t", name, i, got, want)
			}
		}
	}
}
