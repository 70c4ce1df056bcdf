package replay_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/redistest"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/quiz"
)

// The size of BenchmarkCampaign:
//
//	go test ./internal/replay -run '^$' -bench Campaign -benchtime 1x -timeout 60m -people 1000000
var (
	benchPeople = flag.Int("people", 20_000, "participants of the benchmark's campaign")
	benchShards = flag.Int("shards", 1, "shards of the benchmark's campaign")
	benchMapped = flag.Bool("mapped", true, "map an SQLite file into memory, as the commands do and a server does not")
	benchSQL    = flag.String("sql", "", "database of the benchmark; an SQLite file of its own where it is empty")
)

// BenchmarkCampaign fills a ledger with participants who enrolled, took the quiz
// once and signed, and measures how long it takes to rebuild a durable Redis from
// it and to verify that Redis. One round is enough.
func BenchmarkCampaign(b *testing.B) {
	db := sqltestOrOpen(b)
	r := newRigOn(b, redistest.Start(b, redistest.Durable()).Client(b), db, definition(b, "antidrug", *benchShards))
	began := time.Now()
	newCrowd(r).fill(*benchPeople)
	b.Logf("%d participants in the ledger after %v", *benchPeople, time.Since(began).Round(time.Millisecond))
	for b.Loop() {
		b.ReportMetric(0, "ns/op")
		peak, cpu := watchHeap(b), r.cpu()
		rebuilt := r.rebuild()
		b.ReportMetric(rebuilt.Duration.Seconds(), "s/rebuild")
		b.Logf("rebuild: %s", cpu())
		cpu = r.cpu()
		report := r.clean()
		b.ReportMetric(report.Duration.Seconds(), "s/verify")
		b.Logf("verify: %s", cpu())
		heap := peak()
		b.ReportMetric(float64(heap)/(1<<20), "MiB-heap")
		b.Logf("rebuilt %d participants, %d facts in %v", rebuilt.Participants, rebuilt.Facts, rebuilt.Duration.Round(time.Millisecond))
		b.Logf("verified %d participants, %d facts, %d attempts marked again, %d receipts, %d commitments, %d boards, %d cells in %v",
			report.Participants, report.Facts, report.Regraded, report.Receipts, report.Commitments, report.Boards, report.Cells,
			report.Duration.Round(time.Millisecond))
	}
}

func sqltestOrOpen(b *testing.B) *sqldb.DB {
	b.Helper()
	target := *benchSQL
	if target == "" {
		target = filepath.Join(b.TempDir(), "ledger.db")
	}
	if !*benchMapped {
		return sqltest.Open(b, target)
	}
	db, err := sqldb.OpenMapped(b.Context(), target)
	must(b, 0, err)
	b.Cleanup(func() { _ = db.Close() })
	return db
}

// cpu returns a function that tells how busy the program and Redis were since, for
// machines that do something else as well.
func (r *rig) cpu() func() string {
	r.Helper()
	read := func() (own, redis time.Duration) {
		var u syscall.Rusage
		must(r.TB, 0, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
		info, err := r.db.InfoMap(r.Context(), "cpu").Result()
		for _, part := range []string{"used_cpu_user", "used_cpu_sys"} {
			s, _ := strconv.ParseFloat(must(r.TB, info, err)["CPU"][part], 64)
			redis += time.Duration(s * float64(time.Second))
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano()), redis
	}
	own, redis := read()
	return func() string {
		ownNow, redisNow := read()
		return fmt.Sprintf("%.1f s of CPU here and %.1f s in Redis", (ownNow - own).Seconds(), (redisNow - redis).Seconds())
	}
}

// watchHeap returns a function that tells the most that the heap has held since.
func watchHeap(b *testing.B) func() uint64 {
	b.Helper()
	runtime.GC()
	ctx, stop := context.WithCancel(b.Context())
	peak := make(chan uint64)
	go func() {
		var most uint64
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
			select {
			case <-tick.C:
			case <-ctx.Done():
				peak <- most
				return
			}
		}
	}()
	return func() uint64 {
		stop()
		return <-peak
	}
}

// crowd writes what many participants did straight into the ledger, as an
// archiver would.
type crowd struct {
	*rig
	streams map[ledger.Shard]map[event.Stream]*ledger.Batch
	packed  []byte
	text    string
}

func newCrowd(r *rig) *crowd {
	r.Helper()
	packed, err := r.bank.Pack()
	c := &crowd{rig: r, packed: must(r.TB, packed, err), streams: map[ledger.Shard]map[event.Stream]*ledger.Batch{}, text: strings.Repeat("ab", 32)}
	for shard := range r.def.Shards {
		s := ledger.Shard{Campaign: r.def.ID, Number: shard}
		c.streams[s] = map[event.Stream]*ledger.Batch{}
		for _, stream := range []event.Stream{event.Facts, event.Personal} {
			c.streams[s][stream] = &ledger.Batch{Shard: s, Stream: stream, Banks: map[string][]byte{r.bank.Digest: c.packed}}
		}
	}
	return c
}

// wave is how many people do the same thing before somebody does the next.
const wave = 5000

// fill lets people come in waves, so that what one of them does lies apart.
func (c *crowd) fill(people int) {
	c.Helper()
	for from := 0; from < people; from += wave {
		for _, act := range []func(int, time.Time){c.enrols, c.starts, c.submits, c.signs} {
			for i := from; i < min(from+wave, people); i++ {
				act(i, opens.Add(time.Duration(i)*2*time.Second+time.Minute))
			}
		}
	}
	for _, streams := range c.streams {
		for _, b := range streams {
			c.flush(b)
		}
	}
}

// somebody is an id that says nothing about when they came.
func somebody(i int) string {
	sum := sha256.Sum256([]byte(strconv.Itoa(i)))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

var crowdUnits = []string{"u1", "u2", "u3", "u4"}

func (c *crowd) add(stream event.Stream, i int, at time.Time, fields map[string]string) {
	c.Helper()
	who := somebody(i)
	shard := int(xxhash.Sum64String(who) & uint64(c.def.Shards-1))
	fields["p"], fields["t"] = who, strconv.FormatInt(at.UnixMilli(), 10)
	if stream == event.Facts {
		fields["u"], fields["g"] = crowdUnits[i%len(crowdUnits)], "public"
	}
	b := c.streams[ledger.Shard{Campaign: c.def.ID, Number: shard}][stream]
	next := event.Position{Epoch: 1}
	if n := len(b.Entries); n > 0 {
		next.Seq = b.Entries[n-1].Seq + 1
	} else if b.From != (event.Position{}) {
		next.Seq = b.From.Seq + 1
	}
	b.Entries = append(b.Entries, event.Entry{Position: next, Fields: event.FieldsOf(fields)})
	if len(b.Entries) == 5000 {
		c.flush(b)
	}
}

func (c *crowd) flush(b *ledger.Batch) {
	c.Helper()
	if len(b.Entries) == 0 {
		return
	}
	out, err := c.ledger.Append(c.Context(), *b)
	if err != nil || out.Moved || out.Dead > 0 {
		c.Fatalf("append to %s: %+v, %v", b.Shard, out, err)
	}
	b.From, b.Entries, b.Banks = out.To, nil, nil
}

func (c *crowd) body(v any) string {
	raw, err := event.EncodeBody(v)
	return must(c.TB, raw, err)
}

func (c *crowd) enrols(i int, at time.Time) {
	c.add(event.Facts, i, at, map[string]string{"k": string(event.KindEnrolled), "d": c.body(event.Enrolled{Notice: "1"})})
	sealed, _ := c.seal(i, redisstore.PersonalRecord{Personal: campaign.Personal{Name: "张小三", Phone: "13912345678"}, Notice: "1"})
	c.add(event.Personal, i, at, map[string]string{"k": string(event.RecordEnrolment), "d": sealed})
}

func (c *crowd) seal(i int, r redisstore.PersonalRecord) (sealed, commitment string) {
	r.Salt = "c2FsdHNhbHRzYWx0c2FsdA"
	raw, err := json.Marshal(r)
	must(c.TB, raw, err)
	sum := sha256.Sum256(raw)
	return string(c.box.Seal(raw, []byte(c.def.ID+"|"+somebody(i)))), base64.RawStdEncoding.EncodeToString(sum[:])
}

const crowdItems = "p:0.1.2.3"

func (c *crowd) begin(i int, at time.Time) time.Time {
	return at.Add(time.Duration(10+i%50) * time.Second)
}

func (c *crowd) starts(i int, at time.Time) {
	at = c.begin(i, at)
	c.add(event.Facts, i, at, map[string]string{"k": string(event.KindStarted), "d": c.body(event.Started{
		Number: 1, Deadline: at.Add(c.rules.TimeLimit).UnixMilli(), Bank: c.bank.Digest, Seed: strconv.FormatInt(int64(i)*7919, 36), Items: crowdItems,
	})})
}

func (c *crowd) submits(i int, at time.Time) {
	began, used, right := c.begin(i, at), time.Duration(20_000+i%300_000)*time.Millisecond, i%5
	choices := make(quiz.Choices, 4)
	for n := range right {
		choices[n] = c.bank.Questions[n].Key
	}
	c.add(event.Facts, i, began.Add(used), map[string]string{
		"k": string(event.KindSubmitted), "f": "1", "b": "", "d": c.body(event.Submitted{
			Number: 1, StartedAt: began.UnixMilli(), UsedMS: used.Milliseconds(), Score: right * pointsEach, MaxScore: 4 * pointsEach,
			Correct: right, Passed: right*pointsEach >= c.rules.PassScore, ClosedBy: "participant",
			Bank: c.bank.Digest, Items: crowdItems, Choices: choices.String(),
		}),
	})
}

func (c *crowd) signs(i int, at time.Time) {
	sealed, commitment := c.seal(i, redisstore.PersonalRecord{Personal: campaign.Personal{Name: "张小三"}})
	at = at.Add(10 * time.Minute)
	c.add(event.Facts, i, at, map[string]string{"k": string(event.KindSigned), "f": "", "d": c.body(event.Signed{
		Version: "1", TextSHA256: c.text, Method: "typed", Commitment: commitment,
	})})
	c.add(event.Personal, i, at, map[string]string{"k": string(event.RecordSignature), "d": sealed})
}

// TestACrowdIsRebuilt keeps the generator of the benchmark honest.
func TestACrowdIsRebuilt(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4)
	newCrowd(r).fill(1200)
	if report := r.rebuild(); report.Participants != 1200 || report.Facts != 4800 || report.Faults != 0 {
		t.Errorf("rebuilt %+v", report)
	}
	if report := r.clean(); report.Regraded != 1200 || report.Commitments != 1200 || report.Rechecked != 0 {
		t.Errorf("verified %+v", report)
	}
}
