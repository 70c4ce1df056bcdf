package httpapi

import (
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
)

type boardAnswer struct {
	AsOf string `json:"as_of"`
	frozenPart
	Total      int64        `json:"total"`
	Items      []itemAnswer `json:"items"`
	NextCursor *string      `json:"next_cursor"`
}

// frozenPart stands in answers that stand still, and in no other.
type frozenPart struct {
	FrozenAt string `json:"frozen_at,omitzero"`
	// FrozenUntil is left out where they stay as they are.
	FrozenUntil string `json:"frozen_until,omitzero"`
}

func frozenOf(c *campaign.Campaign, f *campaign.Freeze) frozenPart {
	if f == nil {
		return frozenPart{}
	}
	p := frozenPart{FrozenAt: stamp(f.At, c.Zone)}
	if !f.Until.IsZero() {
		p.FrozenUntil = stamp(f.Until, c.Zone)
	}
	return p
}

type itemAnswer struct {
	Rank     int64  `json:"rank"`
	Name     string `json:"name"`
	Unit     string `json:"unit"`
	UnitName string `json:"unit_name"`
	Score    int    `json:"score"`
	UsedMS   int64  `json:"used_ms"`
}

func itemOf(c *campaign.Campaign, i leaderboard.Item, lang string) itemAnswer {
	return itemAnswer{
		Rank: i.Rank, Name: i.Name, Unit: i.Unit, UnitName: unitName(c, i.Unit, lang),
		Score: i.Score, UsedMS: i.Used.Milliseconds(),
	}
}

func itemsOf(c *campaign.Campaign, items []leaderboard.Item, lang string) []itemAnswer {
	out := make([]itemAnswer, len(items))
	for i, item := range items {
		out[i] = itemOf(c, item, lang)
	}
	return out
}

// boardQuery reads which board of participants is meant, and who asks.
func (k *call) boardQuery() (leaderboard.Query, error) {
	q := leaderboard.Query{Viewer: k.viewer}
	var err error
	if q.Scope, err = k.text("scope"); err != nil {
		return q, err
	}
	if q.Group, err = k.text("group"); err != nil {
		return q, err
	}
	if q.Period, err = k.text("period"); q.Period == "all" {
		q.Period = ""
	}
	return q, err
}

// showBoard handles GET /api/v1/campaigns/{campaign}/boards/participants.
func (s *Server) showBoard(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	q, err := k.boardQuery()
	if err != nil {
		return err
	}
	p, err := k.page()
	if err != nil {
		return err
	}
	q.Offset, q.Limit = p.offset, p.limit
	b, err := s.Boards.Board(k.ctx, c.ID, q)
	if err != nil {
		return err
	}
	lang := published(c, k.lang())
	key := k.pageKey(c, b.Frozen, p, pageOf{"participants", q.Scope, q.Group, q.Period})
	e, err := s.state.pages.get(key, b.AsOf, func() (*encoded, error) {
		return encode(boardAnswer{
			AsOf: stamp(b.AsOf, c.Zone), frozenPart: frozenOf(c, b.Frozen),
			Total: b.Total, Items: itemsOf(c, b.Items, lang), NextCursor: cursor(b.Next),
		}, volatileTime)
	})
	if err != nil {
		return err
	}
	return k.sendBoard(e)
}

// pageKey names a written page of a board by all that it depends on: who may see
// what differs by the viewer and the ranking mode, and changes with a freeze.
type pageKey struct {
	of       pageOf
	campaign string
	ranking  campaign.RankingMode
	lang     string
	viewer   leaderboard.Viewer
	frozen   bool
	page     page
}

// pageOf says which board, table or list a page is of.
type pageOf [4]string

func (k *call) pageKey(c *campaign.Campaign, f *campaign.Freeze, p page, of pageOf) pageKey {
	return pageKey{of, c.ID, c.Ranking, published(c, k.lang()), k.viewer, f != nil, p}
}

// sendBoard answers with figures that an office must not share with the public.
func (k *call) sendBoard(e *encoded) error {
	k.Response().Header.SetCanonical(headerVary, headerAuthorization)
	if k.viewer.Office {
		return k.sendEncoded(e, noStore)
	}
	return k.sendEncoded(e, cacheBoard)
}

// placeAnswer tells a place where the campaign tells any and the boards do not
// stand still; one's own score is always told.
type placeAnswer struct {
	frozenPart
	Rank        *int64 `json:"rank"`
	ScoreRank   *int64 `json:"score_rank"`
	Of          *int64 `json:"of"`
	BeatPercent *int64 `json:"beat_percent"`
	// Tier is told instead of a place under the ranking mode tiers.
	Tier   *string `json:"tier"`
	Score  int     `json:"score"`
	UsedMS int64   `json:"used_ms"`
	Passed bool    `json:"passed"`
	// Hidden stands where the office has taken them off the public boards, and nowhere else.
	Hidden bool           `json:"hidden,omitzero"`
	Around []aroundAnswer `json:"around"`
}

func placeOf(c *campaign.Campaign, m leaderboard.Mine) placeAnswer {
	p := placeAnswer{
		frozenPart: frozenOf(c, m.Frozen), Hidden: m.Hidden, Score: m.Score, UsedMS: m.Used.Milliseconds(), Passed: m.Passed,
	}
	if r := m.Rank; r != nil {
		p.Rank, p.ScoreRank, p.Of, p.BeatPercent = &r.Place, rankOf(r.ByScore), &r.Of, &r.BeatPercent
	}
	if m.Tier != "" {
		p.Tier = &m.Tier
	}
	return p
}

type aroundAnswer struct {
	itemAnswer
	// Path is what the unit lies in, from the top.
	Path []string `json:"path"`
	Me   bool     `json:"me"`
}

// Bounds of the neighbours shown around a participant's own place.
const (
	defaultWindow = 5
	maxWindow     = leaderboard.MaxPage
)

// showPlace handles GET /api/v1/campaigns/{campaign}/boards/participants/me.
func (s *Server) showPlace(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	q, err := k.boardQuery()
	if err != nil {
		return err
	}
	window, err := k.whole("window", defaultWindow, 0, maxWindow)
	if err != nil {
		return err
	}
	m, err := s.Boards.Mine(k.ctx, c.ID, k.participant, q, window)
	if err != nil {
		return err
	}
	out, lang := placeOf(c, m), k.lang()
	for _, i := range m.Around {
		out.Around = append(out.Around, aroundAnswer{itemOf(c, i, lang), c.Tree.Path(i.Unit, lang), i.Participant == k.participant})
	}
	return k.send(fiber.StatusOK, out)
}

// pages keeps written pages of boards as long as the board they were written
// from is the newest, so that a page is encoded once for all who read it.
type pages struct {
	mu  sync.RWMutex
	all map[pageKey]writtenPage
}

type writtenPage struct {
	asOf time.Time
	*encoded
}

// maxPages bounds what is kept; beyond it everything is written anew.
const maxPages = 4096

func newPages() *pages { return &pages{all: map[pageKey]writtenPage{}} }

// get returns the page written from the board made at asOf. Several callers may
// write the same page at once, which does no harm.
func (p *pages) get(key pageKey, asOf time.Time, write func() (*encoded, error)) (*encoded, error) {
	p.mu.RLock()
	w, ok := p.all[key]
	p.mu.RUnlock()
	if ok && w.asOf.Equal(asOf) {
		return w.encoded, nil
	}
	e, err := write()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.all) >= maxPages {
		clear(p.all)
	}
	p.all[key] = writtenPage{asOf, e}
	return e, nil
}
