//go:build chaos

package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"qingyuan/internal/redistest"
	"qingyuan/internal/sqltest"
)

// httpDevice is a device that talks to either of two servers, as behind a load
// balancer.
type httpDevice struct {
	client *client
	scene  *Scene
	token  string
	shown  map[int]paper
}

func (d *httpDevice) papers() []int { return slices.Sorted(maps.Keys(d.shown)) }

func (d *httpDevice) make(ctx context.Context, m move) seen {
	r := d.client.send(ctx, d.request(m))
	switch r.outcome() {
	case isAcknowledged:
		out, err := d.read(m, r)
		if err != nil {
			return seen{code: err.Error()} // no rule allows it
		}
		return out
	case isRefused:
		return seen{code: r.code}
	default:
		return seen{unknown: true}
	}
}

func (d *httpDevice) request(m move) request {
	q := request{method: http.MethodPost, token: d.token}
	c := &d.scene.Campaign
	switch m.kind {
	case actEnrol:
		q.method, q.path = http.MethodPut, d.scene.base+"/enrolment"
		q.body = encode(map[string]any{
			"unit": m.unit, "group": c.Groups[0].ID, "name": "张小三",
			"consent": map[string]any{"notice_version": c.Notice.Version, "publish_name": false},
		})
	case actStart:
		q.path = d.scene.base + "/attempts"
		if m.number > 0 {
			q.body = encode(map[string]int{"number": m.number})
		}
	case actSubmit:
		q.path = d.scene.base + "/attempts/" + escape(d.shown[m.number].Attempt) + "/submission"
		q.body = encode(map[string]any{"answers": d.answers(m)})
	case actSign:
		q.path = d.scene.base + "/signatures"
		q.body = encode(map[string]any{"version": c.Pledge.Version, "method": "typed", "name": "张小三"})
	default:
		q.method, q.path = http.MethodGet, d.scene.base+"/me"
	}
	return q
}

// answers marks the same option of every question.
func (d *httpDevice) answers(m move) answers {
	a := answers{}
	for _, q := range d.shown[m.number].Questions {
		a[q.ID] = []string{q.Options[m.variant-1].ID}
	}
	return a
}

// read says what an acceptance tells.
func (d *httpDevice) read(m move, r reply) (seen, error) {
	switch m.kind {
	case actEnrol:
		var e enrolment
		err := json.Unmarshal(r.body, &e)
		return seen{unit: e.Unit}, err
	case actStart:
		return d.started(r)
	case actSubmit:
		var e Entry
		err := readReceipt(actSubmit, r.body, &e)
		if err == nil && e.Attempt != d.shown[m.number].Attempt {
			err = fmt.Errorf("attempt %s instead of %s", e.Attempt, d.shown[m.number].Attempt)
		}
		return seen{number: m.number, variant: m.variant}, err
	case actSign:
		return seen{fresh: r.status == http.StatusCreated}, nil
	default:
		return readMe(m.kind, r.body)
	}
}

func (d *httpDevice) started(r reply) (seen, error) {
	var p struct {
		paper

		Questions json.RawMessage `json:"questions"`
	}
	if err := json.Unmarshal(r.body, &p); err != nil {
		return seen{}, err
	}
	if p.State == "open" {
		if err := json.Unmarshal(p.Questions, &p.paper.Questions); err != nil {
			return seen{}, err
		}
		d.shown[p.Number] = p.paper
	}
	return seen{number: p.Number, fresh: r.status == http.StatusCreated}, nil
}

// demoPerDay is how many attempts a day the demonstration allows.
const demoPerDay = 3

func readMe(kind string, body []byte) (seen, error) {
	var me struct {
		home

		Open *struct{}           `json:"open_attempt"`
		Left struct{ Today int } `json:"attempts_left"`
	}
	if err := json.Unmarshal(body, &me); err != nil {
		return seen{}, err
	}
	switch {
	case kind == readHome:
		return seen{number: demoPerDay - me.Left.Today, yes: me.Open != nil}, nil
	case kind == readSignature:
		return seen{yes: me.Signature != nil}, nil
	case me.Enrolment == nil:
		return seen{}, nil
	default:
		return seen{unit: me.Enrolment.Unit}, nil
	}
}

// TestLinearizableServers is TestLinearizable on the whole program: two servers on
// one Redis and one PostgreSQL.
func TestLinearizableServers(t *testing.T) {
	t.Parallel()
	j := &judged{row: NewRow("the same through two servers over HTTP")}
	redis := redistest.Start(t, redistest.Durable(), redistest.TCP(), redistest.Set("maxmemory-policy", "noeviction"))
	url := sqltest.PostgreSQLTarget(t)
	var urls []string
	for i := range 2 {
		urls = append(urls, Launch(t, Options{Name: fmt.Sprint("linear", i), Database: url, Env: []string{
			"QINGYUAN_REDIS_ADDRS=" + redis.Addr(), "QINGYUAN_DATABASE_URL=" + url, "QINGYUAN_SECRETS_MASTER=" + strings.Repeat("m", 32),
		}}).URL)
	}
	c := newClient(urls, failing(t))
	t.Cleanup(c.close)
	scene, err := ReadScene(t.Context(), c, demoCampaign)
	if err != nil {
		t.Fatal(err)
	}
	if scene.Campaign.Quiz.PerDay != demoPerDay {
		t.Fatalf("the demonstration allows %d attempts a day, this test thinks %d", scene.Campaign.Quiz.PerDay, demoPerDay)
	}
	seeds := Random(t.Name())
	var g errgroup.Group
	g.SetLimit(3)
	for n := range Rounds("linear.http", 60, 2000) {
		random := seeds.Uint64()
		g.Go(func() error {
			who, err := c.signIn(t.Context(), fmt.Sprint("linear-", n))
			if err != nil {
				return err
			}
			var all []device
			for range devices {
				all = append(all, &httpDevice{client: c, scene: scene, token: who.AccessToken, shown: map[int]paper{}})
			}
			j.judge(t, play(t.Context(), all, scene.units[:2], newRandom(random), 0.05), demoPerDay)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	j.conclude(t)
}
