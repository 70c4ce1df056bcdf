package redisstore

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/redistest"
	"qingyuan/internal/session"
)

// erase takes away what is known of somebody, and fails unless there was, or was
// not, anything.
func (r *rig) erase(participant string, want bool) {
	r.Helper()
	got, err := r.campaigns.Erase(r.Context(), r.def.ID, participant, noon.Add(time.Hour))
	if err != nil || got != want {
		r.Errorf("erase %s: %t, %v; want %t", participant, got, err, want)
	}
}

// TestErase proves invariant 10: names go, also from what the public sees, the
// ledger is ordered to forget, and what somebody did stays as it was.
func TestErase(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	e := campaign.Enrolment{
		Unit: "u1", Group: "pupils", DisplayName: "张小三", PublishName: true, Guardian: true, NoticeVersion: "2026-1", At: noon,
	}
	if _, err := r.enrolments.Enrol(t.Context(), "antidrug", "alice", e, campaign.Personal{Name: "张小三", Phone: "13800138000"}); err != nil {
		t.Fatal(err)
	}
	r.submit("alice", 80, time.Minute, noon)
	r.sign("alice", noon)
	r.enrol("bob", "u1", "public")
	before, standing := r.facts(0), r.reads(r.server)

	r.erase("alice", true)
	r.unchanged("erasing again", func() { r.erase("alice", false) })
	r.unchanged("erasing who is not enrolled", func() { r.erase("nobody", false) })

	want := e
	want.DisplayName, want.PublishName = "匿名", false
	got, err := r.enrolments.Enrolment(t.Context(), "antidrug", "alice")
	if diff := cmp.Diff(want, got, cmp.Comparer(time.Time.Equal)); err != nil || diff != "" {
		t.Errorf("enrolment (-want +got): %v\n%s", err, diff)
	}
	sig, err := r.signatures.Signature(t.Context(), "antidrug", "alice")
	if err != nil || sig.MaskedName != "匿名" || sig.Version != "1" || !sig.SignedAt.Equal(noon) {
		t.Errorf("signature %+v, %v", sig, err)
	}
	people, err := r.boards.People(t.Context(), "antidrug", []string{"alice", "bob"})
	if err != nil || people["alice"].Name != "匿名" || people["alice"].Unit != "u1" || people["bob"].Name != "名bob" {
		t.Errorf("people %+v, %v", people, err)
	}
	if diff := cmp.Diff(standing, r.reads(r.server), cmp.Comparer(errors.Is)); diff != "" {
		t.Errorf("what can be asked (-before +after):\n%s", diff)
	}
	if text := contents(t, r.db)[keysOf("antidrug", 0).participant("alice")]; strings.Contains(text, "张") {
		t.Errorf("Redis still holds %s", text)
	}
	r.erasureIsTold(before)
}

// erasureIsTold looks for one fact more than before, and the order to forget.
func (r *rig) erasureIsTold(before []event.Fact) {
	r.Helper()
	at := noon.Add(time.Hour)
	want := event.Fact{
		Kind: event.KindErased, Participant: "alice", Unit: "u1", Group: "pupils", At: at,
		Body: event.Erased{Notice: "2026-1", Guardian: true},
	}
	after := r.facts(0)
	last := after[len(after)-1]
	last.Position = event.Position{}
	if diff := cmp.Diff(want, last); diff != "" || len(after) != len(before)+1 {
		r.Errorf("%d facts after %d, the last (-want +got):\n%s", len(after), len(before), diff)
	}
	rec := r.newest()
	if rec.Kind != event.RecordErasure || rec.Participant != "alice" || !rec.At.Equal(at) || rec.Sealed != nil {
		r.Errorf("the newest record is %+v", rec)
	}
}

// TestAfterAnErasure: who enrols again gives their name again, and it can be
// erased again; a signature of before stays without one.
func TestAfterAnErasure(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.enrol("alice", "u1", "public")
	r.erase("alice", true)
	r.sign("alice", noon)
	r.erase("alice", true) // the signature's name came after the first
	r.enrol("alice", "u1", "public")
	if e, err := r.enrolments.Enrolment(t.Context(), "antidrug", "alice"); err != nil || e.DisplayName != "名alice" {
		t.Errorf("enrolled again: %+v, %v", e, err)
	}
	if sig, err := r.signatures.Signature(t.Context(), "antidrug", "alice"); err != nil || sig.MaskedName != "匿名" {
		t.Errorf("signature %+v, %v", sig, err)
	}
	r.erase("alice", true)
	r.unchanged("erasing again", func() { r.erase("alice", false) })
	kinds := map[event.Kind]int{}
	for _, f := range r.facts(0) {
		kinds[f.Kind]++
	}
	if diff := cmp.Diff(map[event.Kind]int{"enrolled.1": 1, "signed.1": 1, "erased.1": 3}, kinds); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

// TestErasedDoors: what WeChat told goes, where the door leads stays, and whoever
// comes again is the same person.
func TestErasedDoors(t *testing.T) {
	t.Parallel()
	p := newPorch(t)
	p.claim("door", opensTo("p1", "openid"), opensTo("p1", "openid"))
	erase := func(participant string, want bool) {
		t.Helper()
		if got, err := p.rig.campaigns.EraseDoor(t.Context(), "door", participant, noon); err != nil || got != want {
			t.Errorf("erase the door of %s: %t, %v; want %t", participant, got, err, want)
		}
	}
	p.rig.unchanged("the door of somebody else", func() { erase("p2", false) })
	erase("p1", true)
	p.rig.unchanged("a repeat", func() { erase("p1", false) })
	p.claim("door", opensTo("p1", "openid"), opensTo("p1", ""))
	facts, records := p.told("door")
	last := records[len(records)-1]
	want := event.Record{Kind: event.RecordErasure, Participant: "p1", Hash: "door", At: noon}
	if diff := cmp.Diff(want, last); diff != "" || len(facts) != 1 || len(records) != 2 {
		t.Errorf("%d facts, %d records, the last (-want +got):\n%s", len(facts), len(records), diff)
	}
	p.link("door", "p1", opensTo("p1", "openid again"), opensTo("p1", "openid again"))
	erase("p1", true)
}

// TestErasingChecksTheEpoch proves invariants 1 and 4 for erasures.
func TestErasingChecksTheEpoch(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.enrol("alice", "u1", "public")
	if err := r.campaigns.OpenDoors(t.Context(), Known{}); err != nil {
		t.Fatal(err)
	}
	r.db.FlushAll(t.Context())
	_, errErase := r.campaigns.Erase(t.Context(), "antidrug", "alice", noon)
	_, errDoor := r.campaigns.EraseDoor(t.Context(), "door", "alice", noon)
	for what, err := range map[string]error{"Erase": errErase, "EraseDoor": errDoor} {
		if !errors.Is(err, ErrEpoch) || !errors.Is(err, fault.ErrUnavailable) {
			t.Errorf("%s in an emptied shard = %v", what, err)
		}
	}
}

// TestEndAll: every session of one person ends and is published, and those of
// others go on, whatever letters their ids have.
func TestEndAll(t *testing.T) {
	t.Parallel()
	p := newPorch(t)
	end := noon.Add(30 * 24 * time.Hour)
	begin := func(participant, family string) {
		t.Helper()
		if n, err := p.Begin(t.Context(), session.ID{Participant: participant, Family: family}, noon, end); err != nil || n != 1 {
			t.Fatalf("begin: %d, %v", n, err)
		}
	}
	for _, family := range []string{"f1", "f2", "f3"} {
		begin("p1", family)
	}
	begin("p2", "g1")
	begin("p10", "g2")
	for participant, want := range map[string]int{"p1": 3, "p*": 0, "p?": 0, "p[12]": 0, "nobody": 0} {
		if n, err := p.EndAll(t.Context(), participant, noon, noon.Add(time.Hour)); err != nil || n != want {
			t.Errorf("EndAll of %s: %d, %v; want %d", participant, n, err, want)
		}
	}
	turned := func(participant, family string) session.Outcome {
		t.Helper()
		got, err := p.Refresh(t.Context(), session.Turn{
			ID: session.ID{Participant: participant, Family: family}, Generation: 1, Now: noon,
			Grace: time.Minute, Idle: time.Hour, Longest: 2 * time.Hour,
		})
		if err != nil {
			t.Fatal(err)
		}
		return got.Outcome
	}
	if a, b, c := turned("p1", "f2"), turned("p2", "g1"), turned("p10", "g2"); a != session.Unknown || b != session.Advanced || c != session.Advanced {
		t.Errorf("refreshed afterwards: %v, %v, %v", a, b, c)
	}
	if list, err := p.Ended(t.Context(), noon); err != nil || len(list) != 3 {
		t.Errorf("published as ended: %v, %v", list, err)
	}
}

// TestEndAllOnACluster asks the one server that has the sessions.
func TestEndAllOnACluster(t *testing.T) {
	t.Parallel()
	c := NewCampaigns(redistest.StartCluster(t, 3, 0).Client(t))
	s := NewSessions(c, time.Now)
	for _, participant := range []string{"p1", "p2", "p3", "p4", "p5"} {
		if _, err := s.Begin(t.Context(), session.ID{Participant: participant, Family: "f"}, noon, noon.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if n, err := s.EndAll(t.Context(), participant, noon, noon.Add(time.Hour)); err != nil || n != 1 {
			t.Errorf("EndAll of %s: %d, %v", participant, n, err)
		}
	}
}
