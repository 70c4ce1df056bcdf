package correction_test

import (
	"fmt"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/correction"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/event"
)

func TestRegular(t *testing.T) {
	t.Parallel()
	at := func(seconds ...int) []time.Time {
		var out []time.Time
		for _, s := range seconds {
			out = append(out, noon.Add(time.Duration(s)*time.Second))
		}
		return out
	}
	rule := correction.Regular{Attempts: 4, ToleranceMS: 1000}
	for name, tc := range map[string]struct {
		times []time.Time
		first int
		holds bool
	}{
		"none":                   {nil, 0, false},
		"too few":                {at(0, 60, 120), 0, false},
		"like clockwork":         {at(0, 60, 120, 180), 0, true},
		"within the tolerance":   {at(0, 60, 121, 180), 0, true},
		"beyond the tolerance":   {at(0, 60, 123, 180), 0, false},
		"later on":               {at(0, 7, 100, 160, 220, 280), 2, true},
		"at the end":             {at(0, 7, 100, 160, 220), 0, false},
		"all at the same moment": {at(5, 5, 5, 5), 0, true},
		"as people do":           {at(0, 300, 4000, 4900, 86_400, 90_000), 0, false},
	} {
		first, ok := rule.Run(tc.times)
		if first != tc.first || ok != tc.holds || rule.Holds(tc.times) != tc.holds {
			t.Errorf("%s: from %d, %t; want %d, %t", name, first, ok, tc.first, tc.holds)
		}
	}
}

func TestMarksOfSubmissions(t *testing.T) {
	t.Parallel()
	rules := correction.DefaultFlagRules()
	f := &event.Fact{Participant: "p1", Unit: "u1", At: noon}
	for name, tc := range map[string]struct {
		used    int64
		correct int
		wrong   string
		want    []string
	}{
		"as people do":                    {60_000, 18, "", nil},
		"faster than anybody reads":       {13_999, 18, "", []string{"too_fast p1"}},
		"just as fast as allowed":         {14_000, 18, "", nil},
		"fast, and hardly anything right": {3_000, 9, "", nil},
		"wrong in the same way":           {60_000, 10, "w", []string{"same_answers u1|w"}},
		"both":                            {3_000, 10, "w", []string{"too_fast p1", "same_answers u1|w"}},
	} {
		var got []string
		for _, m := range rules.Submitted(f, &event.Submitted{Number: 3, UsedMS: tc.used, Correct: tc.correct}, 20, tc.wrong) {
			got = append(got, string(m.Rule)+" "+m.Mark)
			if m.ActID != (correction.ActID{Participant: "p1", Number: 3}) || m.Unit != "u1" || !m.At.Equal(noon) {
				t.Errorf("%s: %+v", name, m)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestMarksOfNames(t *testing.T) {
	t.Parallel()
	rules := correction.DefaultFlagRules()
	f := &event.Fact{Participant: "p1", Unit: "u1", At: noon}
	keyed := func(s string) string { return "<" + s + ">" }
	for name, want := range map[string]string{
		"李明1": "u1|<u1|李明>", "李明12": "u1|<u1|李明>", "李明甲": "u1|<u1|李明>", "李明二十一": "u1|<u1|李明>", "测试a": "u1|<u1|测试>", "测试Z": "u1|<u1|测试>",
		"张三": "", "王五": "", "李丁": "", "John": "", "买买提·艾山": "", "": "", "一": "", "甲乙": "",
		"张三甲": "", // 三 counts as well: what is left is a surname alone, and no list
	} {
		got := ""
		for _, m := range rules.Enrolled(f, name, keyed) {
			got = m.Mark
			if m.Rule != correction.NameList || m.Number != -1 {
				t.Errorf("%s: %+v", name, m)
			}
		}
		if got != want {
			t.Errorf("%s: mark %q, want %q", name, got, want)
		}
	}
}

func TestConditionsThatAreRefused(t *testing.T) {
	t.Parallel()
	def := definition(t, "antidrug", 1)
	one, two := int64(1), int64(2)
	for name, tc := range map[string]struct {
		c     correction.Conditions
		field string
	}{
		"no kind of act":       {correction.Conditions{Scope: "d1"}, "attempts"},
		"nothing but the kind": {correction.Conditions{Attempts: true}, "scope"},
		"an unknown unit":      {correction.Conditions{Attempts: true, Scope: "u9"}, "scope"},
		"no time":              {correction.Conditions{Attempts: true, From: noon, To: noon}, "to"},
		"scores upside down":   {correction.Conditions{Attempts: true, Score: &correction.Range{Min: &two, Max: &one}}, "score"},
		"empty ranges":         {correction.Conditions{Attempts: true, Score: &correction.Range{}}, "scope"},
		"an id with a space":   {correction.Conditions{Attempts: true, Participants: []string{"a b"}}, "participants"},
		"an act of nobody":     {correction.Conditions{Attempts: true, Acts: []correction.ActID{{}}}, "acts"},
		"two in a row":         {correction.Conditions{Attempts: true, Regular: &correction.Regular{Attempts: 2}}, "regular"},
	} {
		f := faultOf(t, tc.c.Check(def))
		if len(f.Fields) == 0 || f.Fields[0].Name != "conditions."+tc.field {
			t.Errorf("%s: %+v, want a fault of %s", name, f.Fields, tc.field)
		}
	}
	good := correction.Conditions{Signatures: true, Scope: campaign.Unassigned}
	if err := good.Check(def); err != nil {
		t.Errorf("%+v: %v", good, err)
	}
}

// TestConditionsFind makes a batch by each condition, of people of whom it is known
// which have which acts.
func TestConditionsFind(t *testing.T) {
	t.Parallel()
	r := newSmallRig(t)
	for i := range 12 { // 0, 4, 8 belong to u1 and so on; i%5 right answers of four
		must(t, 0, r.live(t.Context(), i, 1, i%3 == 0))
		r.pass(time.Second)
	}
	for range 5 { // person 1 comes back like clockwork
		r.pass(5 * time.Minute)
		must(t, 0, r.sit(t.Context(), person(1), 4))
	}
	must(t, 0, r.quizStore().Correct(t.Context(), r.quizPerson(2), 1, "invalidated"))
	r.settle()
	n := func(v int64) *int64 { return &v }
	for name, tc := range map[string]struct {
		c    correction.Conditions
		want int64
	}{
		"all that count":            {correction.Conditions{Attempts: true, From: noon}, 11 + 5},
		"signatures":                {correction.Conditions{Signatures: true, From: noon}, 4},
		"both":                      {correction.Conditions{Attempts: true, Signatures: true, From: noon}, 20},
		"a region":                  {correction.Conditions{Attempts: true, Scope: "d2"}, 5},
		"a unit":                    {correction.Conditions{Signatures: true, Scope: "u1"}, 1},
		"since":                     {correction.Conditions{Attempts: true, From: noon.Add(5 * time.Minute)}, 5},
		"until":                     {correction.Conditions{Attempts: true, To: noon.Add(5 * time.Minute)}, 11},
		"full marks":                {correction.Conditions{Attempts: true, Score: &correction.Range{Min: n(100)}}, 2 + 5},
		"a score that no one signs": {correction.Conditions{Signatures: true, Score: &correction.Range{Max: n(1000)}}, 0},
		"fast":                      {correction.Conditions{Attempts: true, UsedMS: &correction.Range{Max: n(17)}}, 16},
		"slow":                      {correction.Conditions{Attempts: true, UsedMS: &correction.Range{Min: n(18)}}, 0},
		"listed people":             {correction.Conditions{Attempts: true, Participants: []string{person(1), person(3), "nobody"}}, 7},
		"as a table has guarded it": {correction.Conditions{Attempts: true, Participants: []string{"'" + person(1), person(3)}}, 7},
		"listed acts": {correction.Conditions{Attempts: true, Signatures: true, Acts: []correction.ActID{
			{Participant: person(1), Number: 2}, {Participant: person(0), Number: 0}, {Participant: person(2), Number: 1},
		}}, 2},
		"clockwork":         {correction.Conditions{Attempts: true, Regular: &correction.Regular{Attempts: 5, ToleranceMS: 100}}, 6},
		"a masked name":     {correction.Conditions{Attempts: true, Name: "张**"}, 16},
		"any of that shape": {correction.Conditions{Attempts: true, Name: "?**"}, 16},
		"another name":      {correction.Conditions{Attempts: true, Name: "李*"}, 0},
		"the same mistakes": {correction.Conditions{Attempts: true, SameAnswers: 1, From: noon}, -1},
	} {
		b := r.create(head(), tc.c)
		switch {
		case tc.want == 0 && b.Code == correction.ErrEmpty.Code, tc.want == b.Items:
		case tc.want == -1 && r.sharesMistakes(b):
		default:
			t.Errorf("%s: %d acts, %s; want %d", name, b.Items, b.Code, tc.want)
		}
	}
	if b := r.create(clerk("u2"), correction.Conditions{Attempts: true, From: noon}); b.Node != "u2" || b.Items != 3+5 {
		t.Errorf("a unit's clerk reaches %q, %d acts", b.Node, b.Items)
	}
	_, err := r.service.Create(t.Context(), clerk("u2"), correction.Draft{
		Campaign: r.def.ID, Conditions: correction.Conditions{Attempts: true, Scope: "u1"}, Reason: "刷分",
	})
	if f := faultOf(t, err); len(f.Fields) != 1 {
		t.Errorf("a unit's clerk reaches another unit: %v", err)
	}
	r.service.Most = 3
	if b := r.create(head(), correction.Conditions{Attempts: true, From: noon}); b.State != correction.Failed || b.Code != correction.ErrTooMany.Code {
		t.Errorf("too many: %+v", b)
	}
}

// sharesMistakes tells whether every act of the list has the same wrong answers as that
// of somebody else, worked out from the answers themselves.
func (r *rig) sharesMistakes(b *correction.Batch) bool {
	if b.State == correction.Failed {
		return r.nobodyShares()
	}
	items, err := r.service.Items(r.Context(), b, 0, 1000)
	must(r, items, err)
	for _, it := range items {
		if len(r.alike(it.Act)) == 0 {
			return false
		}
	}
	return len(items) > 0
}

func (r *rig) nobodyShares() bool {
	for i := range 12 {
		if len(r.alike(act.Act{Participant: person(i), Number: 1})) > 0 {
			return false
		}
	}
	return true
}
