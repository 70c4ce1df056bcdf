package approval_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/approval"
	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// rig is a deployment of servers on one database and one clock.
type rig struct {
	*testing.T

	db  *sqldb.DB
	now atomic.Int64
	// runs counts by approval how often the act was begun.
	mu   sync.Mutex
	runs map[string]int
	// asked tells requests apart.
	asked int
}

func each(t *testing.T, fn func(r *rig)) {
	t.Helper()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := &rig{T: t, db: db, runs: map[string]int{}}
		r.now.Store(time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC).UnixMilli())
		fn(r)
	})
}

func (r *rig) time() time.Time { return time.UnixMilli(r.now.Load()).UTC() }

func (r *rig) pass(d time.Duration) { r.now.Add(d.Milliseconds()) }

// server is one server, whose act is run; nil does nothing.
func (r *rig) server(run func(context.Context, approval.Approval) (json.RawMessage, error)) *approval.Service {
	s := approval.New(approval.Options{DB: r.db, Campaign: findCampaign, Now: r.time, Failed: func(approval.Approval, error) {}})
	s.Register(approval.Kind{
		Name: "correct", Reach: approval.Nodes(unitOf),
		Run: func(ctx context.Context, a approval.Approval) (json.RawMessage, error) {
			r.mu.Lock()
			r.runs[a.ID]++
			r.mu.Unlock()
			if run == nil {
				return json.RawMessage(`{"done":1}`), nil
			}
			return run(ctx, a)
		},
	})
	return s
}

func unitOf(_ *campaign.Campaign, params json.RawMessage) ([]string, error) {
	var p struct{ Unit string }
	if err := json.Unmarshal(params, &p); err != nil {
		return nil, err
	}
	return []string{p.Unit}, nil
}

func findCampaign(id string) (*campaign.Campaign, error) {
	if id != "spring" {
		return nil, campaign.ErrNotFound
	}
	tree, err := campaign.NewTree([]campaign.Node{
		{ID: "yuci", Kind: campaign.Region}, {ID: "no1", Kind: campaign.Unit, Parent: "yuci"}, {ID: "tg1", Kind: campaign.Unit},
	})
	return &campaign.Campaign{ID: id, Tree: tree}, err
}

// who is somebody with one role.
func who(id string, role operator.Role, scope string) operator.Actor {
	return operator.Actor{ID: id, Login: id, TwoFactor: true, Grants: []operator.Grant{{Role: role, Campaign: "spring", Scope: scope}}}
}

var (
	asker  = who("asker", operator.CampaignOperator, "yuci")
	second = who("second", operator.CampaignOperator, "yuci")
	params = json.RawMessage(`{"unit":"no1","conditions":"…"}`)
)

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) want(what string, err, want error) {
	r.Helper()
	if !errors.Is(err, want) {
		r.Errorf("%s: %v, want %v", what, err, want)
	}
}

func (r *rig) ask(s *approval.Service) string {
	r.Helper()
	r.asked++
	some := json.RawMessage(fmt.Sprintf(`{"unit":"no1","conditions":"%d"}`, r.asked))
	id, err := s.Ask(r.Context(), asker, "correct", "spring", some, "刷分")
	r.must(err)
	return id
}

func (r *rig) approved(s *approval.Service) string {
	r.Helper()
	id := r.ask(s)
	_, err := s.Approve(r.Context(), second, id, "同意")
	r.must(err)
	return id
}

func (r *rig) state(s *approval.Service, id string, want approval.State) approval.Approval {
	r.Helper()
	a, err := s.Find(r.Context(), asker, id)
	r.must(err)
	if a.State != want {
		r.Errorf("%s is %s, want %s", id, a.State, want)
	}
	return a
}

// drain runs what is due.
func (r *rig) drain(s *approval.Service) (n int) {
	r.Helper()
	for {
		did, err := s.Step(r.Context())
		r.must(err)
		if !did {
			return n
		}
		n++
	}
}

func TestWhoAsksAndWhoDecides(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		s, ctx := r.server(nil), r.Context()
		one := func(a operator.Actor) operator.Actor { a.TwoFactor = false; return a }
		for name, c := range map[string]struct {
			by   operator.Actor
			want error
		}{
			"a viewer":       {who("x", operator.OfficeViewer, ""), operator.ErrForbidden},
			"another part":   {who("x", operator.CampaignOperator, "tg1"), fault.ErrNotFound},
			"one factor":     {one(asker), operator.ErrTwoFactor},
			"no right there": {operator.Actor{ID: "x", TwoFactor: true}, operator.ErrForbidden},
		} {
			_, err := s.Ask(ctx, c.by, "correct", "spring", params, "刷分")
			r.want(name+" asks", err, c.want)
		}
		_, err := s.Ask(ctx, asker, "correct", "winter", params, "刷分")
		r.want("another campaign", err, operator.ErrForbidden)
		if _, err := s.Ask(ctx, asker, "unheard of", "spring", params, "刷分"); err == nil {
			r.Error("an unknown kind was asked for")
		}
		id := r.ask(s)
		for name, c := range map[string]struct {
			by   operator.Actor
			want error
		}{
			"oneself":      {asker, approval.ErrOwn},
			"a viewer":     {who("x", operator.OfficeViewer, ""), approval.ErrNotFound},
			"another part": {who("x", operator.CampaignOperator, "tg1"), approval.ErrNotFound},
			"too small":    {who("x", operator.CampaignOperator, "no2"), approval.ErrNotFound},
			"one factor":   {one(second), operator.ErrTwoFactor},
			"a keeper":     {who("x", operator.System, ""), approval.ErrNotFound},
			"an auditor":   {who("x", operator.Auditor, ""), approval.ErrNotFound},
		} {
			_, err := s.Approve(ctx, c.by, id, "")
			r.want(name+" approves", err, c.want)
			if _, err := s.Refuse(ctx, c.by, "01ARZ3NDEKTSV4RRFFQ69G5FAV", "x"); !errors.Is(err, approval.ErrNotFound) {
				r.Errorf("what is not there: %v", err)
			}
		}
		r.state(s, id, approval.Asked)
		if n := r.drain(s); n != 0 {
			r.Errorf("%d acts were run that nobody approved", n)
		}
		a, err := s.Approve(ctx, second, id, "同意")
		r.must(err)
		if a.State != approval.Approved || a.DecidedBy != "second" || a.DecidedReason != "同意" {
			r.Errorf("%+v", a)
		}
		_, err = s.Approve(ctx, second, id, "同意")
		r.must(err)
		_, err = s.Refuse(ctx, second, id, "不")
		r.want("a change of mind", err, approval.ErrDecided)
		_, err = s.Approve(ctx, who("third", operator.CampaignOperator, ""), id, "")
		r.want("a third person", err, approval.ErrDecided)
		r.drain(s)
		done := r.state(s, id, approval.Done)
		if string(done.Result) != `{"done":1}` || done.DoneAt.IsZero() {
			r.Errorf("%+v", done)
		}
		_, err = s.Approve(ctx, second, id, "同意")
		r.must(err) // a repeat, after a lost reply
	})
}

// TestTheSameAgainIsOne has the same asked for by several at once, before it was decided
// on, while it is run, and afterwards.
func TestTheSameAgainIsOne(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		s, ctx := r.server(nil), r.Context()
		ids := make(chan string, 8)
		for i := range cap(ids) {
			go func() {
				by := []operator.Actor{asker, second}[i%2]
				id, err := r.server(nil).Ask(ctx, by, "correct", "spring", params, "刷分")
				if err != nil {
					r.Error(err)
				}
				ids <- id
			}()
		}
		first := <-ids
		for range cap(ids) - 1 {
			if id := <-ids; id != first {
				r.Errorf("%s and %s wait for the same", first, id)
			}
		}
		ask := func() string {
			r.Helper()
			id, err := s.Ask(ctx, asker, "correct", "spring", params, "刷分")
			r.must(err)
			return id
		}
		told := 0
		r.must(audit.New(r.db).Back(ctx, audit.Filter{Action: "approval.ask"}, 0, func(audit.Entry) (bool, error) {
			told++
			return true, nil
		}))
		if told != 1 {
			r.Errorf("the log tells of %d requests", told)
		}
		third := who("third", operator.CampaignOperator, "")
		_, err := s.Approve(ctx, third, first, "")
		r.must(err)
		if id := ask(); id != first {
			r.Errorf("%s is asked for while %s is to be run", id, first)
		}
		r.drain(s)
		again := ask()
		if again == first {
			r.Error("what was done cannot be asked for again")
		}
		r.pass(approval.Life)
		if id := ask(); id == again {
			r.Error("an expired request was taken for one that waits")
		}
	})
}

func TestRefusedAndTakenBack(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		s, ctx := r.server(nil), r.Context()
		refused, back := r.ask(s), r.ask(s)
		_, err := s.Refuse(ctx, second, refused, "证据不足")
		r.must(err)
		_, err = s.Refuse(ctx, asker, back, "撤回")
		r.must(err)
		_, err = s.Approve(ctx, second, refused, "")
		r.want("after all", err, approval.ErrDecided)
		_, err = s.Approve(ctx, second, back, "")
		r.want("what was taken back", err, approval.ErrDecided)
		if n := r.drain(s); n != 0 {
			r.Errorf("%d refused acts were run", n)
		}
	})
}

func TestApprovalsExpire(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		s := r.server(nil)
		id := r.ask(s)
		r.pass(approval.Life - time.Millisecond)
		r.drain(s)
		r.state(s, id, approval.Asked)
		r.pass(time.Millisecond)
		r.state(s, id, approval.Expired)
		_, err := s.Approve(r.Context(), second, id, "")
		r.want("too late", err, approval.ErrExpired)
		r.drain(s)
		r.state(s, id, approval.Expired)
		_, err = s.Approve(r.Context(), second, id, "")
		r.want("too late, written down", err, approval.ErrDecided)
	})
}

// TestTwoServersRunEachActOnce races them over many acts.
func TestTwoServersRunEachActOnce(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		servers := []*approval.Service{r.server(nil), r.server(nil)}
		var ids []string
		for range 20 {
			ids = append(ids, r.approved(servers[0]))
		}
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				for {
					did, err := servers[i%2].Step(r.Context())
					if err != nil {
						r.Error(err)
					}
					if !did || err != nil {
						return
					}
				}
			})
		}
		wg.Wait()
		r.drain(servers[0])
		for _, id := range ids {
			r.state(servers[0], id, approval.Done)
			if r.runs[id] != 1 {
				r.Errorf("%s was run %d times", id, r.runs[id])
			}
		}
	})
}

// TestRacingDecisionsAreOne has one approve and another refuse at once.
func TestRacingDecisionsAreOne(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		a, b := r.server(nil), r.server(nil)
		for range 5 {
			id := r.ask(a)
			third := who("third", operator.CampaignOperator, "")
			errs := make(chan error, 2)
			go func() { _, err := a.Approve(r.Context(), second, id, ""); errs <- err }()
			go func() { _, err := b.Refuse(r.Context(), third, id, "不"); errs <- err }()
			x, y := <-errs, <-errs
			if (x == nil) == (y == nil) {
				r.Errorf("both decided: %v, %v", x, y)
			}
			for _, err := range []error{x, y} {
				if err != nil {
					r.want("the slower", err, approval.ErrDecided)
				}
			}
		}
	})
}

// TestACrashIsPickedUp has a server die in the act: another begins it again, with the
// same id, once the lease is over, and what the first still says does not count.
func TestACrashIsPickedUp(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		inside, die := make(chan struct{}), make(chan struct{})
		crashing := r.server(func(context.Context, approval.Approval) (json.RawMessage, error) {
			close(inside)
			<-die
			return json.RawMessage(`{"by":"the first"}`), nil
		})
		other := r.server(func(context.Context, approval.Approval) (json.RawMessage, error) {
			return json.RawMessage(`{"by":"the second"}`), nil
		})
		id := r.approved(other)
		gone := make(chan error, 1)
		go func() { _, err := crashing.Step(r.Context()); gone <- err }()
		<-inside
		if n := r.drain(other); n != 0 {
			r.Errorf("another server took %d acts that are being run", n)
		}
		r.state(other, id, approval.Running)
		r.pass(61 * time.Second)
		if n := r.drain(other); n != 1 || r.runs[id] != 2 {
			r.Errorf("picked up %d, begun %d times", n, r.runs[id])
		}
		close(die)
		r.must(<-gone)
		if a := r.state(other, id, approval.Done); string(a.Result) != `{"by":"the second"}` {
			r.Errorf("%s", a.Result)
		}
	})
}

func TestOutagesAreTriedAgainAndFailuresAreFinal(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		var answer error
		s := r.server(func(context.Context, approval.Approval) (json.RawMessage, error) { return nil, answer })
		id := r.approved(s)
		answer = fault.ErrUnavailable
		for range 3 {
			if n := r.drain(s); n != 1 {
				r.Fatalf("run %d times at once", n)
			}
			r.state(s, id, approval.Approved)
			r.pass(20 * time.Second)
		}
		answer = fault.InvalidField("unit", "没有这个单位")
		r.drain(s)
		if a := r.state(s, id, approval.Failed); a.Failure != fault.ErrInvalid.Text {
			r.Errorf("%q", a.Failure)
		}
		r.pass(time.Hour)
		if n := r.drain(s); n != 0 {
			r.Errorf("a failure was run again")
		}
	})
}

func TestAPanicIsAFailure(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		s := r.server(func(context.Context, approval.Approval) (json.RawMessage, error) { panic("oh") })
		id := r.approved(s)
		r.drain(s)
		if a := r.state(s, id, approval.Failed); strings.Contains(a.Failure, "oh") {
			r.Errorf("the detail is shown: %q", a.Failure)
		}
	})
}

// TestAStopIsNoFailure ends the program in the act.
func TestAStopIsNoFailure(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		inside := make(chan struct{})
		s := r.server(func(ctx context.Context, _ approval.Approval) (json.RawMessage, error) {
			close(inside)
			<-ctx.Done()
			return nil, ctx.Err()
		})
		id := r.approved(s)
		ctx, stop := context.WithCancel(r.Context())
		done := make(chan error, 1)
		go func() { _, err := s.Step(ctx); done <- err }()
		<-inside
		stop()
		r.must(<-done)
		r.state(s, id, approval.Approved)
		r.pass(time.Minute)
		again := r.server(nil)
		r.drain(again)
		r.state(again, id, approval.Done)
	})
}

// TestNewerKindsWait: an older server leaves alone what it does not know.
func TestNewerKindsWait(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		s := r.server(nil)
		id := r.approved(s)
		old := approval.New(approval.Options{DB: r.db, Campaign: findCampaign, Now: r.time, Failed: func(approval.Approval, error) {}})
		if did, err := old.Step(r.Context()); did || err != nil {
			r.Errorf("%v %v", did, err)
		}
		r.state(s, id, approval.Approved)
	})
}

func TestListsShowWhatConcernsSomebody(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		s, ctx := r.server(nil), r.Context()
		var ids []string
		for range 7 {
			ids = append(ids, r.ask(s))
			r.pass(time.Second)
		}
		_, err := s.Refuse(ctx, second, ids[6], "不")
		r.must(err)
		count := func(by operator.Actor, f approval.Filter, limit int) int {
			all, err := s.List(ctx, by, f, limit)
			r.must(err)
			return len(all)
		}
		for name, c := range map[string]struct {
			got, want int
		}{
			"the asker":       {count(asker, approval.Filter{}, 50), 7},
			"a page":          {count(second, approval.Filter{}, 3), 3},
			"the next page":   {count(second, approval.Filter{Before: ids[4]}, 50), 4},
			"a state":         {count(second, approval.Filter{State: approval.Refused}, 50), 1},
			"a campaign":      {count(second, approval.Filter{Campaign: "winter"}, 50), 0},
			"another part":    {count(who("x", operator.CampaignOperator, "tg1"), approval.Filter{}, 50), 0},
			"another role":    {count(who("x", operator.Auditor, ""), approval.Filter{}, 50), 0},
			"with one factor": {count(operator.Actor{ID: "x", Grants: second.Grants}, approval.Filter{}, 50), 7},
		} {
			if c.got != c.want {
				r.Errorf("%s: %d, want %d", name, c.got, c.want)
			}
		}
	})
}

func TestEveryStepIsAudited(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		s := r.server(nil)
		r.approved(s)
		r.drain(s)
		var got []string
		log := audit.New(r.db)
		r.must(log.Back(r.Context(), audit.Filter{Campaign: "spring"}, 0, func(e audit.Entry) (bool, error) {
			got = append(got, e.Actor+" "+e.Action+" "+e.Reason)
			return true, nil
		}))
		want := []string{"asker approval.done 刷分", "second approval.approved 同意", "asker approval.ask 刷分"}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			r.Errorf("%q", got)
		}
	})
}

// TestRunFindsWhatWasApproved runs the worker as the program does.
func TestRunFindsWhatWasApproved(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		done := make(chan struct{})
		s := r.server(func(context.Context, approval.Approval) (json.RawMessage, error) {
			close(done)
			return nil, nil
		})
		ctx, stop := context.WithCancel(r.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); s.Run(ctx) }()
		id := r.approved(s)
		<-done
		stop()
		<-ended
		r.state(s, id, approval.Done)
	})
}
