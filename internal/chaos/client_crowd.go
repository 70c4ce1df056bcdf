//go:build chaos

package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// CrowdOptions says who drives the program.
type CrowdOptions struct {
	// Name is the crowd's own: participants of other crowds have other names.
	Name string
	// URL is where the clients go; it may be a proxy before the program. Several
	// are used in turn.
	URL []string
	// Campaign is where people take part; the demonstration's when empty.
	Campaign string
	// Dir is where the books are kept.
	Dir string
	// Clients work at once; six when zero.
	Clients int
	// Attempts is the most that one person makes; three when zero.
	Attempts int
	// HangUp is the share of sendings whose answer the client does not wait for.
	HangUp float64
	// Pace is a pause after each person.
	Pace time.Duration
}

// Crowd is a handful of clients, one person after the other each. Go and Rest are
// called in turn from one goroutine.
type Crowd struct {
	o      CrowdOptions
	scene  *Scene
	client *client
	books  []*Book
	rngs   []*rand.Rand
	read   *Reading // of the books, to find what has no answer

	people  atomic.Int64
	acks    atomic.Int64
	resting atomic.Bool
	wg      sync.WaitGroup
	cancel  context.CancelFunc

	mu     sync.Mutex
	parked []*person
	err    error
}

// NewCrowd prepares the clients of a running program. They and their books end
// with the test.
func NewCrowd(t testing.TB, o CrowdOptions) *Crowd {
	t.Helper()
	if o.Clients == 0 {
		o.Clients = 6
	}
	if o.Attempts == 0 {
		o.Attempts = 3
	}
	o.Campaign = cmp.Or(o.Campaign, demoCampaign)
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	c := &Crowd{o: o, read: NewReading(o.Dir), cancel: func() {}}
	c.client = newClient(o.URL, c.crossed)
	var err error
	if c.scene, err = ReadScene(t.Context(), c.client, o.Campaign); err != nil {
		t.Fatal(err)
	}
	seeds := Random(o.Name)
	for i := range o.Clients {
		book, err := OpenBook(o.Dir, i)
		if err != nil {
			t.Fatal(err)
		}
		c.books = append(c.books, book)
		c.rngs = append(c.rngs, rand.New(rand.NewPCG(seeds.Uint64(), seeds.Uint64())))
	}
	t.Cleanup(func() { c.close(t) })
	return c
}

func (c *Crowd) close(t testing.TB) {
	t.Helper()
	c.cancel()
	c.wg.Wait()
	c.client.close()
	for _, b := range c.books {
		if err := b.Close(); err != nil {
			t.Errorf("close a book: %v", err)
		}
	}
}

// Scene is what the crowd sees.
func (c *Crowd) Scene() *Scene { return c.scene }

// crossed writes a fault that no act can be blamed for into the first book.
func (c *Crowd) crossed(f Fault) {
	n, err := c.books[0].Intend(Entry{Kind: actNone})
	if err == nil {
		err = c.books[0].Outcome(Entry{Act: n, Is: isFault, Fault: &f})
	}
	c.fail(err)
}

// Acknowledged counts what the working clients were acknowledged, repeats
// included.
func (c *Crowd) Acknowledged() int64 { return c.acks.Load() }

// Go lets the clients work until Rest.
func (c *Crowd) Go(ctx context.Context) {
	ctx, c.cancel = context.WithCancel(ctx)
	c.resting.Store(false)
	for i := range c.books {
		c.wg.Go(func() { c.work(ctx, i) })
	}
}

// parks tells whether people may leave things open: not when the crowd rests.
func (c *Crowd) parks() bool { return !c.resting.Load() }

func (c *Crowd) work(ctx context.Context, i int) {
	for !c.resting.Load() && ctx.Err() == nil {
		who := fmt.Sprintf("%s-%d-%d", c.o.Name, i, c.people.Add(1))
		p := newPerson(c, c.books[i], c.rngs[i], who)
		switch err := p.walk(ctx); {
		case errors.Is(err, errParked):
			c.mu.Lock()
			c.parked = append(c.parked, p)
			c.mu.Unlock()
		case err != nil && ctx.Err() == nil:
			c.fail(err)
			return
		}
		if c.o.Pace > 0 {
			Sleep(ctx, c.o.Pace)
		}
	}
}

func (c *Crowd) fail(err error) {
	if err == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = errors.Join(c.err, err)
}

// Rest lets everybody finish, sends everything again that has no answer, and
// brings those back who walked away. The program must be there again. Afterwards
// nothing is open.
func (c *Crowd) Rest(ctx context.Context) error {
	c.resting.Store(true)
	c.wg.Wait()
	defer c.cancel()
	if err := c.settle(ctx); err != nil {
		return err
	}
	c.bringBack(ctx)
	if err := c.settle(ctx); err != nil {
		return err
	}
	err := c.err
	c.err = nil
	return err
}

// bringBack lets everybody who walked away go on, several at a time.
func (c *Crowd) bringBack(ctx context.Context) {
	var g errgroup.Group
	g.SetLimit(len(c.books))
	for _, p := range c.parked {
		g.Go(func() error {
			if err := p.walk(ctx); err != nil {
				c.fail(fmt.Errorf("go on with somebody who walked away: %w", err))
			}
			return nil
		})
	}
	_ = g.Wait() // nobody returns an error
	c.parked = nil
}

// settle sends every act without an answer again, from the books, until it has
// one.
func (c *Crowd) settle(ctx context.Context) error {
	if _, err := c.read.Update(); err != nil {
		return err
	}
	for _, a := range c.read.Open() {
		if err := c.resend(ctx, a); err != nil {
			return fmt.Errorf("send %s of %s again: %w", a.Kind, a.Who, err)
		}
	}
	return nil
}

func (c *Crowd) resend(ctx context.Context, a *Act) error {
	book := c.bookOf(a)
	if hashOf(a.Body) != a.Hash {
		return fmt.Errorf("act %d of %s is damaged", a.Act, a.Book)
	}
	q := request{method: a.Method, path: a.Path, body: a.Body}
	if a.Kind != actDoor {
		s, err := c.client.signIn(ctx, a.Who)
		if err != nil {
			return err
		}
		q.token = s.AccessToken
	}
	e := Entry{Act: a.Act}
	return poll(ctx, patience, "an answer", func() (bool, error) {
		r := c.client.send(ctx, q)
		e.Is, e.Code = r.outcome(), r.code
		e.Tries++
		answered := e.Is == isRefused || e.Is == isAcknowledged && readReceipt(a.Kind, r.body, &e) == nil
		if !answered {
			return false, nil
		}
		return true, book.Outcome(e)
	})
}

func (c *Crowd) bookOf(a *Act) *Book {
	for i, b := range c.books {
		if filepath.Base(a.Book) == fmt.Sprintf("client-%02d.book", i) {
			return b
		}
	}
	return c.books[0]
}
