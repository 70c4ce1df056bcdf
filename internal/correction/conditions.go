package correction

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/origin"
)

// Conditions say which acts a batch is made of: those for which all of them hold.
// What counts nowhere already is never among them. At least one must be given beside
// the kind of act.
type Conditions struct {
	// Attempts and Signatures choose the kinds of act; at least one is true.
	Attempts   bool `json:"attempts,omitempty"`
	Signatures bool `json:"signatures,omitempty"`
	// Scope is a node of the tree: acts of members of it and of what lies below.
	Scope string `json:"scope,omitempty"`
	// From and To bound when the act was accepted: [From, To).
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	// Score and UsedMS bound those of an attempt, both ends included. No signature
	// lies within them.
	Score  *Range `json:"score,omitempty"`
	UsedMS *Range `json:"used_ms,omitempty"`
	// Participants lists opaque ids.
	Participants []string `json:"participants,omitempty"`
	// Acts lists single acts.
	Acts []ActID `json:"acts,omitempty"`
	// Address is an address or a range of them, and Device what a client calls its
	// device. Both are turned into marks at once and kept nowhere.
	Address string `json:"address,omitempty"`
	Device  string `json:"device,omitempty"`
	// AddressMarks and DeviceMarks are what facts hold of them.
	AddressMarks []string `json:"address_marks,omitempty"`
	DeviceMarks  []string `json:"device_marks,omitempty"`
	// Flags names confirmed flags: the acts that they are about.
	Flags []string `json:"flags,omitempty"`
	// Regular finds those whose attempts follow each other at regular spacing.
	Regular *Regular `json:"regular,omitempty"`
	// Name is what the masked name of the participant must be, ? standing for any
	// one character: 张*, ?*.
	Name string `json:"name,omitempty"`
	// SameAnswers finds attempts whose wrong answers are those of at least so many
	// other participants.
	SameAnswers int `json:"same_answers,omitempty"`

	// marked and markedPeople are what the flags are about.
	marked       []ActID
	markedPeople []string
}

// Range has two ends, both included; nil is open.
type Range struct {
	Min *int64 `json:"min,omitempty"`
	Max *int64 `json:"max,omitempty"`
}

// Holds tells whether v lies within the range.
func (r *Range) Holds(v int64) bool {
	return r == nil || (r.Min == nil || v >= *r.Min) && (r.Max == nil || v <= *r.Max)
}

func (r *Range) empty() bool { return r == nil || r.Min == nil && r.Max == nil }

// ActID names one act: number 0 is the signature.
type ActID struct {
	Participant string `json:"participant"`
	Number      int    `json:"number"`
}

// Bounds of what a request may list.
const (
	mostListed = 100_000
	longestID  = 64
	longestTag = 64
	mostFlags  = 1000
)

// Check refuses conditions that say nothing, contradict themselves or name what the
// campaign has not. The fault names each field.
func (c *Conditions) Check(def *campaign.Campaign) error {
	var wrong []fault.Field
	add := func(bad bool, field, reason string) {
		if bad {
			wrong = append(wrong, fault.Field{Name: "conditions." + field, Reason: reason})
		}
	}
	add(!c.Attempts && !c.Signatures, "attempts", "请选择答卷、签署或两者")
	add(c.none(), "scope", "除活动外至少还需一个条件")
	if _, known := def.Tree.Node(c.Scope); c.Scope != "" && c.Scope != campaign.Unassigned {
		add(!known, "scope", "没有这个单位或区划")
	}
	add(!c.From.IsZero() && !c.To.IsZero() && !c.From.Before(c.To), "to", "结束时间应晚于开始时间")
	add(c.Score.upsideDown(), "score", "最小值大于最大值")
	add(c.UsedMS.upsideDown(), "used_ms", "最小值大于最大值")
	add(len(c.Participants) > mostListed, "participants", fmt.Sprintf("一批最多 %d 个", mostListed))
	add(slices.ContainsFunc(c.Participants, notID), "participants", "含有空白或过长的编号")
	add(len(c.Acts) > mostListed, "acts", fmt.Sprintf("一批最多 %d 个", mostListed))
	add(slices.ContainsFunc(c.Acts, func(a ActID) bool { return notID(a.Participant) || a.Number < 0 }), "acts", "含有无效的编号")
	add(len(c.Flags) > mostFlags, "flags", fmt.Sprintf("一批最多 %d 条", mostFlags))
	add(len(c.AddressMarks) > mostListed, "address_marks", fmt.Sprintf("一批最多 %d 个", mostListed))
	add(len(c.DeviceMarks) > mostListed, "device_marks", fmt.Sprintf("一批最多 %d 个", mostListed))
	add(c.Regular != nil && !c.Regular.valid(), "regular", "次数应为 3 到 1000，误差不能为负数")
	add(len(c.Name) > longestTag, "name", "内容过长")
	add(c.SameAnswers < 0, "same_answers", "不能为负数")
	if len(wrong) > 0 {
		return fault.ErrInvalid.WithFields(wrong...)
	}
	return nil
}

// unguard takes off the apostrophe that stands before an id in a table that was exported,
// where the id begins as a formula would: offices copy ids from there. No id begins with one.
func (c *Conditions) unguard() {
	c.Participants, c.Acts = slices.Clone(c.Participants), slices.Clone(c.Acts)
	for i, id := range c.Participants {
		c.Participants[i] = strings.TrimPrefix(id, "'")
	}
	for i := range c.Acts {
		c.Acts[i].Participant = strings.TrimPrefix(c.Acts[i].Participant, "'")
	}
}

func notID(s string) bool { return s == "" || len(s) > longestID || strings.ContainsAny(s, " \t\r\n|") }

func (r *Range) upsideDown() bool { return r != nil && r.Min != nil && r.Max != nil && *r.Min > *r.Max }

// none tells whether nothing but the kind of act is asked for.
func (c *Conditions) none() bool {
	return c.Scope == "" && c.From.IsZero() && c.To.IsZero() && c.Score.empty() && c.UsedMS.empty() &&
		len(c.Participants) == 0 && len(c.Acts) == 0 && len(c.Flags) == 0 && c.Address == "" && c.Device == "" &&
		len(c.AddressMarks) == 0 && len(c.DeviceMarks) == 0 && c.Regular == nil && c.Name == "" && c.SameAnswers == 0
}

// named are the participants to whom the conditions are limited by name, sorted and each
// once; false where they are not.
func (c *Conditions) named() ([]string, bool) {
	var out []string
	switch {
	case len(c.Participants) > 0:
		out = slices.Clone(c.Participants)
	case len(c.Acts) > 0:
		out = participantsOf(c.Acts)
	case len(c.Flags) > 0:
		out = append(participantsOf(c.marked), c.markedPeople...)
	default:
		return nil, false
	}
	slices.Sort(out)
	return slices.Compact(out), true
}

func participantsOf(acts []ActID) []string {
	out := make([]string, len(acts))
	for i, a := range acts {
		out[i] = a.Participant
	}
	return out
}

// matcher holds conditions against one participant after another.
type matcher struct {
	*Conditions

	def    *campaign.Campaign
	people map[string]bool
	acts   map[ActID]bool
	// marked and wholly are what flags are about.
	marked map[ActID]bool
	wholly map[string]bool
	// addresses and devices are marks of origins.
	addresses, devices map[string]bool
}

func newMatcher(c *Conditions, def *campaign.Campaign) *matcher {
	m := &matcher{Conditions: c, def: def, people: map[string]bool{}, acts: map[ActID]bool{}, marked: map[ActID]bool{}, wholly: map[string]bool{}}
	for _, id := range c.Participants {
		m.people[id] = true
	}
	for _, a := range c.Acts {
		m.acts[a] = true
	}
	m.addresses, m.devices = setOf(c.AddressMarks), setOf(c.DeviceMarks)
	for _, a := range c.marked {
		m.marked[a] = true
	}
	for _, id := range c.markedPeople {
		m.wholly[id] = true
	}
	return m
}

func setOf(all []string) map[string]bool {
	out := make(map[string]bool, len(all))
	for _, v := range all {
		out[v] = true
	}
	return out
}

// cameFrom tells whether an act came from where the conditions say.
func (m *matcher) cameFrom(a *Act) bool {
	address, network, device := origin.Parts(a.origin)
	return (len(m.addresses) == 0 || m.addresses[address] || m.addresses[network]) &&
		(len(m.devices) == 0 || m.devices[device])
}

// match returns the acts of a participant for which all conditions hold, the
// signature first and attempts by number.
func (m *matcher) match(p *Person) []Item {
	if !m.matchesPerson(p) {
		return nil
	}
	var out []Item
	for i := range p.Acts {
		if a := &p.Acts[i]; !a.Void && m.matchesAct(a) {
			out = append(out, a.Item)
		}
	}
	slices.SortFunc(out, func(a, b Item) int { return a.Number - b.Number })
	return out
}

func (m *matcher) matchesPerson(p *Person) bool {
	switch {
	case len(m.people) > 0 && !m.people[p.ID],
		m.Scope != "" && p.Unit != m.Scope && !m.def.Tree.Within(p.Unit, m.Scope),
		m.Name != "" && !likeName(m.Name, p.MaskedName),
		m.Regular != nil && !m.Regular.Holds(p.Times()):
		return false
	}
	return true
}

func (m *matcher) matchesAct(a *Act) bool {
	signature := a.Number == 0
	switch {
	case signature && !m.Signatures, !signature && !m.Attempts,
		len(m.acts) > 0 && !m.acts[ActID{a.Participant, a.Number}],
		!m.cameFrom(a),
		len(m.Flags) > 0 && !m.wholly[a.Participant] && !m.marked[ActID{a.Participant, a.Number}],
		!m.From.IsZero() && a.At.Before(m.From), !m.To.IsZero() && !a.At.Before(m.To):
		return false
	}
	if m.Score.empty() && m.UsedMS.empty() && m.SameAnswers == 0 {
		return true
	}
	return !signature && m.Score.Holds(int64(a.Score)) && m.UsedMS.Holds(a.Used.Milliseconds()) &&
		(m.SameAnswers == 0 || a.mark != "")
}

// likeName compares a masked name with a pattern in which ? is any one character.
func likeName(pattern, name string) bool {
	p, n := []rune(pattern), []rune(name)
	if len(p) != len(n) {
		return false
	}
	for i := range p {
		if p[i] != '?' && p[i] != n[i] {
			return false
		}
	}
	return true
}
