// Package httpapi is the edge: it turns HTTP requests into calls of the domain
// services and their results into JSON, event streams and pages.
//
// It decides nothing about campaigns. What it does own: which route asks for
// which proof of identity, strict reading of what clients send, the one mapping
// of faults to statuses, limits of one instance, and publishing snapshots as
// ready bytes, so that a read of counts costs no encoding.
//
// openapi.yaml beside this file is the contract; the tests hold both together.
package httpapi

import (
	"context"
	"io/fs"
	"log/slog"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"qingyuan/internal/catalog"
	"qingyuan/internal/certificate"
	"qingyuan/leaderboard"
)

// Server answers HTTP. Set the fields before the first call of a method and
// leave them alone afterwards. Services, Log, Now and Ready are required.
type Server struct {
	Catalog    Catalog
	Enrolments Enrolments
	Quizzes    Quizzes
	Pledges    Pledges
	Boards     Boards
	Sessions   Sessions
	Tokens     Tokens

	// SignIns bounds sign-ins by address over all instances; nil is no bound.
	SignIns Gate
	// Queue is the waiting room before the sign-ins; nil where there is none.
	Queue Queue
	// Brake slows the waiting room; nil where nothing does.
	Brake Brake
	// Tickets bounds by address how many numbers of the waiting room are drawn,
	// over all instances; nil is no bound.
	Tickets Gate
	// Switches tells what operators have switched off; nil is nothing.
	Switches Switches
	// RosterDesk keeps rosters.
	RosterDesk RosterDesk
	// Persons gives participants what is kept of them; nil where nobody can.
	Persons Persons
	// Retention lets campaigns forget their people.
	Retention Retention
	// Proofs has the logs by which anybody can check the counts; nil where there are none.
	Proofs Proofs
	// Signers tells what stands on certificates; nil where there are none.
	Signers Signers
	// ScreenTickets signs what the screens of offices show; required with Operators.
	ScreenTickets Tickets
	// Topics tells what is known least; nil where nobody works that out.
	Topics Topics
	// Reports gives operators their figures.
	Reports Reports
	// Rosters signs in people by their unit's roster; nil where there is no such door.
	Rosters Rosters
	// Operators knows who is signed in to the office; nil where there is none. The
	// others are what operators reach, required with it.
	Operators Operators
	Accounts  Accounts
	Journal   Journal
	Approvals Approvals
	// Corrections takes acts out of the figures and puts them back; required with
	// Operators.
	Corrections Corrections
	// Challenges deal with questions that are contested; required with Operators.
	Challenges Challenges
	// Grants give attempts back to those who were hit; required with Operators.
	Grants Grants
	// Origins has the keys by which origins of acts are told apart; nil records none.
	Origins Origins
	// Hidings take people off the public boards; required with Operators.
	Hidings Hidings
	// Appeals are what participants say against that; required with Operators.
	Appeals Appeals
	// Inbox is what participants write to the office, Offline the pledges on paper, Duty how
	// this server is; required with Operators.
	Inbox   Inbox
	Offline Offline
	// Transfers are wishes to belong to another unit; required with Operators.
	Transfers Transfers
	// Prizes runs instant wins, PrizeDesk hands prizes out, and PrizeStaff knows who runs
	// campaigns and wins nothing; nil where there are none.
	Prizes     Prizes
	PrizeDesk  PrizeDesk
	PrizeStaff PrizeStaff
	Duty       Duty
	// Flags are what rules have noticed; required with Operators.
	Flags Flags
	// Banks keeps the question banks of offices, Pictures those that questions show; required
	// with Operators.
	Banks    Banks
	Pictures Pictures
	// Campaigns is the catalog that operators edit, Imports and Jobs what takes longer
	// than a request; needed where there is an office.
	Campaigns *catalog.Store
	Imports   Imports
	Jobs      Jobs
	// Pages is what was built of the pages, see package web; nil or without index.html
	// a plain page says that nothing was, see PagesFault.
	Pages fs.FS
	// Spool keeps large files that operators send; nil takes none.
	Spool Spool
	// Ready says whether this instance should be sent participants.
	Ready func(ctx context.Context) Readiness

	Log *slog.Logger
	Now func() time.Time
	// Registerer takes the metrics of this package; nil keeps none. Gatherer is
	// what /metrics shows on the operations listener; nil shows nothing.
	Registerer prometheus.Registerer
	Gatherer   prometheus.Gatherer

	// PublicURL is where people find the deployment, without a slash at its end; "" is
	// where each request was sent to.
	PublicURL string
	// Demo opens sandbox sign-in, where any name is a person.
	Demo bool
	// Pprof opens /debug/pprof on the operations listener.
	Pprof bool
	// Timeout bounds the work on one request; 3 s when zero.
	Timeout time.Duration
	// SlowTimeout bounds the work on a route that takes files in or gives them out; 15
	// minutes when zero. UploadLimit is the most bytes of such a file; 64 MiB when zero.
	SlowTimeout time.Duration
	UploadLimit int
	// BodyLimit is the most bytes of a request's body; 64 KiB when zero.
	BodyLimit int
	// ReadTimeout bounds receiving one request; 10 s when zero. IdleTimeout is
	// how long a kept connection may be silent; 75 s when zero.
	ReadTimeout, IdleTimeout time.Duration
	// TrustedProxies are the networks whose X-Forwarded-For and
	// X-Forwarded-Proto are believed.
	TrustedProxies []netip.Prefix
	Limits         Limits
	Live           Live

	once  sync.Once
	state state
}

// Limits bound what one participant and one address may ask of this instance.
// A zero Rate is no bound.
type Limits struct {
	PerParticipant, PerAddress Rate
	// Lookup bounds looking signatures up by serial, per address.
	Lookup Rate
	// Allow lists networks that nothing here holds back: schools behind one
	// address, and loopback in a demonstration.
	Allow []netip.Prefix
	// Remember is how many participants and how many addresses are kept in
	// mind; 65,536 when zero.
	Remember int
}

// Rate is a token bucket: so many a second for good, Burst at once.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Live is how the event streams behave.
type Live struct {
	// MaxWatchers and MaxPerAddress bound the streams open at once; 20,000 and
	// 200 when zero.
	MaxWatchers, MaxPerAddress int
	// Every is the least time between two frames to one watcher; a second when
	// zero.
	Every time.Duration
	// Beat is the longest silence; 10 s when zero.
	Beat time.Duration
	// Patience is how long a watcher may take no bytes; 10 s when zero.
	Patience time.Duration
}

// Readiness says whether the instance can serve, and why not. Warnings do not
// make it unready.
type Readiness struct {
	Reasons, Warnings []string
}

// state is what Server makes of its fields at the first use.
type state struct {
	metrics   *metrics
	headers   headers
	deadlines deadlines
	people    *buckets[string]
	addresses *buckets[netip.Addr]
	lookups   *buckets[netip.Addr]
	desks     *buckets[netip.Addr]
	uploads   *uploads
	seats     *seats
	feeds     *feeds
	pages     *pages
	prints    *prints
	press     *certificate.Press
	mornings  *mornings
	spec      *encoded
	site      *site
	shelf     *shelf // nil where there are no pages to serve
	unserved  error  // why
	promised  promises
	entries   entries
}

// setup builds the state once. Every exported method begins with it.
func (s *Server) setup() {
	s.once.Do(func() {
		s.defaults()
		s.state = state{
			metrics:   newMetrics(s.Registerer),
			headers:   newHeaders(),
			deadlines: deadlines{timeout: s.Timeout},
			people:    newBuckets[string](s.Limits.PerParticipant, s.Limits.Remember),
			addresses: newBuckets[netip.Addr](s.Limits.PerAddress, s.Limits.Remember),
			lookups:   newBuckets[netip.Addr](s.Limits.Lookup, s.Limits.Remember),
			desks:     newBuckets[netip.Addr](deskRate(), s.Limits.Remember),
			uploads:   newUploads(s),
			seats:     newSeats(s.Live.MaxWatchers, s.Live.MaxPerAddress),
			pages:     newPages(),
			prints:    newPrints(),
			press:     certificate.NewPress(runtime.GOMAXPROCS(0) / 2),
		}
		s.state.spec, s.state.site = contractPages()
		s.state.shelf, s.state.unserved = newShelf(s.Pages)
		s.state.feeds = newFeeds(s.openStream)
		s.state.mornings = newMornings(s)
	})
}

func (s *Server) defaults() {
	s.Timeout = or(s.Timeout, 3*time.Second)
	s.SlowTimeout = or(s.SlowTimeout, 15*time.Minute)
	s.UploadLimit = or(s.UploadLimit, 64<<20)
	s.BodyLimit = or(s.BodyLimit, 64<<10)
	s.ReadTimeout = or(s.ReadTimeout, 10*time.Second)
	s.IdleTimeout = or(s.IdleTimeout, 75*time.Second)
	s.Limits.Remember = or(s.Limits.Remember, 1<<16)
	s.Live.MaxWatchers = or(s.Live.MaxWatchers, 20_000)
	s.Live.MaxPerAddress = or(s.Live.MaxPerAddress, 200)
	s.Live.Every = or(s.Live.Every, time.Second)
	s.Live.Beat = or(s.Live.Beat, 10*time.Second)
	s.Live.Patience = or(s.Live.Patience, 10*time.Second)
}

// or returns v, or def where v is zero.
func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// App returns the public listener's application.
func (s *Server) App() *fiber.App {
	s.setup()
	app := fiber.New(s.config())
	for _, r := range s.routes() {
		h := s.edge(r)
		app.Add(r.method, r.path, h)
		if r.method == fiber.MethodGet {
			app.Add(fiber.MethodHead, r.path, h)
		}
	}
	srv := app.Server()
	// A stream's connection lives on when its handler returns: see stream.go.
	srv.KeepHijackedConns = true
	// The last answer on a kept connection says so, rather than leaving whoever
	// sends the next request there to find out.
	srv.CloseOnShutdown = true
	srv.Handler = s.bodies(app, s.knownMethods(app, srv.Handler))
	srv.HeaderReceived = s.state.uploads.admit
	return app
}

func (s *Server) config() fiber.Config {
	return fiber.Config{
		ErrorHandler:          s.unmatched,
		DisableStartupMessage: true,
		// Strings from requests outlive them: ids reach caches and other
		// goroutines, and without this Fiber would write over them.
		Immutable:     true,
		StrictRouting: true,
		CaseSensitive: true,
		BodyLimit:     s.BodyLimit,
		// Files go to the disk; see bodies.go, which reads the rest.
		StreamRequestBody: true,
		ReadBufferSize:    8 << 10,
		// A page of a board and a paper fit with their head: what does not goes out in
		// several writes, each of which wakes whoever reads.
		WriteBufferSize:         8 << 10,
		ReadTimeout:             s.ReadTimeout,
		IdleTimeout:             s.IdleTimeout,
		EnableTrustedProxyCheck: true,
		// Parsing forms would write uploads to disk before any check of ours.
		DisablePreParseMultipartForm: true,
	}
}

// PagesFault says why there are no pages, in whose place a plain page stands: they were
// not built, or by another version. It is nil where they are served.
func (s *Server) PagesFault() error {
	s.setup()
	return s.state.unserved
}

// Published takes a new snapshot: it encodes what everybody reads, once, and
// wakes the watchers. Give it to leaderboard.Publisher.
func (s *Server) Published(snap *leaderboard.Snapshot) {
	s.setup()
	s.publish(snap)
}

// Close ends every stream and waits until their connections are closed. Call it
// before shutting the App down.
func (s *Server) Close() {
	s.setup()
	s.state.feeds.close()
}
