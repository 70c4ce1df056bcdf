package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"qingyuan/internal/simulate"
)

// simulateCmd drives a server with virtual participants.
type simulateCmd struct {
	Target       string        `help:"Base URL of the server." default:"http://127.0.0.1:8080" placeholder:"URL"`
	AllowRemote  bool          `help:"Let the target be another machine. A simulation adds people to the counts." name:"allow-remote"`
	Campaign     string        `help:"Campaign; the first open one with quiz and pledge when left out." placeholder:"ID"`
	Participants int           `help:"How many people." default:"1000"`
	Rate         float64       `help:"New people a second; 0 is as fast as the workers can." default:"0"`
	Workers      int           `help:"People under way at once." default:"64"`
	Seed         uint64        `help:"Makes a run's choices repeatable; 0 draws one." default:"0"`
	Repeats      float64       `help:"Share of people who send everything twice." default:"0.10"`
	Wrong        float64       `help:"Share of people who first send something that must be refused." default:"0.30"`
	Abandon      float64       `help:"Share of people who leave their paper." default:"0.05"`
	LostReplies  float64       `help:"Share of submissions and signatures whose reply is thrown away." name:"lost-replies" default:"0.03"`
	Patience     time.Duration `help:"How long an unknown outcome is asked for again." default:"60s"`
	JSON         bool          `help:"Print the report as JSON." name:"json"`
}

// Run implements the command.
func (s simulateCmd) Run(e env) error {
	cfg := simulate.Default()
	cfg.Target, cfg.AllowRemote, cfg.Campaign = s.Target, s.AllowRemote, s.Campaign
	cfg.Participants, cfg.Rate, cfg.Workers, cfg.Seed = s.Participants, s.Rate, s.Workers, s.Seed
	cfg.Repeats, cfg.Wrong, cfg.Abandon, cfg.LostReplies = s.Repeats, s.Wrong, s.Abandon, s.LostReplies
	cfg.Patience = s.Patience
	report, err := simulate.Run(e.ctx, cfg, simulate.NewProgress(e.stderr))
	switch {
	case errors.Is(err, simulate.ErrRemote):
		return fmt.Errorf("%w: %w", errUsage, err)
	case err != nil && !report.Interrupted:
		return err
	}
	// An interrupted run tells how far it came.
	if err := s.write(e.stdout, &report); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if !report.OK() {
		return errReported
	}
	return nil
}

func (s simulateCmd) write(w io.Writer, report *simulate.Report) error {
	if !s.JSON {
		return report.WriteTable(w)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(report)
}
