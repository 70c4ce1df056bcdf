package report_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"time"

	"qingyuan/internal/audit"
	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/ledger"
	"qingyuan/internal/ledger/ledgertest"
	"qingyuan/internal/prooflog"
	"qingyuan/internal/report"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/proof"
)

// newLog is a log that is sealed by the hour.
func newLog(t *testing.T, db *sqldb.DB, now func() time.Time) *prooflog.Log {
	t.Helper()
	l := ledger.New(db)
	if _, err := l.Deployment(t.Context(), "d1"); err != nil {
		t.Fatal(err)
	}
	return &prooflog.Log{
		DB: db, Ledger: l, Now: now, Span: time.Hour, Keys: prooflog.Keys{Current: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))},
		Open: func(string, string, event.Record) (prooflog.Signer, error) {
			return prooflog.Signer{}, errors.New("closed")
		},
	}
}

// TestAnnouncedCountsAreSigned: what is announced of a moment is what the checkpoint of that
// moment counts, whatever happens to the acts afterwards; and nothing is announced that no
// checkpoint bears out.
func TestAnnouncedCountsAreSigned(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx, l := t.Context(), ledger.New(db)
		signers(t, l, 5)
		// Their records went with an earlier Redis: the log waits for them no longer.
		if _, err := db.ExecContext(ctx, "UPDATE campaigns SET epoch = 2"); err != nil {
			t.Fatal(err)
		}
		now := opening.Add(3*time.Hour + 10*time.Minute)
		clock := func() time.Time { return now }
		log, all := newLog(t, db, clock), report.NewAnnouncements(db, clock)
		by := audit.Record{Actor: "console", Login: "console", Action: "figures.announce"}
		seal := func(asOf time.Time) (report.Announcement, error) {
			s := newSource(t, db, asOf)
			s.Log = log
			return all.Seal(ctx, s, by)
		}
		refused := func(what string, asOf time.Time) {
			t.Helper()
			if _, err := seal(asOf); fault.From(err).Code != prooflog.ErrUnsigned.Code {
				t.Errorf("%s: %v", what, err)
			}
		}
		refused("before anything is sealed", opening.Add(2*time.Hour))
		sealer := prooflog.Sealer{Log: log, Every: time.Hour, Signed: func(string, proof.Signed) {}, Told: func(int) {}, Failed: func(what string, err error) { t.Error(what, err) }}
		sealer.Round(ctx)
		refused("in the middle of an hour", opening.Add(90*time.Minute))
		n, err := seal(opening.Add(2 * time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if n.Total.Signatures != 2 || n.Log == nil || n.Log.Signatures != 2 || n.Log.Size != 2 || n.Total.Enrolled != 2 {
			t.Errorf("two had signed by then: %+v, %+v", n.Total, n.Log)
		}
		if none, err := seal(opening); err != nil || none.Log != nil || none.Total.Signatures != 0 {
			t.Errorf("before the first: %+v, %v", none, err)
		}

		// p0 is taken out: what was announced stays and is still that of its checkpoint.
		last, err := l.Cursor(ctx, ledger.Shard{Campaign: "c"}, event.Facts)
		if err != nil {
			t.Fatal(err)
		}
		out := ledgertest.Fact(ledgertest.Pos(1, last.Seq+1), event.KindSignatureInvalidated, "p0", `{"signed":1,"attempts":null}`,
			event.FieldAt, strconv.FormatInt(opening.Add(3*time.Hour+time.Minute).UnixMilli(), 10), event.FieldUnit, "yc1", event.FieldGroup, "student")
		if _, err := l.Append(ctx, ledger.Batch{Shard: ledger.Shard{Campaign: "c"}, Stream: event.Facts, From: last, Entries: []event.Entry{out}, Now: now}); err != nil {
			t.Fatal(err)
		}
		now = now.Add(3 * time.Hour)
		sealer.Round(ctx)
		s := newSource(t, db, time.Time{})
		s.Log = log
		since, err := s.Since(ctx, &n)
		if err != nil || len(since) == 0 {
			t.Errorf("corrected since: %v, %v", since, err)
		}
		again, err := seal(opening.Add(2 * time.Hour))
		if err != nil || again.Total.Signatures != 2 || again.Log.Root != n.Log.Root {
			t.Errorf("the same moment again: %+v, %v", again, err)
		}
		later, err := seal(opening.Add(5 * time.Hour))
		if err != nil || later.Total.Signatures != 4 || later.Log.Totals[proof.SignatureInvalidated] != 1 {
			t.Errorf("four of five count at the end: %+v, %v", later, err)
		}

		// What is given out is all that an outsider needs.
		keys, err := log.VerifierKeys(ctx, "c")
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		read, err := proof.ReadAnnouncement(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if _, faults := read.Verify(keys); len(faults) > 0 {
			t.Errorf("it does not hold: %v", faults)
		}
		// Figures that the log does not bear out are not announced.
		if _, err := db.ExecContext(ctx, "UPDATE facts SET kind = 'hidden.1', body = $1 WHERE participant = 'p1' AND kind = 'signed.1'", []byte(`{"attempts":null}`)); err != nil {
			t.Fatal(err)
		}
		if _, err := seal(opening.Add(2 * time.Hour)); err == nil {
			t.Error("one signature less than the checkpoint counts was announced")
		}
	})
}
