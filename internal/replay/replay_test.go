package replay_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/replay/state"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// TestAWholeLife replays an ordinary participant and looks at everything that
// Redis must hold of them.
func TestAWholeLife(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	h.begin(1, noon.Add(time.Minute))
	h.hand(2, 90*time.Second).First = true
	h.begin(2, noon.Add(time.Hour))
	change(h.hand(3, 80*time.Second), previous(50, true))
	h.sign("张小三")
	h.begin(3, noon.Add(24*time.Hour))
	l := h.faultless()

	second := noon.Add(time.Hour)
	best, _ := h.rules.Layout.Pack(75, 80*time.Second, second.Add(80*time.Second))
	p := l.Person
	if p.Last != 3 || p.Day != "2026-06-11" || p.OnDay != 1 || p.Open == nil || p.Open.Number != 3 || len(p.Finished) != 2 {
		t.Errorf("attempts: last %d, %d on %s, open %+v, %d finished", p.Last, p.OnDay, p.Day, p.Open, len(p.Finished))
	}
	if p.Best == nil || p.Best.Place != best || p.Best.Result.Score != 75 || !p.FirstAct.Equal(noon.Add(150*time.Second)) {
		t.Errorf("best %+v, first act at %s", p.Best, p.FirstAct)
	}
	if diff := cmp.Diff(&state.WindowPlace{Window: "2026-06-10", Place: best}, p.OfDay); diff != "" || p.OfPhase != nil {
		t.Errorf("best of the day (-want +got):\n%s", diff)
	}
	want := campaign.Enrolment{Unit: "u1", Group: "public", DisplayName: "张**", NoticeVersion: "1", At: noon}
	if diff := cmp.Diff(want, p.Enrolment); diff != "" || p.Digest != "digest of 张小三" {
		t.Errorf("enrolment, digest %q (-want +got):\n%s", p.Digest, diff)
	}
	if s := p.Signature; s == nil || s.MaskedName != "张**" || s.Version != "1" {
		t.Errorf("signature %+v", s)
	}
	var places []state.Place
	for _, scope := range []string{"d:2026-06-10", "g:public", "r:city", "r:d1", "u:u1"} {
		places = append(places, state.Place{Scope: scope, Placement: leaderboard.Placement{Base: &best, Now: &best}})
	}
	if diff := cmp.Diff(places, p.Places); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	if l.Regraded != 2 || l.Commitments != 1 {
		t.Errorf("regraded %d attempts and compared %d commitments, want 2 and 1", l.Regraded, l.Commitments)
	}
}

// TestOnlyBetterReplaces: of two equal attempts the first stays, and an old day's
// place does not come back.
func TestOnlyBetterReplaces(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	h.begin(1, noon)
	h.hand(3, 80*time.Second).First = true
	h.begin(2, noon.Add(90*time.Second))
	change(h.hand(2, time.Second), previous(75, true))
	p := h.faultless().Person
	if p.Best.Result.Score != 75 || p.OfDay.Place != p.Best.Place {
		t.Errorf("a worse attempt replaced: best %+v, of the day %+v", p.Best, p.OfDay)
	}

	h.begin(3, noon.Add(24*time.Hour))
	change(h.hand(1, time.Second), previous(75, true))
	p = h.faultless().Person
	if p.Best.Result.Score != 75 || p.OfDay.Window != "2026-06-11" || p.OfDay.Place >= p.Best.Place {
		t.Errorf("a new day: best %+v, of the day %+v", p.Best, p.OfDay)
	}
	if n := len(p.Places); n != 6 { // two days
		t.Errorf("%d places: %+v", n, p.Places)
	}
}

// TestAScopedPlaceComesWithTheFold: what the fold has not reached stands on no
// scoped board, and on the main one all the same.
func TestAScopedPlaceComesWithTheFold(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	h.begin(1, noon)
	first := h.hand(1, time.Minute)
	first.First = true
	before := first.Position
	h.begin(2, noon.Add(time.Hour))
	change(h.hand(4, time.Minute), previous(25, false))
	p := h.rules.Replay(h.History, before).Person
	if p.Best.Result.Score != 100 {
		t.Errorf("main board: %+v", p.Best)
	}
	for _, place := range p.Places {
		if score, _, _ := h.rules.Layout.Unpack(*place.Now); score != 25 {
			t.Errorf("%s has score %d, the fold has only seen 25", place.Scope, score)
		}
	}
}

func TestMovedBeforeTheFirstAct(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	h.unit, h.at = "u3", noon.Add(time.Minute)
	h.fact(event.KindMoved, event.Moved{FromUnit: "u1", FromGroup: "public"})
	h.record(event.RecordEnrolment, "李四!")
	p := h.faultless().Person
	want := campaign.Enrolment{Unit: "u3", Group: "public", DisplayName: "李四", PublishName: true, NoticeVersion: "1", At: noon}
	if diff := cmp.Diff(want, p.Enrolment); diff != "" {
		t.Errorf("enrolment (-want +got):\n%s", diff)
	}
}

func TestExpired(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	h.begin(1, noon)
	h.at = noon.Add(quizRules.TimeLimit)
	h.fact(event.KindExpired, event.Expired{Number: 1})
	p := h.faultless().Person
	if len(p.Finished) != 1 || p.Finished[0].State != quiz.StateExpired || p.Open != nil || p.Best != nil || !p.FirstAct.IsZero() {
		t.Errorf("after an attempt that expired: %+v", p)
	}
}

// TestErased: names are gone, everything that counts stays, and a later record
// names the person again.
func TestErased(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	h.sign("张小三").First = true
	for i := range h.Records {
		h.Records[i].Sealed = nil
	}
	h.fact(event.KindErased, event.Erased{Notice: "1"})
	h.record(event.RecordErasure, "")
	l := h.faultless()
	if l.Enrolment.DisplayName != "" || l.Enrolment.PublishName || l.Digest != "" || l.Signature.MaskedName != "" || l.Commitments != 0 {
		t.Errorf("after an erasure: %+v, %+v", l.Enrolment, l.Signature)
	}
	if l.Enrolment.Unit != "u1" || l.Enrolment.NoticeVersion != "1" || l.Signature.Version != "1" {
		t.Errorf("an erasure took more than names: %+v, %+v", l.Enrolment, l.Signature)
	}
	h.record(event.RecordEnrolment, "李四")
	if l = h.faultless(); l.Enrolment.DisplayName != "李*" || l.Signature.MaskedName != "" {
		t.Errorf("enrolled again after an erasure: %+v, %+v", l.Enrolment, l.Signature)
	}
}

// TestAnErasureThatIsOnlyOrdered: the records may still be there when the order
// is read.
func TestAnErasureThatIsOnlyOrdered(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	h.record(event.RecordErasure, "")
	if l := h.faultless(); l.Enrolment.DisplayName != "" || l.Digest != "" {
		t.Errorf("after the order to erase: %+v", l.Enrolment)
	}
}

// TestContradictions plants every kind of contradiction, and finds exactly that.
func TestContradictions(t *testing.T) {
	t.Parallel()
	submission := func(how func(*event.Submitted)) func(*history) {
		return func(h *history) { change(&h.Facts[4], how) }
	}
	sound := func() *history {
		h := newHistory(t)
		h.begin(1, noon)
		h.hand(2, time.Minute).First = true
		h.begin(2, noon.Add(time.Hour))
		change(h.hand(4, time.Minute), previous(50, true))
		h.sign("张小三")
		return h
	}
	requireTold(t, sound, map[string]flaw{
		"nothing":             {func(*history) {}, ""},
		"first act twice":     {func(h *history) { h.Facts[4].First = true }, "first"},
		"no first act":        {func(h *history) { h.Facts[2].First = false }, "first"},
		"another best":        {submission(previous(25, true)), "previous best"},
		"no best before":      {submission(func(s *event.Submitted) { s.Previous = nil }), "previous best"},
		"another pass":        {submission(previous(50, false)), "previous best"},
		"a better score":      {submission(func(s *event.Submitted) { s.Score++ }), "score"},
		"a better max score":  {submission(func(s *event.Submitted) { s.MaxScore++ }), "max score"},
		"one more correct":    {submission(func(s *event.Submitted) { s.Correct++ }), "correct"},
		"not passed":          {submission(func(s *event.Submitted) { s.Passed = false }), "passed"},
		"other answers":       {submission(func(s *event.Submitted) { s.Choices = "0.0.0.0." }), "score, correct, passed"},
		"fewer answers":       {submission(func(s *event.Submitted) { s.Choices = "1." }), "choices"},
		"garbled answers":     {submission(func(s *event.Submitted) { s.Choices = "1" }), "choices, choices"},
		"another start":       {submission(func(s *event.Submitted) { s.StartedAt-- }), "started, used"},
		"less time":           {submission(func(s *event.Submitted) { s.UsedMS-- }), "used"},
		"another paper":       {submission(func(s *event.Submitted) { s.Items = "p:0.1.2.2" }), "items"},
		"another bank":        {submission(func(s *event.Submitted) { s.Bank = "other" }), "bank"},
		"another number":      {submission(func(s *event.Submitted) { s.Number = 3 }), "number"},
		"too late":            {func(h *history) { h.Facts[4].At = noon.Add(3 * time.Hour) }, "used, at"},
		"another unit":        {func(h *history) { h.Facts[4].Unit = "u2" }, "unit"},
		"another group":       {func(h *history) { h.Facts[5].Group = "pupils" }, "group"},
		"never started":       {func(h *history) { h.drop(3) }, "open attempt, started, bank, items, bank"},
		"never handed in":     {func(h *history) { h.drop(2) }, "open attempt, first, previous best"},
		"never enrolled":      {func(h *history) { h.drop(0) }, strings.Repeat("enrolment, unit, group, ", 4) + "enrolment, unit, group"},
		"enrolled twice":      {func(h *history) { h.fact(event.KindEnrolled, event.Enrolled{Notice: "1"}) }, "enrolled before"},
		"moved late":          {func(h *history) { h.fact(event.KindMoved, event.Moved{FromUnit: "u1", FromGroup: "public"}) }, "moved"},
		"moved from another":  {func(h *history) { h.fact(event.KindMoved, event.Moved{FromUnit: "u2", FromGroup: "pupils"}) }, "moved from unit, moved from group, moved"},
		"signed twice":        {func(h *history) { h.fact(event.KindSigned, event.Signed{Version: "1"}) }, "signed before"},
		"a door":              {func(h *history) { h.fact(event.KindDoor, event.Door{Hash: "x"}) }, "kind"},
		"a bank that is gone": {func(h *history) { h.bank = &quiz.Bank{} }, "bank, bank"},
		"a bank too small":    {func(h *history) { h.bank = &quiz.Bank{Digest: h.bank.Digest} }, "items, items"},
		"no enrolment record": {func(h *history) { h.Records = h.Records[1:] }, "enrolment record"},
		"no signature record": {func(h *history) { h.Records = h.Records[:1] }, "signature record"},
		"a damaged record":    {func(h *history) { h.Records[0].Sealed = []byte("damaged") }, "personal record"},
		"a door's record":     {func(h *history) { h.Records[0].Kind = event.RecordDoor }, "personal record, enrolment record"},
		"another name signed": {func(h *history) { h.Records[1].Sealed = []byte("李四") }, "commitment"},
		"given back twice": {func(h *history) {
			h.fact(event.KindGranted, event.Granted{Act: "A", Number: 1})
			h.fact(event.KindGranted, event.Granted{Act: "A", Number: 2})
		}, "act"},
		"given back for nothing": {func(h *history) { h.fact(event.KindGranted, event.Granted{Act: "A", Number: 9}) }, "number"},
		"started out of nothing": {func(h *history) {
			change(h.begin(3, noon.Add(5*time.Hour)), func(s *event.Started) { s.Extra = true })
		}, "extra"},
		"expired early": {func(h *history) {
			h.begin(3, noon.Add(2*time.Hour))
			h.fact(event.KindExpired, event.Expired{Number: 3})
		}, "at"},
		"started twice": {func(h *history) {
			h.begin(3, noon.Add(2*time.Hour))
			h.begin(4, noon.Add(2*time.Hour))
		}, "open attempt"},
		"a number left out": {func(h *history) { h.begin(4, noon.Add(2*time.Hour)) }, "number"},
		"garbled items":     {func(h *history) { change(h.begin(3, noon.Add(2*time.Hour)), func(s *event.Started) { s.Items = "x" }) }, "items"},
		"a garbled seed":    {func(h *history) { change(h.begin(3, noon.Add(2*time.Hour)), func(s *event.Started) { s.Seed = "_" }) }, "seed"},
		"beyond the board":  {func(h *history) { h.rules.Layout.Base = noon.Add(30 * time.Minute) }, "place, previous best"},
	})
}

func (h *history) drop(i int) { h.Facts = append(h.Facts[:i:i], h.Facts[i+1:]...) }
