package httpapi

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	facts "qingyuan/internal/event"
	"qingyuan/internal/jobs"
	"qingyuan/internal/ledger"
	"qingyuan/internal/operator"
	disclosure "qingyuan/internal/replay/state"
	"qingyuan/internal/report"
	"qingyuan/internal/waittest"
	"qingyuan/leaderboard"
)

// openReports gives a bench with operators the desk of reports, on an empty ledger. The
// jobs are worked on by work.
func openReports(_ *testing.T, b *bench) {
	db := b.office.db
	d := &report.Desk{
		Ledger: ledger.New(db), Find: b.catalog.Campaign, Announcements: report.NewAnnouncements(db, b.Now), Journal: b.office.journal,
		Jobs: &jobs.Queue{DB: db, Now: b.Now, Log: slog.New(slog.DiscardHandler)}, Now: b.Now,
		Open: func(string, string, facts.Record) (disclosure.Disclosed, error) {
			return disclosure.Disclosed{}, errors.New("closed")
		},
	}
	b.Reports = d
}

// announced seals figures of campaign spring.
func (b *bench) announced(t *testing.T) string {
	t.Helper()
	by := audit.Record{Actor: "console", Action: string(operator.AnnounceFigures)}
	n, err := b.Reports.Announce(t.Context(), "spring", b.Now().Add(-time.Hour), by)
	if err != nil {
		t.Fatal(err)
	}
	return n.ID
}

// reportArea is what is told of unit no1.
func reportArea() area {
	const c = "/api/v1/admin/campaigns/:campaign"
	return area{
		open: openReports,
		subjects: map[string]subject{
			"GET " + c + "/progress":          {placed: true, query: "parent=no1"},
			"POST " + c + "/exports":          {placed: true, ok: http.StatusAccepted, body: `{"what":"official","scope":"no1","format":"csv"}`},
			"GET " + c + "/exports/:job/file": {object: madeExport},
			"GET " + c + "/brief":             {whole: true},
			"GET " + c + "/announcements":     {whole: true},
			"POST " + c + "/announcements":    {whole: true, ok: http.StatusCreated, body: `{"as_of":"2026-06-01T08:00:00+08:00"}`},
			"GET " + c + "/announcements/:announcement": {whole: true, object: func(t *testing.T, b *bench) map[string]string {
				t.Helper()
				return map[string]string{"announcement": b.announced(t)}
			}},
		},
	}
}

// madeExport is an export of unit no1 that is done.
func madeExport(t *testing.T, b *bench) map[string]string {
	t.Helper()
	o := report.Order{What: report.ExportOfficial, Campaign: "spring", Scope: "no1", Format: "csv"}
	r := jobs.Request{Action: string(operator.ReadFigures), Actor: "somebody", Login: "somebody"}
	by := audit.Record{At: b.Now(), Actor: "somebody", Action: "export"}
	id, err := b.Reports.Ask(t.Context(), o, r, by)
	if err != nil {
		t.Fatal(err)
	}
	b.work(t, id)
	return map[string]string{"job": id}
}

// work lets a job of the reports be done.
func (b *bench) work(t *testing.T, id string) {
	t.Helper()
	d := b.Reports.(*report.Desk) //nolint:forcetypeassert // What openReports put there.
	b.workOn(t, id, d.Register)
}

// workOn lets a job be done by who registers for it.
func (b *bench) workOn(t *testing.T, id string, register func(*jobs.Queue)) {
	t.Helper()
	q := &jobs.Queue{DB: b.office.db, Now: b.Now, Log: slog.New(slog.DiscardHandler), Every: 25 * time.Millisecond}
	register(q)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { q.Run(ctx); close(done) }()
	defer func() { stop(); <-done }()
	waittest.Until(t, "the job to be done", func() bool {
		j, err := q.Job(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if j.State.Final() && j.State != jobs.Done {
			t.Fatalf("the job is %s: %s", j.State, j.Error)
		}
		return j.State == jobs.Done
	})
}

// TestExportsKeepWithinRights asks for lists of persons, for names, and for parts of
// others.
func TestExportsKeepWithinRights(t *testing.T) {
	t.Parallel()
	b := newOfficeBench(t, func(b *bench) { openReports(t, b) })
	const path = "/api/v1/admin/campaigns/spring/exports"
	grant := func(r operator.Role, scope string) string {
		return b.hire(t, operator.Grant{Role: r, Campaign: "spring", Scope: scope}).token
	}
	viewer, county := grant(operator.OfficeViewer, "yuci"), grant(operator.CampaignOperator, "yuci")
	whole := grant(operator.OfficeViewer, "")
	for _, c := range []struct {
		as, body string
		status   int
	}{
		{viewer, `{"what":"official","scope":"yuci","format":"xlsx"}`, http.StatusAccepted},
		{viewer, `{"what":"official","format":"xlsx"}`, http.StatusNotFound},
		{viewer, `{"what":"participants","scope":"yuci","format":"xlsx"}`, http.StatusForbidden},
		{viewer, `{"what":"official","scope":"yuci","format":"xlsx","names":true}`, http.StatusForbidden},
		{county, `{"what":"participants","scope":"yuci","format":"csv","names":true}`, http.StatusAccepted},
		{county, `{"what":"participants","scope":"taigu","format":"csv"}`, http.StatusNotFound},
		{county, `{"what":"workbook"}`, http.StatusNotFound},
		{county, `{"what":"everything","scope":"yuci","format":"csv"}`, http.StatusBadRequest},
		{county, `{"what":"official","scope":"yuci","format":"doc"}`, http.StatusBadRequest},
		{county, `{"what":"official","scope":"yuci","format":"csv","as_of":"yesterday"}`, http.StatusBadRequest},
		{whole, `{"what":"official","scope":"nowhere","format":"csv"}`, http.StatusBadRequest},
	} {
		if got := b.do(t, request(http.MethodPost, path, c.as, c.body)); got.status != c.status {
			t.Errorf("%s = %d %s, want %d", c.body, got.status, got.body, c.status)
		}
	}
}

// TestProgressTellsWhoAnswered: of every node how many have answered, and the rates, which
// nobody could work out from person-times.
func TestProgressTellsWhoAnswered(t *testing.T) {
	t.Parallel()
	row := func(id string, c leaderboard.Counts, roster int64, small bool) leaderboard.Row {
		return leaderboard.Row{ID: id, Name: id, Kind: campaign.Unit, Counts: c, Roster: roster, Small: small}
	}
	b := newOfficeBench(t, func(b *bench) {
		b.boards.breakdown = func(string, string, string, leaderboard.Viewer) (leaderboard.Table, error) {
			return leaderboard.Table{
				Snapshot: &leaderboard.Snapshot{AsOf: b.Now()},
				Total:    row("", leaderboard.Counts{Attempts: 90, Signatures: 20, Scored: 40, Passed: 10}, 16, false),
				Rows: []leaderboard.Row{
					row("no1", leaderboard.Counts{Attempts: 88, Signatures: 4, Scored: 38, Passed: 9}, 16, false),
					row("no2", leaderboard.Counts{Attempts: 2, Scored: 2, Passed: 1}, 0, true),
				},
			}, nil
		}
	})
	as := b.hire(t, operator.Grant{Role: operator.OfficeViewer, Campaign: "spring"}).token
	got := b.do(t, request(http.MethodGet, "/api/v1/admin/campaigns/spring/progress", as, ""))
	for _, want := range []string{
		`"answered":40,"pass_rate":0.25,"signature_rate":1}`, `"answered":38,"pass_rate":0.236842,"signature_rate":0.25}`,
		`"answered":2,"pass_rate":null,"signature_rate":null}`,
	} {
		if !strings.Contains(got.body, want) {
			t.Errorf("progress = %d %s, want %s in it", got.status, got.body, want)
		}
	}
}

// TestExportIsRemembered takes a file and finds both steps in the audit log.
func TestExportIsRemembered(t *testing.T) {
	t.Parallel()
	b := newOfficeBench(t, func(b *bench) { openReports(t, b) })
	job := madeExport(t, b)["job"]
	as := b.hire(t, operator.Grant{Role: operator.OfficeViewer, Campaign: "spring"}).token
	got := b.do(t, request(http.MethodGet, "/api/v1/admin/campaigns/spring/exports/"+job+"/file", as, ""))
	if got.status != http.StatusOK || !strings.HasPrefix(got.body, "\ufeff地区,") {
		t.Fatalf("file = %d %q", got.status, got.body)
	}
	var steps int
	for _, e := range b.entries(t) {
		if e.Object == "export:"+job {
			steps++
		}
		if e.Object == "export:"+job && e.Reason == "下载" && !strings.Contains(string(e.After), `"scope":"`) {
			t.Errorf("nobody learns what was taken: %s", e.After)
		}
	}
	if steps != 3 {
		t.Errorf("asked for, made and taken: %d entries", steps)
	}
	other := b.hire(t, operator.Grant{Role: operator.OfficeViewer, Campaign: "spring", Scope: "taigu"}).token
	if got := b.do(t, request(http.MethodGet, "/api/v1/admin/campaigns/spring/exports/"+job+"/file", other, "")); got.status != http.StatusNotFound {
		t.Errorf("another office's file = %d", got.status)
	}
}

// TestExportIsMadeOnce takes the server away between what an export came to and the end of
// its job: the one that begins it again finds it done, and the audit log has it once.
func TestExportIsMadeOnce(t *testing.T) {
	t.Parallel()
	b := newOfficeBench(t, func(b *bench) { openReports(t, b) })
	job := madeExport(t, b)["job"]
	entries := len(b.entries(t))
	read := func() string {
		t.Helper()
		_, made, file, err := b.Reports.File(t.Context(), job)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(file)
		if err != nil {
			t.Fatal(err)
		}
		return made.SHA256 + string(body)
	}
	was := read()
	if _, err := b.office.db.ExecContext(t.Context(), `UPDATE jobs SET state = 'running', owner = 'gone', lease = 0, result = '', finished = 0 WHERE id = $1`, job); err != nil {
		t.Fatal(err)
	}
	b.work(t, job)
	if is := read(); is != was {
		t.Errorf("the file is %q, and was %q", is, was)
	}
	if n := len(b.entries(t)) - entries; n != 0 {
		t.Errorf("%d more entries in the audit log", n)
	}
}
