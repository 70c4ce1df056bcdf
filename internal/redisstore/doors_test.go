package redisstore

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/redistest"
	"qingyuan/internal/session"
)

// porch is the doors on a Redis of their own.
type porch struct {
	*rig // without a campaign
	*Sessions

	now time.Time
}

func newPorch(t *testing.T) *porch {
	t.Helper()
	db := redistest.Start(t).Client(t)
	p := &porch{rig: &rig{TB: t, server: newServer(t, db)}, now: noon}
	if err := p.rig.campaigns.OpenDoors(t.Context(), Known{}); err != nil {
		t.Fatal(err)
	}
	p.Sessions = NewSessions(p.rig.campaigns, func() time.Time { return p.now })
	return p
}

// claim and link fail unless the door is then as it is wanted.
func (p *porch) claim(hash string, d, want session.Door) {
	p.Helper()
	got, err := p.ClaimDoor(p.Context(), hash, d)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		p.Errorf("claim %s: %v (-want +got):\n%s", hash, err, diff)
	}
}

func (p *porch) link(hash, from string, d, want session.Door) {
	p.Helper()
	got, err := p.LinkDoor(p.Context(), hash, from, d)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		p.Errorf("link %s: %v (-want +got):\n%s", hash, err, diff)
	}
}

func opensTo(participant, sealed string) session.Door { return door(participant, sealed) }

// told is what both streams of the door's shard tell, in order.
func (p *porch) told(hash string) (facts []event.Fact, records []event.Record) {
	p.Helper()
	o, err := p.rig.campaigns.of(DoorsCampaign)
	if err != nil {
		p.Fatal(err)
	}
	k := o.keys(hash)
	var at event.Position
	for _, m := range p.stream(k.facts()) {
		f, err := event.Decode(m)
		if err != nil || !f.Follows(at) {
			p.Errorf("fact %s after %s: %v", m.Position, at, err)
		}
		at, f.Position = f.Position, event.Position{}
		facts = append(facts, f)
	}
	at = event.Position{}
	for _, m := range p.stream(k.personal()) {
		r, err := event.DecodeRecord(m)
		if err != nil || !r.Follows(at) {
			p.Errorf("record %s after %s: %v", m.Position, at, err)
		}
		at, r.Position = r.Position, event.Position{}
		records = append(records, r)
	}
	return facts, records
}

func (p *porch) stream(key string) []event.Entry {
	p.Helper()
	list, err := p.rig.db.XRange(p.Context(), key, "-", "+").Result()
	if err != nil {
		p.Fatal(err)
	}
	return decoded(p, list)
}

func decoded(t testing.TB, list []redis.XMessage) []event.Entry {
	t.Helper()
	out := make([]event.Entry, len(list))
	for i, m := range list {
		pos, err := event.ParsePosition(m.ID)
		if err != nil {
			t.Fatal(err)
		}
		out[i].Position = pos
		for k, v := range m.Values {
			out[i].Fields = append(out[i].Fields, event.Field{Name: k, Value: fmt.Sprint(v)})
		}
	}
	return out
}

// TestDoorsAreTold: where a door leads and what is sealed of it lies on the
// streams, once for each time that it changed.
func TestDoorsAreTold(t *testing.T) {
	t.Parallel()
	p := newPorch(t)
	first, moved, renewed := opensTo("p1", "one"), opensTo("p2", "two"), opensTo("p2", "three")
	p.claim("door", first, first)
	p.rig.unchanged("a repeat", func() { p.claim("door", first, first) })
	p.rig.unchanged("somebody else", func() { p.claim("door", opensTo("p9", "nine"), first) })
	p.rig.unchanged("a move from where it never led", func() { p.link("door", "p9", moved, first) })
	p.now = p.now.Add(time.Second)
	p.link("door", "p1", moved, moved)
	p.rig.unchanged("a repeat of the move", func() { p.link("door", "p1", moved, moved) })
	p.link("door", "p1", renewed, renewed)
	p.rig.unchanged("nothing new is sealed", func() { p.link("door", "p2", opensTo("p2", ""), renewed) })
	p.link("door", "p2", opensTo("p3", ""), opensTo("p3", "three"))

	later := noon.Add(time.Second)
	fact := func(participant string, at time.Time) event.Fact {
		return event.Fact{Kind: event.KindDoor, Participant: participant, At: at, Body: event.Door{Hash: "door"}}
	}
	record := func(participant, sealed string, at time.Time) event.Record {
		return event.Record{Kind: event.RecordDoor, Participant: participant, At: at, Hash: "door", Sealed: []byte(sealed)}
	}
	facts, records := p.told("door")
	if diff := cmp.Diff([]event.Fact{fact("p1", noon), fact("p2", later), fact("p3", later)}, facts); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	want := []event.Record{
		record("p1", "one", noon), record("p2", "two", later), record("p2", "three", later), record("p3", "three", later),
	}
	if diff := cmp.Diff(want, records); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// TestABareDoor has nothing sealed, and tells a fact only; a move makes a door
// that nobody came through yet.
func TestABareDoor(t *testing.T) {
	t.Parallel()
	p := newPorch(t)
	p.claim("union", opensTo("p1", ""), opensTo("p1", ""))
	p.link("fresh", "p1", opensTo("p2", ""), opensTo("p2", ""))
	for hash, who := range map[string]string{"union": "p1", "fresh": "p2"} {
		got, err := p.Door(t.Context(), hash)
		if err != nil || got.Participant != who || got.Sealed != nil {
			t.Errorf("door %s: %+v, %v", hash, got, err)
		}
		if facts, records := p.told(hash); len(facts) == 0 || len(records) != 0 {
			t.Errorf("door %s told %d facts and %d records", hash, len(facts), len(records))
		}
	}
}

// TestDoorsCheckTheEpoch proves invariants 1 and 4: in an emptied shard nobody is
// taken for a new person, and nobody is told that a door leads nowhere.
func TestDoorsCheckTheEpoch(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*porch){
		"everything is lost": func(p *porch) { p.rig.db.FlushAll(p.Context()) },
		"a newer epoch": func(p *porch) {
			for i := range doorShards {
				p.rig.db.HSet(p.Context(), keysOf(DoorsCampaign, i).meta(), "epoch", 2)
			}
		},
	} {
		p := newPorch(t)
		p.claim("door", opensTo("p1", "one"), opensTo("p1", "one"))
		lose(p)
		p.rig.unchanged(name, func() {
			_, errDoor := p.Door(t.Context(), "door")
			_, errClaim := p.ClaimDoor(t.Context(), "door", opensTo("p2", "two"))
			_, errLink := p.LinkDoor(t.Context(), "door", "p1", opensTo("p2", "two"))
			for what, err := range map[string]error{"Door": errDoor, "ClaimDoor": errClaim, "LinkDoor": errLink} {
				if !errors.Is(err, fault.ErrUnavailable) || !errors.Is(err, ErrEpoch) {
					t.Errorf("%s: %s = %v", name, what, err)
				}
			}
		})
	}
}

// TestDoorsBeforeTheyAreOpened: nobody signs in on a Redis that was not looked at.
func TestDoorsBeforeTheyAreOpened(t *testing.T) {
	t.Parallel()
	db := redistest.Start(t).Client(t)
	s := NewSessions(NewCampaigns(db), time.Now)
	_, errDoor := s.Door(t.Context(), "door")
	_, errClaim := s.ClaimDoor(t.Context(), "door", opensTo("p", ""))
	if !errors.Is(errDoor, ErrNotOpened) || !errors.Is(errClaim, fault.ErrUnavailable) {
		t.Errorf("Door = %v, ClaimDoor = %v", errDoor, errClaim)
	}
	if n := db.DBSize(t.Context()).Val(); n != 0 {
		t.Errorf("%d keys were written", n)
	}
}

// TestDoorsStayWhereTheyAre: the shard of a door may never change.
func TestDoorsStayWhereTheyAre(t *testing.T) {
	t.Parallel()
	p := newPorch(t)
	p.claim("vs0BEwzC5FhCj3MCt6JjOg", opensTo("p", ""), opensTo("p", ""))
	var found []string
	for key := range contents(t, p.rig.db) {
		if strings.Contains(key, ":d:") {
			found = append(found, key)
		}
	}
	if diff := cmp.Diff([]string{keysOf("~doors", 10).door("vs0BEwzC5FhCj3MCt6JjOg")}, found); diff != "" {
		t.Errorf("doors (-ever +now):\n%s", diff)
	}
	if o, err := p.rig.campaigns.Opened(DoorsCampaign); err != nil || o != (Opened{Shards: 16, Epoch: 1}) {
		t.Errorf("opened as %+v, %v", o, err)
	}
}
