package redisstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/fault"
)

// ErrUnvetted is a Redis process that nobody has examined since it started, or a
// replica. It may hold an older copy of everything, so nothing is sent to it.
var ErrUnvetted = errors.New("this redis was not examined since it started")

// Vetting lets a client use only Redis processes that were examined. A Redis that
// was restarted on other files, or another one in its place, answers under the
// same address as if nothing had happened; but it is another process, with a
// run_id of its own, and it can only be reached over new connections. So every
// connection asks for the run_id first.
//
// OnConnect goes into the options of the client that serves. Whoever examines
// uses another client, without it. A primary that fails over to a replica is
// examined anew, too.
type Vetting struct {
	mu       sync.RWMutex
	vetted   []string // run_ids
	suspects chan struct{}
}

// NewVetting trusts nobody yet.
func NewVetting() *Vetting { return &Vetting{suspects: make(chan struct{}, 1)} }

// OnConnect is for the options of go-redis, for one server, Sentinel and cluster
// alike. It fails a connection to a process that is not vetted, or that is a
// replica: it may become a primary while the connection stands.
func (v *Vetting) OnConnect(ctx context.Context, cn *redis.Conn) error {
	who, err := whoIs(ctx, cn)
	if err != nil {
		return fault.ErrUnavailable.Because(fmt.Errorf("ask redis who it is: %w", err))
	}
	if who.sentinel || who.primary && v.isVetted(who.runID) {
		return nil
	}
	if who.primary {
		select {
		case v.suspects <- struct{}{}:
		default: // somebody has been told, and has not come yet
		}
	}
	return fault.ErrUnavailable.Because(ErrUnvetted)
}

// process is one life of a server.
type process struct {
	runID   string
	primary bool
	// sentinel holds no data: it only says where the primary is.
	sentinel bool
}

func whoIs(ctx context.Context, db redis.Cmdable) (process, error) {
	text, err := db.Info(ctx, "server", "replication").Result()
	if err != nil {
		return process{}, err
	}
	info := parseInfo(text)
	if info["run_id"] == "" {
		return process{}, errors.New("it hides its run_id")
	}
	return process{
		runID: info["run_id"], primary: info["role"] == "master", sentinel: info["redis_mode"] == "sentinel",
	}, nil
}

func (v *Vetting) isVetted(runID string) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return slices.Contains(v.vetted, runID)
}

// Vet lets these processes be used from now on, and no others.
func (v *Vetting) Vet(runIDs ...string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.vetted = slices.Clone(runIDs)
}

// Suspects receives whenever somebody was kept from a process that is not vetted
// since it was last received from.
func (v *Vetting) Suspects() <-chan struct{} { return v.suspects }

// Examine vets the processes that db, a client without OnConnect, writes to, if
// examine finds nothing wrong with what they hold. No process can take another's
// place meanwhile without being noticed. Where something is wrong, those vetted
// before stay so: whether they may be used is for the examiner to say.
func (v *Vetting) Examine(ctx context.Context, db redis.UniversalClient, examine func(context.Context) error) error {
	before, err := runIDs(ctx, db)
	if err != nil {
		return err
	}
	if err := examine(ctx); err != nil {
		return err
	}
	after, err := runIDs(ctx, db)
	if err != nil {
		return err
	}
	if !slices.Equal(before, after) {
		return fault.ErrUnavailable.Because(errors.New("a redis was exchanged while it was examined"))
	}
	v.Vet(after...)
	return nil
}

// Knows tells whether every process that db, a client without OnConnect, writes
// to is vetted, so that there is nothing to examine.
func (v *Vetting) Knows(ctx context.Context, db redis.UniversalClient) (bool, error) {
	ids, err := runIDs(ctx, db)
	if err != nil {
		return false, err
	}
	for _, id := range ids {
		if !v.isVetted(id) {
			return false, nil
		}
	}
	return true, nil
}

// runIDs returns the processes that db writes to, sorted.
func runIDs(ctx context.Context, db redis.UniversalClient) ([]string, error) {
	var mu sync.Mutex
	var ids []string
	err := eachPrimary(ctx, db, func(ctx context.Context, node *redis.Client) error {
		who, err := whoIs(ctx, node)
		if err != nil {
			return outage(err)
		}
		mu.Lock()
		defer mu.Unlock()
		ids = append(ids, who.runID)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ask redis who it is: %w", err)
	}
	slices.Sort(ids)
	return ids, nil
}
