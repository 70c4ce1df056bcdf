package pledgetest

import (
	"sync/atomic"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/pledge"
)

func signPromises() map[string]func(*bench) {
	return map[string]func(*bench){
		"a signature is stored, told and recorded":                             signs,
		"invariant 2: a repeat changes nothing":                                signsAgain,
		"who is not enrolled signs nothing":                                    signsUnknown,
		"a signature counts for the unit":                                      signsForUnit,
		"invariant 10: the fact commits to the record and tells nothing of it": commits,
	}
}

func signs(b *bench) {
	b.enrol("p")
	_, err := b.Signatures.Signature(b.Context(), b.Campaign, "p")
	b.wants("Signature before", err, pledge.ErrNotSigned)
	want := signature(0)
	want.Unit = "u1"
	got, fresh := b.sign("p", 0)
	b.same("fresh", true, fresh)
	b.same("Sign", want, got)
	got, err = b.Signatures.Signature(b.Context(), b.Campaign, "p")
	b.wants("Signature", err, nil)
	b.same("Signature", want, got)
	f := b.Facts(b.T)[1]
	body, _ := f.Body.(event.Signed)
	b.same("the fact", event.Signed{
		Version: "2026", TextSHA256: want.TextSHA256, Method: "typed", Commitment: body.Commitment,
	}, f.Body)
	if !f.First || !f.At.Equal(noon()) || f.Unit != "u1" || f.Group != "public" {
		b.Errorf("the fact is %+v", f)
	}
}

func signsAgain(b *bench) {
	b.enrol("p")
	first, _ := b.sign("p", 0)
	for _, after := range []time.Duration{0, time.Hour} { // the same, and another in everything
		again, fresh := b.sign("p", after)
		b.same("fresh", false, fresh)
		b.same("Sign again", first, again)
	}
	b.told(event.KindEnrolled, event.KindSigned)
	b.recorded("买买提", "张小三")
}

func signsUnknown(b *bench) {
	_, fresh, err := b.Signatures.Sign(b.Context(), b.Campaign, "p", signature(0), person("张小三"))
	b.wants("Sign", err, campaign.ErrRequired)
	b.same("fresh", false, fresh)
	_, err = b.Signatures.Signature(b.Context(), b.Campaign, "p")
	b.wants("Signature", err, pledge.ErrNotSigned)
	b.told()
	b.recorded()
}

func signsForUnit(b *bench) {
	b.enrol("p", func(e *campaign.Enrolment) { e.Unit = "u2" })
	b.enrol("q", func(e *campaign.Enrolment) { e.Unit, e.Group = campaign.Unassigned, "pupils" })
	for participant, unit := range map[string]string{"p": "u2", "q": campaign.Unassigned} {
		got, _ := b.sign(participant, 0)
		b.same("the unit", unit, got.Unit)
	}
	for _, f := range b.Facts(b.T) {
		if f.Kind == event.KindSigned && (f.Participant == "p") != (f.Unit == "u2") {
			b.Errorf("the fact is %+v", f)
		}
	}
}

func commits(b *bench) {
	for _, p := range []string{"p", "q"} { // two who sign alike
		b.enrol(p)
		b.sign(p, 0)
	}
	commitments := map[string]string{}
	for _, f := range b.Facts(b.T) {
		if body, ok := f.Body.(event.Signed); ok {
			commitments[f.Participant] = body.Commitment
		}
	}
	if commitments["p"] == commitments["q"] {
		b.Errorf("two persons of the same name have one commitment %q: it can be guessed", commitments["p"])
	}
	for _, r := range b.Records(b.T) {
		if r.Name == "张小三" {
			b.same("the commitment of "+r.Participant, r.Commitment, commitments[r.Participant])
		}
	}
}

func racePromises() map[string]func(*bench) {
	return map[string]func(*bench){
		"racing enrolments are told once":              racingEnrolments,
		"invariant 2: racing repeats are counted once": racingRepeats,
		"a move that races a signature is not lost":    racingMove,
	}
}

const racers = 200

func racingEnrolments(b *bench) {
	b.race(racers, func(s Server, _ int) {
		got, err := s.Enrolments.Enrol(b.Context(), b.Campaign, "p", enrolment(), person("买买提"))
		b.wants("Enrol", err, nil)
		b.same("Enrol", enrolment(), got)
	})
	b.told(event.KindEnrolled)
	b.recorded("买买提")
}

// racingRepeats: two hundred times the same signature, from several servers.
func racingRepeats(b *bench) {
	b.enrol("p")
	var fresh atomic.Int64
	want := signature(0)
	want.Unit = "u1"
	b.race(racers, func(s Server, _ int) {
		got, isFresh, err := s.Signatures.Sign(b.Context(), b.Campaign, "p", signature(0), person("张小三"))
		b.wants("Sign", err, nil)
		b.same("receipt", want, got)
		if isFresh {
			fresh.Add(1)
		}
	})
	b.same("accepted", int64(1), fresh.Load())
	b.told(event.KindEnrolled, event.KindSigned)
	b.recorded("买买提", "张小三")
}

// racingMove: either the move comes first and the signature counts for the new
// unit, or the signature does and the move is refused.
func racingMove(b *bench) {
	const people = 20
	for i := range people {
		b.enrol(name(i))
	}
	refused := make([]bool, people)
	b.race(2*people, func(s Server, i int) {
		p := name(i / 2)
		if i%2 == 0 {
			_, _, err := s.Signatures.Sign(b.Context(), b.Campaign, p, signature(0), person("张小三"))
			b.wants("Sign", err, nil)
			return
		}
		elsewhere := enrolment(func(e *campaign.Enrolment) { e.Unit = "u2" })
		_, err := s.Enrolments.Enrol(b.Context(), b.Campaign, p, elsewhere, person("买买提"))
		if refused[i/2] = err != nil; err != nil {
			b.wants("Enrol elsewhere", err, campaign.ErrUnitFixed)
		}
	})
	for i := range people {
		want := "u2"
		if refused[i] {
			want = "u1"
		}
		sig, err := b.Signatures.Signature(b.Context(), b.Campaign, name(i))
		b.wants("Signature", err, nil)
		e, err := b.Enrolments.Enrolment(b.Context(), b.Campaign, name(i))
		b.wants("Enrolment", err, nil)
		b.same("units", []string{want, want}, []string{sig.Unit, e.Unit})
	}
	for _, f := range b.Facts(b.T) {
		if sig, err := b.Signatures.Signature(b.Context(), b.Campaign, f.Participant); f.Kind == event.KindSigned && (err != nil || sig.Unit != f.Unit) {
			b.Errorf("the fact counts for %s, the receipt for %s, %v", f.Unit, sig.Unit, err)
		}
	}
}

func name(i int) string { return "p" + string(rune('a'+i)) }
