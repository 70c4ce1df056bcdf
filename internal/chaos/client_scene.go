//go:build chaos

package chaos

import (
	"context"
	"errors"
	"net/url"
)

// demoCampaign has a quiz of three attempts a day, a pledge and a public
// breakdown by region.
const demoCampaign = "jinzhong-2026"

// Scene is what all clients see alike.
type Scene struct {
	Campaign campaign
	key      Key
	base     string
	units    []string
	region   map[string]string // top region of each of the units
}

// regions is how many of the top regions the crowd comes from.
const regions = 3

// ReadScene reads the campaign from a running program, and the answers from the
// question bank.
func ReadScene(ctx context.Context, c *client, id string) (*Scene, error) {
	s := &Scene{base: api + "/campaigns/" + id, region: map[string]string{}}
	if err := c.must(ctx, s.base, &s.Campaign); err != nil {
		return nil, err
	}
	if s.Campaign.Quiz == nil || s.Campaign.Pledge == nil {
		return nil, errors.New("the campaign needs a quiz and a pledge")
	}
	var err error
	if s.key, err = ReadKey(); err != nil {
		return nil, err
	}
	tops, err := s.children(ctx, c, "")
	if err != nil {
		return nil, err
	}
	for _, top := range tops[:min(regions, len(tops))] {
		if err := s.descend(ctx, c, top, top.ID); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *Scene) descend(ctx context.Context, c *client, n node, top string) error {
	if n.Kind == "unit" {
		s.units = append(s.units, n.ID)
		s.region[n.ID] = top
		return nil
	}
	below, err := s.children(ctx, c, n.ID)
	if err != nil {
		return err
	}
	for _, b := range below {
		if err := s.descend(ctx, c, b, top); err != nil {
			return err
		}
	}
	return nil
}

func (s *Scene) children(ctx context.Context, c *client, parent string) ([]node, error) {
	var all []node
	for next := ""; ; {
		q := url.Values{}
		if parent != "" {
			q.Set("parent", parent)
		}
		if next != "" {
			q.Set("cursor", next)
		}
		var p page[node]
		if err := c.must(ctx, s.base+"/units?"+q.Encode(), &p); err != nil {
			return nil, err
		}
		all = append(all, p.Items...)
		if next = p.Next; next == "" {
			return all, nil
		}
	}
}
