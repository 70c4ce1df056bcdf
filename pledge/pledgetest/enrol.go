package pledgetest

import (
	"context"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/fault"
)

func enrolPromises() map[string]func(*bench) {
	return map[string]func(*bench){
		"an enrolment is stored and told once":         enrols,
		"the same enrolment again changes nothing":     enrolsAgain,
		"a change of person is recorded and not told":  changesPerson,
		"who did nothing yet may move":                 moves,
		"the unit is fixed once anything was accepted": unitFixed,
		"who left is answered that it may be repeated": contextBounds,
	}
}

func enrols(b *bench) {
	_, err := b.Enrolments.Enrolment(b.Context(), b.Campaign, "p")
	b.wants("Enrolment before", err, campaign.ErrNotEnrolled)
	for participant, change := range map[string]func(*campaign.Enrolment){
		"p": func(*campaign.Enrolment) {},
		"q": func(e *campaign.Enrolment) { e.PublishName, e.DisplayName = true, "买买提·艾山 Li" },
		"r": func(e *campaign.Enrolment) { e.Guardian, e.Unit = true, campaign.Unassigned },
		"s": func(e *campaign.Enrolment) { e.DisplayName, e.NoticeVersion = campaign.MaskName(""), "" },
	} {
		want := enrolment(change)
		b.same("Enrol", want, b.enrol(participant, change))
		got, err := b.Enrolments.Enrolment(b.Context(), b.Campaign, participant)
		b.wants("Enrolment", err, nil)
		b.same("Enrolment", want, got)
	}
	for _, f := range b.Facts(b.T) {
		want := event.Enrolled{Notice: "2026-1", Guardian: f.Participant == "r"}
		if f.Participant == "s" {
			want.Notice = ""
		}
		b.same("the fact of "+f.Participant, want, f.Body)
		if f.First || !f.At.Equal(noon()) || f.Group != "public" {
			b.Errorf("the fact is %+v", f)
		}
	}
	b.told(event.KindEnrolled, event.KindEnrolled, event.KindEnrolled, event.KindEnrolled)
	for _, r := range b.Records(b.T) {
		b.same("the record of "+r.Participant, person("买买提"), r.Personal)
	}
}

func enrolsAgain(b *bench) {
	first := b.enrol("p")
	for range 3 {
		again := b.enrol("p", func(e *campaign.Enrolment) { e.At = e.At.Add(time.Hour) })
		b.same("Enrol again", first, again)
	}
	b.told(event.KindEnrolled)
	b.recorded("买买提")
}

// changesPerson: each change has a record of its own, and the time is that of
// the first enrolment.
func changesPerson(b *bench) {
	enrol := func(p campaign.Personal, change func(*campaign.Enrolment)) {
		b.Helper()
		want := enrolment(change)
		e := want
		e.At = e.At.Add(time.Hour)
		got, err := b.Enrolments.Enrol(b.Context(), b.Campaign, "p", e, p)
		b.wants("Enrol", err, nil)
		b.same("Enrol", want, got)
	}
	nothing := func(*campaign.Enrolment) {}
	b.enrol("p")
	enrol(person("阿依古丽"), nothing)
	enrol(person("阿依古丽"), nothing)
	phone := person("阿依古丽")
	phone.Phone = "13987654321"
	enrol(phone, nothing)
	enrol(phone, func(e *campaign.Enrolment) { e.NoticeVersion = "2026-2" })
	enrol(person("买买提"), nothing) // back to the first
	b.told(event.KindEnrolled)
	b.recorded("买买提", "阿依古丽", "阿依古丽", "阿依古丽", "买买提")
}

func moves(b *bench) {
	b.enrol("p")
	b.enrol("p", func(e *campaign.Enrolment) { e.Unit = "u2" })
	moved := b.enrol("p", func(e *campaign.Enrolment) { e.Unit, e.Group, e.At = "u2", "pupils", e.At.Add(time.Hour) })
	b.same("the unit", "u2", moved.Unit)
	b.same("the group", "pupils", moved.Group)
	b.same("the time of the first enrolment", true, moved.At.Equal(noon()))
	facts := b.Facts(b.T)
	b.told(event.KindEnrolled, event.KindMoved, event.KindMoved)
	b.same("the first move", event.Moved{FromUnit: "u1", FromGroup: "public"}, facts[1].Body)
	b.same("the second move", event.Moved{FromUnit: "u2", FromGroup: "public"}, facts[2].Body)
	if f := facts[2]; f.Unit != "u2" || f.Group != "pupils" || !f.At.Equal(noon().Add(time.Hour)) || f.First {
		b.Errorf("the fact is %+v", f)
	}
}

func unitFixed(b *bench) {
	b.enrol("p")
	b.sign("p", 0)
	before := b.enrol("p")
	for _, change := range []func(*campaign.Enrolment){
		func(e *campaign.Enrolment) { e.Unit = "u2" },
		func(e *campaign.Enrolment) { e.Unit = campaign.Unassigned },
		func(e *campaign.Enrolment) { e.Group = "pupils" },
	} {
		_, err := b.Enrolments.Enrol(b.Context(), b.Campaign, "p", enrolment(change), person("买买提"))
		b.wants("Enrol elsewhere", err, campaign.ErrUnitFixed)
	}
	after, err := b.Enrolments.Enrolment(b.Context(), b.Campaign, "p")
	b.wants("Enrolment", err, nil)
	b.same("Enrolment", before, after)
	named := b.enrol("p", func(e *campaign.Enrolment) { e.PublishName, e.DisplayName = true, "买买提" })
	b.same("a name may still be published", "买买提", named.DisplayName)
	b.told(event.KindEnrolled, event.KindSigned)
}

func contextBounds(b *bench) {
	b.enrol("p")
	ctx, leave := context.WithCancel(b.Context())
	leave()
	_, errEnrol := b.Enrolments.Enrol(ctx, b.Campaign, "q", enrolment(), person("买买提"))
	_, errEnrolment := b.Enrolments.Enrolment(ctx, b.Campaign, "p")
	_, _, errSign := b.Signatures.Sign(ctx, b.Campaign, "p", signature(0), person("张小三"))
	_, errSignature := b.Signatures.Signature(ctx, b.Campaign, "p")
	for name, err := range map[string]error{
		"Enrol": errEnrol, "Enrolment": errEnrolment, "Sign": errSign, "Signature": errSignature,
	} {
		b.wants(name, err, fault.ErrUnavailable)
	}
	b.told(event.KindEnrolled)
}
