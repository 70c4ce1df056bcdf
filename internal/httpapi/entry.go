package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"qingyuan/campaign"
	"qingyuan/pledge"
)

// entryMark is where a page takes its data: a block that no browser runs.
const (
	entryMark  = `<script type="application/json" id="entry">null</script>`
	entryBegin = `<script type="application/json" id="entry">`
	entryEnd   = `</script>`
)

// entryAnswer comes with the participant's page, so that a phone on a bad network
// need not ask four times before it can show anything. It is public, and the same for
// everybody.
type entryAnswer struct {
	// Campaigns is what there is to choose from; Campaign is the one that was asked
	// for, null for none or an unknown one.
	Campaigns []campaignLine `json:"campaigns"`
	Campaign  *entryCampaign `json:"campaign"`
	// Doors are the ways to sign in, see listWays.
	Doors []string `json:"doors"`
}

// entryCampaign has a campaign's texts by language, the default one always.
type entryCampaign struct {
	ID    string                   `json:"id"`
	Texts map[string]entryLanguage `json:"texts"`
}

type entryLanguage struct {
	// Campaign has no server_time: the page is kept, and read later.
	Campaign campaignDetail `json:"campaign"`
	Pledge   *pledgeAnswer  `json:"pledge"`
	// Units are the tree by parent, "" at the top, as far as entryUnits goes.
	Units map[string][]unitAnswer `json:"units"`
}

// entryUnits is the most units and regions that come with the page. Of a bigger tree
// the top level comes, as far as it fits, and the page asks for the rest.
const entryUnits = 200

// entries keeps the participant's pages as they were made last.
type entries struct {
	mu   sync.Mutex
	made map[string]madeEntry // by campaign, "" for the choice
}

type madeEntry struct {
	at time.Time
	*file
}

// entryFresh is how long a page is good: a campaign may be paused at any second.
const entryFresh = time.Second

// entryPage returns the participant's page with a campaign's data, made at most once
// a second.
func (s *Server) entryPage(id string) (*file, error) {
	if _, err := s.Catalog.Campaign(id); err != nil {
		id = "" // so that nobody fills the memory with names
	}
	e := &s.state.entries
	e.mu.Lock()
	defer e.mu.Unlock()
	now := s.Now()
	if m, ok := e.made[id]; ok && now.Sub(m.at) < entryFresh && !now.Before(m.at) {
		return m.file, nil
	}
	data, err := s.entry(id)
	if err != nil {
		return nil, err
	}
	body, err := fillEntry(s.state.shelf.pages[participantPage].plain, data)
	if err != nil {
		return nil, err
	}
	f, err := packed(htmlType, body)
	if err != nil {
		return nil, err
	}
	if e.made == nil {
		e.made = map[string]madeEntry{}
	}
	e.made[id] = madeEntry{now, f}
	return f, nil
}

// fillEntry puts data into a page. Marks of HTML are escaped, so that no text of a
// campaign can end the block.
func fillEntry(page []byte, data entryAnswer) ([]byte, error) {
	raw, err := json.Marshal(data, json.Deterministic(true), jsontext.EscapeForHTML(true))
	if err != nil {
		return nil, fmt.Errorf("encode the data of a page: %w", err)
	}
	before, after, found := bytes.Cut(page, []byte(entryMark))
	if !found {
		return nil, errors.New("fill a page: it has no place for data")
	}
	return slices.Concat(before, []byte(entryBegin), raw, []byte(entryEnd), after), nil
}

func (s *Server) entry(id string) (entryAnswer, error) {
	out := entryAnswer{Doors: s.ways()}
	now := s.Now()
	for _, c := range s.Catalog.Campaigns() {
		out.Campaigns = append(out.Campaigns, lineOf(c, campaign.DefaultLanguage, now))
	}
	if id == "" {
		return out, nil
	}
	c, err := s.Catalog.Campaign(id)
	if err != nil {
		return out, err
	}
	out.Campaign = &entryCampaign{ID: id, Texts: map[string]entryLanguage{}}
	for _, lang := range languagesOf(c) {
		if out.Campaign.Texts[lang], err = s.entryText(c, lang); err != nil {
			return out, err
		}
	}
	return out, nil
}

// languagesOf are those that a campaign's title is written in: whoever gives texts in
// a language begins with it.
func languagesOf(c *campaign.Campaign) []string {
	langs := slices.Sorted(maps.Keys(c.Title))
	if !slices.Contains(langs, campaign.DefaultLanguage) {
		langs = append(langs, campaign.DefaultLanguage)
	}
	return langs
}

func (s *Server) entryText(c *campaign.Campaign, lang string) (entryLanguage, error) {
	out := entryLanguage{Units: entryTree(c, lang)}
	var err error
	if out.Campaign, err = s.detail(c, lang); err != nil {
		return out, err
	}
	out.Campaign.ServerTime = ""
	o, err := s.Catalog.Pledge(c.ID)
	if errors.Is(err, pledge.ErrNoPledge) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.Pledge = new(pledgeText(o, lang))
	return out, nil
}

// entryTree is a small tree as a whole, or the top level of a big one.
func entryTree(c *campaign.Campaign, lang string) map[string][]unitAnswer {
	out, left := map[string][]unitAnswer{}, entryUnits
	parents := []string{""}
	for len(parents) > 0 {
		var next []string
		for _, p := range parents {
			nodes := offered(c.Tree.Children(p))
			if left -= len(nodes); left < 0 {
				if p == "" {
					return map[string][]unitAnswer{}
				}
				return map[string][]unitAnswer{"": out[""]}
			}
			out[p] = unitsOf(c, nodes, lang)
			for _, n := range nodes {
				if n.Kind == campaign.Region {
					next = append(next, n.ID)
				}
			}
		}
		parents = next
	}
	return out
}
