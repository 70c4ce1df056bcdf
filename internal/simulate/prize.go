package simulate

import (
	"context"
	"errors"
	"net/http"
	"sync"
)

// luckRequest spends the chance of a number.
type luckRequest struct {
	Number int `json:"number"`
}

// luck is a chance that was spent. It is fixed as a whole.
type luck struct {
	Number int    `json:"number"`
	At     string `json:"at"`
	Won    bool   `json:"won"`
	Win    string `json:"win"` // null leaves these empty
	Prize  string `json:"prize"`
	Rolled string `json:"rolled"`
	Why    string `json:"why"`
}

// purse is how a participant stands with prizes.
type purse struct {
	Qualified bool `json:"qualified"`
	Next      int  `json:"next_number"`
	LeftToday *int `json:"chances_left_today"`
	LeftInAll *int `json:"chances_left"`
	Wins      []struct {
		Win string `json:"win"`
	} `json:"wins"`
}

func (p *purse) has(win string) bool {
	for _, w := range p.Wins {
		if w.Win == win {
			return true
		}
	}
	return false
}

// mayTry tells whether the next chance is to be had.
func (p *purse) mayTry() bool {
	return p.Qualified && (p.LeftToday == nil || *p.LeftToday > 0) && (p.LeftInAll == nil || *p.LeftInAll > 0)
}

// offers tells whether a campaign has prizes that chances win.
func (r *run) offers(ctx context.Context, base string) (bool, error) {
	var plan struct {
		Instant *struct{} `json:"instant"`
	}
	err := r.look(ctx, base+"/prizes", &plan)
	if refused, ok := errors.AsType[*refusedError](err); ok && refused.status == http.StatusNotFound {
		return false, nil
	}
	return plan.Instant != nil, err
}

// winners remembers who won what: each item is one person's.
type winners struct {
	mu  sync.Mutex
	has map[string]int
}

// taken books a win, and tells whom it belonged to before, 0 for nobody else.
func (w *winners) taken(win string, number int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.has == nil {
		w.has = map[string]int{}
	}
	if was := w.has[win]; was != 0 && was != number {
		return was
	}
	w.has[win] = number
	return 0
}

// tryLuck spends one chance where there is one to spend.
func (p *person) tryLuck(ctx context.Context) error {
	own, err := p.readPurse(ctx)
	if err != nil {
		return err
	}
	q := call{op: opChance, method: http.MethodPost, path: p.scene.base + "/prizes/chances"}
	if p.chance(p.cfg.Wrong) {
		q.body = encode(luckRequest{own.Next + 1})
		if err := p.refuse(ctx, q, "a chance out of turn", "prize.number"); err != nil {
			return err
		}
	}
	if !own.mayTry() {
		return nil
	}
	q.body = encode(luckRequest{own.Next})
	var first luck
	if _, err := p.act(ctx, q, &first); err != nil {
		return err
	}
	if first.Number != own.Next || first.Won != (first.Win != "") || first.At == "" {
		p.wrong("chance %d gave %+v", own.Next, first)
	}
	if p.chance(p.cfg.Repeats) {
		var again luck
		if _, err := p.send(ctx, q, &again); err != nil {
			return err
		}
		if again != first {
			p.wrong("chance %d gave %+v, and the same again %+v", own.Next, first, again)
		}
	}
	if first.Won {
		return p.checkWin(ctx, first.Win)
	}
	return nil
}

// checkWin compares a win with what others won, and reads it again.
func (p *person) checkWin(ctx context.Context, win string) error {
	if other := p.winners.taken(win, p.number); other != 0 {
		p.wrong("%s was won by participant %d as well", win, other)
	}
	own, err := p.readPurse(ctx)
	if err == nil && !own.has(win) {
		p.wrong("%s was won, and is not among the own wins", win)
	}
	return err
}

func (p *person) readPurse(ctx context.Context) (own purse, err error) {
	_, err = p.send(ctx, call{op: opMe, method: http.MethodGet, path: p.scene.base + "/prizes/me"}, &own)
	return own, err
}
