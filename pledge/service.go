package pledge

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
)

// Catalog finds pledges.
type Catalog interface {
	// Pledge returns campaign.ErrNotFound for an unknown campaign and
	// ErrNoPledge for one without a pledge.
	Pledge(campaign string) (Offer, error)
	// CampaignByPrefix returns the id of the campaign whose serials begin so.
	CampaignByPrefix(prefix string) (string, bool)
}

// Store keeps signatures. Each method is one atomic step and may be repeated
// after an unknown outcome.
type Store interface {
	// Sign stores s and appends one fact; personal data goes to the erasable
	// stream. When the participant has signed already it changes nothing and
	// returns the first signature with fresh false. A participant who is not
	// enrolled is campaign.ErrRequired.
	Sign(ctx context.Context, campaignID, participant string, s Signature, p campaign.Personal) (kept Signature, fresh bool, err error)
	// Signature returns ErrNotSigned where there is none.
	Signature(ctx context.Context, campaignID, participant string) (Signature, error)
}

// Receipt is a signature with its serial.
type Receipt struct {
	Serial string
	// Participant is whose it is: for the server alone, never for an answer.
	Participant string
	Signature
}

// Service signs pledges.
type Service struct {
	Catalog Catalog
	Store   Store
	Serials *Serials
	Now     func() time.Time
}

// Sign signs the current version. A repeat returns the first receipt, also
// after the text has changed or the campaign has closed.
func (s *Service) Sign(ctx context.Context, campaignID, participant string, r Request) (receipt Receipt, fresh bool, err error) {
	o, err := s.Catalog.Pledge(campaignID)
	if err != nil {
		return Receipt{}, false, err
	}
	now := s.Now()
	sig, personal, err := o.Decide(r, now)
	if err != nil {
		if kept, errKept := s.Store.Signature(ctx, campaignID, participant); errKept == nil && r.sameAs(kept) {
			receipt, err = s.receipt(o, participant, kept)
			return receipt, false, err
		}
		return Receipt{}, false, err
	}
	kept, fresh, err := s.Store.Sign(ctx, campaignID, participant, sig, personal)
	if err != nil {
		return Receipt{}, false, err
	}
	receipt, err = s.receipt(o, participant, kept)
	return receipt, fresh, err
}

// sameAs tells whether r may be the request that kept came from.
func (r *Request) sameAs(kept Signature) bool {
	return r.Version == kept.Version && r.Method == kept.Method
}

func (s *Service) receipt(o Offer, participant string, sig Signature) (Receipt, error) {
	serial, err := s.Serials.Make(o.Prefix, o.Campaign.ID, participant)
	return Receipt{Serial: serial, Participant: participant, Signature: sig}, err
}

// Signature returns the participant's own, or ErrNotSigned.
func (s *Service) Signature(ctx context.Context, campaignID, participant string) (Receipt, error) {
	o, err := s.Catalog.Pledge(campaignID)
	if err != nil {
		return Receipt{}, err
	}
	sig, err := s.Store.Signature(ctx, campaignID, participant)
	if err != nil {
		return Receipt{}, err
	}
	return s.receipt(o, participant, sig)
}

// BySerial returns the signature behind a serial for anybody who holds it, and
// the campaign it belongs to. Guesses and forgeries are ErrNotSigned.
func (s *Service) BySerial(ctx context.Context, serial string) (Receipt, *campaign.Campaign, error) {
	id, ok := s.Catalog.CampaignByPrefix(Prefix(serial))
	if !ok {
		return Receipt{}, nil, ErrNotSigned
	}
	o, err := s.Catalog.Pledge(id)
	if err != nil {
		return Receipt{}, nil, err
	}
	participant, ok := s.Serials.Read(serial, id)
	if !ok {
		return Receipt{}, nil, ErrNotSigned
	}
	sig, err := s.Store.Signature(ctx, id, participant)
	if err != nil {
		return Receipt{}, nil, err
	}
	return Receipt{Serial: serial, Participant: participant, Signature: sig}, o.Campaign, nil
}

// Decide turns a request into the signature it asks for, or into the fault to
// answer. It depends on its arguments alone.
func (o *Offer) Decide(r Request, now time.Time) (Signature, campaign.Personal, error) {
	var p campaign.Personal
	if err := o.Campaign.CheckOpen(now); err != nil {
		return Signature{}, p, err
	}
	v := o.Current()
	if !slices.Contains(v.Methods, r.Method) {
		return Signature{}, p, fault.InvalidField("method", "本承诺书不支持这种签署方式")
	}
	if r.Version != v.Version {
		return Signature{}, p, ErrVersionChanged
	}
	name, ok := campaign.CleanName(r.Name)
	if !ok {
		return Signature{}, p, fault.InvalidField("name", "请填写姓名：只能包含文字和间隔号，最多50个字")
	}
	p.Name = name
	if err := r.strokes(&p); err != nil {
		return Signature{}, p, err
	}
	return Signature{
		Version: v.Version, TextSHA256: v.SHA256(r.Lang), Method: r.Method,
		SignedAt: now.Truncate(time.Millisecond), MaskedName: campaign.MaskName(name), State: Valid,
	}, p, nil
}

func (r *Request) strokes(p *campaign.Personal) error {
	if r.Method == Typed {
		if len(r.Strokes) > 0 {
			return fault.InvalidField("strokes", "键入签名不带笔迹")
		}
		return nil
	}
	if err := r.Strokes.Check(); err != nil {
		return err
	}
	raw, err := json.Marshal(r.Strokes)
	if err != nil {
		return fmt.Errorf("encode %d strokes: %w", len(r.Strokes), err)
	}
	p.Strokes = string(raw)
	return nil
}
