package replay

import (
	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/replay/state"
	"qingyuan/pledge"
)

func (w *walk) sign(f *event.Fact, body event.Signed) {
	w.act(f)
	if w.life.Signature != nil {
		w.fault(f, "signed before", "never", w.life.Signature.Version)
		return
	}
	w.commitment, w.record.SignedAt = body.Commitment, f.At
	w.life.Signature = &pledge.Signature{
		Version: body.Version, TextSHA256: body.TextSHA256, Method: pledge.Method(body.Method),
		Unit: f.Unit, SignedAt: f.At, State: pledge.Valid,
	}
}

// personal adds what only the erasable records say: the names that are shown.
// What was erased leaves them empty, unless a later record names them again.
func (w *walk) personal(records []event.Record) {
	for i := range records {
		w.addRecord(&records[i])
	}
	if w.life.Enrolment.Unit != "" && !has(records, event.RecordEnrolment) {
		w.fault(&w.life.Facts[0], "enrolment record", "one", "none")
	}
	if w.life.Signature != nil && !has(records, event.RecordSignature) {
		w.fault(&w.life.Facts[len(w.life.Facts)-1], "signature record", "one", "none")
	}
}

func has(records []event.Record, k event.RecordKind) bool {
	for i := range records {
		if records[i].Kind == k {
			return true
		}
	}
	return false
}

func (w *walk) addRecord(r *event.Record) {
	switch {
	case r.Kind == event.RecordErasure:
		w.named(state.Disclosed{})
		w.signedBy("")
	case r.Kind == event.RecordEnrolment && r.Sealed == nil:
		w.named(state.Disclosed{})
	case r.Kind == event.RecordSignature && r.Sealed == nil:
		w.signedBy("")
	default:
		w.disclosed(r)
	}
}

// disclosed opens a record. One that cannot be opened is a fault: it was sealed
// for somebody else, with a key that is lost, or it is damaged.
func (w *walk) disclosed(r *event.Record) {
	d, err := w.Open(w.Campaign.ID, w.life.Participant, *r)
	if err != nil {
		w.recordFault(r, "personal record", "one that can be opened", string(r.Kind))
		return
	}
	switch r.Kind {
	case event.RecordEnrolment:
		e := &w.life.Enrolment
		e.NoticeVersion, e.Guardian = d.Notice, d.Personal.Guardian != ""
		w.named(d)
	case event.RecordSignature:
		w.signedBy(campaign.MaskName(d.Name))
		w.life.Commitments++
		if d.Commitment != w.commitment {
			w.recordFault(r, "commitment", "that of the signature", "another")
		}
	default:
		w.recordFault(r, "personal record", "one of a campaign", string(r.Kind))
	}
}

func (w *walk) recordFault(r *event.Record, field, want, got string) {
	w.life.Faults = append(w.life.Faults, Fault{r.Position, field, want, got})
}

// named sets what depends on the personal data behind the enrolment; without a
// digest there is none.
func (w *walk) named(d state.Disclosed) {
	e := &w.life.Enrolment
	w.life.Digest, e.PublishName, e.DisplayName = d.Digest, d.PublishName, ""
	switch {
	case d.Digest == "":
	case d.PublishName:
		e.DisplayName = d.Name
	default:
		e.DisplayName = campaign.MaskName(d.Name)
	}
}

func (w *walk) signedBy(masked string) {
	if w.life.Signature != nil {
		w.life.Signature.MaskedName = masked
	}
}
