package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/fault"
)

// What is done on the busiest evening, as versions and the audit log call it.
const (
	KindClocksStopped = "clocks_stopped"
	KindClocksRunning = "clocks_running"
	KindExtended      = "extended"
	KindBanner        = "banner"
)

// StopClocks lets the clocks of running attempts stand a moment from now on, until
// they are told to run, or the given moment where there is one, and a day at most. It
// moves no close. With pause nobody begins anything new meanwhile either.
func (s *Store) StopClocks(ctx context.Context, act Act, id string, until time.Time, pause bool) (Outcome, error) {
	kind := KindClocksStopped
	if pause {
		kind = KindPaused
	}
	return s.steer(ctx, act, kind, id, func(e *edit, state string) error {
		if pause && state == string(campaign.Closed) {
			return stateFault("state", "活动已结束，不需要暂停")
		}
		e.entry.Paused = e.entry.Paused || pause
		return e.stopClocks(until)
	})
}

// RunClocks lets clocks that stand run again a moment from now on. With resume a pause
// is taken back, too.
func (s *Store) RunClocks(ctx context.Context, act Act, id string, resume bool) (Outcome, error) {
	kind := KindClocksRunning
	if resume {
		kind = KindResumed
	}
	return s.steer(ctx, act, kind, id, func(e *edit, _ string) error {
		if resume {
			e.entry.Paused = false
		}
		return e.setClocks(e.old.Campaign.Clocks.Run(e.was.Version+1, e.Now()))
	})
}

// Extend moves the close of a campaign that is open or paused to a later moment.
// Running attempts that the close before had cut short get the time that they lack.
func (s *Store) Extend(ctx context.Context, act Act, id string, closes time.Time) (Outcome, error) {
	return s.steer(ctx, act, KindExtended, id, func(e *edit, state string) error {
		was := e.old.Campaign.ClosesAt
		switch {
		case state == string(campaign.Closed):
			return stateFault("state", "活动已结束，请重新开放")
		case closes.Equal(was):
			return nil
		case closes.Before(was):
			return fault.InvalidField("closes_at", "应晚于原来的结束时间 "+was.Format(time.DateTime))
		case was.Before(e.Now().Add(campaign.ClocksNotice)):
			return stateFault("closes_at", "活动几秒后结束，来不及延长；请在结束后重新开放，并补发答题机会")
		}
		return e.setCloses(closes)
	})
}

// SetBanner shows everybody a short text, or none with nil.
func (s *Store) SetBanner(ctx context.Context, act Act, id string, b *campaign.Banner) (Outcome, error) {
	return s.steer(ctx, act, KindBanner, id, func(e *edit, _ string) error {
		if b == nil {
			e.entry.banner = ""
			return nil
		}
		if err := checkBanner(b, e.Now()); err != nil {
			return err
		}
		raw, err := json.Marshal(b)
		if err != nil {
			return fmt.Errorf("encode the banner: %w", err)
		}
		e.entry.banner = string(raw)
		return nil
	})
}

// Bounds of a banner.
const (
	maxBanner    = 200 // characters
	maxLanguages = 8
)

// checkBanner refuses what is no short plain text.
func checkBanner(b *campaign.Banner, now time.Time) error {
	if b.Text[campaign.DefaultLanguage] == "" {
		return fault.InvalidField("text", "请填写中文（zh-CN）内容")
	}
	if len(b.Text) > maxLanguages {
		return fault.InvalidField("text", "语言过多")
	}
	for lang, text := range b.Text {
		if n := utf8.RuneCountInString(text); n == 0 || n > maxBanner || !plain(text) || !isTag(lang) {
			return fault.InvalidField("text."+lang, "应为 1 至 200 字的纯文本，不含换行和控制字符")
		}
	}
	if b.Level != campaign.BannerInfo && b.Level != campaign.BannerWarning {
		return fault.InvalidField("level", "应为 info 或 warning")
	}
	if !b.Until.IsZero() && (!b.Until.After(b.From) || !b.Until.After(now)) {
		return fault.InvalidField("until", "应晚于现在和开始时间")
	}
	return nil
}

// plain tells whether a text has nothing in it but characters to be read: nothing that
// ends a line, steers its direction, or cannot be seen.
func plain(text string) bool {
	for _, r := range text {
		if r == utf8.RuneError || r != ' ' && !unicode.IsGraphic(r) {
			return false
		}
	}
	return utf8.ValidString(text)
}

// isTag tells whether a text may be a language's tag, such as zh-CN.
func isTag(lang string) bool {
	for _, r := range lang {
		if !(r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z') {
			return false
		}
	}
	return len(lang) >= 2 && len(lang) <= 16
}

// stopClocks lets the clocks stand for no longer than the boards can hold what is
// handed in afterwards.
func (e *edit) stopClocks(until time.Time) error {
	c := e.old.Campaign
	switch {
	case e.old.Quiz == nil:
		return stateFault("quiz", "本活动没有答题")
	case !c.AlwaysOpen && e.Now().Before(c.OpensAt):
		return stateFault("state", "活动尚未开放")
	case !c.AlwaysOpen && !e.Now().Before(c.Settles(e.old.Quiz.TimeLimit)):
		return stateFault("state", "活动已结束，没有进行中的答卷")
	}
	number := e.was.Version + 1
	next, err := c.Clocks.Stop(number, e.Now(), until)
	if err != nil {
		return err
	}
	most, err := e.boardsEnd()
	if err != nil {
		return err
	}
	if over := c.ClosesAt.Add(next.Stood()).Sub(most); over >= 0 && !c.AlwaysOpen {
		stops := next.Stops()
		last := stops[len(stops)-1]
		ends := last.Until.Add(-over).Add(-time.Minute)
		if !until.IsZero() || !ends.After(e.Now().Add(time.Minute)) {
			return stateFault("until", "停表过久，榜单无法记录之后交的答卷")
		}
		if next, err = c.Clocks.Stop(number, e.Now(), ends); err != nil {
			return err
		}
	}
	return e.setClocks(next)
}

// boardsEnd is before when the boards can hold what is handed in.
func (e *edit) boardsEnd() (time.Time, error) {
	layout, err := layoutOf(e.planned().Campaign)
	if err != nil {
		return time.Time{}, fmt.Errorf("layout of the boards: %w", err)
	}
	return layout.Base.Add(layout.Span()), nil
}

func (e *edit) setClocks(c campaign.Clocks) error {
	if c.Number() == e.old.Campaign.Clocks.Number() {
		return nil
	}
	raw, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode the clocks: %w", err)
	}
	e.entry.clocks = string(raw)
	return nil
}

// followClose notes in the clocks that the close of an open campaign moves, by
// whatever act.
func (e *edit) followClose(next configs.Definition) error {
	o, n := e.old.Campaign, next.Campaign
	if e.was.Stage != Published || e.old.Quiz == nil || n.AlwaysOpen || o.ClosesAt.Equal(n.ClosesAt) || e.Now().Before(o.OpensAt) {
		return nil
	}
	n.Clocks = n.Clocks.MoveClose(e.entry.Version, e.Now(), o.ClosesAt, n.ClosesAt, e.old.Quiz.TimeLimit)
	return e.setClocks(n.Clocks)
}

// switches reads what lies beside the text into the campaign.
func (e Entry) switches(c *campaign.Campaign) error {
	c.Version, c.Paused = e.Version, e.Paused
	if !e.ClosedAt.IsZero() && e.ClosedAt.Before(c.ClosesAt) {
		c.ClosesAt = e.ClosedAt
	}
	if e.clocks != "" {
		if err := json.Unmarshal([]byte(e.clocks), &c.Clocks); err != nil {
			return fmt.Errorf("clocks: %w", err)
		}
	}
	if e.banner == "" {
		return nil
	}
	c.Banner = &campaign.Banner{}
	if err := json.Unmarshal([]byte(e.banner), c.Banner); err != nil {
		return fmt.Errorf("banner: %w", err)
	}
	return nil
}
