package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
)

// under14 is the group of the contract that needs a guardian.
const under14 = "under14"

// person is one virtual participant on their way.
type person struct {
	*run
	rng    *rand.Rand
	number int
	name   string // at the sandbox door
	token  string

	acts      acts
	abandoned bool
	receipt   *fixed
	signature *signature
}

// chance decides one thing by its share.
func (p *person) chance(share float64) bool { return p.rng.Float64() < share }

// walk is the whole way of one participant. Half sign before the quiz, half
// after it, and all spend a chance in the end where there are prizes. Whoever
// leaves a paper comes back for nothing.
func (p *person) walk(ctx context.Context) error {
	if err := p.signIn(ctx); err != nil {
		return err
	}
	if err := p.enrol(ctx); err != nil {
		return err
	}
	c := &p.scene.campaign
	signFirst := p.rng.IntN(2) == 0
	if c.Pledge != nil && signFirst {
		if err := p.sign(ctx); err != nil {
			return err
		}
	}
	if c.Quiz != nil {
		if err := p.sit(ctx); err != nil || p.abandoned {
			return err
		}
	}
	if c.Pledge != nil && !signFirst {
		if err := p.sign(ctx); err != nil {
			return err
		}
	}
	if p.scene.prizes {
		return p.tryLuck(ctx)
	}
	return nil
}

func (p *person) signIn(ctx context.Context) error {
	token, err := p.session(ctx, p.number)
	p.token = token
	return err
}

// session opens the sandbox door for the participant of a number. Where people
// are let in one by one they queue first, and again if their ticket has grown old.
func (r *run) session(ctx context.Context, number int) (string, error) {
	door := signInRequest{Name: r.nameOf(number)}
	s, err := r.knock(ctx, door)
	for try := 0; isCode(err, codeQueue) && try < maxTickets; try++ {
		if door.Ticket, err = r.queue(ctx); err != nil {
			return "", err
		}
		s, err = r.knock(ctx, door)
	}
	if err != nil {
		return "", err
	}
	if s.AccessToken == "" || s.Participant.ID == "" {
		return "", &refusedError{op: opSignIn, status: http.StatusOK, code: codeUnreadable}
	}
	return s.AccessToken, nil
}

// maxTickets is how often somebody queues for one sign-in.
const maxTickets = 5

func (r *run) knock(ctx context.Context, door signInRequest) (s session, err error) {
	q := call{op: opSignIn, method: http.MethodPost, path: api + "/sessions/sandbox", body: encode(door)}
	_, err = r.client.do(ctx, q, &s)
	return s, err
}

// send makes a request as the participant, and signs in again where the session
// has ended meanwhile.
func (p *person) send(ctx context.Context, q call, out any) (int, error) {
	q.token = p.token
	status, err := p.client.do(ctx, q, out)
	refused, ok := errors.AsType[*refusedError](err)
	if !ok || (refused.code != "auth.expired" && refused.code != "auth.invalid") {
		return status, err
	}
	p.meter.repeated(q.op, refused.code)
	if err := p.signIn(ctx); err != nil {
		return 0, err
	}
	q.token, q.doubt = p.token, refused.doubt
	return p.client.do(ctx, q, out)
}

// act sends a request that counts. A share loses the reply of the first sending;
// what is read then is the reply to the repeat.
func (p *person) act(ctx context.Context, q call, out any) (int, error) {
	if p.chance(p.cfg.LostReplies) {
		q.token, q.doubt = p.token, true
		p.client.lose(ctx, q, p.rng.IntN(2) == 0)
	}
	return p.send(ctx, q, out)
}

// refuse sends what the server must refuse with the given code. Another answer is
// a fault of the receipt; only an unknown outcome ends the participant's way.
func (p *person) refuse(ctx context.Context, q call, what, code string) error {
	q.op = opRefused
	status, err := p.send(ctx, q, nil)
	switch {
	case isUnknown(err):
		return err
	case err == nil:
		p.wrong("%s was accepted with %d, want %s", what, status, code)
	case !isCode(err, code):
		p.wrong("%s was refused with %v, want %s", what, err, code)
	}
	return nil
}

// wrong books a receipt, or a refusal, that is not what the contract says.
func (p *person) wrong(format string, args ...any) {
	p.findings.add(Problem{Kind: WrongReceipt, Participant: p.number, Detail: fmt.Sprintf(format, args...)})
}

// enrol joins the campaign with a unit and a group by chance.
func (p *person) enrol(ctx context.Context) error {
	q := call{op: opEnrol, method: http.MethodPut, path: p.scene.base + "/enrolment"}
	body := p.enrolment()
	if body.Guardian != nil && p.chance(p.cfg.Wrong) {
		alone := body
		alone.Guardian = nil
		q.body = encode(alone)
		if err := p.refuse(ctx, q, "enrolment of a child without a guardian", "enrolment.guardian_required"); err != nil {
			return err
		}
	}
	q.body = encode(body)
	if _, err := p.send(ctx, q, nil); err != nil {
		p.acts.enrolment = afterError(err)
		return err
	}
	p.acts.enrolment = acknowledged
	if p.chance(p.cfg.Repeats) {
		_, err := p.send(ctx, q, nil)
		return err
	}
	return nil
}

func (p *person) enrolment() enrolmentRequest {
	c := &p.scene.campaign
	g := c.Groups[p.rng.IntN(len(c.Groups))]
	e := enrolmentRequest{
		Name: p.fullName(), Group: g.ID,
		Consent: consentRequest{NoticeVersion: c.Notice.Version, PublishName: p.rng.IntN(4) == 0},
	}
	if n := len(p.scene.units); n > 0 {
		e.Unit = p.scene.units[p.rng.IntN(n)]
	}
	if c.requires("phone") {
		e.Phone = "199" + strconv.Itoa(10_000_000+p.rng.IntN(90_000_000))
	}
	if g.needsGuardian() {
		e.Guardian = &guardian{Name: p.fullName(), Consent: true}
	}
	return e
}

// fullName makes a name up. The server takes letters only, so that a number
// cannot be part of it.
func (p *person) fullName() string {
	surnames := []rune("赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨")
	given := []rune("安宁平和清明远志文思嘉佳子晨雨林川岳星辰")
	name := []rune{surnames[p.rng.IntN(len(surnames))], given[p.rng.IntN(len(given))]}
	if p.rng.IntN(3) > 0 {
		name = append(name, given[p.rng.IntN(len(given))])
	}
	return string(name)
}

// readHome reads what the participant sees of themself.
func (p *person) readHome(ctx context.Context) (home, error) {
	var h home
	_, err := p.send(ctx, call{op: opMe, method: http.MethodGet, path: p.scene.base + "/me"}, &h)
	if err == nil && h.Enrolment == nil {
		p.wrong("me shows no enrolment after it was acknowledged")
	}
	return h, err
}

// encode returns v as JSON. What the simulator sends is made of strings and
// numbers, which always encode.
func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // a mistake in this package's own types
	}
	return raw
}
