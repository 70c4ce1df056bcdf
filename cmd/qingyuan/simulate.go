package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"qingyuan/internal/simulate"
)

// simulateCmd drives a server with virtual participants.
type simulateCmd struct {
	Target       string        `help:"Base URL of the server." default:"http://127.0.0.1:8080" placeholder:"URL"`
	AllowRemote  bool          `help:"Let the target be another machine. A simulation adds people to the counts." name:"allow-remote"`
	Campaign     string        `help:"Campaign; the first open one with quiz and pledge when left out." placeholder:"ID"`
	Participants int           `help:"How many people." default:"1000"`
	Shape        string        `help:"How people come: flat, the rush of an evening at eight, or a day with its three peaks." enum:"flat,rush,day" default:"flat"`
	Rate         float64       `help:"New people a second of a flat shape; 0 is as fast as the workers can." default:"0"`
	Over         time.Duration `help:"How long the shape lasts; 0: 20m of a rush, 24h of a day." placeholder:"10m"`
	Workers      int           `help:"People under way at once; 0: 64, or 8000 where a rate or a shape says when they come." default:"0"`
	Processes    int           `help:"Processes that share the people, where one is not enough." default:"1"`
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
	cfg.Participants, cfg.Workers, cfg.Seed = s.Participants, s.Workers, s.Seed
	cfg.Shape, cfg.Rate, cfg.Over = simulate.Shape(s.Shape), s.Rate, s.Over
	cfg.Processes, cfg.Fork = s.Processes, forkSimulation
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

// simulatePartCmd is a further process of a simulation. Another one starts it and
// speaks to it.
type simulatePartCmd struct{}

const simulatePart = "simulate-part"

// Run implements the command.
func (simulatePartCmd) Run(e env) error { return simulate.Join(e.ctx, os.Stdin, e.stdout) }

// forkSimulation makes the command of a further process of this program.
func forkSimulation(ctx context.Context) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	return exec.CommandContext(ctx, self, simulatePart) //nolint:gosec // It is this program.
}

func (s simulateCmd) write(w io.Writer, report *simulate.Report) error {
	if !s.JSON {
		return report.WriteTable(w)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(report)
}
