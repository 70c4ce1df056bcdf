// Command qingyuan serves public anti-drug campaigns, and holds the tools to
// run and to prove them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"qingyuan/configs"
)

// version is set when the program is built.
var version = "dev" //nolint:gochecknoglobals // Set by the linker.

// Exit statuses.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// errUsage is a command line that parses and still makes no sense.
var errUsage = errors.New("used wrongly")

// errReported ends a command whose output has told everything already.
var errReported = errors.New("reported")

// cli is the command line.
type cli struct {
	Serve       serveCmd       `cmd:"" help:"Serve campaigns."`
	CheckConfig checkConfigCmd `cmd:"" name:"check-config" help:"Check the configuration and the campaigns, and say everything that is wrong."`
	ViewerToken viewerTokenCmd `cmd:"" name:"viewer-token" help:"Make a token with which an office sees the counts of its own part of a campaign."`
	Simulate    simulateCmd    `cmd:"" help:"Drive a server with virtual participants and check that everything is counted once."`

	Rehearse     rehearseCmd     `cmd:"" help:"Play the rush of the evening on this machine before the opening, and tell on one page what it held and what to change."`
	SimulatePart simulatePartCmd `cmd:"" hidden:"" name:"simulate-part" help:"A further process of a simulation."`

	Verify    verifyCmd     `cmd:"" help:"Compare Redis with what follows from the ledger, down to every receipt; exit 1 where they differ."`
	Rebuild   rebuildCmd    `cmd:"" help:"Fill Redis from the ledger, after a loss."`
	Pass      passCmd       `cmd:"" help:"Let the figures go on past damaged facts, which stay among the dead letters."`
	Backup    backupCmd     `cmd:"" help:"Copy a data folder into one file, also while it is served."`
	Restore   restoreCmd    `cmd:"" help:"Lay a backup out in an empty data folder."`
	Erase     eraseCmd      `cmd:"" help:"Take the personal data of a participant away everywhere; facts and counts stay."`
	Reseal    resealCmd     `cmd:"" help:"Seal personal data with the current key, before an old one is taken out."`
	Campaign  campaignCmds  `cmd:"" help:"Prepare and run campaigns."`
	Tree      treeCmds      `cmd:"" help:"Keep the organisation tree of a campaign: regions, units, rosters."`
	Export    exportCmd     `cmd:"" help:"Write a table of a campaign into an XLSX or CSV file."`
	Roster    rosterCmds    `cmd:"" help:"Keep who belongs to the units of a campaign."`
	Report    reportCmds    `cmd:"" help:"Tell of a campaign: workbook, printed report, brief, announced figures."`
	Bank      bankCmds      `cmd:"" help:"Check, import and export question banks, and take their pictures in."`
	Question  questionCmds  `cmd:"" name:"questions" help:"Keep the banks of the office: one person writes, another signs, campaigns draw."`
	Prizes    prizeCmds     `cmd:"" help:"Keep the prizes of a campaign, and roll its chances again."`
	Draw      drawCmds      `cmd:"" help:"Check draws with nothing but their files."`
	Log       logCmds       `cmd:"" help:"Check and export the logs by which anybody can check the counts."`
	Operator  operatorCmds  `cmd:"" help:"Keep the accounts of those who run campaigns."`
	Audit     auditCmds     `cmd:"" help:"Export the log of what operators did, or cut its oldest part."`
	Correct   correctCmds   `cmd:"" help:"Take acts out of the figures that should never have counted, and put them back."`
	Challenge challengeCmds `cmd:"" help:"Decide on questions that are contested, and mark attempts again by a rule."`
	Hide      hideCmds      `cmd:"" help:"Take people off the public boards, and put them back."`
	Transfer  transferCmds  `cmd:"" help:"Decide who may belong to another unit."`
	Switch    switchCmd     `cmd:"" help:"Switch a feature of a campaign off or on while everything else goes on, or list what is off."`
	Version   versionCmd    `cmd:"" help:"Print the version."`
}

// env is what every command gets.
type env struct {
	ctx            context.Context //nolint:containedctx // One command, one context.
	stdout, stderr io.Writer
	// stdin is where a password comes from that a script gives; nil is nothing.
	stdin io.Reader
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	code := run(env{ctx: ctx, stdout: os.Stdout, stderr: os.Stderr, stdin: os.Stdin}, os.Args[1:])
	stop()
	os.Exit(code)
}

// withIDs joins a participant's id to its flag: one in 64 begins with a hyphen, and
// would be taken for a flag itself.
func withIDs(args []string) []string {
	const flag = "--participant"
	out := make([]string, 0, len(args))
	for i := 0; i < len(args); i++ {
		if args[i] == flag && i+1 < len(args) {
			i++
			out = append(out, flag+"="+args[i])
			continue
		}
		out = append(out, args[i])
	}
	return out
}

// run executes one command line and returns the exit status.
func run(e env, args []string) int {
	var c cli
	helped := false // kong shows help and then wants to exit
	parser, err := kong.New(&c, kong.Name("qingyuan"), kong.Writers(e.stdout, e.stderr),
		kong.Description("Backend of public anti-drug campaigns: quiz, pledge, boards and live counts."),
		kong.Exit(func(int) { helped = true }))
	if err != nil {
		fmt.Fprintln(e.stderr, "qingyuan:", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	ctx, err := parser.Parse(withIDs(args))
	if helped {
		return exitDone
	}
	if err != nil {
		fmt.Fprintln(e.stderr, "qingyuan:", err)
		return exitUsage
	}
	switch err := ctx.Run(e); {
	case err == nil:
		return exitDone
	case errors.Is(err, errReported):
		return exitFailed
	case errors.Is(err, errUsage):
		fmt.Fprintln(e.stderr, "qingyuan:", err)
		return exitUsage
	default:
		fmt.Fprintln(e.stderr, "qingyuan:", err)
		return exitFailed
	}
}

// configFlags choose the configuration of a command.
type configFlags struct {
	Config string `help:"Configuration file (YAML)." type:"path" placeholder:"FILE"`
	Data   string `help:"Data folder." placeholder:"DIR"`
}

// load reads defaults, file, environment and the given flags, in that order.
func (f configFlags) load(more map[string]any) (configs.Config, error) {
	flags := map[string]any{}
	if f.Data != "" {
		flags["data.dir"] = f.Data
	}
	maps.Copy(flags, more)
	return configs.Load(configs.Options{File: f.Config, Flags: flags})
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(e env) error {
	_, err := fmt.Fprintln(e.stdout, version)
	return err
}
