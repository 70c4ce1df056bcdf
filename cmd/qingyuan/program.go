package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

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

// assembly is a program that is being put together, with what only its parts need.
type assembly struct {
	*program

	stores   stores
	registry *prometheus.Registry
	metrics  *metrics
	commands redisHook
	health   *redisstore.Health
	now      func() time.Time
	// asked is the clock by which reports are asked for.
	asked func() time.Time
}

// newProgram puts everything together that runs in one server. Each part is made of those
// before it; nothing of it works before run.
func newProgram(ctx context.Context, cfg configs.Config, st stores, o serving) (*program, error) {
	a := assembly{
		program: &program{cfg: cfg, log: o.log, sql: st.sql},
		stores:  st, registry: prometheus.NewRegistry(), now: time.Now, asked: o.asked,
	}
	if a.asked == nil {
		a.asked = time.Now
	}
	if err := a.addMetrics(); err != nil {
		return nil, err
	}
	if err := a.addCampaigns(ctx); err != nil {
		return nil, err
	}
	a.addLedger()
	a.addCrew()
	a.addReadiness()
	if err := a.addOffice(ctx); err != nil {
		return nil, err
	}
	if err := a.addPrizes(); err != nil {
		return nil, err
	}
	a.openOffice()
	if err := a.addRosters(); err != nil {
		return nil, err
	}
	a.addPersons()
	return a.program, a.addServer() //nolint:contextcheck // Publishing waits for nobody.
}

// addMetrics measures the process, and every command that Redis is sent.
func (a *assembly) addMetrics() error {
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	a.metrics = newMetrics(a.registry)
	hook, err := newRedisHook(a.metrics)
	if err != nil {
		return err
	}
	a.commands = hook
	observe(a.stores.redis, hook)
	return nil
}

// addCampaigns adds the campaigns, what people do in them, and what is published of it.
func (a *assembly) addCampaigns(ctx context.Context) error {
	book, err := openCatalog(ctx, a.cfg, a.stores.examiner, a.sql, a.log) // a version of a bank is the same everywhere
	if err != nil {
		return err
	}
	s, err := newServices(a.cfg, a.stores.redis, book, a.log, a.now)
	if err != nil {
		return err
	}
	if s.joined != nil {
		s.joined.Took, s.streams.Took = a.commands.took, a.commands.took
	}
	s.withShelf(&shelf.Shelf{DB: a.sql, Ledger: ledger.New(a.sql), Find: book.Campaign, Now: a.now})
	if err := s.shelf.Refresh(ctx); err != nil {
		return err
	}
	s.campaigns.ExaminedThrough(a.stores.examiner)
	a.catalog, a.services = book, s
	a.publisher = newPublisher(s, book.Campaigns, a.log, a.now)
	return nil
}

// addLedger adds what is kept in SQL of every act, and who compares it with Redis and with
// the signed log.
func (a *assembly) addLedger() {
	a.archive = newArchive(a.services, ledger.New(a.sql), a.metrics, a.log)
	a.proofs = newProofLog(a.cfg, a.sql, a.archive.ledger, a.services.secrecy, a.now)
	a.sealer = newSealer(a.cfg, a.proofs, a.metrics, a.log)
	verifier := newVerifier(a.services, a.archive.ledger)
	verifier.Rest = restFromBatch
	a.auditor = &auditor{
		journal: audit.New(a.sql), proofs: newRereader(a.proofs, a.metrics, a.log), verifier: verifier,
		catalog: a.catalog, shelf: a.services.shelf, every: a.cfg.Verify.Every, metrics: a.metrics, log: a.log,
	}
}

// addCrew adds who opens the campaigns, and who may hold people up before them.
func (a *assembly) addCrew() {
	a.crew = newCrew(a.services, a.catalog, a.archive, &a.workers, a.log)
	a.switches = &switchboard{store: redisstore.NewSwitches(a.stores.redis), off: a.metrics.switchedOff, log: a.log}
	a.room = newRoom(a.cfg, a.stores.redis, a.metrics, a.log, a.now)
}

// addReadiness lets nobody act on a Redis that this server may not use, or does not yet.
func (a *assembly) addReadiness() {
	a.health = redisstore.NewHealth(a.stores.examiner, a.now)
	a.health.MemoryGuard = a.cfg.Redis.MemoryGuard
	claims := &claimant{redis: a.stores.examiner, ledger: a.archive.ledger, cfg: a.cfg}
	a.ready = &readiness{
		health: a.health, crew: a.crew, log: a.log,
		claim:       claims.claim,
		vet:         func(ctx context.Context) error { return a.stores.vet(ctx, a.crew.examine) },
		suspects:    a.stores.vetting.Suspects(),
		unpublished: a.unpublished, warnings: a.warnings,
		claimed: make(chan struct{}), unfit: []string{"starting"}, reasons: []string{"starting"},
	}
	a.services.campaigns.Guard = a.ready.Guard
}

// addOffice adds what the people who run campaigns work with. Its jobs and approvals are
// registered by openOffice.
func (a *assembly) addOffice(ctx context.Context) error {
	office, err := newOffice(a.cfg, a.sql, preparedIn(ctx, a.catalog), a.log, a.now)
	if err != nil {
		return err
	}
	a.office = office
	office.corrections = newCorrections(a.services, office, a.sql, a.catalog, a.now)
	office.corrections.Origins = newOrigins(a.sql, a.catalog.Campaigns, a.log, a.now)
	office.challenges = newChallenges(a.services, office, a.sql, a.catalog, a.now)
	office.grants = newGrants(a.services, office, a.sql, a.catalog, a.now)
	office.reports = newReports(office, a.sql, a.archive.ledger, a.catalog.Campaign, a.services.secrecy.open, a.asked)
	office.reports.Rulings, office.reports.Log = rulingsIn(a.catalog), announcedLog(a.cfg, a.proofs)
	a.services.same = a.onePerson
	return nil
}

// addPrizes adds the office's side of prizes, and whoever pays.
func (a *assembly) addPrizes() error {
	office := a.office
	a.prizes = newPrizeDesk(a.cfg, a.services, a.sql, a.catalog, a.log, a.now)
	a.prizes.Staff, a.prizes.Jobs = office.staff, office.jobs
	a.services.prizes.Codes, a.services.prizes.Barred = a.prizes.Codes, a.prizes.Barred
	office.corrections.Prizes = a.prizes.Uphold
	a.prizes.Register(office.jobs)
	var err error
	if a.payer, err = newPayer(a.cfg, a.services, a.archive.ledger, a.now); err != nil {
		return err
	}
	if a.payer != nil { // a nil payer in the interface would be one
		a.prizes.Payer = a.payer
	}
	for _, k := range a.prizes.Kinds() {
		office.approvals.Register(k)
	}
	return nil
}

// openOffice lets the office's jobs be done, and banks know who draws from them.
func (a *assembly) openOffice() {
	a.office.open()
	a.catalog.Store().Register(a.office.jobs)
	a.office.banks.Drawing = a.catalog.Store()
}

// addRosters adds who belongs to the units, and who may go to another one.
func (a *assembly) addRosters() error {
	rosters, err := newRosters(a.cfg, a.sql, a.now)
	if err != nil {
		return err
	}
	s, store := a.services, a.catalog.Store()
	a.rosters = newRosterOffice(&rosterDesk{
		rosters: rosters, catalog: a.catalog, find: a.catalog.Campaign, sessions: s.sessions, campaigns: acting{s}, ledger: a.archive.ledger,
		tries: s.tries, binder: s.campaigns, twice: a.office.corrections,
	}, store, a.office.jobs)
	a.rosters.Register(a.office.jobs)
	store.Merged = append(store.Merged, rosters.Merge)
	a.transfers = newTransfers(s, a.sql, a.catalog, rosters, a.log, a.now)
	return nil
}

// addPersons adds what one person may ask for, what is forgotten of all of them, and what
// they write to the office.
func (a *assembly) addPersons() {
	a.persons = &personDesk{jobs: a.office.jobs, workbench: &workbench{
		cfg: a.cfg, log: a.log, redis: a.stores.redis, db: a.sql, ledger: a.archive.ledger, catalog: a.catalog, services: a.services,
	}}
	a.persons.register(a.office.jobs)
	a.retention = &retentionDesk{workbench: a.persons.workbench, jobs: a.office.jobs, log: a.log, now: a.now, looked: map[string]string{}}
	a.retention.register(a.office.jobs)
	a.inbox = newInbox(a.cfg, a.sql, a.services.secrecy, a.catalog.Campaign, a.now)
}

// addServer adds what everybody reaches all of this through, and who watches how it does.
func (a *assembly) addServer() error {
	a.duty = newDutyDesk(a.program, a.registry, a.health, a.now)
	a.topics = newTopics(a.program, a.now)
	var err error
	if a.server, err = newServer(a.program, a.registry, a.now); err != nil {
		return err
	}
	a.publisher.Published = func(snap *leaderboard.Snapshot) {
		a.metrics.published(snap)
		a.server.Published(snap)
	}
	return nil
}

// onePerson makes one person of two participants: the office is told of what both did
// before anything changes, and they are counted as one last.
func (p *program) onePerson(ctx context.Context, from, to string) error {
	if err := p.office.corrections.SamePerson(ctx, from, to); err != nil {
		return err
	}
	if err := p.prizes.GoesOnAs(ctx, from, to); err != nil {
		return err
	}
	return p.office.corrections.GoesOnAs(ctx, from, to)
}

// close ends what the program has opened itself.
func (p *program) close() {
	p.services.sessions.Close()
	p.services.wechat.Close()
	if p.payer != nil {
		p.payer.client.Close()
	}
	_ = p.services.close() // the connections end with Redis at the latest
}
