package correction_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"qingyuan/internal/approval"
	"qingyuan/internal/challenge"
	"qingyuan/internal/correction"
	"qingyuan/internal/jobs"
	"qingyuan/internal/ledger"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/internal/stream"
	"qingyuan/quiz"
)

// workerEnv tells the test binary to be a server that works on batches, and on which
// stores, until it is killed.
const workerEnv = "QINGYUAN_TEST_CORRECTION_WORKER"

// stores are those of another process.
type stores struct {
	Network, Addr, Password, SQL string
	Shards                       int
}

// silence is a log of the Redis client that nobody reads: that a server is gone is no news
// here.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

func TestMain(m *testing.M) {
	redis.SetLogger(silence{})
	if text := os.Getenv(workerEnv); text != "" {
		worker(text)
	}
	os.Exit(m.Run())
}

// worker is a server without listeners. It never returns.
func worker(text string) {
	var at stores
	if err := json.Unmarshal([]byte(text), &at); err != nil {
		panic(err)
	}
	t := &bare{}
	db, err := sqldb.Open(t.Context(), at.SQL)
	if err != nil {
		panic(err)
	}
	r := &rig{
		TB: t, db: redis.NewClient(&redis.Options{Network: at.Network, Addr: at.Addr, Password: at.Password, MaxRetries: -1}),
		sql: db, ledger: ledger.New(db), def: definition(t, "antidrug", at.Shards), bank: bankOf(t), box: newBox(t),
		rules: rulesOf(),
	}
	r.Reader = &stream.Reader{DB: r.db, Key: redisstore.StreamKey, Mark: redisstore.MarkKey}
	r.serve()
	r.jobs = &jobs.Queue{DB: db, Now: time.Now, Log: slog.New(slog.DiscardHandler), Every: 25 * time.Millisecond, Lease: time.Second}
	r.approvals = approval.New(approval.Options{DB: db, Campaign: r.Campaign, Now: time.Now, Failed: func(approval.Approval, error) {}})
	r.service = r.newService()
	r.service.Stretch = 16
	r.contest()
	r.service.Register(r.jobs)
	r.jobs.Run(context.Background())
}

// bare is a test that is none: what goes wrong ends the process.
type bare struct{ testing.TB }

func (*bare) Helper()                  {}
func (*bare) Context() context.Context { return context.Background() }
func (*bare) Fatal(args ...any)        { panic(args) }

// TestKilled lets servers work on a batch, and on its undo, and kills each of them in
// the middle. In the end every act was taken out once, and is back.
func TestKilled(t *testing.T) {
	t.Parallel()
	target := sqltest.Target(t, sqldb.SQLite)
	r := newRig(t, sqltest.Open(t, target), definition(t, "antidrug", 2))
	r.populate(1500, 1)
	before := r.image()
	b := r.create(clerk(""), correction.Conditions{Attempts: true, Signatures: true, From: noon})
	r.stopJobs() // from here on others work
	o := r.db.(*redis.Client).Options()
	at := stores{o.Network, o.Addr, o.Password, target, r.def.Shards}

	r.approve(r.service.AskRun(t.Context(), clerk(""), b))
	b = r.killing(at, b.ID, correction.Done, func(b *correction.Batch) int64 { return b.Next })
	if b.Counts[correction.Out] != b.Items || r.outNow(b) != b.Items {
		t.Errorf("%d are out: %+v", r.outNow(b), b)
	}
	r.settle()
	r.clean()
	r.approve(r.service.AskUndo(t.Context(), clerk(""), b, "核实有误"))
	b = r.killing(at, b.ID, correction.Undone, func(b *correction.Batch) int64 { return b.Back })
	if b.Counts[correction.Back] != b.Items {
		t.Errorf("%+v", b)
	}
	r.same(before)
}

// TestKilledMarking is the same with a list of attempts that are marked again, checked
// before by whoever begins.
func TestKilledMarking(t *testing.T) {
	t.Parallel()
	target := sqltest.Target(t, sqldb.SQLite)
	r := newRig(t, sqltest.Open(t, target), definition(t, "antidrug", 2))
	s := r.contest()
	r.populate(1500, 1)
	before := r.image()
	c, b := r.decided(s, "q1", challenge.Judgement{Decision: challenge.Withdraw, Rule: quiz.Drop})
	r.stopJobs()
	o := r.db.(*redis.Client).Options()
	at := stores{o.Network, o.Addr, o.Password, target, r.def.Shards}

	r.approve(s.AskRun(t.Context(), clerk(""), c))
	b = r.killing(at, b.ID, correction.Done, func(b *correction.Batch) int64 { return b.Next })
	if b.Counts[correction.Out] != b.Items {
		t.Errorf("after the run: %+v", b)
	}
	r.settle()
	r.clean()
	if diff := cmp.Diff(r.marked(100, c.Ruling()), r.stored(100)); diff != "" {
		t.Errorf("not marked by the rule (-want +got):\n%.2000s", diff)
	}
	r.approve(s.AskUndo(t.Context(), clerk(""), c, "核实有误"))
	b = r.killing(at, b.ID, correction.Undone, func(b *correction.Batch) int64 { return b.Back })
	if b.Counts[correction.Back] != b.Items {
		t.Errorf("after the undo: %+v", b)
	}
	r.same(before)
}

// deaths is how many servers are killed at one batch; the next one may finish it.
const deaths = 3

// killing starts one server after the other and kills them, each once it has come
// further, until one has done the rest.
func (r *rig) killing(at stores, id string, end correction.State, how func(*correction.Batch) int64) *correction.Batch {
	r.Helper()
	text, err := json.Marshal(at)
	must(r, text, err)
	reached := int64(0)
	for n := 0; ; n++ {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), workerEnv+"="+string(text))
		must(r, 0, cmd.Start())
		b := r.watchUntil(id, func(b *correction.Batch) bool {
			return b.State == end || n < deaths && how(b) > reached
		})
		must(r, 0, cmd.Process.Kill())
		_ = cmd.Wait() // it was killed
		if b.State == end {
			if n < deaths {
				r.Errorf("only %d servers died", n)
			}
			return b
		}
		reached = how(b) + b.Items/(2*deaths)
	}
}
