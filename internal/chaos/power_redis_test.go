//go:build chaos

package chaos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	camp "qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/redisstore"
	"qingyuan/pledge"
)

// signers are people who enrol and sign, one after the other and many at once,
// as quickly as Redis lets them.
type signers struct {
	*stores

	def   *camp.Campaign
	round int

	mu    sync.Mutex
	acked map[string]bool
}

// work lets everybody sign until Redis is gone.
func (s *signers) work(ctx context.Context) {
	s.acked = map[string]bool{}
	var all sync.WaitGroup
	for worker := range 16 {
		all.Go(func() {
			for i := 0; ; i++ {
				who := fmt.Sprintf("p%d-%d-%d", s.round, worker, i)
				if s.sign(ctx, who) != nil {
					return
				}
				s.mu.Lock()
				s.acked[who] = true
				s.mu.Unlock()
			}
		})
	}
	all.Wait()
}

func (s *signers) sign(ctx context.Context, who string) error {
	now := time.Now()
	e := camp.Enrolment{Unit: "u", Group: "public", NoticeVersion: "1", At: now}
	if _, err := s.enrolments.Enrol(ctx, s.def.ID, who, e, camp.Personal{}); err != nil {
		return err
	}
	_, _, err := s.signatures.Sign(ctx, s.def.ID, who, pledge.Signature{
		Version: "1", TextSHA256: fmt.Sprintf("%064d", 0), Method: pledge.Typed, SignedAt: now, State: pledge.Valid,
	}, camp.Personal{})
	return err
}

// judge looks for everybody who was told that they have signed, in the state and
// among the facts, which are told once each and without a gap.
func (s *signers) judge(ctx context.Context) (Verdict, error) {
	v := Verdict{People: len(s.acked), Acknowledged: 2 * len(s.acked)}
	told, err := s.facts(ctx, &v)
	if err != nil {
		return v, err
	}
	for _, who := range slices.Sorted(maps.Keys(s.acked)) {
		if _, err := s.signatures.Signature(ctx, s.def.ID, who); err != nil {
			v.fault(faultLost, "the signature of %s: %v", who, err)
		}
		v.number("facts of "+who, told[who], 2)
	}
	return v, nil
}

// facts counts what is told of each person.
func (s *signers) facts(ctx context.Context, v *Verdict) (map[string]int, error) {
	told, kinds := map[string]int{}, map[string]bool{}
	list, err := s.db.XRange(ctx, redisstore.StreamKey(s.def.ID, 0, event.Facts), "-", "+").Result()
	for i, entry := range list {
		if want := fmt.Sprintf("1-%d", i); entry.ID != want {
			v.fault(faultOther, "fact %s, want %s", entry.ID, want)
		}
		who, _ := entry.Values["p"].(string)
		told[who]++
		key := fmt.Sprint(who, entry.Values["k"])
		if kinds[key] {
			v.fault(faultDoubled, "%s of %s is told twice", entry.Values["k"], who)
		}
		kinds[key] = true
	}
	return told, err
}

// redisDisk is a redis-server on the disk of the shim.
type redisDisk struct {
	*shim

	dir, policy string
	random      *rand.Rand
	people      signers
}

// newRedisDisk begins with nothing on it; n is for its choices to be its own.
func newRedisDisk(t testing.TB, policy string, n int) *redisDisk {
	t.Helper()
	dir := Folder(t, "rd")
	def, err := smallCampaign("power")
	if err != nil {
		t.Fatal(err)
	}
	return &redisDisk{
		shim: newShim(t, dir), dir: dir, policy: policy, random: Random(fmt.Sprint("power ", policy, n)), people: signers{def: def},
	}
}

// start runs the server and connects the stores.
func (d *redisDisk) start(ctx context.Context) (*life, error) {
	socket := filepath.Join(d.dir, "s")
	l, err := spawn([]string{
		d.Binary, "--port", "0", "--unixsocket", socket, "--dir", d.dir, "--save", "", "--appendonly", "yes", "--appendfsync", d.policy,
	}, nil, filepath.Join(d.dir, "redis.log"))
	if err != nil {
		return nil, err
	}
	err = poll(ctx, patience, "Redis", func() (bool, error) {
		d.people.stores, err = openStores(ctx, &redis.Options{Network: "unix", Addr: socket}, d.people.def)
		return err == nil, nil
	})
	return l, err
}

// round works, cuts the power in the middle of it and judges what is left. Now
// and then Redis rewrites its files meanwhile.
func (d *redisDisk) round(ctx context.Context) (Verdict, error) {
	l, err := d.start(ctx)
	if err != nil {
		return Verdict{}, err
	}
	defer d.end(l)
	d.people.round++
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.people.work(ctx)
	}()
	if d.people.round%2 == 0 {
		d.people.db.BgRewriteAOF(ctx)
	}
	Sleep(ctx, Between(d.random, 100*time.Millisecond, 900*time.Millisecond))
	d.end(l)
	<-done
	if err := errors.Join(d.people.db.Close(), d.Cut(d.random)); err != nil {
		return Verdict{}, err
	}
	if l, err = d.start(ctx); err != nil {
		return Verdict{}, fmt.Errorf("after the power cut: %w: %s", err, tail(filepath.Join(d.dir, "redis.log"), 5))
	}
	defer d.end(l)
	v, err := d.people.judge(ctx)
	return v, errors.Join(err, d.people.db.Close())
}

func (d *redisDisk) end(l *life) {
	_ = l.cmd.Process.Signal(syscall.SIGKILL)
	<-l.exited
}

// cutsOfADisk is how often the power of one disk is cut. Everything on it is read
// after each.
const cutsOfADisk = 20

// TestPowerCutOfRedis cuts what Redis has not synced, as a strict file system
// would: names as of the folder's last sync, contents as of the file's. With
// appendfsync always nothing acknowledged is missing; with everysec, this very
// test finds what is.
func TestPowerCutOfRedis(t *testing.T) {
	t.Parallel()
	row := NewRow("power cut: Redis' files as synced")
	var always *redisDisk
	for n := range Rounds("power.redis", 5, 200) {
		if Stopped() || t.Failed() {
			break
		}
		if n%cutsOfADisk == 0 {
			always = newRedisDisk(t, "always", n)
		}
		v, err := always.round(t.Context())
		if err != nil || !v.OK() {
			t.Errorf("appendfsync always: %v, %s", err, v.String())
		}
		row.Book(v)
		row.Round(1)
	}
	lost, acked := 0, 0
	everysec := newRedisDisk(t, "everysec", 0)
	const tries = 10
	for n := 0; n < tries && lost == 0; n++ {
		v, err := everysec.round(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		lost, acked = len(v.Faults), acked+v.Acknowledged
	}
	if lost == 0 {
		t.Errorf("with appendfsync everysec nothing of %d acts was missed: this test proves nothing", acked)
	}
	row.Note("with everysec it finds the loss (%d of %d)", lost, acked)
}
