package main

import (
	"fmt"

	"qingyuan/configs"
	"qingyuan/internal/event"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/replay/state"
	"qingyuan/internal/seal"
)

// secrecy is what personal data is sealed with and recognised by.
type secrecy struct {
	box       *seal.Box
	digestKey [32]byte
}

func newSecrecy(cfg configs.Config) (secrecy, error) {
	current, secrets := cfg.Secrets.Seals()
	box, err := seal.New(seal.Keys{Current: current, Secrets: secrets}.Derive(labelPersonal))
	if err != nil {
		return secrecy{}, fmt.Errorf("keys of personal data: %w", err)
	}
	return secrecy{box: box, digestKey: seal.Derive(cfg.Secrets.Master.Key(), labelDigest)}, nil
}

// open reads a personal record for package replay.
func (s secrecy) open(campaign, participant string, r event.Record) (state.Disclosed, error) {
	p, err := redisstore.OpenRecord(s.box, campaign, participant, r.Sealed)
	if err != nil {
		return state.Disclosed{}, err
	}
	digest, err := redisstore.Digest(s.digestKey[:], p.Personal)
	return state.Disclosed{
		Personal: p.Personal, PublishName: p.Publish, Notice: p.Notice, Commitment: p.Commitment, Digest: digest,
	}, err
}
