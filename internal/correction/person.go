package correction

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
)

// Act is an accepted act of a participant, and whether it counts.
type Act struct {
	Item

	Void bool
	// choices are the answers of an attempt as the fact holds them.
	bank, items, choices string
	// origin is where it came from, by package origin.
	origin             string
	correct, questions int
}

// Person is what the ledger tells of a participant, as far as conditions and rules
// ask for it.
type Person struct {
	ID string
	// Unit and Group are where they belong now.
	Unit, Group string
	// MaskedName is "" where no record was opened.
	MaskedName string
	// Acts are in the order of their acceptance.
	Acts []Act
}

// PersonOf reads a history.
func PersonOf(h *ledger.History) (*Person, error) {
	p := &Person{ID: h.Participant}
	for i := range h.Facts {
		if err := p.take(&h.Facts[i]); err != nil {
			return nil, fmt.Errorf("fact %s of participant %s: %w", h.Facts[i].Position, h.Participant, err)
		}
	}
	for i := range p.Acts {
		p.Acts[i].Unit = p.Unit // acts count where their participant belongs
	}
	return p, nil
}

func (p *Person) take(f *event.Fact) error {
	p.Unit, p.Group = f.Unit, f.Group
	switch body := f.Body.(type) {
	case event.Submitted:
		p.Acts = append(p.Acts, Act{
			Item: Item{
				Act: act.Act{Participant: f.Participant, Number: body.Number}, At: f.At, Score: body.Score,
				Used: time.Duration(body.UsedMS) * time.Millisecond,
			},
			bank: body.Bank, items: body.Items, choices: body.Choices, correct: body.Correct, origin: body.Origin,
		})
	case event.Signed:
		p.Acts = append(p.Acts, Act{Item: Item{Act: act.Act{Participant: f.Participant}, At: f.At}, origin: body.Origin})
	case event.Corrected:
		return p.correct(f.Kind, body.Number)
	case event.Remarked:
		a, err := p.act(body.Number)
		if err != nil {
			return err
		}
		a.Score, a.correct = body.After.Score, body.After.Correct
	}
	return nil
}

// correct notes that an act counts no more, or again.
func (p *Person) correct(kind event.Kind, number int) error {
	void := true
	switch kind {
	case event.KindHidden, event.KindShown:
		return nil
	case event.KindRestored, event.KindSignatureRestored:
		void = false
	default:
	}
	a, err := p.act(number)
	if err != nil {
		return err
	}
	a.Void = void
	return nil
}

// act returns an accepted act.
func (p *Person) act(number int) (*Act, error) {
	i := slices.IndexFunc(p.Acts, func(a Act) bool { return a.Number == number })
	if i < 0 {
		return nil, fmt.Errorf("a correction of act %d, which was never accepted", number)
	}
	return &p.Acts[i], nil
}

// Times are when their attempts were accepted that count.
func (p *Person) Times() []time.Time {
	var out []time.Time
	for i := range p.Acts {
		if a := &p.Acts[i]; a.Number > 0 && !a.Void {
			out = append(out, a.At)
		}
	}
	return out
}

// named opens the enrolment's record for the masked name.
func (p *Person) named(h *ledger.History, name func(event.Record) (string, error)) error {
	p.MaskedName = campaign.MaskName("")
	for i := range h.Records {
		r := &h.Records[i]
		if r.Kind != event.RecordEnrolment {
			continue
		}
		p.MaskedName = campaign.MaskName("")
		if r.Sealed == nil {
			continue
		}
		full, err := name(*r)
		if err != nil {
			return fmt.Errorf("record %s of participant %s: %w", r.Position, p.ID, err)
		}
		p.MaskedName = campaign.MaskName(full)
	}
	return nil
}

// wrongAnswers is a digest of the questions that an attempt answered wrongly and how,
// whatever their order on the paper; "" where nothing was wrong.
func wrongAnswers(wrong []string) string {
	if len(wrong) == 0 {
		return ""
	}
	slices.Sort(wrong)
	sum := sha256.Sum256([]byte(strings.Join(wrong, "\n")))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// opener opens records of one participant.
func (s *Service) opener(campaignID, participant string) func(event.Record) (string, error) {
	return func(r event.Record) (string, error) { return s.Name(campaignID, participant, r) }
}
