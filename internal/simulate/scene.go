package simulate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// ErrNoCampaign says that no open campaign has what a simulation needs.
var ErrNoCampaign = errors.New("no open campaign with a quiz and a pledge")

const api = "/api/v1"

// Bounds of what is read of a large organisation tree.
const (
	maxUnits = 2000
	maxPages = 400
)

// scene is what all participants see alike. It is read once a run, because a
// page would keep it too.
type scene struct {
	campaign campaign
	base     string // path of the campaign
	pledge   pledge
	units    []string
	// prizes tells that chances win something.
	prizes bool
}

// prepare reads the campaign, its pledge, its prizes and its units.
func (r *run) prepare(ctx context.Context) (scene, error) {
	c, err := r.choose(ctx)
	if err != nil {
		return scene{}, err
	}
	s := scene{campaign: c, base: campaignPath(c.ID)}
	if c.Pledge != nil {
		if err := r.look(ctx, s.base+"/pledge", &s.pledge); err != nil {
			return scene{}, fmt.Errorf("pledge of %s: %w", c.ID, err)
		}
	}
	if s.prizes, err = r.offers(ctx, s.base); err != nil {
		return scene{}, fmt.Errorf("prizes of %s: %w", c.ID, err)
	}
	if s.units, err = r.readUnits(ctx, s.base); err != nil {
		return scene{}, fmt.Errorf("units of %s: %w", c.ID, err)
	}
	if len(s.units) == 0 && c.requires("unit") {
		return scene{}, fmt.Errorf("campaign %s asks for a unit and has none", c.ID)
	}
	return s, nil
}

func campaignPath(id string) string { return api + "/campaigns/" + url.PathEscape(id) }

// look reads something public.
func (r *run) look(ctx context.Context, path string, out any) error {
	_, err := r.client.do(ctx, call{op: opLookUp, method: http.MethodGet, path: path}, out)
	return err
}

// choose returns the campaign asked for, or the first that suits.
func (r *run) choose(ctx context.Context) (campaign, error) {
	if r.cfg.Campaign != "" {
		return r.named(ctx, r.cfg.Campaign)
	}
	list, err := readAll[campaign](ctx, r, api+"/campaigns?")
	if err != nil {
		return campaign{}, err
	}
	for _, item := range list {
		if item.State != stateOpen {
			continue
		}
		c, err := r.named(ctx, item.ID)
		if err != nil {
			return campaign{}, err
		}
		if c.Quiz != nil && c.Pledge != nil {
			return c, nil
		}
	}
	return campaign{}, ErrNoCampaign
}

func (r *run) named(ctx context.Context, id string) (campaign, error) {
	var c campaign
	if err := r.look(ctx, campaignPath(id), &c); err != nil {
		return c, fmt.Errorf("campaign %s: %w", id, err)
	}
	switch {
	case c.State != stateOpen:
		return c, fmt.Errorf("campaign %s is %q, not open", id, c.State)
	case c.Quiz == nil && c.Pledge == nil:
		return c, fmt.Errorf("campaign %s has neither quiz nor pledge", id)
	case len(c.Groups) == 0:
		return c, fmt.Errorf("campaign %s has no groups to enrol in", id)
	}
	return c, nil
}

// readUnits walks the tree level by level and stops when it has enough: a nation's
// tree has more units than a run has use for.
func (r *run) readUnits(ctx context.Context, base string) ([]string, error) {
	var units []string
	regions := []string{""}
	for pages := 0; len(regions) > 0 && len(units) < maxUnits && pages < maxPages; pages++ {
		parent := regions[0]
		regions = regions[1:]
		path := base + "/units?"
		if parent != "" {
			path += "parent=" + url.QueryEscape(parent) + "&"
		}
		nodes, err := readAll[node](ctx, r, path)
		if err != nil {
			return nil, err
		}
		for _, n := range nodes {
			if n.Kind == "unit" {
				units = append(units, n.ID)
			} else {
				regions = append(regions, n.ID)
			}
		}
	}
	return units, nil
}

// readAll reads the pages of a list. The path ends where a query may go on.
func readAll[T any](ctx context.Context, r *run, path string) ([]T, error) {
	var all []T
	next := path[:len(path)-1]
	for range maxPages {
		var p page[T]
		if err := r.look(ctx, next, &p); err != nil {
			return nil, err
		}
		all = append(all, p.Items...)
		if p.Next == "" {
			break
		}
		next = path + "cursor=" + url.QueryEscape(p.Next)
	}
	return all, nil
}
