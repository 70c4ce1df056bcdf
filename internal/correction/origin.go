package correction

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/origin"
	"qingyuan/internal/sqldb"
)

// OriginKeys keeps the keys of origins: in SQL, and in memory those that are in use, so
// that no act waits for SQL. A campaign whose key is not there yet records no origins.
type OriginKeys struct {
	DB  *sqldb.DB
	Now func() time.Time
	// Campaigns lists those that need a key.
	Campaigns func() []*campaign.Campaign
	// Keep is how long after the close of a campaign its key is destroyed where the campaign
	// has no rule; 30 days when zero.
	Keep time.Duration
	// Failed is told of an outage; it is tried again.
	Failed func(error)

	mu    sync.RWMutex
	known map[string]*origin.Key
}

// ErrNoOrigins is a condition on origins of a campaign that tells none apart.
var ErrNoOrigins = fault.New(fault.Conflict, "correction.no_origins", "本活动没有可用的地址和设备标记，或已在结束后销毁")

// Key returns the key of a campaign out of memory, or nil.
func (o *OriginKeys) Key(id string) *origin.Key {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.known[id]
}

// keysEvery is how often keys are looked for.
const keysEvery = 10 * time.Second

// Run keeps keys for all campaigns, and destroys those that are over, until ctx ends.
func (o *OriginKeys) Run(ctx context.Context) {
	tick := time.NewTicker(keysEvery)
	defer tick.Stop()
	for {
		if err := o.Refresh(ctx); err != nil && ctx.Err() == nil {
			o.Failed(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Refresh does that once.
func (o *OriginKeys) Refresh(ctx context.Context) error {
	now, all := o.Now(), map[string]*origin.Key{}
	for _, c := range o.Campaigns() {
		if o.over(c, now) {
			if err := o.Destroy(ctx, c.ID); err != nil {
				return err
			}
			continue
		}
		key, err := o.ensure(ctx, c.ID)
		if err != nil {
			return err
		}
		if key != nil {
			all[c.ID] = key
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.known = all
	return nil
}

// over tells whether the time of a campaign's key is: by its own rule where it has one.
func (o *OriginKeys) over(c *campaign.Campaign, now time.Time) bool {
	if at, ruled := c.ForgetsAt(campaign.KeptOrigins); ruled {
		return !now.Before(at)
	}
	return !c.AlwaysOpen && now.After(c.ClosesAt.Add(o.keep()))
}

func (o *OriginKeys) keep() time.Duration {
	if o.Keep == 0 {
		return 30 * 24 * time.Hour
	}
	return o.Keep
}

// ensure returns the key of a campaign, made where there was none; nil once it was
// destroyed. Of two servers that make one, the first wins.
func (o *OriginKeys) ensure(ctx context.Context, id string) (*origin.Key, error) {
	if key := o.Key(id); key != nil {
		return o.read(ctx, id)
	}
	var fresh origin.Secret
	_, _ = rand.Read(fresh[:]) // crypto/rand.Read never fails
	err := o.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO origin_keys (campaign, bytes, created) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			id, fresh[:], o.Now().UnixMilli())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("make the key of origins of %s: %w", id, err)
	}
	return o.read(ctx, id)
}

func (o *OriginKeys) read(ctx context.Context, id string) (*origin.Key, error) {
	var raw []byte
	err := o.DB.QueryRowContext(ctx, `SELECT bytes FROM origin_keys WHERE campaign = $1`, id).Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) || err == nil && raw == nil {
		return nil, nil //nolint:nilnil // A key that was destroyed is not an error.
	}
	if err != nil {
		return nil, fmt.Errorf("read the key of origins of %s: %w", id, err)
	}
	var secret origin.Secret
	copy(secret[:], raw)
	return origin.NewKey(secret), nil
}

// Destroy makes what the facts of a campaign hold of origins mean nothing, for good. It
// may be repeated. Other servers forget the key within seconds.
func (o *OriginKeys) Destroy(ctx context.Context, id string) error {
	var left int
	err := o.DB.QueryRowContext(ctx, `SELECT COUNT(*) FROM origin_keys WHERE campaign = $1 AND bytes IS NULL`, id).Scan(&left)
	if err != nil || left == 1 {
		return err
	}
	err = o.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO origin_keys (campaign, bytes, created, destroyed) VALUES ($1, NULL, $2, $2)
			ON CONFLICT (campaign) DO UPDATE SET bytes = NULL, destroyed = $2`, id, o.Now().UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("destroy the key of origins of %s: %w", id, err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.known, id)
	return nil
}

// mostMarks is how many networks or addresses a range may be made of.
const mostMarks = 256

// marksOf turns a range of addresses into what facts hold of them: single addresses, or
// the networks that origins are told by.
func marksOf(key *origin.Key, text string) ([]string, error) {
	wrong := fault.InvalidField("conditions.address", "应为一个地址，或 IPv4 的 /16 到 /32、IPv6 的 /40 到 /48 网段")
	p, err := netip.ParsePrefix(text)
	if err != nil {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return nil, wrong
		}
		return []string{key.Address(a)}, nil
	}
	p = p.Masked()
	whole := origin.NetworkOf(p.Addr()).Bits()
	switch {
	case p.IsSingleIP():
		return []string{key.Address(p.Addr())}, nil
	case p.Bits() > whole && p.Addr().Is6(), p.Bits() < whole-8:
		return nil, wrong
	}
	var out []string
	for a := p.Addr(); p.Contains(a) && len(out) < mostMarks; {
		if p.Bits() > whole {
			out, a = append(out, key.Address(a)), a.Next()
			continue
		}
		out, a = append(out, key.Network(a)), nextNetwork(a, whole)
	}
	return out, nil
}

// nextNetwork is the first address behind the network of an address.
func nextNetwork(a netip.Addr, bits int) netip.Addr {
	b := a.AsSlice()
	for i := bits/8 - 1; i >= 0; i-- {
		if b[i]++; b[i] != 0 {
			break
		}
	}
	next, _ := netip.AddrFromSlice(b)
	return next
}

// conceal turns addresses and devices that conditions name into what facts hold of
// them, and forgets them: they are stored nowhere.
func (s *Service) conceal(id string, c *Conditions) error {
	if c.Address == "" && c.Device == "" {
		return nil
	}
	var key *origin.Key
	if s.Origins != nil {
		key = s.Origins.Key(id)
	}
	if key == nil {
		return ErrNoOrigins
	}
	if c.Address != "" {
		marks, err := marksOf(key, c.Address)
		if err != nil {
			return err
		}
		c.AddressMarks = append(c.AddressMarks, marks...)
	}
	if c.Device != "" {
		if origin.CleanDevice(c.Device) == "" {
			return fault.InvalidField("conditions.device", "应为客户端上报的设备编号")
		}
		c.DeviceMarks = append(c.DeviceMarks, key.Device(c.Device))
	}
	c.Address, c.Device = "", ""
	return nil
}
