package main

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"maps"
	"slices"
	"time"

	"qingyuan/configs"
	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/prooflog"
	"qingyuan/internal/report"
	"qingyuan/internal/seal"
	"qingyuan/internal/sqldb"
	"qingyuan/proof"
)

// Derived keys of the logs. A label, once used, keeps its meaning.
const (
	labelCheckpoints = "proof checkpoint key"
	labelSeeds       = "proof seeds"
)

// newProofLog is the log of every campaign by which outsiders check counts.
func newProofLog(cfg configs.Config, db *sqldb.DB, l *ledger.Ledger, s secrecy, now func() time.Time) *prooflog.Log {
	return &prooflog.Log{
		DB: db, Ledger: l, Keys: checkpointKeys(cfg.Secrets), Pepper: seal.Derive(cfg.Secrets.Master.Key(), labelSeeds),
		Dir: cfg.CheckpointsDir(), Now: now, Span: cfg.Proofs.Every,
		Open: func(campaignID, participant string, r event.Record) (prooflog.Signer, error) {
			d, err := s.open(campaignID, participant, r)
			return prooflog.Signer{Name: d.Name, Strokes: d.Strokes, Commitment: d.Commitment}, err
		},
	}
}

// checkpointKeys makes the keys that sign checkpoints out of the secrets.
func checkpointKeys(s configs.Secrets) prooflog.Keys {
	current, secrets := s.Proofs()
	var out prooflog.Keys
	for _, id := range slices.Sorted(maps.Keys(secrets)) {
		seed := seal.Derive(secrets[id], labelCheckpoints)
		key := ed25519.NewKeyFromSeed(seed[:])
		if id == current {
			out.Current = key
			continue
		}
		public, _ := key.Public().(ed25519.PublicKey)
		out.Others = append(out.Others, public)
	}
	return out
}

// newSealer seals and signs what happens, and hands it to those who keep it outside.
func newSealer(cfg configs.Config, l *prooflog.Log, m *metrics, log *slog.Logger) *prooflog.Sealer {
	s := &prooflog.Sealer{
		Log: l, Every: cfg.Proofs.Every,
		Signed: func(campaignID string, c proof.Signed) {
			m.proofLeaves.WithLabelValues(campaignID).Set(float64(c.N))
			m.proofSigned.WithLabelValues(campaignID).Set(float64(c.At.UnixMilli()) / 1000)
		},
		Failed: func(what string, err error) { log.Error("a log of acts", "of", what, "err", err) },
		Told:   func(broken int) { m.proofBroken.Set(float64(broken)) },
	}
	for _, dir := range cfg.Proofs.KeepDirs {
		s.Keepers = append(s.Keepers, prooflog.Folder(dir))
	}
	for _, url := range cfg.Proofs.Webhooks {
		s.Keepers = append(s.Keepers, prooflog.Webhook{URL: url, Token: cfg.Proofs.WebhookToken.Reveal()})
	}
	return s
}

// newRereader reads the logs again in the background.
func newRereader(l *prooflog.Log, m *metrics, log *slog.Logger) *prooflog.Rereader {
	return &prooflog.Rereader{
		Log: l,
		Told: func(campaignID string, r prooflog.Reread) {
			m.proofFaults.WithLabelValues(campaignID).Set(float64(len(r.Faults)))
			if !r.Through.IsZero() {
				m.proofReread.WithLabelValues(campaignID).Set(float64(r.Through.UnixMilli()) / 1000)
			}
			for _, f := range r.Faults {
				log.Error("a log of acts does not hold", "of", campaignID, "fault", f.String())
			}
		},
		Failed: func(campaignID string, err error) {
			log.Warn("a log of acts was not read again", "of", campaignID, "err", err)
		},
	}
}

// proofs are the logs, for a command.
func (w *workbench) proofs() *prooflog.Log {
	return newProofLog(w.cfg, w.db, w.ledger, w.services.secrecy, time.Now)
}

// announcedLog is the log that announced counts are tied to; nil where none is kept.
func announcedLog(cfg configs.Config, l *prooflog.Log) report.Log {
	if cfg.Proofs.Every == 0 {
		return nil
	}
	return l
}

// seal runs the sealer once the Redis is known to be this deployment's: before, nobody
// knows what the log is called.
func (p *program) seal(ctx context.Context) {
	select {
	case <-p.ready.claimed:
		p.sealer.Run(ctx)
	case <-ctx.Done():
	}
}
