package catalog

import (
	"slices"
	"strings"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// evening is town while it is open, and what a second server reads of it.
type evening struct {
	*desk

	t  *testing.T
	db *sqldb.DB
}

const evenings = "town-2026"

func newEvening(t *testing.T, db *sqldb.DB) *evening {
	t.Helper()
	d := newDesk(t, db)
	d.apply(t, town)
	d.at = during()
	return &evening{d, t, db}
}

// read is the campaign as a server reads it that was not there before.
func (e *evening) read() *campaign.Campaign {
	e.t.Helper()
	s, err := NewStore(e.db, e.Now)
	if err != nil {
		e.t.Fatal(err)
	}
	entry, err := s.Entry(e.t.Context(), evenings)
	if err != nil {
		e.t.Fatal(err)
	}
	d, err := s.Definition(e.t.Context(), entry)
	if err != nil {
		e.t.Fatal(err)
	}
	return d.Campaign
}

// done wants an act to have made a version, and a repeat of it to make none.
func (e *evening) done(what string, act func() (Outcome, error)) {
	e.t.Helper()
	for i := range 2 {
		out, err := act()
		if err != nil || out.Changed != (i == 0) {
			e.t.Fatalf("%s: changed %t, %v", what, out.Changed, err)
		}
	}
}

func TestClocksStandAndRun(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		e := newEvening(t, db)
		started := e.at.Add(-time.Minute)
		e.done("stop", func() (Outcome, error) {
			return e.StopClocks(t.Context(), by("机房断电"), evenings, time.Time{}, true)
		})
		c := e.read()
		if _, stands := c.Clocks.StopAt(e.at.Add(campaign.ClocksNotice)); !stands || !c.Paused {
			t.Errorf("paused %t, clocks %+v", c.Paused, c.Clocks)
		}
		if _, stands := c.Clocks.StopAt(e.at.Add(campaign.ClocksNotice - time.Millisecond)); stands {
			t.Error("they stand before everybody knows of it")
		}
		e.at = e.at.Add(20 * time.Minute)
		e.done("run", func() (Outcome, error) { return e.RunClocks(t.Context(), by("恢复供电"), evenings, true) })
		c = e.read()
		if c.Paused {
			t.Error("it is paused still")
		}
		// A minute and the notice of ten were used; they ran again after 20 minutes more.
		deadline := c.Clocks.Deadline(started, started.Add(10*time.Minute), e.at.Add(time.Hour))
		if want := started.Add(30 * time.Minute); !deadline.Equal(want) {
			t.Errorf("the deadline is %s, want %s", deadline, want)
		}
		if log := audited(t, db); !slices.Equal(log[1:], []string{"campaign.paused 机房断电", "campaign.resumed 恢复供电"}) {
			t.Errorf("the log has %q", log)
		}
	})
}

// TestStopsAreBounded: a stop ends by itself, is refused where nobody is under way, and
// never lasts so long that the boards could not hold what is handed in afterwards.
func TestStopsAreBounded(t *testing.T) {
	t.Parallel()
	e := newEvening(t, sqltest.SQLite(t))
	stop := func(until time.Time) error {
		_, err := e.StopClocks(t.Context(), by("x"), evenings, until, false)
		return err
	}
	for what, until := range map[string]time.Time{"the past": e.at.Add(-time.Second), "two days": e.at.Add(48 * time.Hour)} {
		want(t, what, stop(until), campaign.ErrStop, "until")
	}
	e.at = before()
	want(t, "before the opening", stop(time.Time{}), ErrState, "state")
	end := e.read().ClosesAt
	e.at = end.Add(-time.Minute)
	if err := stop(time.Time{}); err != nil {
		t.Fatal(err)
	}
	stops := e.read().Clocks.Stops()
	if len(stops) != 1 || stops[0].Until.Sub(stops[0].From) != campaign.LongestStop {
		t.Errorf("stops %v", stops)
	}
	e.at = end.Add(campaign.LongestStop - time.Minute) // somebody may be under way
	if err := stop(time.Time{}); err != nil {
		t.Error(err)
	}
	e.at = end.Add(2*campaign.LongestStop + time.Hour)
	want(t, "long after the close", stop(time.Time{}), ErrState, "state")
}

// TestStopsFitTheBoards: near the end of what the boards can hold a stop is shorter.
func TestStopsFitTheBoards(t *testing.T) {
	t.Parallel()
	e := newEvening(t, sqltest.SQLite(t))
	entry, err := e.Entry(t.Context(), evenings)
	if err != nil {
		t.Fatal(err)
	}
	def, err := e.Definition(t.Context(), entry)
	if err != nil {
		t.Fatal(err)
	}
	layout, err := layoutOf(def.Campaign)
	if err != nil {
		t.Fatal(err)
	}
	end := layout.Base.Add(layout.Span())
	if _, err := e.Extend(t.Context(), by("x"), evenings, end.Add(-10*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := e.StopClocks(t.Context(), by("x"), evenings, time.Time{}, false); err != nil {
		t.Fatal(err)
	}
	c := e.read()
	if stood := c.Clocks.Stood(); stood < 9*time.Hour || !c.ClosesAt.Add(stood).Before(end) {
		t.Errorf("they stand for %s, and the boards end 10 hours after the close", stood)
	}
	e.at = e.at.Add(11 * time.Hour)
	_, err = e.StopClocks(t.Context(), by("x"), evenings, time.Time{}, false)
	want(t, "no room is left", err, ErrState, "until")
	_, err = e.Extend(t.Context(), by("x"), evenings, end.Add(-time.Minute))
	want(t, "close later than the boards can hold", err, ErrFixed, "closes_at")
}

func TestExtend(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		e := newEvening(t, db)
		was := e.read().ClosesAt
		e.at = was.Add(-4 * time.Minute)
		started := e.at
		later := was.Add(time.Hour)
		e.done("extend", func() (Outcome, error) { return e.Extend(t.Context(), by("应要求延长"), evenings, later) })
		c := e.read()
		for name, tc := range map[string]struct{ deadline, want time.Time }{
			"cut short by the close": {was, started.Add(10 * time.Minute)},
			"not cut short":          {was.Add(-time.Minute), was.Add(-time.Minute)},
		} {
			if got := c.Clocks.Deadline(started, tc.deadline, e.at); !got.Equal(tc.want) {
				t.Errorf("%s: until %s, want %s", name, got, tc.want)
			}
		}
		_, err := e.Extend(t.Context(), by("x"), evenings, later.Add(-time.Minute))
		if err == nil || !strings.Contains(err.Error(), "request.invalid") {
			t.Errorf("to an earlier moment: %v", err)
		}
		e.at = later.Add(-time.Second)
		_, err = e.Extend(t.Context(), by("x"), evenings, later.Add(time.Hour))
		want(t, "a second before the close", err, ErrState, "closes_at")
		e.at = later
		_, err = e.Extend(t.Context(), by("x"), evenings, later.Add(time.Hour))
		want(t, "when it is closed", err, ErrState, "state")
	})
}

// TestWhoeverIsUnderWayKeepsTheKeys: a campaign that ends early is not over for those
// whose attempts run on.
func TestWhoeverIsUnderWayKeepsTheKeys(t *testing.T) {
	t.Parallel()
	e := newEvening(t, sqltest.SQLite(t))
	const limit = 10 * time.Minute
	if c := e.read(); !c.Settles(limit).Equal(c.ClosesAt) {
		t.Errorf("it settles at %s", c.Settles(limit))
	}
	if _, err := e.Close(t.Context(), by("提前结束"), evenings); err != nil {
		t.Fatal(err)
	}
	if c := e.read(); !c.Settles(limit).Equal(e.at.Add(limit)) {
		t.Errorf("closed at %s it settles at %s", e.at, c.Settles(limit))
	}
}

func TestBanners(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		e := newEvening(t, db)
		banner := campaign.Banner{
			Text: campaign.Text{"zh-CN": "系统繁忙，计时已暂停", "bo": "དུས་ཚོད"}, Level: campaign.BannerWarning, From: e.at.Add(time.Minute), Until: e.at.Add(time.Hour),
		}
		e.done("show", func() (Outcome, error) { return e.SetBanner(t.Context(), by("告知"), evenings, &banner) })
		c := e.read()
		for _, tc := range []struct {
			at    time.Time
			shown bool
		}{{e.at, false}, {banner.From, true}, {banner.Until.Add(-1), true}, {banner.Until, false}} {
			if b := c.BannerAt(tc.at); (b != nil) != tc.shown || b != nil && b.Text.In("bo") != banner.Text["bo"] {
				t.Errorf("at %s: %v", tc.at, b)
			}
		}
		e.done("take down", func() (Outcome, error) { return e.SetBanner(t.Context(), by("撤下"), evenings, nil) })
		if b := e.read().Banner; b != nil {
			t.Errorf("%+v is there still", b)
		}
	})
}

func TestBannersArePlain(t *testing.T) {
	t.Parallel()
	ok := campaign.Banner{Text: campaign.Text{"zh-CN": "请稍候"}, Level: campaign.BannerInfo}
	now := during()
	if err := checkBanner(&ok, now); err != nil {
		t.Fatal(err)
	}
	text := func(lang, s string) func(*campaign.Banner) {
		return func(b *campaign.Banner) { b.Text = campaign.Text{"zh-CN": "请稍候", lang: s} }
	}
	for name, change := range map[string]func(*campaign.Banner){
		"nothing":          func(b *campaign.Banner) { b.Text = nil },
		"no Chinese":       func(b *campaign.Banner) { b.Text = campaign.Text{"bo": "x"} },
		"too long":         text("zh-CN", strings.Repeat("长", 201)),
		"two lines":        text("zh-CN", "一\n二"),
		"a control":        text("zh-CN", "\x1b[31m"),
		"turned around":    text("zh-CN", "a\u202eb"),
		"nothing to see":   text("zh-CN", "\u200b"),
		"broken":           text("zh-CN", "\xff"),
		"no language":      text("", "x"),
		"a strange tag":    text("zh_CN", "x"),
		"another level":    func(b *campaign.Banner) { b.Level = "error" },
		"over":             func(b *campaign.Banner) { b.Until = now },
		"ends as it comes": func(b *campaign.Banner) { b.From, b.Until = now.Add(time.Hour), now.Add(time.Hour) },
		"nine languages": func(b *campaign.Banner) {
			for l := range strings.FieldsSeq("aa bb cc dd ee ff gg hh") {
				b.Text[l] = "x"
			}
		},
	} {
		b := campaign.Banner{Text: campaign.Text{"zh-CN": "请稍候"}, Level: campaign.BannerInfo}
		change(&b)
		if checkBanner(&b, now) == nil {
			t.Errorf("%s: it is shown", name)
		}
	}
	long := campaign.Banner{Text: campaign.Text{"zh-CN": strings.Repeat("长", 200), "bo": "ཡིག <b> & 100 %"}, Level: campaign.BannerInfo}
	if err := checkBanner(&long, now); err != nil {
		t.Errorf("a text of 200 signs: %v", err)
	}
}
