package redisstore

import (
	"fmt"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/rapidtest"
	"qingyuan/pledge"
)

// anonymous is what stands where a name was erased.
const anonymous = "匿名"

// signer is what the model knows of one participant.
type signer struct {
	id        string
	enrolment campaign.Enrolment // its unit is "" before
	named     string             // with which the newest enrolment came
	signature *pledge.Signature
}

// pledgeMachine holds the stores of enrolments and signatures against a model.
type pledgeMachine struct {
	*crashes

	people []*signer
	// sealed is what the personal stream must hold of everybody, opened.
	sealed map[string][]kept
}

// kept is a personal record, opened.
type kept struct {
	Kind     event.RecordKind
	Personal campaign.Personal
	Notice   string // of an enrolment
}

func (m *pledgeMachine) anybody() *signer { return rapid.SampledFrom(m.people).Draw(m.T, "who") }

// enrol enrols, moves, changes a name, or says the same again.
func (m *pledgeMachine) enrol() {
	p, now := m.anybody(), m.now
	name := rapid.SampledFrom([]string{"张小三", "李四"}).Draw(m.T, "name")
	e := campaign.Enrolment{
		Unit: rapid.SampledFrom([]string{"u1", "u2", campaign.Unassigned}).Draw(m.T, "unit"), Group: "public",
		DisplayName: campaign.MaskName(name), NoticeVersion: rapid.SampledFrom([]string{"1", "2"}).Draw(m.T, "notice"), At: now,
	}
	personal := campaign.Personal{Name: name}
	do(m.crashes, "enrol", func(s server) (campaign.Enrolment, error) {
		return s.enrolments.Enrol(m.rig.Context(), m.rig.def.ID, p.id, e, personal)
	}, func() answer[campaign.Enrolment] { return m.accept(p, e, name) })
}

// accept is what the model says of an enrolment.
func (m *pledgeMachine) accept(p *signer, e campaign.Enrolment, name string) answer[campaign.Enrolment] {
	old := p.enrolment
	first, moved := old.Unit == "", old.Unit != "" && old.Unit != e.Unit
	if moved && p.signature != nil {
		return answer[campaign.Enrolment]{Code: "enrolment.unit_fixed"}
	}
	if !first {
		e.At = old.At
	}
	if e == old && name == p.named {
		return answer[campaign.Enrolment]{Result: old}
	}
	p.enrolment, p.named = e, name
	m.sealed[p.id] = append(m.sealed[p.id], kept{event.RecordEnrolment, campaign.Personal{Name: name}, e.NoticeVersion})
	switch {
	case first:
		m.tell(event.KindEnrolled, p.id, e.Unit, false, event.Enrolled{Notice: e.NoticeVersion})
	case moved:
		m.tell(event.KindMoved, p.id, e.Unit, false, event.Moved{FromUnit: old.Unit, FromGroup: "public"})
	}
	return answer[campaign.Enrolment]{Result: e}
}

// signed is what signing gives.
type signed struct {
	Signature pledge.Signature
	Fresh     bool
}

func (m *pledgeMachine) sign() {
	p, now := m.anybody(), m.now
	sig := pledge.Signature{
		Version: rapid.SampledFrom([]string{"1", "2"}).Draw(m.T, "version"), TextSHA256: strings.Repeat("ab", 32), Method: pledge.Drawn,
		SignedAt: now, MaskedName: "张**", State: pledge.Valid,
	}
	personal := campaign.Personal{Name: "张小三", Strokes: rapid.StringN(0, 20, -1).Draw(m.T, "strokes")}
	do(m.crashes, "sign", func(s server) (signed, error) {
		kept, fresh, err := s.signatures.Sign(m.rig.Context(), m.rig.def.ID, p.id, sig, personal)
		return signed{kept, fresh}, err
	}, func() answer[signed] {
		if p.enrolment.Unit == "" {
			return answer[signed]{Code: "enrolment.required"}
		}
		fresh := p.signature == nil
		if fresh {
			m.signs(p, sig, personal)
		}
		return answer[signed]{Result: signed{*p.signature, fresh}}
	})
}

func (m *pledgeMachine) signs(p *signer, s pledge.Signature, personal campaign.Personal) {
	s.Unit = p.enrolment.Unit
	p.signature = &s
	m.sealed[p.id] = append(m.sealed[p.id], kept{event.RecordSignature, personal, ""})
	m.tell(event.KindSigned, p.id, s.Unit, true, event.Signed{Version: s.Version, TextSHA256: s.TextSHA256, Method: string(s.Method)})
}

// erase takes a person's name away, from the enrolment and the signature.
func (m *pledgeMachine) erase() {
	p, now := m.anybody(), m.now
	do(m.crashes, "erase", func(s server) (bool, error) {
		return s.campaigns.Erase(m.rig.Context(), m.rig.def.ID, p.id, now)
	}, func() answer[bool] {
		nameless := p.signature == nil || p.signature.MaskedName == anonymous
		if p.enrolment.Unit == "" || p.named == "" && nameless {
			return answer[bool]{}
		}
		p.named, p.enrolment.DisplayName = "", anonymous
		if p.signature != nil {
			p.signature.MaskedName = anonymous
		}
		m.sealed[p.id] = append(m.sealed[p.id], kept{Kind: event.RecordErasure})
		m.tell(event.KindErased, p.id, p.enrolment.Unit, false, event.Erased{Notice: p.enrolment.NoticeVersion})
		return answer[bool]{Result: true}
	})
}

// check reads everything that can be read.
func (m *pledgeMachine) check() {
	for _, p := range m.people {
		e, err := m.rig.enrolments.Enrolment(m.rig.Context(), m.rig.def.ID, p.id)
		if diff := gocmp.Diff(p.enrolment, e); diff != "" || (err != nil) != (p.enrolment.Unit == "") {
			m.Fatalf("enrolment of %s: %v (-model +program):\n%s", p.id, err, diff)
		}
		s, err := m.rig.signatures.Signature(m.rig.Context(), m.rig.def.ID, p.id)
		if (err != nil) != (p.signature == nil) {
			m.Fatalf("signature of %s: %v; the model says %+v", p.id, err, p.signature)
		}
		if diff := gocmp.Diff(p.signature, &s); p.signature != nil && diff != "" {
			m.Fatalf("signature of %s (-model +program):\n%s", p.id, diff)
		}
	}
}

// wantRecords opens everything on the personal streams, and checks that each
// signature's fact is bound to its record.
func (m *pledgeMachine) wantRecords() {
	got, sums := map[string][]kept{}, map[string]bool{}
	for shard := range m.rig.def.Shards {
		list, err := m.rig.db.XRange(m.rig.Context(), StreamKey(m.rig.def.ID, shard, event.Personal), "-", "+").Result()
		if err != nil {
			m.Fatal(err)
		}
		for i, entry := range list {
			if want := fmt.Sprintf("1-%d", i); entry.ID != want {
				m.Fatalf("invariant 4: personal record %s, want %s", entry.ID, want)
			}
			who, k, sum := m.open(entry.Values)
			got[who] = append(got[who], k)
			sums[who+sum] = true
		}
	}
	if diff := gocmp.Diff(m.sealed, got, cmpopts.EquateEmpty()); diff != "" {
		m.Fatalf("personal records (-model +program):\n%s", diff)
	}
	for _, f := range m.rig.allFacts() {
		if s, ok := f.Body.(event.Signed); ok && !sums[f.Participant+s.Commitment] {
			m.Fatalf("the commitment of %s is of no record of theirs", f.Participant)
		}
	}
}

// open unseals one record and returns whose it is and its commitment.
func (m *pledgeMachine) open(values map[string]any) (string, kept, string) {
	text := func(field string) string { s, _ := values[field].(string); return s }
	who := text("p")
	if event.RecordKind(text("k")) == event.RecordErasure {
		return who, kept{Kind: event.RecordErasure}, ""
	}
	r, err := OpenRecord(newBox(m.rig), m.rig.def.ID, who, []byte(text("d")))
	if err != nil {
		m.Fatalf("a record of %s: %v", who, err)
	}
	return who, kept{event.RecordKind(text("k")), r.Personal, r.Notice}, r.Commitment
}

// TestPledgeMachine runs the stores of enrolments and signatures beside a model
// through crashes, lost answers, repeats and several servers. What comes back,
// what is told, and what is sealed away must be what the model says: invariants
// 2, 3, 4 and 10.
func TestPledgeMachine(t *testing.T) {
	t.Parallel()
	open := crashing(t, 4)
	rapid.Check(t, rapidtest.OneIn(4, func(rt *rapid.T) {
		m := &pledgeMachine{crashes: open(rt), sealed: map[string][]kept{}}
		for i := range 3 {
			m.people = append(m.people, &signer{id: fmt.Sprint("p", i)})
		}
		m.repeat([]func(){m.enrol, m.enrol, m.enrol, m.sign, m.erase, m.pass}, m.check)
		m.wantFacts()
		m.wantRecords()
	}))
}
