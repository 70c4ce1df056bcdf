package httpapi

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/pledge"
	"qingyuan/proof"
)

type pledgeAnswer struct {
	Version string          `json:"version"`
	Title   string          `json:"title"`
	Text    string          `json:"text"`
	SHA256  string          `json:"sha256"`
	Methods []pledge.Method `json:"methods"`
}

// showPledge handles GET /api/v1/campaigns/{campaign}/pledge.
func (s *Server) showPledge(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	o, err := s.Catalog.Pledge(c.ID)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, pledgeText(o, k.lang()))
}

// pledgeText is the version that is signed now.
func pledgeText(o pledge.Offer, lang string) pledgeAnswer {
	v := o.Current()
	return pledgeAnswer{
		Version: v.Version, Title: v.Title.In(lang), Text: v.Text.In(lang), SHA256: v.SHA256(lang), Methods: v.Methods,
	}
}

// maxStrokes is the most bytes of a drawn signature on the wire.
const maxStrokes = 32 << 10

type signRequest struct {
	Version string         `json:"version"`
	Method  pledge.Method  `json:"method"`
	Name    string         `json:"name"`
	Strokes jsontext.Value `json:"strokes"`
}

type signatureAnswer struct {
	Serial     string `json:"serial"`
	Version    string `json:"version"`
	TextSHA256 string `json:"text_sha256"`
	SignedAt   string `json:"signed_at"`
	Unit       string `json:"unit"`
	UnitName   string `json:"unit_name"`
	Method     string `json:"method"`
	// State is left out while the signature counts.
	State       string        `json:"state,omitempty"`
	Invalidated *invalidatedT `json:"invalidated,omitempty"`
	// Log is where it lies in the log, left out before it is sealed and on the first answer.
	Log *leafAnswer `json:"log,omitempty"`
}

func (s *Server) signatureOf(ctx context.Context, c *campaign.Campaign, r pledge.Receipt, lang string) signatureAnswer {
	out := signatureAnswer{
		Serial: r.Serial, Version: r.Version, TextSHA256: r.TextSHA256, SignedAt: stamp(r.SignedAt, c.Zone),
		Unit: r.Unit, UnitName: unitName(c, r.Unit, lang), Method: string(r.Method),
		Invalidated: s.invalidatedOf(ctx, r.State == pledge.Invalidated, r.Batch),
	}
	if r.State == pledge.Invalidated || r.State == pledge.Withdrawn {
		out.State = string(r.State)
	}
	return out
}

// sign handles POST /api/v1/campaigns/{campaign}/signatures. A repeat gives the
// first receipt.
func (s *Server) sign(k *call) error {
	var in signRequest
	if err := k.decode(&in); err != nil {
		return err
	}
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	r := pledge.Request{Version: in.Version, Method: in.Method, Name: in.Name, Lang: k.lang()}
	if r.Strokes, err = in.strokes(); err != nil {
		return err
	}
	receipt, fresh, err := s.Pledges.Sign(s.originated(k, c.ID), c.ID, k.participant, r)
	if err != nil {
		return err
	}
	return k.send(created(fresh), s.signatureOf(k.ctx, c, receipt, k.lang()))
}

// strokes reads the pen's points after looking at their size. A point that says
// anything but x, y and t is refused.
func (in *signRequest) strokes() (pledge.Strokes, error) {
	switch {
	case len(in.Strokes) == 0:
		return nil, nil
	case len(in.Strokes) > maxStrokes:
		return nil, pledge.ErrStrokesInvalid.WithFields(fault.Field{Name: "strokes", Reason: "笔迹不能超过 32 KiB"})
	}
	var wrapped struct {
		Strokes pledge.Strokes `json:"strokes"`
	}
	// Wrapped again, so that a wrong point is named by its whole path.
	body := append(append([]byte(`{"strokes":`), in.Strokes...), '}')
	err := decodeStrict(body, &wrapped)
	return wrapped.Strokes, err
}

// showSignature handles GET /api/v1/campaigns/{campaign}/signatures/me.
func (s *Server) showSignature(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	r, err := s.Pledges.Signature(k.ctx, c.ID, k.participant)
	if err != nil {
		return err
	}
	out := s.signatureOf(k.ctx, c, r, k.lang())
	out.Log = s.placeOf(k, c, k.participant, proof.SignatureAct)
	return k.send(fiber.StatusOK, out)
}

type certificateAnswer struct {
	Serial   string `json:"serial"`
	Campaign string `json:"campaign"`
	Title    string `json:"title"`
	Name     string `json:"name"` // masked
	Unit     string `json:"unit"`
	UnitName string `json:"unit_name"`
	SignedAt string `json:"signed_at"`
	State    string `json:"state"`
	// Number is the index in the log, Proof what shows that it is there; both are left out
	// before it is sealed, and after the signer was erased.
	Number *int64        `json:"number,omitempty"`
	Proof  *proof.Bundle `json:"proof,omitempty"`
}

// showBySerial handles GET /api/v1/signatures/{serial}: what anybody who holds a
// certificate may learn.
func (s *Server) showBySerial(k *call) error {
	r, c, err := s.Pledges.BySerial(k.ctx, k.Params("serial"))
	if err != nil {
		return err
	}
	lang := k.lang()
	out := certificateAnswer{
		Serial: r.Serial, Campaign: c.ID, Title: c.Title.In(lang), Name: r.MaskedName,
		Unit: r.Unit, UnitName: unitName(c, r.Unit, lang), SignedAt: stamp(r.SignedAt, c.Zone), State: string(r.State),
	}
	if out.Proof = s.publicProof(k, c, &r); out.Proof != nil {
		out.Number = &out.Proof.Entries[0].Index
	}
	return k.send(fiber.StatusOK, out)
}
