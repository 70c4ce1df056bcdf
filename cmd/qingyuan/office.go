package main

import (
	"log/slog"
	"time"

	"github.com/alexedwards/argon2id"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/approval"
	"qingyuan/internal/audit"
	"qingyuan/internal/banks"
	"qingyuan/internal/challenge"
	"qingyuan/internal/correction"
	"qingyuan/internal/grant"
	"qingyuan/internal/jobs"
	"qingyuan/internal/ledger"
	"qingyuan/internal/operator"
	"qingyuan/internal/pictures"
	"qingyuan/internal/prizes"
	"qingyuan/internal/replay"
	"qingyuan/internal/report"
	"qingyuan/internal/retention"
	"qingyuan/internal/seal"
	"qingyuan/internal/sqldb"
)

// backOffice is what the people who run campaigns work with.
type backOffice struct {
	accounts *operator.Service
	// staff says who is behind the accounts.
	staff     *prizes.Staff
	journal   *audit.Log
	approvals *approval.Service
	// jobs are what takes longer than a request.
	jobs        *jobs.Queue
	banks       *banks.Service
	pictures    *pictures.Service
	corrections *correction.Service
	challenges  *challenge.Service
	grants      *grant.Service
	reports     *report.Desk
}

// hashing is how operators' passwords are stretched; nil is as operator.Stretch says.
var hashing *argon2id.Params //nolint:gochecknoglobals // Set by tests alone, to something cheap.

// Keys of the office; see those in services.go.
const labelOffice = "operator tries"

// newOffice joins the office to its database. find looks campaigns up.
func newOffice(cfg configs.Config, db *sqldb.DB, find func(string) (*campaign.Campaign, error), log *slog.Logger, now func() time.Time) (*backOffice, error) {
	secret, err := newSecrecy(cfg)
	if err != nil {
		return nil, err
	}
	o := &backOffice{journal: audit.New(db), jobs: &jobs.Queue{DB: db, Now: now, Log: log, Alone: db.Dialect == sqldb.SQLite}}
	o.banks = &banks.Service{DB: db, Now: now, Zone: configs.Zone(), Campaign: find, Jobs: o.jobs}
	o.pictures = &pictures.Service{DB: db, Now: now}
	o.accounts, err = operator.New(operator.Options{
		DB: db, Box: secret.box, Key: seal.Derive(cfg.Secrets.Master.Key(), labelOffice), Campaign: find,
		Rules: operator.Rules{PasswordAge: cfg.Operators.PasswordAge, Idle: cfg.Operators.Idle, Life: cfg.Operators.Life}, Now: now,
		Hashing: hashing, At: operator.Stretchers(),
	})
	if err != nil {
		return nil, err
	}
	o.staff = newStaff(cfg, db, o.accounts, now)
	o.approvals = approval.New(approval.Options{
		DB: db, Campaign: find, Now: now,
		Failed: func(a approval.Approval, err error) {
			log.Error("an approved act was not done", "approval", a.ID, "kind", a.Kind, "err", err)
		},
	})
	o.registerKinds()
	return o, nil
}

// open lets the office's services do their work: call it once all are there.
func (o *backOffice) open() {
	o.corrections.Register(o.jobs)
	o.grants.Register(o.jobs)
	o.reports.Register(o.jobs)
	o.banks.Register(o.jobs)
	for _, k := range o.corrections.Kinds() {
		o.approvals.Register(k)
	}
}

// registerKinds says what needs a second person, and who does it then. Each area adds
// its own here.
func (o *backOffice) registerKinds() {
	for _, k := range approval.Accounts(o.accounts) {
		o.approvals.Register(k)
	}
}

// newReports joins what operators are told to the ledger.
func newReports(o *backOffice, db *sqldb.DB, l *ledger.Ledger, find func(string) (*campaign.Campaign, error), open replay.Open, now func() time.Time) *report.Desk {
	return &report.Desk{
		Ledger: l, Find: find, Open: open, Announcements: report.NewAnnouncements(db, now), Journal: o.journal, Jobs: o.jobs, Now: now,
		Paper: newOffline(db, find, now).PerUnit, Withdrawn: retention.Withdrawals{DB: db}.Of,
	}
}
