package prooflog_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/ledger/ledgertest"
	"qingyuan/internal/sqltest"
	"qingyuan/proof"
)

// BenchmarkSeal seals and signs what 2,500 people did on SQLite: each enrolled, began an
// attempt, handed it in and signed, of which the last two make leaves. It tells what a leaf
// costs in time of the processor, wherever in the process, and in allocations.
func BenchmarkSeal(b *testing.B) {
	const people = 2500
	r := newRig(b, sqltest.Open(b, filepath.Join(b.TempDir(), "q.db")), 1)
	r.log.Batch = 0
	var spent usage
	n := 0
	for b.Loop() {
		b.StopTimer()
		r.campaigners(n, people)
		n += people
		before := used(b)
		b.StartTimer()
		r.seal()
		after := used(b)
		spent.processor += after.processor - before.processor
		spent.allocations += after.allocations - before.allocations
	}
	leaves := float64(2 * n)
	b.ReportMetric(float64(spent.processor.Microseconds())/leaves, "cpu-µs/leaf")
	b.ReportMetric(float64(spent.allocations)/leaves, "allocs/leaf")
	b.ReportMetric(0, "ns/op")
}

// usage is what the process has used since it began.
type usage struct {
	processor   time.Duration
	allocations uint64
}

func used(b *testing.B) usage {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{time.Duration(r.Utime.Nano() + r.Stime.Nano()), m.Mallocs}
}

// campaigners are n people who do all that a campaign asks of them, with what is personal of
// it. Their ids are of the length of those that the program draws, and in no order.
func (r *rig) campaigners(from, n int) {
	r.Helper()
	bodies := []struct {
		kind event.Kind
		body any
	}{
		{event.KindEnrolled, event.Enrolled{Notice: "n1"}},
		{event.KindStarted, event.Started{Number: 1, Deadline: 1_782_490_200_000, Bank: proof.Digest("bank"), Seed: "5f2b", Items: paper}},
		{event.KindSubmitted, event.Submitted{
			Number: 1, StartedAt: 1_782_489_600_000, UsedMS: 123_456, ClosedBy: "participant", Score: 80, MaxScore: 100, Correct: 8, Passed: true,
			Bank: proof.Digest("bank"), Items: paper, Choices: "3,1,0,2,1,0,3,2,1,0",
		}},
		{event.KindSigned, event.Signed{Version: "v1", TextSHA256: proof.Digest("承诺"), Method: "drawn"}},
	}
	s := ledger.Shard{Campaign: town}
	facts, records := follow(r.next[s]), follow(r.person[s])
	var acts, personal []event.Entry
	for i := range n {
		p := proof.Digest(fmt.Sprint("person ", from+i))[:22]
		for _, one := range bodies {
			if signed, ok := one.body.(event.Signed); ok {
				signed.Commitment = commitment(p)
				one.body = signed
			}
			raw, err := event.EncodeBody(one.body)
			if err != nil {
				r.Fatal(err)
			}
			acts = append(acts, ledgertest.Fact(facts(), one.kind, p, raw))
		}
		personal = append(personal, ledgertest.Record(records(), event.RecordEnrolment, p, "李明，一年级二班"),
			ledgertest.Record(records(), event.RecordSignature, p, r.signature(p, "李明")))
	}
	r.appendAll(s, event.Facts, r.next, acts)
	r.appendAll(s, event.Personal, r.person, personal)
}

// paper is a paper of ten questions.
const paper = "q0012:0.1.2.3,q0007:3.1.0.2,q0101:1.0.2.3,q0055:2.0.1.3,q0033:0.2.1.3,q0204:3.2.1.0,q0150:0.1,q0078:1.0,q0091:0.3.1.2,q0120:2.1.0.3"

// follow counts positions of a shard that follow one.
func follow(last event.Position) func() event.Position {
	return func() event.Position {
		if last == (event.Position{}) {
			last = event.Position{Epoch: 1}
		} else {
			last.Seq++
		}
		return last
	}
}

// appendAll puts entries behind the last of a stream, as an archiver does.
func (r *rig) appendAll(s ledger.Shard, stream event.Stream, at map[ledger.Shard]event.Position, entries []event.Entry) {
	r.Helper()
	const batch = 500
	for len(entries) > 0 {
		some := entries[:min(batch, len(entries))]
		entries = entries[len(some):]
		out, err := r.ledger.Append(r.Context(), ledger.Batch{Shard: s, Stream: stream, From: at[s], Entries: some, Now: ledgertest.Noon()})
		if err != nil || out.Stored != len(some) {
			r.Fatalf("append %d entries to the %s of %s: %+v, %v", len(some), stream, s, out, err)
		}
		at[s] = out.To
	}
}
