package simulate

import (
	"context"
	"net/http"
	"net/url"

	"golang.org/x/sync/errgroup"
)

// reread asks for the receipts a second time: what was acknowledged must still
// be there, as it was, whatever happened to the target meanwhile.
func (r *run) reread(ctx context.Context) {
	all := r.kept.kept
	r.progress.Begin("receipts", len(all))
	defer r.progress.End()
	start := r.cfg.now()
	defer func() { r.auditing = r.cfg.now().Sub(start) }()

	var g errgroup.Group
	g.SetLimit(min(r.cfg.Workers, workersTaken)) // nobody is in a hurry any more
	for i := range all {
		if ctx.Err() != nil || r.halted.Load() {
			break
		}
		r.audit.Participants++
		g.Go(func() error {
			defer r.progress.Step()
			k := &all[i]
			if err := r.rereadOne(ctx, k); err != nil {
				r.fail(ctx, k.Number, err)
			}
			return nil
		})
	}
	_ = g.Wait() // what is missing goes to the findings
	r.noteHalt()
}

// rereadOne reads what one participant was given. What is not there is booked;
// an error is another answer than yes or no.
func (r *run) rereadOne(ctx context.Context, k *keepsake) error {
	p := &person{run: r, number: k.Number, token: k.Token}
	if k.Receipt != nil {
		var now receipt
		path := p.attemptPath(k.Receipt.Attempt)
		err := p.reread(ctx, path, "quiz.attempt_not_found", &now)
		if err != nil {
			return err
		}
		if !now.complete() || now.fixed() != *k.Receipt {
			p.missing("the receipt of an acknowledged attempt")
		}
	}
	if k.Signature != nil {
		var now signature
		err := p.reread(ctx, r.scene.base+"/signatures/me", "pledge.not_signed", &now)
		if err != nil {
			return err
		}
		if !now.equal(*k.Signature) {
			p.missing("an acknowledged signature")
		}
	}
	return nil
}

// reread reads a receipt; where there is none, out stays empty.
func (p *person) reread(ctx context.Context, path, absent string, out any) error {
	_, err := p.send(ctx, call{op: opReread, method: http.MethodGet, path: path}, out)
	if isCode(err, absent) {
		return nil
	}
	return err
}

func (p *person) missing(what string) {
	p.findings.add(Problem{Kind: Missing, Participant: p.number, Detail: what + " does not read again as it was given"})
}

func (p *person) attemptPath(id string) string {
	return p.scene.base + "/attempts/" + url.PathEscape(id)
}
