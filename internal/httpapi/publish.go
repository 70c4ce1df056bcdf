package httpapi

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/live"
	"qingyuan/leaderboard"
)

// feed is what is published of one campaign in one language.
type feed struct {
	counts atomic.Pointer[encoded] // of the default language's feed only
	frame  atomic.Pointer[encoded]
	stream *stream

	sentAt time.Time // when the stream last got a frame; of the publisher alone
}

// feeds holds every feed. A feed appears with the first snapshot or the first
// watcher and stays.
type feeds struct {
	mu     sync.RWMutex
	all    map[feedKey]*feed
	closed bool
	open   func(*live.Hub) *stream
}

type feedKey struct{ campaign, lang string }

func newFeeds(open func(*live.Hub) *stream) *feeds {
	return &feeds{all: map[feedKey]*feed{}, open: open}
}

// of returns the feed of a campaign, made when it is missing.
func (f *feeds) of(key feedKey) *feed {
	f.mu.RLock()
	one := f.all[key]
	f.mu.RUnlock()
	if one != nil {
		return one
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if one = f.all[key]; one == nil {
		one = &feed{stream: f.open(live.NewHub())}
		if f.closed {
			one.stream.close()
		}
		f.all[key] = one
	}
	return one
}

// close ends every stream and waits for them.
func (f *feeds) close() {
	f.mu.Lock()
	f.closed = true
	all := slices.Collect(maps.Values(f.all))
	f.mu.Unlock()
	for _, one := range all {
		one.stream.close()
	}
}

// languages lists the tags a campaign is published in: those of its title.
func languages(c *campaign.Campaign) []string { return slices.Sorted(maps.Keys(c.Title)) }

// published returns the language to serve instead of lang, so that nobody can
// ask for more feeds than there are languages.
func published(c *campaign.Campaign, lang string) string {
	if _, ok := c.Title[lang]; ok {
		return lang
	}
	return campaign.DefaultLanguage
}

// repeatAfter is how long a stream may show the same figures before they are
// sent again: a screen tells by it that they are still watched over.
const repeatAfter = 10 * time.Second

// publish encodes the snapshot once, for all who will read it. A snapshot that
// cannot be written is a defect: the one before it stays.
func (s *Server) publish(snap *leaderboard.Snapshot) {
	counts, err := encode(countsAnswer{stamp(snap.AsOf, snap.Campaign.Zone), countsOf(snap)}, volatileTime)
	if err != nil {
		s.notPublished(snap, err)
		return
	}
	s.state.feeds.of(feedKey{snap.Campaign.ID, campaign.DefaultLanguage}).counts.Store(counts)
	for _, lang := range languages(snap.Campaign) {
		if err := s.publishFrame(snap, lang); err != nil {
			s.notPublished(snap, err)
		}
	}
}

func (s *Server) notPublished(snap *leaderboard.Snapshot, err error) {
	s.Log.ErrorContext(context.Background(), "snapshot not published", "campaign", snap.Campaign.ID, "err", err)
}

// volatileTime is the field that tells when a snapshot was made.
const volatileTime = "as_of"

func (s *Server) publishFrame(snap *leaderboard.Snapshot, lang string) error {
	rows, err := s.publicRows(snap.Campaign.ID, lang)
	if err != nil {
		return err
	}
	off := func(f Feature) bool { return s.off(snap.Campaign.ID, f) }
	body, err := json.Marshal(frameOf(snap, rows, lang, off))
	if err != nil {
		return err
	}
	event, body := asEvent(snap.AsOf, body)
	e := &encoded{body, tagOf(body, volatileTime)}
	f := s.state.feeds.of(feedKey{snap.Campaign.ID, lang})
	if off(FeatureLive) {
		f.stream.dismiss()
	}
	before := f.frame.Swap(e)
	if before == nil || before.etag != e.etag || snap.AsOf.Sub(f.sentAt) >= repeatAfter {
		f.sentAt = snap.AsOf
		f.stream.hub.Publish(&live.Frame{Bytes: event, ETag: e.etag})
		s.state.metrics.frames.Inc()
	}
	return nil
}

// publicRows is the top level of the breakdown as the public may see it.
func (s *Server) publicRows(id, lang string) ([]leaderboard.Row, error) {
	t, err := s.Boards.Breakdown(id, "", lang, leaderboard.Viewer{})
	if errors.Is(err, leaderboard.ErrNotPublished) {
		return nil, nil
	}
	return t.Rows, err
}

// asEvent wraps a frame as it travels on a stream, and returns the frame within
// the same bytes: both are kept as long as either.
func asEvent(asOf time.Time, body []byte) (event, frame []byte) {
	event = make([]byte, 0, len(body)+64)
	event = append(event, "id: "...)
	event = strconv.AppendInt(event, asOf.UnixMilli(), 10)
	event = append(event, "\nevent: frame\ndata: "...)
	start := len(event)
	event = append(event, body...)
	end := len(event)
	event = append(event, "\n\n"...)
	return event, event[start:end:end]
}

// showCounts handles GET /api/v1/campaigns/{campaign}/counts.
func (s *Server) showCounts(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	e := s.state.feeds.of(feedKey{c.ID, campaign.DefaultLanguage}).counts.Load()
	if e == nil {
		return errNoSnapshot
	}
	return k.sendEncoded(e, cacheCounts)
}

// showFrame handles GET /api/v1/campaigns/{campaign}/frame.
func (s *Server) showFrame(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	e := s.state.feeds.of(feedKey{c.ID, published(c, k.lang())}).frame.Load()
	if e == nil {
		return errNoSnapshot
	}
	return k.sendEncoded(e, cacheBoard)
}

var errNoSnapshot = fault.ErrUnavailable.Because(errors.New("no snapshot of the campaign yet"))
