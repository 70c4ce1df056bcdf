package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// run is a whole benchmark.
type run struct {
	options

	server  *server // nil where only transports are compared
	ceiling *ceiling
	// once runs everything once.
	once    func(ctx context.Context, n int) error
	rows    []*row
	signIns int
	// crowd are some who came before, by chance; nil where nobody is remembered.
	crowd []person
}

// row compares two kinds of turns: a over b.
type row struct {
	name, over string
	a, b       []turn
}

func newRun(o options, c *ceiling) *run {
	r := &run{options: o, ceiling: c}
	if r.once = r.pair; o.alone {
		r.once = r.pairAlone
	}
	return r
}

// row finds or adds one.
func (r *run) row(name, over string) *row {
	for _, w := range r.rows {
		if w.name == name && w.over == over {
			return w
		}
	}
	w := &row{name: name, over: over}
	r.rows = append(r.rows, w)
	return w
}

// person is a participant of the server.
type person struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`

	attempt string
	answers []byte
}

// pair runs everything once, each kind next to what it is compared with. The order
// changes from pair to pair, so that a machine that becomes slower favours neither.
func (r *run) pair(ctx context.Context, n int) error {
	people, err := r.enter(ctx)
	if err != nil {
		return fmt.Errorf("let people in: %w", err)
	}
	if r.ceiling.addr == "" {
		if err := r.open(ctx); err != nil {
			return err
		}
	}
	bare := r.bare(always, "plain", people)
	over := map[string][]kind{
		submitting: {bare, r.bare(always, "joined", people)},
		countsRead: {r.static("counts")},
		boardRead:  {r.static("board")},
	}
	for _, act := range r.acts(people) {
		others := over[act.name]
		switch {
		case others != nil:
		case act.reads:
			others = []kind{r.oneGet(slices.Repeat(people, ownLooks))}
		default:
			others = []kind{bare}
		}
		if err := r.compareWanted(ctx, n, append([]kind{act}, others...)); err != nil {
			return err
		}
	}
	if !r.wanted("transports") {
		return nil
	}
	return r.transports(ctx, n, people)
}

// Names of kinds that are compared with something of their own.
const (
	submitting = "submit"
	countsRead = "counts"
	boardRead  = "board of 50"
)

// acts are the kinds of turns of the server, in an order in which they can be done.
func (r *run) acts(people []person) []kind {
	named := func(name string, k kind) kind {
		k.name = name
		return k
	}
	reading := func(name string, k kind) kind {
		k.reads = true
		return named(name, k)
	}
	return []kind{
		named("start an attempt", r.starts(people)),
		named(submitting, r.submits(people)),
		named("sign the pledge", r.signs(people)),
		named("refresh the session", r.refreshes(people)),
		reading("my rank", r.looks("/boards/participants/me?window=0", r.anybody(people))),
		reading("my rank with five neighbours", r.looks("/boards/participants/me", r.anybody(people))),
		reading("home page", r.looks("/me", r.anybody(people))),
		reading(countsRead, r.public("/counts")),
		reading(boardRead, r.public("/boards/participants?limit=50")),
	}
}

// compareWanted compares kinds, where the first is to be measured. Where it is not, all of
// them do what later ones stand on: who has not handed in has no rank.
func (r *run) compareWanted(ctx context.Context, n int, kinds []kind) error {
	if r.wanted(kinds[0].name) {
		if err := r.compare(ctx, n, r.conns, kinds); err != nil {
			return fmt.Errorf("%s: %w", kinds[0].name, err)
		}
		return nil
	}
	for _, k := range kinds {
		if !k.leads {
			continue
		}
		if _, err := r.take(ctx, r.conns, k); err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
	}
	return nil
}

// wanted tells whether a row is to be measured.
func (r *run) wanted(name string) bool {
	return r.only == "" || slices.ContainsFunc(strings.Split(r.only, ","), func(word string) bool {
		return strings.Contains(name, word)
	})
}

// pairAlone is pair without the server: the requests are as long as its own.
func (r *run) pairAlone(ctx context.Context, n int) error {
	if r.ceiling.addr == "" {
		if err := r.ceiling.launch(ctx); err != nil {
			return err
		}
	}
	people := make([]person, r.people)
	for i := range people {
		people[i].Access = strings.Repeat("x", 300)
	}
	if err := r.compare(ctx, n, r.conns, []kind{r.bare(always, "joined", people), r.bare(always, "plain", people)}); err != nil {
		return err
	}
	return r.transports(ctx, n, people)
}

// transports compares the two ways to Redis, in the ceiling alone.
func (r *run) transports(ctx context.Context, n int, people []person) error {
	if err := r.compare(ctx, n, 8, []kind{r.bare(always, "joined", people[:len(people)/2]).at(8), r.bare(always, "plain", people[:len(people)/2]).at(8)}); err != nil {
		return err
	}
	if err := r.compare(ctx, n, r.conns, []kind{r.bare(always, "joined", people), r.bare(noAOF, "joined", people)}); err != nil {
		return err
	}
	if r.ceiling.nodes[slow] == nil {
		return nil
	}
	return r.compare(ctx, n, r.conns, []kind{r.bare(slow, "joined", people), r.bare(slow, "plain", people)})
}

// kind is one kind of turn.
type kind struct {
	name string
	addr func() string
	// prepare makes the requests, outside the time that is measured.
	prepare func(context.Context) ([][]byte, error)
	// took is given the answers, where it is set.
	took       func([][]byte) error
	pid, redis int
	server     *server // whose turn it is; nil for the ceiling's
	// leads is set where later rows need that it was done, reads where nothing changes.
	leads, reads bool
}

func (k kind) at(conns int) kind {
	k.name = fmt.Sprintf("%s, c=%d", k.name, conns)
	return k
}

// compare runs kinds one after another, first over each other.
func (r *run) compare(ctx context.Context, n, conns int, kinds []kind) error {
	turns := make([]turn, len(kinds))
	order := make([]int, len(kinds))
	for i := range order {
		order[i] = (i + n) % len(kinds)
	}
	for _, i := range order {
		var err error
		if turns[i], err = r.take(ctx, conns, kinds[i]); err != nil {
			return fmt.Errorf("%s: %w", kinds[i].name, err)
		}
	}
	for i, over := range kinds[1:] {
		w := r.row(kinds[0].name, over.name)
		w.a, w.b = append(w.a, turns[0]), append(w.b, turns[i+1])
	}
	if len(kinds) > 2 { // the two it is compared with, with each other
		w := r.row(kinds[2].name, kinds[1].name)
		w.a, w.b = append(w.a, turns[2]), append(w.b, turns[1])
	}
	return nil
}

// take runs one turn and tells the processor time apart.
func (r *run) take(ctx context.Context, conns int, k kind) (turn, error) {
	requests, err := k.prepare(ctx)
	if err != nil {
		return turn{}, err
	}
	looked := r.profile(ctx, k)
	before, err := r.spent(k)
	if err != nil {
		return turn{}, err
	}
	t, bodies, err := drive(ctx, k.addr(), requests, conns, k.took != nil)
	if err != nil {
		return t, err
	}
	after, err := r.spent(k)
	if err != nil {
		return t, err
	}
	each := time.Duration(len(requests))
	t.server, t.redis, t.generator = (after[0]-before[0])/each, (after[1]-before[1])/each, (after[2]-before[2])/each
	if k.took != nil {
		err = k.took(bodies)
	}
	if err == nil && k.server != nil {
		err = k.server.quiet(ctx)
	}
	t.parts = looked(t)
	return t, err
}

// spent is the processor time so far of the program, its Redis and the load.
func (r *run) spent(k kind) ([3]time.Duration, error) {
	var out [3]time.Duration
	for i, pid := range []int{k.pid, k.redis} {
		if pid == 0 {
			continue
		}
		var err error
		if out[i], err = processorTime(pid); err != nil {
			return out, err
		}
	}
	var err error
	out[2], err = ownTime()
	return out, err
}

// ownTime is the processor time so far of this process.
func ownTime() (time.Duration, error) {
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		return 0, fmt.Errorf("ask for the own processor time: %w", err)
	}
	return time.Duration(own.Utime.Nano() + own.Stime.Nano()), nil
}

// lookFor is how long a turn of the server is looked at, in seconds: longer than it
// takes, so that what it leaves to do is seen as well.
const lookFor = 2

// profile looks at the server's processor time from now on, until the ledger has caught up
// with the turn. looked waits for that, and tells what it went to. Where profiles are
// wanted it keeps them, and what was allocated until before and until after the turn.
func (r *run) profile(ctx context.Context, k kind) (looked func(turn) shares) {
	if k.server == nil {
		return func(turn) shares { return nil }
	}
	name := fmt.Sprintf("%s-%d", slug(k.name), time.Now().UnixNano())
	r.keepHeap(ctx, k.server, name+"-before")
	profiles := make(chan []byte, 1)
	go func() {
		profile, err := k.server.get(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", k.server.ops, lookFor))
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench: profile:", err)
		}
		profiles <- profile
	}()
	return func(t turn) shares {
		profile := <-profiles
		if profile == nil {
			return nil
		}
		r.keepHeap(ctx, k.server, name+"-after")
		r.keep(name, profile)
		all, err := sharesOf(profile)
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench: profile:", err)
			return nil
		}
		if t.requests == 0 || t.took > lookFor*time.Second*3/4 {
			return nil
		}
		return all.each(t.requests)
	}
}

// keepHeap keeps what was allocated so far. A profile shows that only after two more
// collections.
func (r *run) keepHeap(ctx context.Context, s *server, name string) {
	if r.options.pprof == "" {
		return
	}
	for range 2 {
		profile, err := s.get(ctx, "http://"+s.ops+"/debug/pprof/heap?gc=1")
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench: profile:", err)
			return
		}
		r.keep(name, profile)
	}
}

// keep writes a profile of the server to a file of that name, where that is wanted.
func (r *run) keep(name string, profile []byte) {
	if r.options.pprof == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(r.options.pprof, name+".pprof"), profile, 0o600); err != nil {
		fmt.Fprintln(os.Stderr, "bench: profile:", err)
	}
}

func slug(name string) string {
	out := []byte(name)
	for i, c := range out {
		if c < 'a' || c > 'z' {
			out[i] = '-'
		}
	}
	return string(out)
}

// enter lets the people of a turn in.
func (r *run) enter(ctx context.Context) ([]person, error) {
	people, err := r.enterSome(ctx, r.people)
	if err != nil {
		return nil, err
	}
	return people, r.server.quiet(ctx)
}

// enterSome signs new people in and enrols them.
func (r *run) enterSome(ctx context.Context, n int) ([]person, error) {
	doors := make([][]byte, n)
	for i := range doors {
		r.signIns++
		doors[i] = request(http.MethodPost, "/api/v1/sessions/sandbox", "", fmt.Appendf(nil, `{"name":"bench %d"}`, r.signIns))
	}
	_, bodies, err := drive(ctx, r.server.addr, doors, 64, true)
	if err != nil {
		return nil, err
	}
	people, enrolments := make([]person, n), make([][]byte, n)
	enrolment := fmt.Appendf(nil, `{"unit":%q,"group":%q,"name":"张三","consent":{"notice_version":%q,"publish_name":false}}`,
		r.server.unit, r.server.group, r.server.notice)
	for i, body := range bodies {
		if err := json.Unmarshal(body, &people[i]); err != nil {
			return nil, err
		}
		enrolments[i] = request(http.MethodPut, r.server.base+"/enrolment", people[i].Access, enrolment)
	}
	_, _, err = drive(ctx, r.server.addr, enrolments, 64, false)
	return people, err
}

// open launches the ceiling with bodies of the size that the server's have.
func (r *run) open(ctx context.Context) error {
	for name, path := range map[string]string{"counts": "/counts", "board": "/boards/participants?limit=50"} {
		body, err := r.server.get(ctx, "http://"+r.server.addr+r.server.base+path)
		if err != nil {
			return err
		}
		r.ceiling.static[name] = body
	}
	return r.ceiling.launch(ctx)
}

func (r *run) bare(redis, way string, people []person) kind {
	name := "bare"
	if redis != always {
		name += " on " + redis
	}
	if way != "plain" {
		name += ", " + way
	}
	return kind{
		name: name, addr: r.ceilingAddr, pid: r.ceiling.pid(), redis: r.ceiling.nodes[redis].PID(),
		prepare: func(ctx context.Context) ([][]byte, error) {
			names, err := r.ceiling.people[redis].more(ctx, len(people))
			out := make([][]byte, len(names))
			for i, who := range names {
				out[i] = request(http.MethodPost, "/"+redis+"/"+way+"/"+who, people[i].Access, someAnswers(people[i]))
			}
			return out, err
		},
	}
}

// someAnswers is a body as large as a submission's.
func someAnswers(p person) []byte {
	if p.answers != nil {
		return p.answers
	}
	return slices.Repeat([]byte(" "), 700)
}

func (r *run) ceilingAddr() string { return r.ceiling.addr }

func (c *ceiling) pid() int {
	if c.cmd == nil {
		return 0
	}
	return c.cmd.Process.Pid
}

// plain is a read of the ceiling, with the tokens of people where there are some.
func (r *run) plain(name, path string, people []person) kind {
	k := kind{name: name, addr: r.ceilingAddr, pid: r.ceiling.pid(), redis: r.ceiling.nodes[always].PID()}
	k.prepare = func(context.Context) ([][]byte, error) {
		return r.asking(path, people), nil
	}
	return k
}

// How often a turn of reads asks for everybody of it, and for what everybody reads. Reads
// are cheap, the latter more so, and a turn of few would tell of its beginning: of
// connections that are opened, and of code that nobody has run for seconds.
const (
	ownLooks    = 3
	publicLooks = 10
)

func (r *run) oneGet(people []person) kind { return r.plain("one GET", "/always/get", people) }

// asking is one GET of a path for each of people, or as many as a turn has for everybody.
func (r *run) asking(path string, people []person) [][]byte {
	if people == nil {
		return slices.Repeat([][]byte{request(http.MethodGet, path, "", nil)}, publicLooks*r.people)
	}
	out := make([][]byte, len(people))
	for i := range out {
		out[i] = request(http.MethodGet, path, people[i].Access, nil)
	}
	return out
}

// ofServer is a kind of turn of the server.
func (r *run) ofServer(requests func() [][]byte) kind {
	return kind{
		addr: func() string { return r.server.addr }, pid: r.server.cmd.Process.Pid, redis: r.server.redis, server: r.server,
		prepare: func(context.Context) ([][]byte, error) { return requests(), nil },
	}
}

func (r *run) reads(path string, people []person) kind {
	return r.ofServer(func() [][]byte { return r.asking(r.server.base+path, people) })
}

// public is what everybody reads.
func (r *run) public(path string) kind { return r.reads(path, nil) }

// static is the same of the ceiling.
func (r *run) static(name string) kind { return r.plain("static JSON", "/static/"+name, nil) }

// each is one request of every person.
func (r *run) each(people []person, make1 func(p *person) []byte) kind {
	return r.ofServer(func() [][]byte {
		out := make([][]byte, len(people))
		for i := range people {
			out[i] = make1(&people[i])
		}
		return out
	})
}

func (r *run) starts(people []person) kind {
	k := r.each(people, func(p *person) []byte {
		return request(http.MethodPost, r.server.base+"/attempts", p.Access, []byte(`{"number":1}`))
	})
	k.leads = true
	k.took = func(bodies [][]byte) error {
		for i, body := range bodies {
			if err := people[i].choose(body); err != nil {
				return err
			}
		}
		return nil
	}
	return k
}

// choose marks the first option of every question.
func (p *person) choose(paper []byte) error {
	var a struct {
		Attempt   string
		Questions []struct {
			ID      string
			Options []struct{ ID string }
		}
	}
	if err := json.Unmarshal(paper, &a); err != nil {
		return err
	}
	answers := map[string][]string{}
	for i, q := range a.Questions {
		answers[q.ID] = []string{q.Options[(i+len(a.Attempt)+int(a.Attempt[2]))%len(q.Options)].ID}
	}
	body, err := json.Marshal(map[string]any{"answers": answers})
	p.attempt, p.answers = a.Attempt, body
	return err
}

func (r *run) submits(people []person) kind {
	k := r.each(people, func(p *person) []byte {
		return request(http.MethodPost, r.server.base+"/attempts/"+p.attempt+"/submission", p.Access, p.answers)
	})
	k.leads = true
	return k
}

func (r *run) signs(people []person) kind {
	body := fmt.Appendf(nil, `{"version":%q,"method":"typed","name":"张三"}`, r.server.pledge)
	return r.each(people, func(p *person) []byte {
		return request(http.MethodPost, r.server.base+"/signatures", p.Access, body)
	})
}

func (r *run) refreshes(people []person) kind {
	return r.each(people, func(p *person) []byte {
		return request(http.MethodPost, "/api/v1/sessions/refresh", "", fmt.Appendf(nil, `{"refresh_token":%q}`, p.Refresh))
	})
}
