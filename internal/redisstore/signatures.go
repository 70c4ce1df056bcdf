package redisstore

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/origin"
	"qingyuan/pledge"
)

var signScript = script("sign")

// Signatures implements pledge.Store.
type Signatures struct {
	campaigns *Campaigns
	personal  sealed
}

var _ pledge.Store = (*Signatures)(nil)

// NewSignatures seals names and strokes with box.
func NewSignatures(c *Campaigns, box Sealer) *Signatures {
	return &Signatures{campaigns: c, personal: newSealed(box, nil)}
}

// Sign implements pledge.Store.
func (s *Signatures) Sign(ctx context.Context, id, participant string, sig pledge.Signature, p campaign.Personal) (pledge.Signature, bool, error) {
	fail := func(err error) (pledge.Signature, bool, error) {
		return pledge.Signature{}, false, fmt.Errorf("sign in %s: %w", id, err)
	}
	o, err := s.campaigns.writable(id)
	if err != nil {
		return fail(err)
	}
	blob, commitment, err := s.personal.seal(id, participant, PersonalRecord{Personal: p})
	if err != nil {
		return fail(err)
	}
	body := signedBody(&event.Signed{
		Version: sig.Version, TextSHA256: sig.TextSHA256, Method: string(sig.Method), Commitment: commitment, Origin: origin.From(ctx),
	})
	packed, err := packSignature(sig)
	if err != nil {
		return fail(err)
	}
	if err := s.campaigns.introduce(ctx, o, sig.TextSHA256); err != nil {
		return fail(err)
	}
	k := o.keys(participant)
	r, err := run(ctx, s.campaigns.writes, signScript,
		[]string{k.meta(), k.participant(participant), k.facts(), k.personal()},
		o.epoch, participant, packed, millis(sig.SignedAt), body, blob)
	if err != nil {
		return fail(err)
	}
	switch {
	case r.outcome == "ok" && len(r.args) == 1:
		sig.Unit = r.args[0]
		return sig, true, nil
	case r.outcome == "done" && len(r.args) == 2:
		kept, err := s.unpack(ctx, o, r.args[1], r.args[0])
		return kept, false, err
	case r.outcome == "required":
		return pledge.Signature{}, false, campaign.ErrRequired
	case r.outcome == "joined":
		return pledge.Signature{}, false, campaign.ErrJoined
	case r.outcome == "epoch":
		return fail(o.wrongEpoch())
	default:
		return fail(r.unknown())
	}
}

// Signature implements pledge.Store.
func (s *Signatures) Signature(ctx context.Context, id, participant string) (pledge.Signature, error) {
	o, err := s.campaigns.of(id)
	if err != nil {
		return pledge.Signature{}, err
	}
	f, err := s.campaigns.person(ctx, o, participant, "s", "u")
	if err != nil {
		return pledge.Signature{}, fmt.Errorf("signature in %s: %w", id, err)
	}
	if f[0] == "" {
		return pledge.Signature{}, pledge.ErrNotSigned
	}
	return s.unpack(ctx, o, f[0], f[1])
}

// unpack reads a stored signature, the digest of its text in full.
func (s *Signatures) unpack(ctx context.Context, o *opened, packed, unit string) (pledge.Signature, error) {
	sig, err := unpackSignature(packed, unit)
	if err != nil {
		return pledge.Signature{}, err
	}
	sig.TextSHA256, err = s.campaigns.digestOf(ctx, o, sig.TextSHA256)
	return sig, err
}

// packSignature writes "state|method|at|text|version|masked name"; the text goes by
// the short name of its digest, and behind the state comes "~" and the batch that
// invalidated it, where there is one.
func packSignature(s pledge.Signature) (string, error) {
	if _, err := hex.DecodeString(s.TextSHA256); err != nil {
		return "", fmt.Errorf("digest of the text: %w", err)
	}
	return strings.Join([]string{
		packState(&s), string(s.Method), moment(s.SignedAt), shortName(s.TextSHA256), s.Version, s.MaskedName,
	}, "|"), nil
}

// packState writes what became of a signature.
func packState(s *pledge.Signature) string {
	if s.Batch == "" {
		return string(s.State)
	}
	return string(s.State) + batchMark + s.Batch
}

// repackSignature writes another state into a stored signature.
func repackSignature(packed string, s *pledge.Signature) (string, error) {
	_, rest, ok := strings.Cut(packed, "|")
	if !ok {
		return "", errors.New("stored signature has one part")
	}
	return packState(s) + "|" + rest, nil
}

// batchMark stands between the state of a signature and the batch that led to it.
const batchMark = "~"

// unpackSignature is the inverse of packSignature, but for the digest, which keeps
// its short name.
func unpackSignature(packed, unit string) (pledge.Signature, error) {
	p := strings.SplitN(packed, "|", 6)
	if len(p) != 6 {
		return pledge.Signature{}, fmt.Errorf("stored signature has %d parts, want 6", len(p))
	}
	d := decoder{}
	if p[5] == "" { // it was erased
		p[5] = campaign.MaskName("")
	}
	state, batch, _ := strings.Cut(p[0], batchMark)
	return pledge.Signature{
		State: pledge.State(state), Batch: batch, Method: pledge.Method(p[1]), SignedAt: d.moment(p[2]),
		TextSHA256: p[3], Version: p[4], MaskedName: p[5], Unit: unit,
	}, d.err
}
