package redisstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// EveryCampaign stands for all campaigns where a switch is meant for all of them.
const EveryCampaign = "*"

// Switch names a feature of a campaign, or of EveryCampaign.
type Switch struct{ Campaign, Feature string }

// field is what a switch is called in the hash. No id has a bar in it.
func (s Switch) field() string { return s.Campaign + "|" + s.Feature }

// Switches keeps in Redis what operators have switched off, for all servers.
// Nothing is off in a Redis that knows of nothing.
type Switches struct{ db redis.UniversalClient }

// NewSwitches returns the switches that lie in db.
func NewSwitches(db redis.UniversalClient) *Switches { return &Switches{db: db} }

// Off lists what is switched off.
func (s *Switches) Off(ctx context.Context) ([]Switch, error) {
	fields, err := s.db.HKeys(ctx, switchesKey()).Result()
	if err != nil {
		return nil, fmt.Errorf("read the switches: %w", outage(err))
	}
	var out []Switch
	for _, f := range fields {
		if id, feature, ok := strings.Cut(f, "|"); ok {
			out = append(out, Switch{Campaign: id, Feature: feature})
		}
	}
	return out, nil
}

// SwitchOff switches a feature off. Repeating it is harmless.
func (s *Switches) SwitchOff(ctx context.Context, w Switch) error {
	if err := s.db.HSet(ctx, switchesKey(), w.field(), "off").Err(); err != nil {
		return fmt.Errorf("switch %s off: %w", w.Feature, outage(err))
	}
	return nil
}

// SwitchOn switches a feature on again. For EveryCampaign it is on wherever it was
// off.
func (s *Switches) SwitchOn(ctx context.Context, w Switch) error {
	fields := []string{w.field()}
	if w.Campaign == EveryCampaign {
		off, err := s.Off(ctx)
		if err != nil {
			return err
		}
		for _, o := range off {
			if o.Feature == w.Feature {
				fields = append(fields, o.field())
			}
		}
	}
	if err := s.db.HDel(ctx, switchesKey(), fields...).Err(); err != nil {
		return fmt.Errorf("switch %s on: %w", w.Feature, outage(err))
	}
	return nil
}

// Knows tells whether a campaign was opened in this Redis.
func (s *Switches) Knows(ctx context.Context, campaign string) (bool, error) {
	n, err := s.db.Exists(ctx, campaignKey(campaign)).Result()
	if err != nil {
		return false, fmt.Errorf("look for campaign %s: %w", campaign, outage(err))
	}
	return n == 1, nil
}
