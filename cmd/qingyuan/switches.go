package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"qingyuan/internal/httpapi"
	"qingyuan/internal/redisstore"
)

// switchboard follows what operators switch off, for one server. While Redis is
// away everything stays as it was.
type switchboard struct {
	store *redisstore.Switches
	off   *prometheus.GaugeVec
	log   *slog.Logger

	now atomic.Pointer[switchPositions]
}

// switchPositions are the switches that are off.
type switchPositions map[redisstore.Switch]bool

// followEvery is how soon a server does what an operator has switched, and
// followLimit bounds one look.
const (
	followEvery = time.Second / 2
	followLimit = 2 * time.Second
)

var _ httpapi.Switches = (*switchboard)(nil)

// Off implements httpapi.Switches.
func (b *switchboard) Off(campaign string, f httpapi.Feature) bool {
	off := b.now.Load()
	return off != nil && len(*off) > 0 &&
		((*off)[redisstore.Switch{Campaign: campaign, Feature: string(f)}] ||
			(*off)[redisstore.Switch{Campaign: redisstore.EveryCampaign, Feature: string(f)}])
}

// Run follows until ctx ends.
func (b *switchboard) Run(ctx context.Context) {
	every(ctx, followEvery, func(ctx context.Context) {
		if err := b.follow(ctx); err != nil && ctx.Err() == nil {
			b.log.DebugContext(ctx, "the switches stay as they were", "err", err)
		}
	})
}

// follow reads the switches once, and tells of those that were turned.
func (b *switchboard) follow(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, followLimit)
	defer cancel()
	list, err := b.store.Off(ctx)
	if err != nil {
		return err
	}
	fresh := switchPositions{}
	for _, s := range list {
		fresh[s] = true
	}
	before := switchPositions{}
	if old := b.now.Swap(&fresh); old != nil {
		before = *old
	}
	for s := range fresh {
		if !before[s] {
			b.turned(ctx, s, true)
		}
	}
	for s := range before {
		if !fresh[s] {
			b.turned(ctx, s, false)
		}
	}
	return nil
}

func (b *switchboard) turned(ctx context.Context, s redisstore.Switch, off bool) {
	b.log.WarnContext(ctx, "an operator has turned a switch", "campaign", s.Campaign, "feature", s.Feature, "off", off)
	if off {
		b.off.WithLabelValues(s.Campaign, s.Feature).Set(1)
		return
	}
	b.off.DeleteLabelValues(s.Campaign, s.Feature)
}

// warnings lists what is off, so that nobody forgets it.
func (b *switchboard) warnings() []string {
	off := b.now.Load()
	if off == nil {
		return nil
	}
	var out []string
	for s := range *off {
		out = append(out, fmt.Sprintf("%s: %s is switched off", whereOf(s), s.Feature))
	}
	slices.Sort(out)
	return out
}

// whereOf is what a switch is meant for, in words.
func whereOf(s redisstore.Switch) string {
	if s.Campaign == redisstore.EveryCampaign {
		return "all campaigns"
	}
	return "campaign " + s.Campaign
}

// switchCmd switches a feature off or on, or lists what is off.
type switchCmd struct {
	configFlags

	Feature  string `arg:"" optional:"" enum:"boards,breakdown,history,live," default:"" help:"boards, breakdown, history or live; without it, what is off is listed."`
	State    string `arg:"" optional:"" enum:"off,on," default:"" help:"off or on."`
	Campaign string `help:"Campaign; all of them when left out." placeholder:"ID"`
	JSON     bool   `help:"Print one JSON object." name:"json"`
}

// Run implements the command. It needs Redis alone, so that it works while the
// database is away.
func (c switchCmd) Run(e env) error {
	if (c.Feature == "") != (c.State == "") {
		return fmt.Errorf("%w: say what to switch and off or on, or neither to list what is off", errUsage)
	}
	cfg, err := c.load(nil)
	if err != nil {
		return err
	}
	if cfg, err = existing(cfg); err != nil {
		return err
	}
	db, done, err := attachRedis(e.ctx, cfg, toolLogger(cfg, e))
	if err != nil {
		return err
	}
	err = c.turn(e, db)
	return cmp.Or(err, done())
}

func (c switchCmd) turn(e env, db redis.UniversalClient) error {
	store := redisstore.NewSwitches(db)
	w := redisstore.Switch{Campaign: cmp.Or(c.Campaign, redisstore.EveryCampaign), Feature: c.Feature}
	var err error
	switch c.State {
	case "on":
		err = store.SwitchOn(e.ctx, w)
	case "off":
		if err = c.known(e.ctx, store); err == nil {
			err = store.SwitchOff(e.ctx, w)
		}
	}
	if err != nil {
		return err
	}
	return c.list(e, store)
}

// known refuses a campaign of which nobody knows: a typing mistake would switch
// nothing off and look as if it had.
func (c switchCmd) known(ctx context.Context, store *redisstore.Switches) error {
	if c.Campaign == "" {
		return nil
	}
	known, err := store.Knows(ctx, c.Campaign)
	if err == nil && !known {
		return fmt.Errorf("%w: campaign %s was never opened here", errUsage, c.Campaign)
	}
	return err
}

// list says what is off.
func (c switchCmd) list(e env, store *redisstore.Switches) error {
	off, err := store.Off(e.ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(off, func(a, b redisstore.Switch) int {
		return cmp.Or(cmp.Compare(a.Campaign, b.Campaign), cmp.Compare(a.Feature, b.Feature))
	})
	if c.JSON {
		type row struct {
			Campaign string `json:"campaign"` // "*" for all
			Feature  string `json:"feature"`
		}
		rows := make([]row, len(off))
		for i, s := range off {
			rows[i] = row(s)
		}
		return json.NewEncoder(e.stdout).Encode(map[string]any{"off": rows})
	}
	if len(off) == 0 {
		_, err = fmt.Fprintln(e.stdout, "nothing is switched off")
	}
	for _, s := range off {
		if _, errWrite := fmt.Fprintf(e.stdout, "%s: %s is off\n", whereOf(s), s.Feature); errWrite != nil {
			return errWrite
		}
	}
	return err
}
