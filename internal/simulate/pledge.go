package simulate

import (
	"context"
	"net/http"
	"slices"
)

// sign signs the pledge and reads back that it is signed.
func (p *person) sign(ctx context.Context) error {
	q := call{op: opSign, method: http.MethodPost, path: p.scene.base + "/signatures", body: encode(p.signing())}
	var s signature
	if _, err := p.act(ctx, q, &s); err != nil {
		p.acts.signature = afterError(err)
		return err
	}
	if s.Serial == "" {
		p.acts.signature = unknown
		return &refusedError{op: opSign, status: http.StatusOK, code: codeUnreadable}
	}
	p.acts.signature = acknowledged
	p.signature = &s
	p.checkSignature(s)
	if p.chance(p.cfg.Repeats) {
		if err := p.signAgain(ctx, q, s); err != nil {
			return err
		}
	}
	h, err := p.readHome(ctx)
	if err == nil && h.Signature == nil {
		p.wrong("me does not show the signature that was acknowledged")
	}
	return err
}

// signing is a typed signature, or for one in five a drawn one.
func (p *person) signing() signRequest {
	text := p.scene.pledge
	s := signRequest{Version: text.Version, Method: "typed", Name: p.fullName()}
	if slices.Contains(text.Methods, "drawn") && p.rng.IntN(5) == 0 {
		s.Method, s.Strokes = "drawn", p.draw()
	}
	return s
}

// draw makes three strokes that go up and down, as writing does.
func (p *person) draw() [][]point {
	const strokes, points, pace = 3, 16, 12
	drawn := make([][]point, strokes)
	at := 0
	for i := range drawn {
		x := 40 + 60*i
		for j := range points {
			x += p.rng.IntN(6)
			at += pace
			y := 50 + 40*(j%2) + p.rng.IntN(20)
			drawn[i] = append(drawn[i], point{X: x, Y: y, T: at})
		}
	}
	return drawn
}

func (p *person) checkSignature(s signature) {
	text := p.scene.pledge
	if s.Version != text.Version || s.TextSHA256 != text.SHA256 {
		p.wrong("the signature is of another text than the one shown")
	}
	if s.SignedAt.IsZero() || s.Method == "" {
		p.wrong("the signature lacks its time or its method")
	}
}

// signAgain repeats the signature: it must be the same and say so.
func (p *person) signAgain(ctx context.Context, q call, first signature) error {
	var again signature
	status, err := p.send(ctx, q, &again)
	if err != nil {
		return err
	}
	if status != http.StatusOK || !again.equal(first) {
		p.wrong("signing again gave status %d and another receipt: %t", status, !again.equal(first))
	}
	return nil
}
