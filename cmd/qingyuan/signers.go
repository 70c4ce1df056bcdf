package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"qingyuan/internal/certificate"
	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/httpapi"
	"qingyuan/internal/ledger"
)

// signers tells what participants wrote when they signed: the ledger alone keeps it.
type signers struct {
	ledger  *ledger.Ledger
	secrecy secrecy
}

var _ httpapi.Signers = signers{}

// Signer implements httpapi.Signers.
func (s signers) Signer(ctx context.Context, campaignID, participant string) (httpapi.Signer, error) {
	shards, err := s.ledger.ShardsIn(ctx, campaignID, participant)
	if err != nil {
		return httpapi.Signer{}, fault.ErrUnavailable.Because(err)
	}
	for _, shard := range shards {
		h, err := s.ledger.History(ctx, shard, participant)
		if err != nil {
			return httpapi.Signer{}, fault.ErrUnavailable.Because(err)
		}
		for _, r := range h.Records {
			if r.Kind == event.RecordSignature {
				return s.open(campaignID, participant, r)
			}
		}
	}
	return httpapi.Signer{}, fault.ErrUnavailable.Because(errors.New("the signature is not archived yet"))
}

// open reads what was written.
func (s signers) open(campaignID, participant string, r event.Record) (httpapi.Signer, error) {
	if r.Sealed == nil {
		return httpapi.Signer{}, certificate.ErrErased
	}
	p, err := s.secrecy.open(campaignID, participant, r)
	if err != nil {
		return httpapi.Signer{}, fmt.Errorf("open signature record %s: %w", r.Position, err)
	}
	out := httpapi.Signer{Name: p.Name}
	if p.Strokes == "" {
		return out, nil
	}
	if err := json.Unmarshal([]byte(p.Strokes), &out.Strokes); err != nil {
		return httpapi.Signer{}, fmt.Errorf("read the strokes of signature record %s: %w", r.Position, err)
	}
	return out, nil
}
