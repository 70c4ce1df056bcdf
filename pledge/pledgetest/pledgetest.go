// Package pledgetest is what any pledge.Store must do, and the campaign.Store
// it stands on, as tests. The comments of the interfaces become executable here,
// the races included.
package pledgetest

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/pledge"
)

// Server is what one server holds of the stores.
type Server struct {
	Enrolments campaign.Store
	Signatures pledge.Store
}

// Record is one entry of the erasable stream, opened.
type Record struct {
	Participant string
	At          time.Time
	campaign.Personal
	// Commitment is the digest of the record that the fact of a signature holds.
	Commitment string
}

// Bench is a pair of empty stores and what a test needs around them.
type Bench struct {
	// Servers hold the same stores, each with a client of its own; one will do.
	Servers  []Server
	Campaign string
	// Facts returns all facts of the campaign, those of a participant in order.
	Facts func(t testing.TB) []event.Fact
	// Records returns the erasable records of the campaign, those of a participant
	// in order.
	Records func(t testing.TB) []Record
}

// RunStore exercises the stores that open returns. open must return empty ones
// each time and release them through t.Cleanup.
func RunStore(t *testing.T, open func(t *testing.T) Bench) {
	t.Helper()
	for _, group := range []map[string]func(*bench){enrolPromises(), signPromises(), racePromises()} {
		for name, promise := range group {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := &bench{T: t, Bench: open(t)}
				b.Server = b.Servers[0]
				promise(b)
			})
		}
	}
}

// bench is a Bench in the hands of one test.
type bench struct {
	*testing.T
	Bench
	Server
}

// noon of a day on which the campaign is open.
func noon() time.Time { return time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC) }

// enrolment is one that a store takes; changes make it another.
func enrolment(changes ...func(*campaign.Enrolment)) campaign.Enrolment {
	e := campaign.Enrolment{
		Unit: "u1", Group: "public", DisplayName: "买**", NoticeVersion: "2026-1", At: noon(),
	}
	for _, change := range changes {
		change(&e)
	}
	return e
}

func person(name string) campaign.Personal {
	return campaign.Personal{Name: name, Phone: "13912345678"}
}

// signature is one that a store takes; a later one differs in everything.
func signature(after time.Duration) pledge.Signature {
	s := pledge.Signature{
		Version: "2026", TextSHA256: strings.Repeat("0a", 32), Method: pledge.Typed,
		SignedAt: noon().Add(after), MaskedName: "张**", State: pledge.Valid,
	}
	if after > 0 {
		s.Version, s.TextSHA256, s.Method, s.MaskedName = "2027", strings.Repeat("ff", 32), pledge.Drawn, "李*"
	}
	return s
}

func (b *bench) enrol(participant string, changes ...func(*campaign.Enrolment)) campaign.Enrolment {
	b.Helper()
	e, err := b.Enrolments.Enrol(b.Context(), b.Campaign, participant, enrolment(changes...), person("买买提"))
	if err != nil {
		b.Fatal(err)
	}
	return e
}

func (b *bench) sign(participant string, after time.Duration) (pledge.Signature, bool) {
	b.Helper()
	s, fresh, err := b.Signatures.Sign(b.Context(), b.Campaign, participant, signature(after), person("张小三"))
	if err != nil {
		b.Fatal(err)
	}
	return s, fresh
}

// told shows that the facts tell just this, in order, each once.
func (b *bench) told(want ...event.Kind) {
	b.Helper()
	var got []event.Kind
	for _, f := range b.Facts(b.T) {
		got = append(got, f.Kind)
	}
	b.same("facts", want, got)
}

// recorded shows the names on the erasable stream, in order.
func (b *bench) recorded(want ...string) {
	b.Helper()
	var got []string
	for _, r := range b.Records(b.T) {
		got = append(got, r.Name)
	}
	b.same("names on the erasable stream", want, got)
}

func (b *bench) same(what string, want, got any) {
	b.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		b.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func (b *bench) wants(what string, err, want error) {
	b.Helper()
	if !errors.Is(err, want) {
		b.Errorf("%s: %v, want %v", what, err, want)
	}
}

// race runs n calls at once over all servers.
func (b *bench) race(n int, call func(s Server, i int)) {
	barrier := make(chan struct{})
	var runners sync.WaitGroup
	for i := range n {
		runners.Go(func() {
			<-barrier
			call(b.Servers[i%len(b.Servers)], i)
		})
	}
	close(barrier)
	runners.Wait()
}
