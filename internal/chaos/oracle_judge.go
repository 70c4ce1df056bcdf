//go:build chaos

package chaos

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Judge compares what the books of a crowd say with what the program says. The
// crowd must rest meanwhile.
type Judge struct {
	dir     string
	scene   *Scene
	client  *client
	reading *Reading
	told    int // faults of the reading that were told already
	before  Verdict
	// heard is what its own client was told and cannot be.
	mu    sync.Mutex
	heard []Fault
	// patience is how long the counts may take to come right: the program folds
	// and publishes several times in it.
	patience time.Duration
}

// settleCounts is a judge's patience.
const settleCounts = 15 * time.Second

// NewJudge reads the books of c and asks the program that c speaks to.
func NewJudge(c *Crowd) *Judge {
	return &Judge{dir: c.o.Dir, scene: c.scene, client: c.client, reading: NewReading(c.o.Dir), patience: settleCounts}
}

// Ask makes the judge ask at another address than the crowd's, such as the
// program itself and not the proxy before it.
func (j *Judge) Ask(url string) { j.client = newClient([]string{url}, j.crossed) }

func (j *Judge) crossed(f Fault) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.heard = append(j.heard, f)
}

// tell moves what the client has heard into a verdict.
func (j *Judge) tell(v *Verdict) {
	j.mu.Lock()
	defer j.mu.Unlock()
	v.Faults = append(v.Faults, j.heard...)
	j.heard = nil
}

// Round judges what has happened since the last time: everybody touched by it,
// and all counts.
func (j *Judge) Round(ctx context.Context) (Verdict, error) {
	touched, err := j.reading.Update()
	if err != nil {
		return Verdict{}, err
	}
	v, err := j.judge(ctx, touched)
	j.tell(&v)
	return v, err
}

// Everything forgets what it knows, reads all books again from the beginning and
// judges everybody.
func (j *Judge) Everything(ctx context.Context) (Verdict, error) {
	j.reading, j.told, j.before = NewReading(j.dir), 0, Verdict{}
	everybody, err := j.reading.Update()
	if err != nil {
		return Verdict{}, err
	}
	v, err := j.judge(ctx, everybody)
	if err == nil {
		err = j.boards(ctx, &v)
	}
	j.tell(&v)
	return v, err
}

// Reading is what the judge knows of the books.
func (j *Judge) Reading() *Reading { return j.reading }

func (j *Judge) judge(ctx context.Context, people map[string]*Human) (Verdict, error) {
	v := j.sums()
	v.Faults = append(v.Faults, j.reading.Faults[j.told:]...)
	j.told = len(j.reading.Faults)
	for _, a := range j.reading.Open() {
		v.fault(faultOther, "%s of %s has no answer", a.Kind, a.Who)
	}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(6)
	for _, h := range people {
		g.Go(func() error {
			one := Verdict{}
			err := j.human(ctx, h, &one)
			mu.Lock()
			defer mu.Unlock()
			v.Faults = append(v.Faults, one.Faults...)
			if err != nil {
				return fmt.Errorf("look at %s: %w", h.Who, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return v, err
	}
	err := j.counts(ctx, &v)
	return v, err
}

// sums says how much has happened since the last judgement.
func (j *Judge) sums() Verdict {
	all := Verdict{People: len(j.reading.People)}
	for _, h := range j.reading.People {
		for _, a := range h.Acts {
			if a.Acknowledged {
				all.Acknowledged++
			}
			if a.Unknown {
				all.Unknown++
			}
			all.Repeats += max(0, a.Tries-1)
		}
	}
	since := Verdict{
		People: all.People - j.before.People, Acknowledged: all.Acknowledged - j.before.Acknowledged,
		Unknown: all.Unknown - j.before.Unknown, Repeats: all.Repeats - j.before.Repeats,
	}
	j.before = all
	return since
}

// view is everything the program says of one participant.
type view struct {
	id       string
	me       home
	started  map[string]paper
	finished map[string]receipt
}

// human compares what the program says of one participant with the books.
func (j *Judge) human(ctx context.Context, h *Human, v *Verdict) error {
	now, err := j.look(ctx, h.Who)
	if err != nil {
		return err
	}
	submitted := 0
	for _, a := range h.Acts {
		got, visible := now.receipt(a)
		if !a.Acknowledged || !visible {
			continue
		}
		if a.Kind == actSubmit {
			submitted++
		}
		if got != a.Receipt {
			v.fault(faultLost, "%s of %s (attempt %d) was acknowledged as %s and reads %s", a.Kind, a.Who, a.Number, a.Receipt, got)
		}
	}
	v.number("attempts of "+h.Who, len(now.finished), submitted)
	j.best(h, &now.me, v)
	return nil
}

// receipt reads an act again. Of some acts there is nothing to read.
func (w *view) receipt(a *Act) (got string, visible bool) {
	switch a.Kind {
	case actDoor:
		return w.id, true
	case actEnrol:
		if w.me.Enrolment == nil {
			return "nothing", true
		}
		return w.me.Enrolment.receipt(), true
	case actSign:
		if w.me.Signature == nil {
			return "nothing", true
		}
		return w.me.Signature.receipt(), true
	case actStart:
		return w.started[a.Attempt].receipt(), true
	case actSubmit:
		return w.finished[a.Attempt].receipt(), true
	default:
		return "", false
	}
}

// look signs in as a participant and reads all there is.
func (j *Judge) look(ctx context.Context, who string) (*view, error) {
	s, err := j.client.signIn(ctx, who)
	if err != nil {
		return nil, err
	}
	w := &view{id: s.Participant.ID, started: map[string]paper{}, finished: map[string]receipt{}}
	if err := j.client.own(ctx, s, j.scene.base+"/me", &w.me); err != nil {
		return nil, err
	}
	if w.me.Enrolment == nil {
		return w, nil // and so nothing else
	}
	var list page[receipt]
	if err := j.client.own(ctx, s, j.scene.base+"/attempts", &list); err != nil {
		return nil, err
	}
	for _, line := range list.Items {
		w.started[line.Attempt] = line.paper
		if line.State == "open" {
			continue
		}
		var r receipt
		if err := j.client.own(ctx, s, j.scene.base+"/attempts/"+escape(line.Attempt), &r); err != nil {
			return nil, err
		}
		w.finished[line.Attempt] = r
	}
	return w, nil
}

// best checks that the best attempt is the best of the acknowledged ones.
func (j *Judge) best(h *Human, me *home, v *Verdict) {
	best, scored := 0, false
	for _, a := range h.Acts {
		if a.Kind == actSubmit && a.Acknowledged {
			best, scored = max(best, a.Score), true
		}
	}
	switch {
	case !scored && me.Best != nil:
		v.fault(faultDoubled, "%s has a best score and has submitted nothing", h.Who)
	case scored && me.Best == nil:
		v.fault(faultLost, "%s has no best score", h.Who)
	case scored && me.Best.Score != best:
		v.fault(faultWrong, "the best score of %s is %d, want %d", h.Who, me.Best.Score, best)
	}
}

// counts waits until the counts are those of the books, and books where they stay
// different.
func (j *Judge) counts(ctx context.Context, v *Verdict) error {
	want, parts := j.reading.figures(j.scene.region)
	var got figures
	err := poll(ctx, j.patience, "counts", func() (bool, error) {
		if err := j.client.must(ctx, j.scene.base+"/counts", &got); err != nil {
			return false, err
		}
		return got.equal(want), nil
	})
	if err != nil && ctx.Err() != nil {
		return err
	}
	v.figures("counts", got, want)
	return j.breakdown(ctx, v, want, parts)
}

// breakdown compares the regions, each with its own figures.
func (j *Judge) breakdown(ctx context.Context, v *Verdict, want figures, parts map[string]figures) error {
	var got struct {
		Total figures `json:"total"`
		Items []struct {
			figures

			ID string `json:"id"`
		} `json:"items"`
	}
	err := poll(ctx, j.patience, "breakdown", func() (bool, error) {
		if err := j.client.must(ctx, j.scene.base+"/counts/breakdown", &got); err != nil {
			return false, err
		}
		return got.Total.equal(want), nil
	})
	if err != nil && ctx.Err() != nil {
		return err
	}
	v.figures("breakdown", got.Total, want)
	for _, row := range got.Items {
		v.figures("breakdown of "+row.ID, row.figures, parts[row.ID])
	}
	return nil
}

// boards compares the board of participants and the history with the books.
func (j *Judge) boards(ctx context.Context, v *Verdict) error {
	ranked, top := j.reading.ranked()
	var board struct {
		Total int `json:"total"`
		Items []struct {
			Score int `json:"score"`
		} `json:"items"`
	}
	if err := j.client.must(ctx, j.scene.base+"/boards/participants", &board); err != nil {
		return err
	}
	v.number("the board of participants", board.Total, ranked)
	if len(board.Items) > 0 && board.Items[0].Score != top {
		v.fault(faultWrong, "the board begins with %d, the best score is %d", board.Items[0].Score, top)
	}
	var hours page[figures]
	if err := j.client.must(ctx, j.scene.base+"/counts/history?step=hour", &hours); err != nil {
		return err
	}
	want, _ := j.reading.figures(nil)
	var sum figures
	for _, h := range hours.Items {
		sum.Participants += h.Participants
		sum.Attempts += h.Attempts
		sum.Signatures += h.Signatures
	}
	sum.Enrolled = want.Enrolled // not part of the history
	v.figures("history", sum, want)
	return nil
}
