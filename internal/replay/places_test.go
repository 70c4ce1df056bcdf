package replay_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/redistest"
	"qingyuan/internal/replay"
	"qingyuan/internal/sqltest"
)

// lostAndRebuilt is what holds wherever Redis and the ledger lie.
func (r *rig) lostAndRebuilt() {
	r.Helper()
	r.populate()
	r.settle()
	r.clean()
	before := r.read(everybody)
	r.flush()
	r.rebuild()
	withoutAnswers(before)
	same(r.TB, "after a rebuild", before, r.read(everybody))
	r.clean()
	r.goesOn()
}

func TestOnPostgreSQL(t *testing.T) {
	t.Parallel()
	newRigOn(t, redistest.Start(t).Client(t), sqltest.PostgreSQL(t), definition(t, "antidrug", 4)).lostAndRebuilt()
}

// TestOnACluster spreads the shards over several servers, and waits for their
// replicas.
func TestOnACluster(t *testing.T) {
	t.Parallel()
	r := newRigOn(t, redistest.StartCluster(t, 3, 1).Client(t), sqltest.SQLite(t), definition(t, "antidrug", 16))
	r.options = []redisstore.Option{redisstore.WithReplicas(1, time.Second)}
	r.serve()
	r.lostAndRebuilt()
}

// TestALedgerThatIsBehind: without an archiver participants are compared all the
// same, with what lies on the streams, and the report says what was not.
func TestALedgerThatIsBehind(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.enrol(person(0), "u1")
	r.settle()
	r.populate()
	r.fold()
	v := r.verifier()
	v.Patience = 10 * time.Millisecond
	report, err := v.Campaign(t.Context(), r.def, &r.rules)
	if err != nil || report.Differences != 0 || report.Clean() || len(report.Incomplete) != 2 || !strings.Contains(report.Incomplete[0], "the ledger holds the facts up to 1-0") {
		t.Errorf("report %+v, %v", report, err)
	}
	r.db.HSet(t.Context(), (&garden{rig: r}).key("}:p:"+person(7)), "t", "1")
	report, err = v.Campaign(t.Context(), r.def, &r.rules)
	if err != nil || report.Differences != 1 || report.First[0].Participant != person(7) || report.First[0].Field != "enrolled at" {
		t.Errorf("report %+v, %v", report, err)
	}
}

// TestDeadLetters: a fact that the ledger could not take is a difference.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.enrol(person(0), "u1")
	r.settle()
	s := ledger.Shard{Campaign: r.def.ID}
	at, err := r.ledger.Cursor(t.Context(), s, event.Facts)
	must(t, 0, err)
	out, err := r.ledger.Append(t.Context(), ledger.Batch{Shard: s, Stream: event.Facts, From: at, Now: noon, Entries: []event.Entry{{
		Position: event.Position{Epoch: at.Epoch, Seq: at.Seq + 1}, Fields: event.FieldsOf(map[string]string{"k": string(event.KindEnrolled), "p": person(1)}),
	}}})
	if must(t, out, err).Dead != 1 {
		t.Fatalf("appended %+v", out)
	}
	_, got := r.verifyCampaign()
	if len(got) != 2 || !strings.Contains(got[0], "dead letter facts 1-1") || !strings.Contains(got[1], "end of the facts: 1-0, not not before 1-1") {
		t.Errorf("differences %q", got)
	}
}

// TestALedgerThatContradictsItself: what a fact claims is compared with the
// history, also where Redis was counted by the fact.
func TestALedgerThatContradictsItself(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.populate()
	r.settle()
	claim := func() {
		_, err := r.sql.ExecContext(t.Context(), "UPDATE facts SET first = 1 - first WHERE kind = 'signed.1' AND participant = $1", person(0))
		must(t, 0, err)
	}
	claim()
	_, got := r.verifyCampaign()
	if len(got) != 1 || !strings.HasPrefix(got[0], person(0)+": fact 1-") || !strings.HasSuffix(got[0], ": first: true, not false") {
		t.Errorf("differences %q", got)
	}
	claim()
	r.clean()
}

func TestNothingToCompare(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	strange := definition(t, "strange", 1)
	if _, err := r.verifier().Campaign(t.Context(), strange, nil); !errors.Is(err, replay.ErrUnknown) {
		t.Errorf("verify an unknown campaign: %v", err)
	}
	if _, err := r.rebuilder().Campaign(t.Context(), strange); !errors.Is(err, replay.ErrUnknown) {
		t.Errorf("rebuild an unknown campaign: %v", err)
	}
	b := r.rebuilder()
	b.Drain = func(context.Context, ledger.Shard) error { return errPulled }
	if _, err := b.Campaign(t.Context(), r.def); !errors.Is(err, errPulled) {
		t.Errorf("rebuild: %v", err)
	}
	if _, err := r.verifier().Campaign(t.Context(), r.def, nil); !errors.Is(err, replay.ErrNotOpen) {
		t.Errorf("verify what is being rebuilt: %v", err)
	}
}
