package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/redis/go-redis/v9"

	"qingyuan/configs"
	"qingyuan/internal/audit"
	"qingyuan/internal/catalog"
	"qingyuan/internal/httpapi"
	"qingyuan/internal/inbox"
	"qingyuan/internal/ledger"
	"qingyuan/internal/prizes"
	"qingyuan/internal/prooflog"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/report"
	"qingyuan/internal/shelf"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/transfer"
	"qingyuan/internal/waitingroom"
	"qingyuan/leaderboard"
)

// serveCmd serves until it is told to stop.
type serveCmd struct {
	configFlags

	Addr    string `help:"Public listener." placeholder:"HOST:PORT"`
	OpsAddr string `help:"Operations listener: metrics." name:"ops-addr" placeholder:"HOST:PORT"`
	Demo    bool   `help:"Serve the demonstration campaigns, with sandbox sign-in. Never on a public server."`
}

// Run implements the command.
func (s serveCmd) Run(e env) error {
	flags := map[string]any{}
	if s.Addr != "" {
		flags["http.addr"] = s.Addr
	}
	if s.OpsAddr != "" {
		flags["http.ops_addr"] = s.OpsAddr
	}
	if s.Demo {
		flags["demo"] = true
	}
	cfg, err := s.load(flags)
	if err != nil {
		return err
	}
	log := newLogger(cfg, e)
	redis.SetLogger(redisLog{log})
	tuneHeap(heapRules(cfg, machineMemory(), os.LookupEnv))
	return serve(e.ctx, cfg, serving{log: log})
}

// redisLog takes what go-redis says on its own account. Errors that matter come
// back to whoever called, so it is only for looking closer.
type redisLog struct{ log *slog.Logger }

// Printf implements go-redis' logger.
func (l redisLog) Printf(ctx context.Context, format string, v ...any) {
	l.log.DebugContext(ctx, "go-redis says", "text", fmt.Sprintf(format, v...))
}

// toolLogger is newLogger for the other commands: they tell their result, and of their way
// there only what is wrong.
func toolLogger(cfg configs.Config, e env) *slog.Logger {
	cfg.Log.Level = max(cfg.Log.Level, slog.LevelWarn)
	return newLogger(cfg, e)
}

// newLogger writes to standard error, as the configuration says.
func newLogger(cfg configs.Config, e env) *slog.Logger {
	o := &slog.HandlerOptions{Level: cfg.Log.Level}
	if cfg.Log.Format == configs.LogText {
		return slog.New(slog.NewTextHandler(e.stderr, o))
	}
	return slog.New(slog.NewJSONHandler(e.stderr, o))
}

// serving is what a caller of serve may give and learn.
type serving struct {
	log *slog.Logger
	// listening is told the public address once connections are taken.
	listening func(addr string)
}

// shutdownGrace is how long requests may run on after the order to stop.
const shutdownGrace = 10 * time.Second

// serve runs the whole program until ctx ends. It reads no global state, so a
// test can start it as often as it likes. Things stop in the reverse of the
// order they started in.
func serve(ctx context.Context, cfg configs.Config, o serving) error {
	cfg, err := cfg.WithSecrets()
	if err != nil {
		return err
	}
	connect, closeRedis, err := openRedis(ctx, cfg, o.log)
	if err != nil {
		return err
	}
	defer func() {
		if err := closeRedis(); err != nil {
			o.log.Error("close redis", "err", err) //nolint:sloglint // The context has ended.
		}
	}()
	sql, err := awaitDatabase(ctx, cfg, o.log)
	if err != nil {
		return err
	}
	defer func() {
		if err := sql.Close(); err != nil {
			o.log.Error("close the database", "err", err) //nolint:sloglint // The context has ended.
		}
	}()
	vetting := redisstore.NewVetting()
	st := stores{
		redis: connect(vetting.OnConnect), examiner: connect(nil), vetting: vetting, sql: sql,
		private: cfg.PrivateRedis(), log: o.log,
	}
	p, err := newProgram(ctx, cfg, st, o.log)
	if err != nil {
		return err
	}
	defer p.close()
	return p.run(ctx, o)
}

// stores are what a server keeps its data in.
type stores struct {
	// redis serves. It is kept from every process of Redis that was not examined
	// since it started, through examiner, which is not.
	redis, examiner redis.UniversalClient
	vetting         *redisstore.Vetting
	sql             *sqldb.DB
	// private says that this server runs the Redis itself.
	private bool
	log     *slog.Logger
}

// vet examines a Redis that is not vetted yet. The crew looks at the others every
// second anyway. Of an external one that was started nobody knows how its log
// ended; the private one's was mended before.
func (s stores) vet(ctx context.Context, examine func(context.Context) error) error {
	if known, err := s.vetting.Knows(ctx, s.examiner); err != nil || known {
		return err
	}
	if err := s.vetting.Examine(ctx, s.examiner, examine); err != nil {
		return err
	}
	if s.private {
		return nil
	}
	if err := redisstore.RewriteLogs(ctx, s.examiner); err != nil {
		s.log.WarnContext(ctx, "redis was started, and its log may end in half an act: let it be written anew (BGREWRITEAOF)", "err", err)
	}
	return nil
}

// awaitDatabase opens the database. One that does not answer is waited for:
// without having seen the ledger once, nobody could tell whether the Redis is the
// one that belongs to it. Later it may be away.
func awaitDatabase(ctx context.Context, cfg configs.Config, log *slog.Logger) (*sqldb.DB, error) {
	if err := makeDatabaseFolder(cfg); err != nil {
		return nil, err
	}
	for told := false; ; told = true {
		db, err := sqldb.Open(ctx, cfg.DatabaseTarget())
		if err == nil || !sqldb.IsUnavailable(err) {
			return db, err
		}
		if !told {
			log.WarnContext(ctx, "wait for the database", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the database: %w", err)
		case <-time.After(time.Second):
		}
	}
}

// makeDatabaseFolder makes the folder that the database lies in where that is a file.
func makeDatabaseFolder(cfg configs.Config) error {
	if !cfg.Database.URL.IsZero() {
		return nil
	}
	if err := os.MkdirAll(cfg.Data.Dir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	return nil
}

// program is everything that runs in one server.
type program struct {
	cfg       configs.Config
	log       *slog.Logger
	catalog   *catalog.Keeper
	services  *services
	publisher *leaderboard.Publisher
	archive   *archive
	auditor   *auditor
	crew      *crew
	ready     *readiness
	server    *httpapi.Server
	switches  *switchboard
	rosters   *rosterOffice
	persons   *personDesk
	retention *retentionDesk
	office    *backOffice
	sql       *sqldb.DB
	inbox     *inbox.Service
	transfers *transfer.Service
	prizes    *prizes.Service
	payer     *payer // nil where the office pays by hand
	duty      *dutyDesk
	topics    *report.Topics
	proofs    *prooflog.Log
	sealer    *prooflog.Sealer
	room      *waitingroom.Room // nil where none is configured
	workers   staff
}

func newProgram(ctx context.Context, cfg configs.Config, st stores, log *slog.Logger) (*program, error) {
	now, db := time.Now, st.redis
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m := newMetrics(registry)
	hook, err := newRedisHook(m)
	if err != nil {
		return nil, err
	}
	observe(db, hook)
	book, err := openCatalog(ctx, cfg, st.examiner, st.sql, log) // a version of a bank is the same everywhere
	if err != nil {
		return nil, err
	}
	s, err := newServices(cfg, db, book, log, now)
	if err != nil {
		return nil, err
	}
	if s.joined != nil {
		s.joined.Took, s.streams.Took = hook.took, hook.took
	}
	s.withShelf(&shelf.Shelf{DB: st.sql, Ledger: ledger.New(st.sql), Find: book.Campaign, Now: now})
	if err := s.shelf.Refresh(ctx); err != nil {
		return nil, err
	}
	p := &program{cfg: cfg, log: log, catalog: book, services: s, sql: st.sql}
	p.publisher = newPublisher(s, book.Campaigns, log, now)
	s.campaigns.ExaminedThrough(st.examiner)
	p.archive = newArchive(s, ledger.New(st.sql), m, log)
	p.proofs = newProofLog(cfg, st.sql, p.archive.ledger, s.secrecy, now)
	p.sealer = newSealer(cfg, p.proofs, m, log)
	p.auditor = &auditor{
		journal: audit.New(st.sql), proofs: newRereader(p.proofs, m, log), verifier: newVerifier(s, p.archive.ledger), catalog: book, shelf: s.shelf,
		every: cfg.Verify.Every, metrics: m, log: log,
	}
	p.crew = newCrew(s, book, p.archive, &p.workers, log)
	p.switches = &switchboard{store: redisstore.NewSwitches(db), off: m.switchedOff, log: log}
	p.room = newRoom(cfg, db, m, log, now)
	claims := &claimant{redis: st.examiner, ledger: p.archive.ledger, cfg: cfg}
	health := redisstore.NewHealth(st.examiner, now)
	health.MemoryGuard = cfg.Redis.MemoryGuard
	p.ready = &readiness{
		health: health, crew: p.crew, log: log,
		claim:       claims.claim,
		vet:         func(ctx context.Context) error { return st.vet(ctx, p.crew.examine) },
		suspects:    st.vetting.Suspects(),
		unpublished: p.unpublished, warnings: p.warnings,
		claimed: make(chan struct{}), unfit: []string{"starting"}, reasons: []string{"starting"},
	}
	s.campaigns.Guard = p.ready.Guard
	if p.office, err = newOffice(cfg, st.sql, preparedIn(ctx, book), log, now); err != nil {
		return nil, err
	}
	p.office.corrections = newCorrections(s, p.office, st.sql, book, now)
	s.same = func(ctx context.Context, from, to string) error {
		if err := p.office.corrections.SamePerson(ctx, from, to); err != nil {
			return err
		}
		if err := p.prizes.GoesOnAs(ctx, from, to); err != nil {
			return err
		}
		return p.office.corrections.GoesOnAs(ctx, from, to)
	}
	p.office.challenges = newChallenges(s, p.office, st.sql, book, now)
	p.office.grants = newGrants(s, p.office, st.sql, book, now)
	p.office.reports = newReports(p.office, st.sql, p.archive.ledger, book.Campaign, s.secrecy.open, now)
	p.office.reports.Rulings, p.office.reports.Log = rulingsIn(book), announcedLog(cfg, p.proofs)
	p.office.corrections.Origins = newOrigins(st.sql, book.Campaigns, log, now)
	p.prizes = newPrizeDesk(cfg, s, st.sql, book, log, now)
	p.prizes.Staff = p.office.staff
	s.prizes.Codes, s.prizes.Barred = p.prizes.Codes, p.prizes.Barred
	p.prizes.Jobs, p.office.corrections.Prizes = p.office.jobs, p.prizes.Uphold
	p.prizes.Register(p.office.jobs)
	if p.payer, err = newPayer(cfg, s, p.archive.ledger, now); err != nil {
		return nil, err
	}
	if p.payer != nil {
		p.prizes.Payer = p.payer
	}
	for _, k := range p.prizes.Kinds() {
		p.office.approvals.Register(k)
	}
	p.office.open()
	book.Store().Register(p.office.jobs)
	p.office.banks.Drawing = book.Store()
	rosters, err := newRosters(cfg, st.sql, now)
	if err != nil {
		return nil, err
	}
	p.rosters = newRosterOffice(&rosterDesk{
		rosters: rosters, catalog: book, find: book.Campaign, sessions: s.sessions, campaigns: acting{s}, ledger: p.archive.ledger,
		tries: s.tries, binder: s.campaigns, twice: p.office.corrections,
	}, book.Store(), p.office.jobs)
	p.rosters.Register(p.office.jobs)
	book.Store().Merged = append(book.Store().Merged, rosters.Merge)
	p.persons = &personDesk{jobs: p.office.jobs, workbench: &workbench{
		cfg: cfg, log: log, redis: db, db: st.sql, ledger: p.archive.ledger, catalog: book, services: s,
	}}
	p.persons.register(p.office.jobs)
	p.transfers = newTransfers(s, st.sql, book, rosters, log, now)
	p.retention = &retentionDesk{workbench: p.persons.workbench, jobs: p.office.jobs, log: log, now: now, looked: map[string]string{}}
	p.retention.register(p.office.jobs)
	p.inbox = newInbox(cfg, st.sql, s.secrecy, book.Campaign, now)
	p.duty = newDutyDesk(p, registry, health, now)
	p.topics = newTopics(p, now)
	if p.server, err = newServer(p, registry, now); err != nil {
		return nil, err
	}
	p.publisher.Published = func(snap *leaderboard.Snapshot) { //nolint:contextcheck // Publishing waits for nobody.
		m.published(snap)
		p.server.Published(snap)
	}
	return p, nil
}

// warnings lists what does not stop the server: faulty campaign files, a fold
// that has fallen behind.
func (p *program) warnings() []string {
	var out []string
	for _, problem := range p.catalog.Problems() {
		out = append(out, fmt.Sprintf("campaign %s: its files are faulty and not taken up: %v", problem.Campaign, problem.Err))
	}
	for _, c := range p.catalog.Campaigns() {
		if snap, err := p.publisher.Snapshot(c.ID); err == nil && snap.Lag > foldLagWarning {
			out = append(out, fmt.Sprintf("campaign %s: %d facts wait to be counted", c.ID, snap.Lag))
		}
	}
	return slices.Concat(out, p.archive.warnings(), p.auditor.warnings(), p.sealer.Warnings(), p.switches.warnings())
}

// unpublished lists the campaigns without a snapshot: a start is over when
// everything that is read can be answered.
func (p *program) unpublished() []string {
	out := p.catalog.Awaited()
	for _, c := range p.catalog.Campaigns() {
		if _, err := p.publisher.Snapshot(c.ID); err != nil {
			out = append(out, c.ID)
		}
	}
	return out
}

// foldLagWarning is how many facts may wait before somebody should look.
const foldLagWarning = 50_000

// run listens, claims the Redis and works until ctx ends or a listener fails.
func (p *program) run(ctx context.Context, o serving) error {
	fronts, err := p.listen(ctx)
	if err != nil {
		return err
	}
	// Workers outlive the listeners, so that the last requests find them.
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	p.startWorkers(work)
	defer func() {
		stopWork()
		if late := p.workers.wait(shutdownGrace); len(late) > 0 {
			p.log.ErrorContext(work, "stop without those who do not end", "workers", late)
		}
	}()
	failed := make(chan error, len(fronts))
	for _, f := range fronts {
		go func() { failed <- f.app.Listener(f.ln) }()
		p.log.InfoContext(ctx, "serving", "what", f.name, "addr", f.ln.Addr().String(), "demo", p.cfg.Demo)
	}
	if err := p.server.PagesFault(); err != nil {
		p.log.WarnContext(ctx, "the API is served alone, without pages: install Node 20.19 or newer and make build", "why", err)
	}
	if o.listening != nil {
		o.listening(fronts[0].ln.Addr().String())
	}
	select {
	case err = <-failed:
		err = fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		err = p.drain(ctx, failed)
	}
	err = errors.Join(err, p.stopListening(ctx, fronts))
	p.archive.flush(ctx)
	return err
}

// drain makes the server unready and serves on for a while, so that whoever sends
// people here can stop before the listener closes.
func (p *program) drain(ctx context.Context, failed <-chan error) error {
	p.ready.drain()
	if p.cfg.HTTP.DrainDelay == 0 {
		return nil
	}
	p.log.InfoContext(ctx, "draining", "for", p.cfg.HTTP.DrainDelay)
	delay := time.NewTimer(p.cfg.HTTP.DrainDelay)
	defer delay.Stop()
	select {
	case <-delay.C:
		return nil
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	}
}

// front is one listener with what it serves.
type front struct {
	name string
	ln   net.Listener
	app  *fiber.App
}

// listen opens the public listener and, where configured, the one for
// operations behind it.
func (p *program) listen(ctx context.Context) ([]front, error) {
	fronts := []front{{name: "public", app: p.server.App()}} //nolint:contextcheck // Requests bring their own.
	addrs := []string{p.cfg.HTTP.Addr}
	if p.cfg.HTTP.OpsAddr != "" {
		fronts = append(fronts, front{name: "operations", app: p.server.OpsApp()}) //nolint:contextcheck // As above.
		addrs = append(addrs, p.cfg.HTTP.OpsAddr)
	}
	for i, addr := range addrs {
		ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
		if err != nil {
			for _, f := range fronts[:i] {
				_ = f.ln.Close()
			}
			return nil, fmt.Errorf("listen on %s: %w", addr, err)
		}
		fronts[i].ln = httpapi.Lenient(ln)
	}
	return fronts, nil
}

func (p *program) stopListening(ctx context.Context, fronts []front) error {
	p.server.Close() // ends the live streams, which a shutdown would wait for
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	var errs []error
	for _, f := range fronts {
		if err := f.app.ShutdownWithContext(grace); err != nil {
			errs = append(errs, fmt.Errorf("shut down: %w", err))
		}
		_ = f.ln.Close() // a front that had not begun to serve knows of no shutdown
	}
	return errors.Join(errs...)
}

// startWorkers runs what works beside the requests. Campaigns are opened only on
// a Redis that is known to be this deployment's.
func (p *program) startWorkers(ctx context.Context) {
	start := func(name string, work func(context.Context)) {
		p.workers.start(name, func() { work(ctx) }) //nolint:contextcheck // Labels for profiles are nobody's context.
	}
	start("readiness", p.ready.Run)
	start("catalog", func(ctx context.Context) { _ = p.catalog.Run(ctx) }) // it reports its own errors
	start("trees", func(ctx context.Context) { p.catalog.Store().Tend(ctx, p.log) })
	start("sessions", p.services.sessions.Run)
	start("crew", func(ctx context.Context) {
		select {
		case <-p.ready.claimed:
			p.crew.Run(ctx)
		case <-ctx.Done():
		}
	})
	start("archive", p.archive.Run)
	start("auditor", p.auditor.Run)
	start("publisher", p.publisher.Run)
	start("approvals", p.office.approvals.Run)
	start("jobs", p.office.jobs.Run)
	start("flags", newWatcher(p).Run)
	start("transfers", func(ctx context.Context) {
		select {
		case <-p.ready.claimed:
			p.transfers.Run(ctx)
		case <-ctx.Done():
		}
	})
	start("joins", func(ctx context.Context) {
		select {
		case <-p.ready.claimed:
			p.office.corrections.JoinAll(ctx, func(err error) { p.log.WarnContext(ctx, "one person counts as two enrolled for now", "err", err) })
		case <-ctx.Done():
		}
	})
	start("prizes", func(ctx context.Context) {
		select {
		case <-p.ready.claimed:
			p.prizes.Run(ctx)
		case <-ctx.Done():
		}
	})
	start("retention", func(ctx context.Context) {
		select {
		case <-p.ready.claimed:
			p.retention.Run(ctx)
		case <-ctx.Done():
		}
	})
	start("origins", p.office.corrections.Origins.Run)
	if p.cfg.Proofs.Every > 0 {
		start("sealer", p.seal)
	}
	start("switchboard", p.switches.Run)
	start("duty", p.duty.meter.Run)
	start("topics", p.topics.Run)
	if p.room != nil {
		start("waiting room", p.room.Run)
	}
}

func (p *program) close() {
	p.services.sessions.Close()
	p.services.wechat.Close()
	if p.payer != nil {
		p.payer.client.Close()
	}
	_ = p.services.close() // the connections end with Redis at the latest
}
