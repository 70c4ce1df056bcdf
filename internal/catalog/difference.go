package catalog

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"qingyuan/campaign"
	"qingyuan/configs"
)

// FieldChange is a field of the campaign file that differs between two versions; ""
// is where it was not there.
type FieldChange struct{ Field, Before, After string }

// NodeDiff is a region or unit that differs; nil is where it was not there.
type NodeDiff struct{ Before, After *campaign.Node }

// Difference is what lies between two versions of a campaign.
type Difference struct {
	Fields []FieldChange
	Nodes  []NodeDiff
	// NodesInAll counts those that differ; Nodes has the first of them.
	NodesInAll int
}

// maxNodeDiffs bounds what is shown of two trees.
const maxNodeDiffs = 200

// Difference compares two versions of a campaign.
func (s *Store) Difference(ctx context.Context, id string, from, to int64) (Difference, error) {
	var d Difference
	var texts [2]map[string]string
	var trees [2]*campaign.Tree
	for i, version := range []int64{from, to} {
		e, err := s.Version(ctx, id, version)
		if err != nil {
			return d, err
		}
		body, err := s.Text(ctx, e)
		if err != nil {
			return d, err
		}
		if texts[i], err = flat(body); err != nil {
			return d, fmt.Errorf("version %d of campaign %s: %w", version, id, err)
		}
		if err := state(texts[i], e); err != nil {
			return d, fmt.Errorf("version %d of campaign %s: %w", version, id, err)
		}
		g, err := s.grove(ctx, s.DB, e)
		if err != nil {
			return d, err
		}
		trees[i] = g.tree
	}
	d.Fields = fieldsBetween(texts[0], texts[1])
	d.nodes(trees[0], trees[1])
	return d, nil
}

// state adds what is kept beside the file.
func state(m map[string]string, e Entry) error {
	m["stage"], m["paused"] = string(e.Stage), strconv.FormatBool(e.Paused)
	if !e.ClosedAt.IsZero() {
		m["closed_at"] = moment(e.ClosedAt)
	}
	var c campaign.Campaign
	if err := e.switches(&c); err != nil {
		return err
	}
	for i, act := range c.Clocks {
		at := join("clocks", strconv.Itoa(i))
		m[join(at, "kind")], m[join(at, "at")], m[join(at, "until")] = string(act.Kind), moment(act.At), moment(act.Until)
	}
	if b := c.Banner; b != nil {
		m["banner.level"] = string(b.Level)
		for lang, text := range b.Text {
			m[join("banner.text", lang)] = text
		}
		for field, at := range map[string]time.Time{"banner.from": b.From, "banner.until": b.Until} {
			if !at.IsZero() {
				m[field] = moment(at)
			}
		}
	}
	return nil
}

func moment(t time.Time) string { return t.In(configs.Zone()).Format(timeForm) }

// flat lists the scalars of a file by their paths.
func flat(body []byte) (map[string]string, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(body, &doc); err != nil {
		return nil, err
	}
	out := map[string]string{}
	var walk func(path string, n *yaml.Node)
	walk = func(path string, n *yaml.Node) {
		switch n.Kind {
		case yaml.DocumentNode:
			for _, c := range n.Content {
				walk(path, c)
			}
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				walk(join(path, n.Content[i].Value), n.Content[i+1])
			}
		case yaml.SequenceNode:
			for i, c := range n.Content {
				walk(join(path, strconv.Itoa(i)), c)
			}
		default:
			out[path] = n.Value
		}
	}
	walk("", &doc)
	return out, nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func fieldsBetween(from, to map[string]string) []FieldChange {
	var out []FieldChange
	for field, was := range from {
		if is := to[field]; is != was {
			out = append(out, FieldChange{field, was, is})
		}
	}
	for field, is := range to {
		if _, known := from[field]; !known {
			out = append(out, FieldChange{Field: field, After: is})
		}
	}
	slices.SortFunc(out, func(a, b FieldChange) int { return cmp.Compare(a.Field, b.Field) })
	return out
}

func (d *Difference) nodes(from, to *campaign.Tree) {
	if from == to {
		return
	}
	tell := func(n NodeDiff) {
		if d.NodesInAll++; len(d.Nodes) < maxNodeDiffs {
			d.Nodes = append(d.Nodes, n)
		}
	}
	for n := range to.Nodes {
		was, known := from.Node(n.ID)
		switch {
		case !known:
			tell(NodeDiff{After: n})
		case !same(was, n):
			tell(NodeDiff{was, n})
		}
	}
	for n := range from.Nodes {
		if _, stays := to.Node(n.ID); !stays {
			tell(NodeDiff{Before: n})
		}
	}
}

// Changed is what one change has made different.
type Changed struct {
	At     time.Time
	Fields []FieldChange
}

// ChangesSince lists what was changed of a part of the campaign file at a moment or later,
// newest first.
func (s *Store) ChangesSince(ctx context.Context, id, part string, since time.Time) ([]Changed, error) {
	var out []Changed
	var newer map[string]string
	var newest Entry
	for below := int64(0); ; {
		page, err := s.Versions(ctx, id, below, changesAtOnce)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			body, err := s.Text(ctx, e)
			if err != nil {
				return nil, err
			}
			texts, err := flat(body)
			if err != nil {
				return nil, fmt.Errorf("version %d of campaign %s: %w", e.Version, id, err)
			}
			maps.DeleteFunc(texts, func(field, _ string) bool { return field != part && !strings.HasPrefix(field, part+".") })
			if newer != nil && !newest.At.Before(since) {
				if fields := fieldsBetween(texts, newer); len(fields) > 0 {
					out = append(out, Changed{newest.At, fields})
				}
			}
			if e.At.Before(since) {
				return out, nil
			}
			newer, newest, below = texts, e, e.Version
		}
		if len(page) < changesAtOnce {
			return out, nil
		}
	}
}

// changesAtOnce is how many versions are read in one go.
const changesAtOnce = 50
