package httpapi

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"qingyuan/campaign"
	"qingyuan/internal/live"
	"qingyuan/leaderboard"
)

// Screens with a ticket see deeper than the public. Their frames are made as the public's
// are, once a snapshot for all who watch the same part with the same eyes; but only while
// somebody does, and beside the publisher, because they ask the store for boards and hours.

// idleAfter is how long frames are made on for a screen that polls and has not come back.
const idleAfter = 30 * time.Second

// staleAfter is how old a frame may be that a screen is given at once; an older one, of a
// part that nobody watched, is made anew first.
const staleAfter = 3 * time.Second

// publishScreens makes new frames of the parts that are watched.
func (s *Server) publishScreens(snap *leaderboard.Snapshot) {
	for key, f := range s.state.feeds.screens(snap.Campaign.ID) {
		if f.stream.hub.Watchers() == 0 && snap.AsOf.UnixMilli()-f.asked.Load() > idleAfter.Milliseconds() {
			f.frame.Store(nil)
			continue
		}
		if !f.making.CompareAndSwap(false, true) {
			continue // the store is slow: the next snapshot comes
		}
		s.state.feeds.work.Go(func() {
			defer f.making.Store(false)
			ctx, cancel := context.WithTimeout(context.Background(), s.Timeout)
			defer cancel()
			if err := s.publishScreen(ctx, key, f, snap); err != nil {
				s.Log.WarnContext(ctx, "screen not published", "campaign", key.campaign, "scope", key.scope, "err", err)
			}
		})
	}
}

// publishScreen makes one frame, and hands it to those who watch.
func (s *Server) publishScreen(ctx context.Context, key feedKey, f *feed, snap *leaderboard.Snapshot) error {
	answer, err := s.screenFrame(ctx, key, snap)
	if err != nil {
		return err
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	event, body := asEvent(snap.AsOf, body)
	e := &encoded{body, tagOf(body, volatileTime)}
	f.made.Store(snap.AsOf.UnixMilli())
	before := f.frame.Swap(e)
	if before == nil || before.etag != e.etag || snap.AsOf.UnixMilli()-f.sent.Load() >= repeatAfter.Milliseconds() {
		f.sent.Store(snap.AsOf.UnixMilli())
		f.stream.hub.Publish(&live.Frame{Bytes: event, ETag: e.etag})
	}
	return nil
}

// freshen makes a frame for a screen that comes to a part which nobody watched.
func (s *Server) freshen(ctx context.Context, key feedKey, f *feed) error {
	f.asked.Store(s.Now().UnixMilli())
	snap, ok := s.state.feeds.latest(key.campaign)
	if !ok {
		return errNoSnapshot
	}
	if f.frame.Load() != nil && snap.AsOf.UnixMilli()-f.made.Load() < staleAfter.Milliseconds() {
		return nil
	}
	if !f.making.CompareAndSwap(false, true) {
		if f.frame.Load() == nil {
			return errNoSnapshot // it is being made
		}
		return nil
	}
	defer f.making.Store(false)
	return s.publishScreen(ctx, key, f, snap)
}

// viewerOf is with whose eyes a feed is read.
func (key feedKey) viewer() leaderboard.Viewer {
	if key.view == "" {
		return leaderboard.Viewer{}
	}
	return leaderboard.Viewer{Office: true, Audience: key.view == viewAudience, Campaign: key.campaign, Scope: key.scope}
}

// screenFrame lays a snapshot out for a part of the campaign.
func (s *Server) screenFrame(ctx context.Context, key feedKey, snap *leaderboard.Snapshot) (frameAnswer, error) {
	c, v := snap.Campaign, key.viewer()
	sight := leaderboard.Look(c, snap.AsOf, v, key.scope)
	f := frameAnswer{
		AsOf: stamp(snap.AsOf, c.Zone), frozenPart: frozenOf(c, sight.Frozen), Campaign: lineOf(c, key.lang, snap.AsOf),
		Banner: bannerOf(c, key.lang, snap.AsOf),
		Scope:  scopeOf(c, key), Counts: countsOfRow(snap.Part(key.scope, key.lang, v)), Topics: s.topicsOf(c),
	}
	if err := s.fillTimes(ctx, &f, key, snap); err != nil {
		return f, err
	}
	rows, err := s.rowsBelow(key, v)
	if err != nil {
		return f, err
	}
	s.placeRegions(&f, snap, rows, sight)
	if f.Boards, err = s.screenBoards(ctx, key, snap, v); err != nil {
		return f, err
	}
	within := slices.DeleteFunc(slices.Clone(snap.Recent), func(a leaderboard.RecentAct) bool { return !c.Tree.Within(a.Unit, key.scope) })
	f.Recent = recentOf(c, within, key.lang)
	return f, nil
}

func scopeOf(c *campaign.Campaign, key feedKey) *scopeAnswer {
	n, ok := c.Tree.Node(key.scope)
	if !ok {
		return nil
	}
	return &scopeAnswer{ID: n.ID, Name: n.Name.In(key.lang), Kind: string(n.Kind)}
}

// rowsBelow is what lies directly below the part; nothing below a unit.
func (s *Server) rowsBelow(key feedKey, v leaderboard.Viewer) ([]leaderboard.Row, error) {
	if s.off(key.campaign, FeatureBreakdown) {
		return nil, nil
	}
	c, err := s.Catalog.Campaign(key.campaign)
	if err != nil {
		return nil, err
	}
	if n, ok := c.Tree.Node(key.scope); ok && n.Kind == campaign.Unit {
		return nil, nil
	}
	t, err := s.Boards.Breakdown(key.campaign, key.scope, key.lang, v)
	return t.Rows, err
}

// fillTimes adds today and the last 24 hours. Of a part no minutes are kept, so that its
// last hour is not known.
func (s *Server) fillTimes(ctx context.Context, f *frameAnswer, key feedKey, snap *leaderboard.Snapshot) error {
	c := snap.Campaign
	trend := snap.Trend
	if key.scope == "" {
		f.Counts.Today, f.Counts.LastHour = windowAnswer(snap.Today), new(windowAnswer(snap.LastHour))
	} else {
		all, err := s.Boards.History(ctx, c.ID, leaderboard.ByHour, key.scope, key.viewer())
		if err != nil {
			return err
		}
		today := leaderboard.Window{}
		trend = nil
		for _, b := range all.Buckets {
			if c.Day(b.Start) == c.Day(snap.AsOf) {
				today.Participants += b.Participants
				today.Attempts += b.Attempts
				today.Signatures += b.Signatures
			}
			if snap.AsOf.Sub(b.Start) < 24*time.Hour {
				trend = append(trend, b)
			}
		}
		f.Counts.Today = windowAnswer(today)
	}
	if !s.off(c.ID, FeatureHistory) {
		f.Trend = trendOf(c, trend)
	}
	return nil
}

// screenBoards is the top of the part's board of participants, null where the viewer sees
// no order.
func (s *Server) screenBoards(ctx context.Context, key feedKey, snap *leaderboard.Snapshot, v leaderboard.Viewer) (*topsAnswer, error) {
	if s.off(key.campaign, FeatureBoards) {
		return nil, nil //nolint:nilnil // No board is not an error.
	}
	b, err := s.Boards.Board(ctx, key.campaign, leaderboard.Query{Viewer: v, Scope: key.scope, Limit: frameMain})
	if errors.Is(err, leaderboard.ErrNotRanked) {
		return nil, nil //nolint:nilnil // The same.
	}
	if err != nil {
		return nil, err
	}
	return &topsAnswer{Participants: topOf(snap.Campaign, b, frameMain, key.lang), Regions: []regionTopAnswer{}}, nil
}
