package httpapi

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// board of switches that tests turn.
type handSwitches struct {
	mu  sync.Mutex
	off map[Feature]bool
	// asked, if set, is called when an answer is fixed and not yet given.
	asked func()
}

func (h *handSwitches) Off(campaignID string, f Feature) bool {
	h.mu.Lock()
	off, asked := campaignID == "spring" && h.off[f], h.asked
	h.mu.Unlock()
	if asked != nil {
		asked()
	}
	return off
}

// after has f called once, when so many questions were asked from now on.
func (h *handSwitches) after(questions int, f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = func() {
		h.mu.Lock()
		questions--
		due := questions == 0
		h.mu.Unlock()
		if due {
			f()
		}
	}
}

func (h *handSwitches) turn(f Feature, off bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.off = map[Feature]bool{f: off}
}

// TestSwitches turns one feature off after the other: its routes say so, and all
// others go on.
func TestSwitches(t *testing.T) {
	t.Parallel()
	const c = "/api/v1/campaigns/spring"
	routes := map[string]Feature{
		c + "/boards/participants": FeatureBoards, c + "/boards/participants/me": FeatureBoards,
		c + "/boards/units": FeatureBoards, c + "/boards/regions": FeatureBoards,
		c + "/counts/breakdown": FeatureBreakdown, c + "/counts/history": FeatureHistory, c + "/live": FeatureLive,
		c + "/counts": "", c + "/frame": "", c: "", c + "/units": "", "/readyz": "",
	}
	for _, f := range append(Features(), "") {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			board := &handSwitches{}
			board.turn(f, true)
			b := newBench(t, func(b *bench) { b.Switches = board })
			for path, of := range routes {
				as := ""
				if strings.HasSuffix(path, "/me") {
					as = "p:ann"
				}
				method := http.MethodGet
				if of == FeatureLive && f != FeatureLive {
					method = http.MethodHead // a stream has no end
				}
				a := b.do(t, request(method, path, as, ""))
				if off := f != "" && of == f; off != (a.status == 503) {
					t.Errorf("%s: %d %s", path, a.status, a.body)
				} else if off && (a.problem(t).Code != "service.unavailable" || a.problem(t).RetryAfterMS != 30_000) {
					t.Errorf("%s: %s", path, a.body)
				}
			}
			if strings.Contains(b.logs.String(), "service.unavailable") {
				t.Error("each request for what is off costs a line of the log")
			}
		})
	}
}

// TestSwitchesInTheFrame shows that the frame leaves out what is off, and only that.
func TestSwitchesInTheFrame(t *testing.T) {
	t.Parallel()
	board := &handSwitches{}
	b := newBench(t, func(b *bench) { b.Switches = board })
	whole := decoded[frameAnswer](t, b.get(t, "/api/v1/campaigns/spring/frame", ""))
	if whole.Boards == nil || len(whole.Regions) == 0 || len(whole.Trend) == 0 {
		t.Fatalf("the frame lacks something from the start: %+v", whole)
	}
	for _, f := range Features() {
		board.turn(f, true)
		b.Published(b.later(1))
		got := decoded[frameAnswer](t, b.get(t, "/api/v1/campaigns/spring/frame", ""))
		if (got.Boards == nil) != (f == FeatureBoards) || (len(got.Regions) == 0) != (f == FeatureBreakdown) ||
			(len(got.Trend) == 0) != (f == FeatureHistory) || got.Counts.Enrolled != whole.Counts.Enrolled {
			t.Errorf("without %s: %+v", f, got)
		}
	}
	board.turn(FeatureBoards, false)
	b.Published(b.later(1))
	if got := decoded[frameAnswer](t, b.get(t, "/api/v1/campaigns/spring/frame", "")); got.Boards == nil {
		t.Error("switched on again, and no boards")
	}
}

// TestLiveSwitchedOff ends the streams that are open, and opens others once live is
// on again.
func TestLiveSwitchedOff(t *testing.T) {
	t.Parallel()
	board := &handSwitches{}
	b := newBench(t, quickly, func(b *bench) { b.Switches = board })
	addr := serve(t, b)
	for range 3 {
		w := watchLive(t, addr, livePath)
		w.frame()
		board.turn(FeatureLive, true)
		b.Published(b.later(1))
		for {
			if _, _, err := w.next(); err == io.EOF { //nolint:errorlint // As the reader says it.
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if refused := watchLive(t, addr, livePath); refused.res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("a new stream: %d", refused.res.StatusCode)
		}
		board.turn(FeatureLive, false)
		b.Published(b.later(2))
	}
	if n := b.state.seats.count(); n != 0 {
		t.Errorf("%d seats are still taken", n)
	}
}

// TestLiveSwitchedOffOnTheWay switches live off between the steps by which a watcher
// comes: it is refused, or its stream ends.
func TestLiveSwitchedOffOnTheWay(t *testing.T) {
	t.Parallel()
	for who, path := range map[string]string{"anybody": livePath, "a screen": livePath + "?ticket=s:audience/yuci"} {
		for questions, status := range map[int]int{1: http.StatusServiceUnavailable, 2: http.StatusOK} {
			t.Run(fmt.Sprintf("%s, question %d", who, questions), func(t *testing.T) {
				t.Parallel()
				board := &handSwitches{}
				b := newBench(t, quickly, func(b *bench) { b.Switches, b.Now = board, noon }) // no ticket runs out
				addr := serve(t, b)
				board.after(questions, func() {
					board.turn(FeatureLive, true)
					b.Published(b.later(1))
				})
				w := watchLive(t, addr, path)
				if w.res.StatusCode != status {
					t.Fatalf("%d, want %d", w.res.StatusCode, status)
				}
				if _, err := io.Copy(io.Discard, w.r); timedOut(err) {
					t.Errorf("the stream goes on: %v", err)
				}
			})
		}
	}
}

// TestLiveSwitchedOffWithoutFrames ends the streams of screens also while the store
// gives no boards for their frames.
func TestLiveSwitchedOffWithoutFrames(t *testing.T) {
	t.Parallel()
	board := &handSwitches{}
	b := newBench(t, quickly, func(b *bench) { b.Switches, b.Now = board, noon }) // no ticket runs out, and boards fail
	w := watchLive(t, serve(t, b), livePath+"?ticket=s:audience/yuci")
	if w.res.StatusCode != http.StatusOK {
		t.Fatalf("status %d", w.res.StatusCode)
	}
	board.turn(FeatureLive, true)
	b.Published(b.later(1))
	if _, err := io.Copy(io.Discard, w.r); timedOut(err) {
		t.Errorf("the stream goes on: %v", err)
	}
}
