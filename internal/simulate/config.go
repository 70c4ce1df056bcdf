package simulate

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os/exec"
	"strings"
	"time"
)

// ErrRemote refuses a target beyond this machine: a simulation adds people to
// the counts, and the sandbox sign-in exists for demonstrations only.
var ErrRemote = errors.New("the target is not a loopback address; allow remote targets to use it all the same")

// Bounds of a configuration, against slips of the keyboard.
const (
	maxParticipants = 10_000_000
	maxWorkers      = 50_000
	maxProcesses    = 64
	maxOver         = 48 * time.Hour
)

// Config says whom to simulate, and against what. Start from Default: shares
// of zero mean none.
type Config struct {
	// Target is the server's base URL.
	Target string
	// AllowRemote lets Target be another machine.
	AllowRemote bool
	// Campaign is the campaign's id; empty takes the first open campaign that
	// has both a quiz and a pledge.
	Campaign     string
	Participants int
	// Shape is how participants come over time; empty is Flat.
	Shape Shape
	// Rate is how many new participants come per second of a Flat shape; 0 is
	// as many as the Workers can take, or all of them within Over.
	Rate float64
	// Over is how long the Shape lasts. 0 is twenty minutes of a Rush and the
	// 24 hours of a Day.
	Over time.Duration
	// Workers is how many participants are under way at once, at most. 0 is 64
	// where they come as fast as they are taken, and thousands where a plan says
	// when they come.
	Workers int
	// Processes is how many processes share the crowd; 0 is one, this one.
	Processes int
	// Fork makes the command of a further process, which must call Join with its
	// standard input and output. It is needed for more than one.
	Fork func(context.Context) *exec.Cmd `json:"-"`
	// Seed makes a run's choices repeatable, except for what participants learn
	// from each other's reviews; 0 draws one.
	Seed uint64
	// Repeats is the share of participants who send everything twice.
	Repeats float64
	// Wrong is the share who first send something the server must refuse.
	Wrong float64
	// Abandon is the share who start a paper and leave it.
	Abandon float64
	// LostReplies is the share of submissions and of signatures whose reply is
	// thrown away unread.
	LostReplies float64
	// Patience is how long an unknown outcome is asked for again.
	Patience time.Duration
	// Timeout bounds one exchange.
	Timeout time.Duration
	// Settle is how long the counts may take to reach what was acknowledged.
	Settle time.Duration
	// Audit is how many participants' receipts are read again in the end; a
	// larger run is sampled. Negative is none.
	Audit int
	// Prefix begins the names of the virtual people. Empty draws one, so that
	// no run meets the people of an earlier one.
	Prefix string

	now            func() time.Time
	sleep          func(context.Context, time.Duration) error
	poll           time.Duration // between two looks at the counts
	backoff, limit time.Duration // first and longest wait before a repeat
}

// Default returns a configuration that lacks only Target.
func Default() Config {
	return Config{
		Participants: 1000,
		Shape:        Flat,
		Repeats:      0.10,
		Wrong:        0.30,
		Abandon:      0.05,
		LostReplies:  0.03,
		Patience:     time.Minute,
		Timeout:      10 * time.Second,
		Settle:       15 * time.Second,
		Audit:        20_000,
	}
}

// complete fills what may be left out and names every fault at once.
func (c Config) complete() (Config, error) {
	c = c.filled()
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: "+format, append([]any{field}, args...)...))
	}
	if err := c.checkTarget(); err != nil {
		bad("target", "%w", err)
	}
	if c.Participants < 1 || c.Participants > maxParticipants {
		bad("participants", "must be 1 to %d", maxParticipants)
	}
	if c.Workers < 1 || c.Workers > maxWorkers {
		bad("workers", "must be 1 to %d", maxWorkers)
	}
	c.checkArrivals(bad)
	for _, s := range []struct {
		name  string
		share float64
	}{{"repeats", c.Repeats}, {"wrong", c.Wrong}, {"abandon", c.Abandon}, {"lost replies", c.LostReplies}} {
		if !(s.share >= 0 && s.share <= 1) {
			bad(s.name, "%g is not a share between 0 and 1", s.share)
		}
	}
	if c.Patience < 0 || c.Timeout < 0 || c.Settle < 0 {
		bad("patience, timeout, settle", "must not be negative")
	}
	if err := errors.Join(errs...); err != nil {
		return c, fmt.Errorf("simulate: %w", err)
	}
	return c, nil
}

func (c Config) checkArrivals(bad func(field, format string, args ...any)) {
	switch c.Shape {
	case Flat, Rush, Day:
	default:
		bad("shape", "%q is none of %s, %s, %s", c.Shape, Flat, Rush, Day)
	}
	if !(c.Rate >= 0) {
		bad("rate", "must not be negative")
	}
	if c.Rate > 0 && (c.Shape != Flat || c.Over > 0) {
		bad("rate", "belongs to a flat shape, and to one of no given length")
	}
	if c.Over < 0 || c.Over > maxOver {
		bad("over", "must be at most %v", maxOver)
	}
	if c.Processes < 1 || c.Processes > maxProcesses {
		bad("processes", "must be 1 to %d", maxProcesses)
	}
	if c.Processes > 1 && c.Fork == nil {
		bad("processes", "there is no way to start more than one")
	}
}

// Workers where nothing else is said.
const (
	workersTaken   = 64    // people come as they are taken
	workersPlanned = 8_000 // people come when the plan says
)

func (c Config) filledArrivals() Config {
	c.Shape = orElse(c.Shape, Flat)
	switch c.Shape {
	case Rush:
		c.Over = orElse(c.Over, rushLasts)
	case Day:
		c.Over = orElse(c.Over, 24*time.Hour)
	case Flat:
	}
	c.Processes = orElse(c.Processes, 1)
	workers := workersTaken
	if c.Shape != Flat || c.Rate > 0 || c.Over > 0 {
		workers = workersPlanned
	}
	c.Workers = orElse(c.Workers, workers)
	return c
}

func (c Config) filled() Config {
	d := Default()
	c.Target = strings.TrimRight(c.Target, "/")
	c = c.filledArrivals()
	c.Patience = orElse(c.Patience, d.Patience)
	c.Timeout = orElse(c.Timeout, d.Timeout)
	c.Settle = orElse(c.Settle, d.Settle)
	c.Audit = orElse(c.Audit, d.Audit)
	c.Prefix = orElse(c.Prefix, "sim-"+strings.ToLower(rand.Text()[:12]))
	c.poll = orElse(c.poll, 500*time.Millisecond)
	c.backoff = orElse(c.backoff, 50*time.Millisecond)
	c.limit = orElse(c.limit, 2*time.Second)
	if c.Seed == 0 {
		c.Seed = drawSeed()
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.sleep == nil {
		c.sleep = sleep
	}
	return c
}

// drawSeed is short enough to be typed again.
func drawSeed() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails; it ends the program
	return binary.BigEndian.Uint64(b[:])>>32 | 1
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

func (c Config) checkTarget() error {
	u, err := url.Parse(c.Target)
	if err != nil {
		return err
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.User != nil {
		return fmt.Errorf("%q is not a URL such as http://127.0.0.1:8080", u.Redacted())
	}
	if !c.AllowRemote && !loopback(u.Hostname()) {
		return ErrRemote
	}
	return nil
}

// loopback tells whether host names this machine. That localhost is what it
// says is checked again when a connection is made.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// loopbackAddr is loopback for the host:port a connection is about to be made to.
func loopbackAddr(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if !loopback(host) {
		return ErrRemote
	}
	return nil
}

// sleep waits for d or the end of ctx, whichever comes first.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
