//go:build chaos

package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

// errParked is a person who walks away from an unknown outcome. They come back
// when the chaos is over.
var errParked = errors.New("walked away")

// person is one virtual participant on their way: a list of acts, each of which
// may be sent any number of times and comes to the same.
type person struct {
	crowd *Crowd
	book  *Book
	rng   *rand.Rand
	who   string
	token string
	unit  string
	plan  []*step
	at    int
	sheet paper // of the newest attempt
}

// step is one act of the plan. It is made once and sent as it is.
type step struct {
	kind   string
	number int
	act    int // in the book; zero before the first sending
	intent Entry
}

// newPerson draws what the person will do: enrol, one to three attempts, and
// the pledge somewhere between them.
func newPerson(c *Crowd, book *Book, rng *rand.Rand, who string) *person {
	p := &person{crowd: c, book: book, rng: rng, who: who}
	p.unit = c.scene.units[rng.IntN(len(c.scene.units))]
	p.plan = []*step{{kind: actDoor}, {kind: actEnrol}}
	attempts := 1 + rng.IntN(c.o.Attempts)
	signAfter := rng.IntN(attempts + 2) // or never
	for n := range attempts + 1 {
		if n == signAfter {
			p.plan = append(p.plan, &step{kind: actSign})
		}
		if n == attempts {
			break
		}
		p.plan = append(p.plan, &step{kind: actStart, number: n + 1})
		if rng.IntN(3) == 0 {
			p.plan = append(p.plan, &step{kind: actSave, number: n + 1})
		}
		p.plan = append(p.plan, &step{kind: actSubmit, number: n + 1})
		if rng.IntN(8) == 0 {
			p.plan = append(p.plan, &step{kind: actProbe, number: n + 1})
		}
	}
	return p
}

// walk goes on with the plan until it is done, ctx ends or the person walks
// away.
func (p *person) walk(ctx context.Context) error {
	for ; p.at < len(p.plan); p.at++ {
		s := p.plan[p.at]
		if s.intent.Kind == "" {
			if err := p.prepare(s); err != nil {
				return err
			}
		}
		if err := p.act(ctx, s); err != nil {
			return err
		}
		if s.kind != actProbe && p.rng.IntN(12) == 0 { // once more, for nothing
			if err := p.act(ctx, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// prepare makes the request of a step.
func (p *person) prepare(s *step) error {
	e := Entry{Who: p.who, Kind: s.kind, Number: s.number, Method: http.MethodPost, Unit: p.unit}
	base := p.crowd.scene.base
	switch s.kind {
	case actDoor:
		e.Path, e.Body = api+"/sessions/sandbox", encode(map[string]string{"name": p.who})
	case actEnrol:
		e.Method, e.Path, e.Body = http.MethodPut, base+"/enrolment", p.enrolment()
	case actStart:
		e.Path, e.Body = base+"/attempts", encode(map[string]int{"number": s.number})
	case actSign:
		e.Path, e.Body = base+"/signatures", p.signing()
	case actSave:
		e.Method, e.Attempt, e.Path = http.MethodPut, p.sheet.Attempt, p.attempt()+"/answers"
		e.Body = encode(map[string]any{"revision": 1, "answers": p.answer(0)})
	case actSubmit:
		a := p.answer(p.rng.Float64())
		m, err := p.crowd.scene.key.mark(p.sheet, a, *p.crowd.scene.Campaign.Quiz)
		if err != nil {
			return err
		}
		e.Attempt, e.Path, e.Expect = p.sheet.Attempt, p.attempt()+"/submission", &m
		e.Body = encode(map[string]any{"answers": a})
	case actProbe: // other answers to an attempt that was handed in
		e.Attempt, e.Path, e.Code = p.sheet.Attempt, p.attempt()+"/submission", "quiz.submitted"
		e.Body = encode(map[string]any{"answers": answers{}})
	}
	s.intent = e
	return nil
}

func (p *person) attempt() string {
	return p.crowd.scene.base + "/attempts/" + escape(p.sheet.Attempt)
}

func (p *person) enrolment() []byte {
	c := &p.crowd.scene.Campaign
	g := c.Groups[p.rng.IntN(len(c.Groups))]
	e := map[string]any{
		"unit": p.unit, "group": g.ID, "name": p.name(),
		"consent": map[string]any{"notice_version": c.Notice.Version, "publish_name": p.rng.IntN(4) == 0},
	}
	if g.Guardian {
		e["guardian"] = map[string]any{"name": p.name(), "consent": true}
	}
	return encode(e)
}

func (p *person) signing() []byte {
	e := map[string]any{"version": p.crowd.scene.Campaign.Pledge.Version, "method": "typed", "name": p.name()}
	if p.rng.IntN(5) == 0 {
		var stroke []map[string]int
		for i := range 24 {
			stroke = append(stroke, map[string]int{"x": 40 + 6*i + p.rng.IntN(5), "y": 50 + 40*(i%2) + p.rng.IntN(20), "t": 12 * i})
		}
		e["method"], e["strokes"] = "drawn", []any{stroke[:8], stroke[8:16], stroke[16:]}
	}
	return encode(e)
}

func (p *person) name() string {
	surnames, given := []rune("赵钱孙李周吴郑王冯陈"), []rune("安宁平和清明远志文思")
	return string([]rune{surnames[p.rng.IntN(len(surnames))], given[p.rng.IntN(len(given))]})
}

// answer marks the paper: at least one question, a share of them rightly.
func (p *person) answer(knows float64) answers {
	a := answers{}
	for i, q := range p.sheet.Questions {
		switch right, err := p.crowd.scene.key.right(q); {
		case err == nil && p.rng.Float64() < knows:
			a[q.ID] = right
		case i == 0 || p.rng.IntN(10) > 0:
			a[q.ID] = []string{q.Options[p.rng.IntN(len(q.Options))].ID}
		}
	}
	return a
}

// act sends a step until its outcome is known. An unknown outcome makes one
// person in twelve walk away.
func (p *person) act(ctx context.Context, s *step) error {
	if s.act == 0 {
		n, err := p.book.Intend(s.intent)
		if err != nil {
			return err
		}
		s.act = n
	}
	began := time.Now()
	for try := 1; ; try++ {
		out, err := p.once(ctx, s, try)
		if err != nil || out == isAcknowledged {
			return err
		}
		if out == isRefused {
			if s.kind == actProbe {
				return nil
			}
			return fmt.Errorf("%s of %s was refused", s.kind, p.who)
		}
		if time.Since(began) > patience {
			return fmt.Errorf("%s of %s has had no answer for %v", s.kind, p.who, patience)
		}
		if out == isUnknown && p.rng.IntN(12) == 0 && p.crowd.parks() {
			return errParked
		}
		Sleep(ctx, Between(p.rng, time.Millisecond, 60*time.Millisecond))
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// once makes one exchange and writes down what came of it. Only the first
// unknown of a row is worth a line.
func (p *person) once(ctx context.Context, s *step, try int) (string, error) {
	q := request{method: s.intent.Method, path: s.intent.Path, token: p.token, body: s.intent.Body}
	if s.kind == actDoor {
		q.token = ""
	}
	sending := ctx
	if p.rng.Float64() < p.crowd.o.HangUp && p.crowd.parks() {
		var cancel context.CancelFunc
		sending, cancel = context.WithTimeout(ctx, Between(p.rng, 0, 4*time.Millisecond))
		defer cancel()
	}
	r := p.crowd.client.send(sending, q)
	out := r.outcome()
	e := Entry{Act: s.act, Is: out, Code: r.code, Tries: 1}
	if out == isAcknowledged {
		if err := p.understand(s, r.body, &e); err != nil {
			e.Is, out = isUnknown, isUnknown
		} else {
			p.crowd.acks.Add(1)
		}
	}
	if out == "" || (out == isUnknown && try > 1) {
		return out, nil
	}
	return out, p.book.Outcome(e)
}

// understand reads an acceptance. One that cannot be read acknowledges nothing.
func (p *person) understand(s *step, body []byte, e *Entry) error {
	if s.kind == actDoor {
		var got session
		err := json.Unmarshal(body, &got)
		p.token = got.AccessToken
		e.Receipt = got.Participant.ID
		return err
	}
	if s.kind == actStart {
		var got paper
		if err := json.Unmarshal(body, &got); err != nil {
			return err
		}
		if len(got.Questions) > 0 {
			p.sheet = got
		}
	}
	return readReceipt(s.kind, body, e)
}

// readReceipt fills an outcome from the answer to an act.
func readReceipt(kind string, body []byte, e *Entry) error {
	switch kind {
	case actDoor:
		var got session
		err := json.Unmarshal(body, &got)
		e.Receipt = got.Participant.ID
		return err
	case actEnrol:
		var got enrolment
		err := json.Unmarshal(body, &got)
		e.Receipt = got.receipt()
		return err
	case actStart:
		var got struct { // a paper, or a receipt
			paper

			Questions json.RawMessage `json:"questions"`
		}
		err := json.Unmarshal(body, &got)
		e.Receipt, e.Attempt = got.paper.receipt(), got.Attempt
		return err
	case actSign:
		var got signature
		err := json.Unmarshal(body, &got)
		e.Receipt = got.receipt()
		return err
	case actSubmit, actProbe:
		var got receipt
		err := json.Unmarshal(body, &got)
		e.Receipt, e.Score, e.Passed, e.Attempt = got.receipt(), got.Score, got.Passed, got.Attempt
		return err
	default:
		return nil
	}
}
