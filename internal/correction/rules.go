package correction

import (
	"strings"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/origin"
)

// Rule is something that is worth a second look. No rule judges: a school behind one
// address, or a clerk who enters a class, look like a cheat to a machine.
type Rule string

// The rules.
const (
	TooFast     Rule = "too_fast"     // answered faster than anybody reads
	EvenSpacing Rule = "even_spacing" // attempts like clockwork
	NameList    Rule = "name_list"    // names that grow like a list: 张三甲, 张三乙
	SameWrong   Rule = "same_answers" // the same wrong answers in one unit
	SameDevice  Rule = "same_device"  // many participants on one device in a short time
	SameAddress Rule = "same_address" // many participants from one address in a short time
	SamePerson  Rule = "same_person"  // somebody who goes on as another participant: see SamePerson
)

// Known tells whether there is such a rule.
func (r Rule) Known() bool {
	switch r {
	case TooFast, EvenSpacing, NameList, SameWrong, SameDevice, SameAddress, SamePerson:
		return true
	}
	return false
}

// Limit is from how many participants with the same mark within a window on they are
// flagged; window 0 is the whole campaign.
type Limit struct {
	Participants int
	Window       time.Duration
}

// FlagRules are what is looked for.
type FlagRules struct {
	// FloorMS is how long nobody reads and answers a question, on the average of an
	// attempt that has at least half of them right.
	FloorMS int64
	Regular Regular
	Limits  map[Rule]Limit
}

// DefaultFlagRules are fit for campaigns of cities and schools.
func DefaultFlagRules() FlagRules {
	return FlagRules{
		FloorMS: 700, Regular: Regular{Attempts: 8, ToleranceMS: 1500},
		Limits: map[Rule]Limit{ //nolint:exhaustive // SamePerson counts nothing.
			TooFast: {Participants: 1}, EvenSpacing: {Participants: 1}, NameList: {Participants: 4}, SameWrong: {Participants: 4},
			SameDevice: {4, time.Hour}, SameAddress: {60, 10 * time.Minute},
		},
	}
}

// Mark is what an act may have in common with others.
type Mark struct {
	Rule Rule
	Mark string
	ActID
	Unit string
	At   time.Time
}

// wholePerson is the number of a mark that is about everything somebody did.
const wholePerson = -1

// Submitted marks an attempt. wrong is the digest of its wrong answers, "" for too few;
// questions how many there were.
func (r *FlagRules) Submitted(f *event.Fact, body *event.Submitted, questions int, wrong string) []Mark {
	of := func(rule Rule, mark string) Mark {
		return Mark{rule, mark, ActID{f.Participant, body.Number}, f.Unit, f.At}
	}
	var out []Mark
	if questions > 0 && body.UsedMS < r.FloorMS*int64(questions) && 2*body.Correct >= questions {
		out = append(out, of(TooFast, f.Participant))
	}
	if wrong != "" {
		out = append(out, of(SameWrong, f.Unit+"|"+wrong))
	}
	return append(out, r.From(f, body.Number, body.Origin)...)
}

// From marks an act by where it came from.
func (*FlagRules) From(f *event.Fact, number int, mark string) []Mark {
	var out []Mark
	address, _, device := origin.Parts(mark)
	of := func(rule Rule, m string) {
		if m != "" {
			out = append(out, Mark{rule, m, ActID{f.Participant, number}, f.Unit, f.At})
		}
	}
	of(SameAddress, address)
	of(SameDevice, device)
	return out
}

// Spaced marks the attempts of somebody whose attempts come like clockwork.
func (r *FlagRules) Spaced(p *Person) []Mark {
	var attempts []Act
	for i := range p.Acts {
		if p.Acts[i].Number > 0 && !p.Acts[i].Void {
			attempts = append(attempts, p.Acts[i])
		}
	}
	first, ok := r.Regular.Run(p.Times())
	if !ok {
		return nil
	}
	var out []Mark
	for _, a := range attempts[first : first+r.Regular.Attempts] {
		out = append(out, Mark{EvenSpacing, p.ID, ActID{p.ID, a.Number}, p.Unit, a.At})
	}
	return out
}

// Enrolled marks somebody whose name ends like an entry of a list. The name goes no
// further: keyed makes what is kept of the rest of it.
func (*FlagRules) Enrolled(f *event.Fact, name string, keyed func(string) string) []Mark {
	stem, ok := listed(name)
	if !ok {
		return nil
	}
	return []Mark{{NameList, f.Unit + "|" + keyed(f.Unit+"|"+stem), ActID{f.Participant, wholePerson}, f.Unit, f.At}}
}

// counting are the characters with which lists count on.
const counting = "0123456789０１２３４５６７８９零一二三四五六七八九十百甲乙丙丁戊己庚辛壬癸"

// shortestStem is how many characters must come before the counting: 王一 and 王二 are
// names, 王小明一 and 王小明二 a list.
const shortestStem = 2

// listed cuts what counts off a name that looks like an entry of a list.
func listed(name string) (stem string, ok bool) {
	name = strings.TrimSpace(name)
	stem = strings.TrimRight(name, counting)
	if stem == name { // one Latin letter counts as well, behind other characters
		r := []rune(name)
		if n := len(r) - 1; n >= 1 && isLatin(r[n]) && !isLatin(r[n-1]) {
			stem = string(r[:n])
		}
	}
	return stem, stem != name && len([]rune(stem)) >= shortestStem
}

func isLatin(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }
