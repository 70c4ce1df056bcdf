package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/divisions"
	"qingyuan/internal/fault"
)

// StartTree puts a division with everything below it, down to so many levels (all of
// them when negative), into a tree: below a region, or at the top. What is there
// already stays as it is.
func (s *Store) StartTree(ctx context.Context, act Act, id, code, below string, levels int) (Outcome, error) {
	list := divisions.Subtree(code, levels)
	if list == nil {
		return Outcome{}, ErrTree.WithFields(fault.Field{Name: "code", Reason: "没有代码为 " + code + " 的行政区划"})
	}
	return s.plant(ctx, act, KindTreeStarted, id, func(p *planting) error {
		for _, d := range list {
			if _, known := p.codes[d.Code]; known {
				continue
			}
			n := campaign.Node{Kind: campaign.Region, Code: d.Code, Name: campaign.Text{campaign.DefaultLanguage: d.Name}}
			n.ID = p.freshID(n)
			if n.Parent = below; d.Code != code {
				n.Parent = p.codes[d.Parent]
			}
			if err := p.add(n); err != nil {
				return err
			}
		}
		return nil
	})
}

// Template is a new campaign that begins as another one.
type Template struct {
	// From is a campaign of the catalog, or one of those that Templates lists.
	From string
	ID   string
	// Title, OpensAt, ClosesAt and Prefix (of the pledge's serials) are the new
	// campaign's own.
	Title             string
	OpensAt, ClosesAt time.Time
	Prefix            string
	// Tree takes the tree along.
	Tree bool
}

// TemplateLine is one campaign to begin from that is shipped.
type TemplateLine struct{ ID, Title string }

// Templates lists the campaigns to begin from that are shipped.
func Templates() ([]TemplateLine, error) {
	all, err := configs.Templates()
	if err != nil {
		return nil, err
	}
	var out []TemplateLine
	for _, b := range all {
		out = append(out, TemplateLine{b.Campaign.ID, b.Campaign.Title.In(campaign.DefaultLanguage)})
	}
	return out, nil
}

// CreateFrom puts a new campaign into the catalog that begins as another one. What
// hangs on the other's dates (phases, a freeze) is left out, and so are its prizes: what
// is promised, each campaign promises for itself.
func (s *Store) CreateFrom(ctx context.Context, act Act, t Template) (Outcome, error) {
	m, tree, err := s.model(ctx, t.From)
	if err != nil {
		return Outcome{}, err
	}
	changes := map[string]any{
		"id": t.ID, "title": t.Title, "phases": nil, "freeze_at": nil, "unfreeze_at": nil, "prizes": nil,
		"opens_at": t.OpensAt.In(configs.Zone()).Format(timeForm), "closes_at": t.ClosesAt.In(configs.Zone()).Format(timeForm),
	}
	if t.Prefix != "" {
		changes["pledge"] = map[string]string{"prefix": t.Prefix}
	}
	patch, err := json.Marshal(changes)
	if err != nil {
		return Outcome{}, err
	}
	body, err := configs.Patched(m.text, patch)
	if err != nil {
		return Outcome{}, fmt.Errorf("begin campaign %s as %s: %w", t.ID, t.From, err)
	}
	var nodes []campaign.Node
	if t.Tree {
		nodes = nodesOf(tree)
	}
	return s.Create(ctx, act, body, m.files, nodes)
}

// model finds what a template means.
func (s *Store) model(ctx context.Context, from string) (material, *campaign.Tree, error) {
	e, err := s.Entry(ctx, from)
	if f := fault.From(err); f != nil && f.Kind == fault.NotFound {
		return shipped(from)
	}
	if err != nil {
		return material{}, nil, err
	}
	m := material{filesKey: e.bank}
	if m.text, err = text(ctx, s.DB, e); err != nil {
		return m, nil, err
	}
	if m.files, err = bankFiles(ctx, s.DB, e.bank); err != nil {
		return m, nil, err
	}
	g, err := s.grove(ctx, s.DB, e)
	if err != nil {
		return m, nil, err
	}
	return m, g.tree, nil
}

func shipped(id string) (material, *campaign.Tree, error) {
	all, err := configs.Templates()
	if err != nil {
		return material{}, nil, err
	}
	for _, b := range all {
		if b.Campaign.ID != id {
			continue
		}
		body, err := configs.Normalised(b.Files[configs.CampaignFile])
		return material{text: body, files: b.BankFiles()}, b.Campaign.Tree, err
	}
	return material{}, nil, ErrInvalid.WithFields(fault.Field{Name: "template", Reason: "没有这个模板或活动：" + id})
}
