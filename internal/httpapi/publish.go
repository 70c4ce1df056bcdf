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

	// Unix ms: when the stream last got a frame, when the frame was made, and when a
	// screen last asked for it.
	sent, made, asked atomic.Int64
	// making is set while somebody makes the frame of a screen.
	making atomic.Bool
}

// feeds holds every feed. A feed appears with the first snapshot or the first
// watcher and stays.
type feeds struct {
	mu     sync.RWMutex
	all    map[feedKey]*feed
	closed bool
	open   func(*live.Hub) *stream
	// last are the newest snapshots, for screens that come between two.
	last map[string]*leaderboard.Snapshot
	// work is what goes on beside the publisher.
	work sync.WaitGroup
}

// feedKey names what is published: to everybody, or to screens with a ticket, which see a
// part of the campaign with the eyes of an audience or of the office.
type feedKey struct{ campaign, lang, scope, view string }

func newFeeds(open func(*live.Hub) *stream) *feeds {
	return &feeds{all: map[feedKey]*feed{}, open: open, last: map[string]*leaderboard.Snapshot{}}
}

// dismiss ends the streams of a campaign that are open.
func (f *feeds) dismiss(campaignID string) {
	var all []*stream // a stream that is closing connections must not hold up every request
	f.mu.RLock()
	for key, one := range f.all {
		if key.campaign == campaignID {
			all = append(all, one.stream)
		}
	}
	f.mu.RUnlock()
	for _, one := range all {
		one.dismiss()
	}
}

// screens are the feeds of a campaign that need a ticket.
func (f *feeds) screens(campaignID string) map[feedKey]*feed {
	f.mu.RLock()
	defer f.mu.RUnlock()
	out := map[feedKey]*feed{}
	for key, one := range f.all {
		if key.view != "" && key.campaign == campaignID {
			out[key] = one
		}
	}
	return out
}

func (f *feeds) latest(campaignID string) (*leaderboard.Snapshot, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	snap, ok := f.last[campaignID]
	return snap, ok
}

// arrived takes a new snapshot, and tells whether there is still somebody to show it to.
// Then close waits until done is called, and for all work that was begun before.
func (f *feeds) arrived(snap *leaderboard.Snapshot) (done func(), open bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last[snap.Campaign.ID] = snap
	if f.closed {
		return nil, false
	}
	f.work.Add(1)
	return f.work.Done, true
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
	f.work.Wait()
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
	if s.off(snap.Campaign.ID, FeatureLive) {
		s.state.feeds.dismiss(snap.Campaign.ID) // also where no frame can be made
	}
	counts, err := encode(countsAnswer{stamp(snap.AsOf, snap.Campaign.Zone), countsOf(snap)}, volatileTime)
	if err != nil {
		s.notPublished(snap, err)
		return
	}
	s.state.feeds.of(feedKey{campaign: snap.Campaign.ID, lang: campaign.DefaultLanguage}).counts.Store(counts)
	for _, lang := range languages(snap.Campaign) {
		if err := s.publishFrame(snap, lang); err != nil {
			s.notPublished(snap, err)
		}
	}
	if done, open := s.state.feeds.arrived(snap); open {
		defer done()
		s.state.mornings.refresh(snap)
		s.publishScreens(snap)
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
	body, err := json.Marshal(s.frameOf(snap, rows, lang))
	if err != nil {
		return err
	}
	event, body := asEvent(snap.AsOf, body)
	e := &encoded{body, tagOf(body, volatileTime)}
	f := s.state.feeds.of(feedKey{campaign: snap.Campaign.ID, lang: lang})
	before := f.frame.Swap(e)
	if before == nil || before.etag != e.etag || snap.AsOf.UnixMilli()-f.sent.Load() >= repeatAfter.Milliseconds() {
		f.sent.Store(snap.AsOf.UnixMilli())
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
	e := s.state.feeds.of(feedKey{campaign: c.ID, lang: campaign.DefaultLanguage}).counts.Load()
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
	key, until, err := s.watched(k, c)
	if err != nil {
		return err
	}
	f, cache := s.state.feeds.of(key), cacheBoard
	if !until.IsZero() {
		cache = noStore
		if err := s.freshen(k.ctx, key, f); err != nil {
			return err
		}
	}
	e := f.frame.Load()
	if e == nil {
		return errNoSnapshot
	}
	return k.sendEncoded(e, cache)
}

var errNoSnapshot = fault.ErrUnavailable.Because(errors.New("no snapshot of the campaign yet"))
