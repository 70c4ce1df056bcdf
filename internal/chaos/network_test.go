//go:build chaos

package chaos

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"qingyuan/internal/redistest"
)

// Requests in all through both hops, in the short and in the long run.
const (
	requestsShort = 5_000
	requestsLong  = 100_000
)

// TestNetworkBeforeTheServer lets the network between people and server be bad in
// every way that toxiproxy knows. Whoever hears nothing asks again: nothing is
// lost, nothing counts twice, and nobody hears what was meant for another.
func TestNetworkBeforeTheServer(t *testing.T) {
	t.Parallel()
	const kind = "network"
	p := Launch(t, Options{Name: kind})
	h := newHop(t, strings.TrimPrefix(p.URL, "http://"))
	n := network{Stage: stageOn(t, "bad network before the server", p, "http://"+h.Addr()), hop: h}
	n.Judge.Ask(p.URL)
	n.everything(t)
}

// TestNetworkBeforeRedis does the same between the server and its Redis.
func TestNetworkBeforeRedis(t *testing.T) {
	t.Parallel()
	const kind = "network.redis"
	redis := redistest.Start(t, redistest.Durable(), redistest.TCP())
	h := newHop(t, redis.Addr())
	p := Launch(t, Options{Name: kind, Env: []string{
		"QINGYUAN_REDIS_ADDRS=" + h.Addr(), "QINGYUAN_SECRETS_MASTER=" + strings.Repeat("m", 32), "QINGYUAN_DATABASE_SOLE_SERVER=true",
	}})
	n := network{Stage: stageOn(t, "bad network before Redis", p, p.URL), hop: h}
	n.everything(t)
}

// stageOn is a stage for a crowd that goes to the program another way.
func stageOn(t testing.TB, promise string, p *Program, urls ...string) *Stage {
	t.Helper()
	crowd := NewCrowd(t, CrowdOptions{
		Name: p.o.Name, URL: urls, Dir: filepath.Join(filepath.Dir(p.Log()), "books"), Clients: 12,
	})
	return &Stage{t: t, Program: p, Crowd: crowd, Judge: NewJudge(crowd), Row: NewRow(promise)}
}

// network is a stage with one bad hop.
type network struct {
	*Stage

	hop *hop
}

// everything makes a round with each toxic.
func (n *network) everything(t *testing.T) {
	t.Helper()
	all := toxics()
	each := Rounds("network.requests", requestsShort, requestsLong) / (2 * len(all))
	for _, x := range all {
		if Stopped() {
			break
		}
		ok := n.Round(t.Context(), func(ctx context.Context) error {
			return errors.Join(n.hop.Poison(x), n.send(ctx, uint64(each)), n.hop.Clean(), n.Back(ctx))
		})
		if !ok {
			t.Fatalf("with %s %s", x.stream, x.kind)
		}
	}
	n.Row.Note("%d requests", n.Crowd.client.turn.Load())
	n.Everything(t.Context())
}

// send waits until the crowd has sent so many requests more.
func (n *network) send(ctx context.Context, more uint64) error {
	before := n.Crowd.client.turn.Load()
	return poll(ctx, 10*patience, "requests", func() (bool, error) { return n.Crowd.client.turn.Load()-before >= more, nil })
}
