package httpapi

import (
	"strconv"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
)

type boardAnswer struct {
	AsOf       string       `json:"as_of"`
	Total      int64        `json:"total"`
	Items      []itemAnswer `json:"items"`
	NextCursor *string      `json:"next_cursor"`
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

// boardQuery reads which board of participants is meant.
func (k *call) boardQuery() (leaderboard.Query, error) {
	var q leaderboard.Query
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
	key := c.ID + " " + lang + " " + q.Scope + " " + q.Group + " " + q.Period + " " +
		strconv.FormatInt(q.Offset, 10) + " " + strconv.FormatInt(q.Limit, 10)
	e, err := s.state.pages.get(key, b.AsOf, func() (*encoded, error) {
		return encode(boardAnswer{
			AsOf: stamp(b.AsOf, c.Zone), Total: b.Total, Items: itemsOf(c, b.Items, lang), NextCursor: cursor(b.Next),
		}, volatileTime)
	})
	if err != nil {
		return err
	}
	return k.sendEncoded(e, cacheBoard)
}

type placeAnswer struct {
	Rank        *int64         `json:"rank"`
	Of          *int64         `json:"of"`
	BeatPercent *int64         `json:"beat_percent"`
	Score       int            `json:"score"`
	UsedMS      int64          `json:"used_ms"`
	Around      []aroundAnswer `json:"around"`
}

type aroundAnswer struct {
	itemAnswer
	Me bool `json:"me"`
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
	out := placeAnswer{Score: m.Score, UsedMS: m.Used.Milliseconds()}
	if r := m.Rank; r != nil {
		out.Rank, out.Of, out.BeatPercent = &r.Place, &r.Of, &r.BeatPercent
	}
	lang := k.lang()
	for _, i := range m.Around {
		out.Around = append(out.Around, aroundAnswer{itemOf(c, i, lang), i.Participant == k.participant})
	}
	return k.send(fiber.StatusOK, out)
}

// pages keeps written pages of boards as long as the board they were written
// from is the newest, so that a page is encoded once for all who read it.
type pages struct {
	mu  sync.RWMutex
	all map[string]writtenPage
}

type writtenPage struct {
	asOf time.Time
	*encoded
}

// maxPages bounds what is kept; beyond it everything is written anew.
const maxPages = 4096

func newPages() *pages { return &pages{all: map[string]writtenPage{}} }

// get returns the page written from the board made at asOf. Several callers may
// write the same page at once, which does no harm.
func (p *pages) get(key string, asOf time.Time, write func() (*encoded, error)) (*encoded, error) {
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
