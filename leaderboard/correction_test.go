package leaderboard_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/leaderboard"
)

// world is a campaign in which everything happens that a fold knows, told twice:
// as facts, as the scripts write them, and as what is true of each person.
type world struct {
	history
	rules  leaderboard.Rules
	people map[string]*person
}

// person is the truth about one participant.
type person struct {
	leaderboard.Record
	lived []stay
}

// stay is since when somebody belongs to a unit.
type stay struct {
	unit string
	at   time.Time
}

func (p *person) acted() bool { return len(p.Attempts) > 0 || !p.SignedAt.IsZero() }

// counted are the attempts that count and are older than until.
func (p *person) counted(until time.Time) []event.Counted {
	return slices.DeleteFunc(slices.Clone(p.Attempts), func(a event.Counted) bool {
		return a.Void || a.At >= until.UnixMilli()
	})
}

// unitAt is the unit they belonged to before a moment, "" before they enrolled.
func (p *person) unitAt(until time.Time) string {
	unit := ""
	for _, s := range p.lived {
		if s.at.Before(until) {
			unit = s.unit
		}
	}
	return unit
}

// never is later than everything.
var never = base.AddDate(1, 0, 0)

// genWorld draws a campaign. Its phases part a day in two.
func genWorld(t *rapid.T) *world {
	c := city(t)
	c.Policy = rapid.SampledFrom([]campaign.Policy{campaign.PolicyBest, campaign.PolicySum, campaign.PolicySumDays}).Draw(t, "policy")
	c.Combined = rapid.Bool().Draw(t, "combined")
	noon := base.Add(30 * time.Hour)
	c.Phases = []campaign.Phase{{ID: "one", From: base, To: noon}, {ID: "two", From: noon, To: noon.Add(40 * time.Hour)}}
	if rapid.Bool().Draw(t, "freezes") {
		c.Freeze.At = base.Add(time.Duration(rapid.Int64Range(0, 40).Draw(t, "freeze")) * time.Hour)
		if rapid.Bool().Draw(t, "thaws") {
			c.Freeze.Until = c.Freeze.At.Add(time.Duration(rapid.Int64Range(1, 40).Draw(t, "hours")) * time.Hour)
		}
	}
	w := &world{history: history{now: base}, people: map[string]*person{}}
	w.rules = leaderboard.Rules{Campaign: c, Layout: layout}
	if c.Policy.Sums() {
		w.rules.Layout = leaderboard.SumLayout(base)
	}
	return w
}

// happen lets somebody do something, or something be done to them.
func (w *world) happen(t *rapid.T) {
	id := fmt.Sprint("p", rapid.IntRange(0, 4).Draw(t, "person"))
	w.now = w.now.Add(time.Duration(rapid.Int64Range(0, 4*60*60*1000).Draw(t, "later")) * time.Millisecond)
	p, ok := w.people[id]
	if !ok {
		p = &person{Record: leaderboard.Record{Unit: rapid.SampledFrom([]string{"u1", "u3", "u5"}).Draw(t, "unit"), Group: "public"}}
		w.people[id] = p
		w.enrolled(id, p.Unit)
		p.lived = []stay{{p.Unit, w.now}}
		return
	}
	if p.Joined {
		w.rest(t, id, p)
		return
	}
	switch act := rapid.IntRange(0, 12).Draw(t, "act"); {
	case act == 12 && !w.first(p):
		w.add(event.KindJoined, id, p.Unit, false, event.Joined{Corrected: p.whole(), Into: "somebody else"})
		p.Joined = true
		p.lived = append(p.lived, stay{"", w.now})
	case act == 0 && p.SignedAt.IsZero():
		w.signed(id, p.Unit, !w.first(p))
		p.SignedAt = w.now
	case act == 1 && !p.acted():
		from := p.Unit
		p.Unit = rapid.SampledFrom([]string{"u1", "u3"}).Draw(t, "new unit")
		w.moved(id, from, p.Unit)
		p.lived = append(p.lived, stay{p.Unit, w.now})
	case act == 2:
		w.correct(id, p, map[bool]event.Kind{false: event.KindHidden, true: event.KindShown}[p.Hidden], 0)
	case act == 3 && !p.SignedAt.IsZero():
		kind := event.KindSignatureRestored
		if !p.SignedVoid {
			kind = rapid.SampledFrom([]event.Kind{event.KindSignatureInvalidated, event.KindSignatureWithdrawn}).Draw(t, "how")
		}
		w.correct(id, p, kind, 0)
	case act < 6 && len(p.Attempts) > 0:
		a := rapid.SampledFrom(p.Attempts).Draw(t, "attempt")
		kind := event.KindRestored
		if !a.Void {
			kind = rapid.SampledFrom([]event.Kind{event.KindInvalidated, event.KindWithdrawn}).Draw(t, "how")
		}
		w.correct(id, p, kind, a.Number)
	case act == 10:
		w.transfer(t, id, p)
	case act == 11 && len(p.Attempts) > 0:
		w.remark(t, id, p)
	default:
		w.submit(t, id, p)
	}
}

// rest is what may happen to somebody who is counted as another one.
func (w *world) rest(t *rapid.T, id string, p *person) {
	switch act := rapid.IntRange(0, 5).Draw(t, "act of a joined person"); {
	case act < 2:
		w.add(event.KindParted, id, p.Unit, false, event.Parted{From: "somebody else"})
		p.Joined = false
		p.lived = append(p.lived, stay{p.Unit, w.now})
	case act == 2:
		w.correct(id, p, map[bool]event.Kind{false: event.KindHidden, true: event.KindShown}[p.Hidden], 0)
	case act == 3 && len(p.Attempts) > 0:
		w.remark(t, id, p)
	default:
	}
}

// transfer lets somebody belong elsewhere, whatever they did.
func (w *world) transfer(t *rapid.T, id string, p *person) {
	body := event.Transferred{Corrected: p.whole(), FromUnit: p.Unit, FromGroup: p.Group, Request: fmt.Sprint("t", len(w.facts))}
	from := p.Unit
	p.Unit = rapid.SampledFrom(slices.DeleteFunc([]string{"u1", "u3", "u5"}, func(u string) bool { return u == from })).Draw(t, "unit after")
	w.add(event.KindTransferred, id, p.Unit, false, body)
	p.Stays = append(p.Stays, event.Stay{Unit: from, Group: p.Group, Until: w.now.UnixMilli(), Request: body.Request})
	p.lived = append(p.lived, stay{p.Unit, w.now})
}

// remark gives an attempt other marks, whether or not it counts.
func (w *world) remark(t *rapid.T, id string, p *person) {
	a := rapid.SampledFrom(p.Attempts).Draw(t, "attempt")
	whole := p.whole()
	whole.Number, whole.Batch = a.Number, "challenge"
	score := 20 * rapid.IntRange(0, 5).Draw(t, "new score")
	w.add(event.KindRemarked, id, p.Unit, false, event.Remarked{
		Corrected: whole, Before: event.Marks{Score: a.Score, MaxScore: 100, Passed: a.Passed},
		After: event.Marks{Score: score, MaxScore: 100, Passed: score >= 60},
	})
	for i := range p.Attempts {
		if b := &p.Attempts[i]; b.Number == a.Number {
			b.Score, b.Passed, b.Full = score, score >= 60, score == 100
		}
	}
}

// whole is what a correction says of everything before it.
func (p *person) whole() event.Corrected {
	c := event.Corrected{
		Attempts: slices.Clone(p.Attempts), SignedVoid: p.SignedVoid, Hidden: p.Hidden, Stays: slices.Clone(p.Stays),
	}
	if !p.SignedAt.IsZero() {
		c.SignedAt = p.SignedAt.UnixMilli()
	}
	return c
}

// seat is the unit that a moment's figures count them in: the one that the first
// transfer since took them from.
func (p *person) seat(until time.Time) string {
	for _, s := range p.Stays {
		if s.Until >= until.UnixMilli() {
			return s.Unit
		}
	}
	return p.Unit
}

// first tells whether somebody has an act that counts already.
func (w *world) first(p *person) bool { return len(p.counted(never)) > 0 || !p.Signed().IsZero() }

func (w *world) correct(id string, p *person, kind event.Kind, number int) {
	body := p.whole()
	body.Number = number
	w.add(kind, id, p.Unit, false, body)
	switch kind {
	case event.KindHidden, event.KindShown:
		p.Hidden = kind == event.KindHidden
	case event.KindSignatureInvalidated, event.KindSignatureWithdrawn, event.KindSignatureRestored:
		p.SignedVoid = kind != event.KindSignatureRestored
	default:
		for i := range p.Attempts {
			if p.Attempts[i].Number == number {
				p.Attempts[i].Void = kind != event.KindRestored
			}
		}
	}
}

func (w *world) submit(t *rapid.T, id string, p *person) {
	before := p.counted(never)
	s := event.Submitted{
		Number: len(p.Attempts) + 1, Score: 20 * rapid.IntRange(0, 5).Draw(t, "score"), MaxScore: 100,
		UsedMS: 1000 * rapid.Int64Range(1, 3).Draw(t, "seconds"), Hidden: p.Hidden,
	}
	s.Passed = s.Score >= 60
	if len(before) > 0 {
		top := slices.MaxFunc(before, func(a, b event.Counted) int { return cmp.Compare(a.Score, b.Score) })
		s.Previous = &event.Best{Score: top.Score, Passed: top.Passed, Full: top.Full}
	}
	if w.rules.Layout.Sums() {
		after := append(before, event.Counted{At: w.now.Add(time.Second).UnixMilli(), Score: s.Score}) //nolint:gocritic // A longer list.
		s.Total = total(w.points(after))
		s.Added = s.Total - total(w.points(before))
	}
	w.add(event.KindSubmitted, id, p.Unit, !w.first(p), s)
	p.Attempts = append(p.Attempts, event.Counted{
		Number: s.Number, At: w.now.UnixMilli(), UsedMS: s.UsedMS, Score: s.Score, Passed: s.Passed, Full: s.Score == 100,
	})
}

// points says by how much each attempt raises the sum, by the definition of the
// policy: each counts whole, or as far as it is better than what the day had.
func (w *world) points(attempts []event.Counted) []int {
	var out []int
	for i, a := range attempts {
		best := 0
		for _, earlier := range attempts[:i] {
			if w.rules.Campaign.Policy == campaign.PolicySumDays && w.day(earlier) == w.day(a) {
				best = max(best, earlier.Score)
			}
		}
		out = append(out, max(a.Score-best, 0))
	}
	return out
}

func (w *world) day(a event.Counted) string { return w.rules.Campaign.Day(time.UnixMilli(a.At)) }

func total(points []int) int {
	n := 0
	for _, p := range points {
		n += p
	}
	return n
}

// placeIn is where attempts that count put somebody in a window, by the
// definition of the policy.
func (w *world) placeIn(attempts []event.Counted, in func(event.Counted) bool) *uint64 {
	var score int
	var best *event.Counted
	for i, added := range w.points(attempts) {
		a := attempts[i]
		switch {
		case !in(a):
		case w.rules.Layout.Sums():
			if score += added; best == nil || added > 0 {
				best = &a
			}
		case best == nil || cmp.Or(cmp.Compare(a.Score, best.Score), cmp.Compare(best.UsedMS, a.UsedMS), cmp.Compare(best.At, a.At)) > 0:
			best, score = &a, a.Score
		}
	}
	if best == nil {
		return nil
	}
	v, err := w.rules.Layout.Pack(score, time.Duration(best.UsedMS)*time.Millisecond, time.UnixMilli(best.At))
	if err != nil {
		panic(err)
	}
	return &v
}

// windows are all of them, and what lies within.
func (w *world) windows() map[string]func(event.Counted) bool {
	out := map[string]func(event.Counted) bool{"": func(event.Counted) bool { return true }}
	for _, p := range w.rules.Campaign.Phases {
		out["p:"+p.ID] = func(a event.Counted) bool {
			return a.At >= p.From.UnixMilli() && a.At < p.To.UnixMilli()
		}
	}
	for _, p := range w.people {
		for _, a := range p.Attempts {
			out["d:"+w.day(a)] = func(b event.Counted) bool { return w.day(a) == w.day(b) }
		}
	}
	return out
}

// parts are those of a person.
func (w *world) parts(p *person, unit string) []string {
	out := []string{"u:" + unit, "g:" + p.Group, "r:city"}
	if d, ok := map[string]string{"u1": "r:d1", "u3": "r:d2"}[unit]; ok {
		out = append(out, d)
	}
	return out
}

// boards is the truth about every scoped board, as the public and everybody else
// see it at the end.
func (w *world) boards() shelf {
	out := shelf{}
	stand := never
	if w.rules.Campaign.Freeze.Active(w.now) {
		stand = w.rules.Campaign.Freeze.At
	}
	for id, p := range w.people {
		for window, in := range w.windows() {
			at := leaderboard.Placement{
				Base: w.placeIn(p.counted(stand), in), Now: w.placeIn(p.counted(never), in), Hidden: p.Hidden,
			}
			if at.Empty() {
				continue
			}
			if window != "" {
				out.put(window, id, at)
			}
			for _, part := range slices.Concat(w.parts(p, p.Unit), w.parts(p, p.seat(stand))) {
				there := at
				if !slices.Contains(w.parts(p, p.Unit), part) {
					there.Now = nil
				}
				if !slices.Contains(w.parts(p, p.seat(stand)), part) {
					there.Base = nil
				}
				switch {
				case there.Empty():
				case window == "":
					out.put(part, id, there)
				case w.rules.Campaign.Combined:
					out.put(part+"|"+window, id, there)
				}
			}
		}
	}
	return out
}

// shelf is the boards as a store keeps them, in the plainest way.
type shelf map[string]map[string]leaderboard.Placement

func (s shelf) put(board, id string, at leaderboard.Placement) {
	if s[board] == nil {
		s[board] = map[string]leaderboard.Placement{}
	}
	s[board][id] = at
	if at.Empty() {
		delete(s[board], id)
	}
	if len(s[board]) == 0 {
		delete(s, board)
	}
}

// thaw lets the boards move again.
func (s shelf) thaw() {
	for _, board := range s {
		for id, at := range board {
			at.Base = at.Now
			if board[id] = at; at.Empty() {
				delete(board, id)
			}
		}
	}
	maps.DeleteFunc(s, func(_ string, board map[string]leaderboard.Placement) bool { return len(board) == 0 })
}

// apply does what a move says.
func (s shelf) apply(t *rapid.T, l leaderboard.Layout, m leaderboard.Move) {
	at, stands := s[m.Scope][m.Participant]
	if m.Op == leaderboard.Set {
		s.put(m.Scope, m.Participant, m.To)
		return
	}
	if stands && at.Hidden != m.Hidden {
		t.Fatalf("%s is hidden on %s: %t, the move says %t", m.Participant, m.Scope, at.Hidden, m.Hidden)
	}
	at.Hidden = m.Hidden
	at.Now = raised(t, l, at.Now, m)
	if !m.Late {
		at.Base = raised(t, l, at.Base, m)
	}
	s.put(m.Scope, m.Participant, at)
}

func raised(t *rapid.T, l leaderboard.Layout, from *uint64, m leaderboard.Move) *uint64 {
	switch {
	case from == nil:
		return &m.Packed
	case m.Op == leaderboard.Raise:
		return new(max(*from, m.Packed))
	}
	points, _, at := l.Unpack(m.Packed)
	if points == 0 {
		return from
	}
	v, err := l.Pack(l.Score(*from)+points, 0, at)
	if err != nil {
		t.Fatal(err)
	}
	return &v
}

// figures is the truth about the figures: of everything, or of what happened
// before a moment.
func (w *world) figures(until time.Time) leaderboard.Figures {
	out := leaderboard.NewFigures()
	for _, p := range w.people {
		count := func(m leaderboard.Metric, n int64) { out.Cells[leaderboard.Cell{Unit: p.seat(until), Metric: m}] += n }
		if in := p.unitAt(until); in != "" {
			out.Cells[leaderboard.Cell{Unit: in, Metric: leaderboard.Enrolled}]++
		}
		attempts := p.counted(until)
		signed := !p.Signed().IsZero() && p.SignedAt.Before(until)
		if signed {
			count(leaderboard.Signatures, 1)
		}
		if signed || len(attempts) > 0 {
			count(leaderboard.Participants, 1)
		}
		if len(attempts) == 0 {
			continue
		}
		top := slices.MaxFunc(attempts, func(a, b event.Counted) int { return cmp.Compare(a.Score, b.Score) })
		count(leaderboard.Attempts, int64(len(attempts)))
		count(leaderboard.Scored, 1)
		count(leaderboard.Score, int64(top.Score))
		if top.Score >= 60 {
			count(leaderboard.Passed, 1)
		}
		if top.Score == 100 {
			count(leaderboard.Full, 1)
		}
		if !p.Hidden {
			out.Scores[w.rules.Layout.Score(*w.placeIn(attempts, func(event.Counted) bool { return true }))]++
		}
	}
	return out
}

// buckets is the truth about hours, or minutes.
func (w *world) buckets(width time.Duration, unit func(*person) string) map[leaderboard.BucketCell]int64 {
	out := map[leaderboard.BucketCell]int64{}
	for _, p := range w.people {
		var acts []time.Time
		add := func(m leaderboard.Metric, at time.Time) {
			out[leaderboard.BucketCell{Bucket: at.Unix() / int64(width/time.Second), Cell: leaderboard.Cell{Unit: unit(p), Metric: m}}]++
			acts = append(acts, at)
		}
		for _, a := range p.counted(never) {
			add(leaderboard.Attempts, time.UnixMilli(a.At))
		}
		if !p.Signed().IsZero() {
			add(leaderboard.Signatures, p.SignedAt)
		}
		if len(acts) > 0 {
			add(leaderboard.Participants, slices.MinFunc(acts, time.Time.Compare))
		}
	}
	return out
}

// store is what the batches come to.
type store struct {
	leaderboard.Batch
	shelf
}

// fold applies all facts, cut anywhere.
func (w *world) fold(t *rapid.T) store {
	s := store{leaderboard.NewBatch(event.Position{}), shelf{}}
	for rest := w.facts; len(rest) > 0; {
		n := rapid.IntRange(1, len(rest)).Draw(t, "batch")
		b, err := w.rules.Fold(s.To, rest[:n])
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range b.Moves {
			s.apply(t, w.rules.Layout, m)
		}
		// A store may thaw when it likes: nothing depends on it.
		if w.rules.Campaign.Freeze.Over(rest[n-1].At) {
			s.thaw()
		}
		s.Tally, s.Late = s.Tally.Plus(b.Tally), s.Late.Plus(b.Late)
		addAll(s.Hours, b.Hours)
		addAll(s.Minutes, b.Minutes)
		s.To, rest = b.To, rest[n:]
	}
	return s
}

func sameFigures(t *rapid.T, what string, want, got leaderboard.Figures) {
	for _, f := range []leaderboard.Figures{want, got} {
		maps.DeleteFunc(f.Cells, func(_ leaderboard.Cell, n int64) bool { return n == 0 })
		maps.DeleteFunc(f.Scores, func(_ int, n int64) bool { return n == 0 })
	}
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-defined +folded):\n%s", what, diff)
	}
}

func sameBuckets(t *rapid.T, what string, want, got map[leaderboard.BucketCell]int64) {
	maps.DeleteFunc(got, func(_ leaderboard.BucketCell, n int64) bool { return n == 0 })
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-defined +folded):\n%s", what, diff)
	}
}

// TestEverythingFoldsToTheDefinitions: whatever is submitted and signed, taken back,
// let count again, hidden and shown, before, during and after a freeze, under every
// policy, and however the facts are cut into batches, figures and boards are what
// the definitions make of the records in the end. That hiding and showing, and
// invalidating and restoring, change nothing in the end is part of it: the
// definitions know the end only.
func TestEverythingFoldsToTheDefinitions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := genWorld(t)
		for range rapid.IntRange(0, 40).Draw(t, "acts") {
			w.happen(t)
		}
		s := w.fold(t)
		sameFigures(t, "figures", w.figures(never), s.Tally.Plus(s.Late))
		if freeze := w.rules.Campaign.Freeze; freeze.Active(w.now) {
			sameFigures(t, "figures that stand still", w.figures(freeze.At), s.Tally)
		}
		sameBuckets(t, "hours", w.buckets(time.Hour, func(p *person) string { return p.Unit }), s.Hours)
		lastHour := func(cell leaderboard.BucketCell, _ int64) bool { return cell.Bucket <= w.now.Unix()/60-60 }
		minutes := w.buckets(time.Minute, func(*person) string { return "" })
		maps.DeleteFunc(minutes, lastHour)
		maps.DeleteFunc(s.Minutes, lastHour)
		sameBuckets(t, "minutes of the last hour", minutes, s.Minutes)
		if diff := gocmp.Diff(w.boards(), s.shelf); diff != "" {
			t.Errorf("boards (-defined +folded):\n%s", diff)
		}
		w.checkPlacements(t)
	})
}

// checkPlacements: the places of a record are those of the definitions, the main
// board's among them, and windows add up to it.
func (w *world) checkPlacements(t *rapid.T) {
	boards := w.boards()
	for id, p := range w.people {
		got, err := w.rules.Placements(&p.Record, w.now)
		if err != nil {
			t.Fatal(err)
		}
		main := got[""]
		delete(got, "")
		for board, at := range got {
			if diff := gocmp.Diff(boards[board][id], at); diff != "" {
				t.Errorf("%s on %s (-defined +placed):\n%s", id, board, diff)
			}
		}
		all := w.placeIn(p.counted(never), func(event.Counted) bool { return true })
		if diff := gocmp.Diff(all, main.Now); diff != "" {
			t.Errorf("%s on the main board (-defined +placed):\n%s", id, diff)
		}
		if w.rules.Layout.Sums() && all != nil {
			days := 0
			for board, at := range got {
				if board[:2] == "d:" {
					days += w.rules.Layout.Score(*at.Now)
				}
			}
			if days != w.rules.Layout.Score(*all) {
				t.Errorf("%s has %d points, of all days %d", id, w.rules.Layout.Score(*all), days)
			}
		}
	}
}

func TestCorrected(t *testing.T) {
	t.Parallel()
	rec := leaderboard.Record{Attempts: []event.Counted{{Number: 1}, {Number: 3, Void: true}}}
	for _, c := range []struct {
		kind   event.Kind
		number int
		want   leaderboard.Record
	}{
		{event.KindInvalidated, 1, leaderboard.Record{Attempts: []event.Counted{{Number: 1, Void: true}, {Number: 3, Void: true}}}},
		{event.KindWithdrawn, 3, rec},
		{event.KindRestored, 3, leaderboard.Record{Attempts: []event.Counted{{Number: 1}, {Number: 3}}}},
		{event.KindHidden, 0, leaderboard.Record{Attempts: rec.Attempts, Hidden: true}},
		{event.KindShown, 0, rec},
	} {
		got, err := leaderboard.Corrected(rec, c.kind, c.number)
		if diff := gocmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s of %d: %v (-want +got):\n%s", c.kind, c.number, err, diff)
		}
	}
	if rec.Attempts[0].Void {
		t.Error("the record was changed")
	}
	signed := leaderboard.Record{SignedAt: base}
	for kind, void := range map[event.Kind]bool{
		event.KindSignatureInvalidated: true, event.KindSignatureWithdrawn: true, event.KindSignatureRestored: false,
	} {
		got, err := leaderboard.Corrected(signed, kind, 0)
		if err != nil || got.SignedVoid != void || got.Signed().IsZero() != void || !got.SignedAt.Equal(base) {
			t.Errorf("%s: %+v, %v", kind, got, err)
		}
		if got, err := leaderboard.Corrected(rec, kind, 0); err == nil {
			t.Errorf("%s of who has not signed: %+v", kind, got)
		}
	}
	if got, err := leaderboard.Corrected(rec, event.KindInvalidated, 2); err == nil {
		t.Errorf("an attempt that is not there: %+v", got)
	}
}

// TestJoined: an act that counts, or a second join, is an error, and the record that it is
// given stays as it was.
func TestJoined(t *testing.T) {
	t.Parallel()
	void := event.Counted{Number: 1, At: base.UnixMilli(), Score: 100, Void: true}
	rec := leaderboard.Record{Unit: "u1", Group: "public", Attempts: []event.Counted{void}, SignedAt: base, SignedVoid: true}
	joined, err := leaderboard.Joined(rec)
	if err != nil || !joined.Joined || rec.Joined {
		t.Errorf("joined %+v of %+v, %v", joined, rec, err)
	}
	for name, rec := range map[string]leaderboard.Record{
		"an attempt":  {Attempts: []event.Counted{void, {Number: 2}}},
		"a signature": {Attempts: []event.Counted{void}, SignedAt: base},
		"joined":      joined,
	} {
		if _, err := leaderboard.Joined(rec); err == nil {
			t.Errorf("%s counts, and the record is joined", name)
		}
	}
}

// TestParted ends a join, and nothing else.
func TestParted(t *testing.T) {
	t.Parallel()
	rec := leaderboard.Record{Unit: "u1", Group: "public", Joined: true}
	parted, err := leaderboard.Parted(rec)
	if err != nil || parted.Joined || !rec.Joined || parted.Unit != "u1" {
		t.Errorf("parted %+v of %+v, %v", parted, rec, err)
	}
	if _, err := leaderboard.Parted(parted); err == nil {
		t.Error("who is not joined was parted")
	}
}

// TestTransferredAndRemarked: neither changes the record that it is given.
func TestTransferredAndRemarked(t *testing.T) {
	t.Parallel()
	rec := leaderboard.Record{Unit: "u1", Group: "public", Attempts: []event.Counted{{Number: 1, Score: 40}, {Number: 3, Score: 80, Passed: true, Void: true}}}
	moved := leaderboard.Transferred(rec, "u2", "pupils", base, "t1")
	want := rec
	want.Unit, want.Group = "u2", "pupils"
	want.Stays = []event.Stay{{Unit: "u1", Group: "public", Until: base.UnixMilli(), Request: "t1"}}
	if diff := gocmp.Diff(want, moved); diff != "" {
		t.Errorf("transferred (-want +got):\n%s", diff)
	}
	full, err := leaderboard.Remarked(rec, 3, event.Marks{Score: 100, MaxScore: 100, Passed: true})
	want = rec
	want.Attempts = []event.Counted{{Number: 1, Score: 40}, {Number: 3, Score: 100, Passed: true, Full: true, Void: true}}
	if diff := gocmp.Diff(want, full); err != nil || diff != "" {
		t.Errorf("remarked: %v (-want +got):\n%s", err, diff)
	}
	if _, err := leaderboard.Remarked(rec, 2, event.Marks{}); err == nil {
		t.Error("an attempt that is not there was marked again")
	}
	if rec.Attempts[1].Score != 80 || len(rec.Stays) != 0 {
		t.Errorf("the record was changed: %+v", rec)
	}
}
