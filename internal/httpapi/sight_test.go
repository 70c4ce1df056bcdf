package httpapi

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"qingyuan/campaign"
	"qingyuan/internal/redisstore"
	facts "qingyuan/internal/stream"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// The stage's times: its boards stand still from frozenAt to thawedAt.
func frozenAt() time.Time { return noon().Add(time.Hour) }
func thawedAt() time.Time { return noon().Add(3 * time.Hour) }

// stage is a bench on the real services with a clock, on which seven people take
// part. How long each attempt took is different, so that the time tells whose line
// is seen, and of when.
type stage struct {
	*bench
	*testing.T

	at        atomic.Int64
	publisher *leaderboard.Publisher
	folder    *leaderboard.Folder
	own       belongings // what Ann handed in
}

func (s *stage) now() time.Time { return time.UnixMilli(s.at.Load()) }

func newStage(t *testing.T, mode campaign.RankingMode) *stage {
	t.Helper()
	s := &stage{T: t}
	s.at.Store(noon().UnixMilli())
	s.bench = newRealBenchAt(t, s.now, func(c *campaign.Campaign) {
		c.Ranking, c.Tiers, c.Shards, c.Combined = mode, campaign.PresetTiers(), 2, true
		c.Phases = []campaign.Phase{{ID: "spring", Title: zh("春"), From: c.OpensAt, To: c.ClosesAt}}
		c.Freeze = campaign.Freeze{At: frozenAt(), Until: thawedAt()}
	})
	c := s.catalog.campaigns[0]
	boards := s.Boards.(*leaderboard.Service)
	s.publisher = &leaderboard.Publisher{
		Store: boards.Store, Campaigns: func() []*campaign.Campaign { return s.catalog.campaigns }, Now: s.now, Published: s.Published,
		Failed: func(_ string, err error) { t.Error(err) },
	}
	boards.Snapshots = s.publisher
	s.folder = &leaderboard.Folder{
		Store: boards.Store, Facts: &facts.Reader{DB: s.redis, Key: redisstore.StreamKey, Mark: redisstore.MarkKey},
		Campaign: func() (*campaign.Campaign, error) { return c, nil }, Folded: func(int, time.Duration) {}, Now: s.now,
	}
	return s
}

// settle folds what happened and publishes it.
func (s *stage) settle() {
	s.Helper()
	for shard := range s.catalog.campaigns[0].Shards {
		for {
			n, err := s.folder.Step(s.Context(), shard)
			if err != nil {
				s.Fatal(err)
			}
			if n == 0 {
				break
			}
		}
	}
	s.publisher.Refresh(s.Context())
}

// token is of the person with a number.
func (s *stage) token(n int) string { return "p:" + strings.Repeat(string(rune('A'+n)), 16) }

// answer has somebody hand in an attempt that took so long. right says whether the
// answers are.
func (s *stage) answer(n int, used time.Duration, right bool) belongings {
	s.Helper()
	paper := decoded[paperAnswer](s.T, s.do(s.T, request(http.MethodPost, attempts, s.token(n), "")))
	answers := quiz.Answers{}
	for _, q := range paper.Questions {
		for _, o := range q.Options {
			if want := o.Text == "甲" || o.Text == "乙" && q.Kind == string(quiz.Multiple); want == right {
				answers[q.ID] = append(answers[q.ID], o.ID)
				if q.Kind == string(quiz.Single) {
					break
				}
			}
		}
	}
	body, err := json.Marshal(map[string]any{"answers": answers})
	if err != nil {
		s.Fatal(err)
	}
	s.at.Add(used.Milliseconds())
	a := s.do(s.T, request(http.MethodPost, attempts+"/"+paper.Attempt+"/submission", s.token(n), string(body)))
	if r := decoded[receiptAnswer](s.T, a); r.UsedMS != used.Milliseconds() || r.Passed != right {
		s.Fatalf("handed in %s", a.body)
	}
	return belongings{attempt: paper.Attempt, answers: string(body)}
}

func (s *stage) enrol(n int) {
	s.Helper()
	body := `{"unit":"no1","name":"张三","group":"public","consent":{"notice_version":"n1"}}`
	if a := s.do(s.T, request(http.MethodPut, "/api/v1/campaigns/spring/enrolment", s.token(n), body)); a.status != 200 {
		s.Fatalf("enrol: %s", a.body)
	}
}

// seconds lists the times of attempts on the stage, as used_ms tells them.
func seconds(n ...int64) []int64 {
	for i := range n {
		n[i] *= 1000
	}
	return n
}

// act is a moment of the stage and what is true in it.
type act struct {
	name   string
	frozen bool
	// public and office are the times that each reads on the board, rising;
	// people how many each reads to have taken part.
	public, office             []int64
	publicPeople, officePeople int64
	annsOwn                    int64 // the seconds of her best attempt
}

// TestWhoSeesWhat walks every route in every ranking mode as everybody, before the
// boards stand still, while they do and afterwards: wherever a place, a tier or
// somebody's result is told that must not be, or is missing, it is found.
func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	for _, mode := range []campaign.RankingMode{campaign.RankNone, campaign.ProgressOnly, campaign.Tiers, campaign.TopN} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			s := newStage(t, mode)
			for n := range 6 {
				s.enrol(n)
				if own := s.answer(n, time.Duration(101+n)*time.Second, n == 3); n == 0 {
					s.own = own
				}
			}
			s.settle()
			early := seconds(101, 102, 103, 104, 105, 106)
			tags := []string{s.crawl(mode, act{"before", false, early, early, 6, 6, 101})}

			s.at.Store(frozenAt().UnixMilli())
			s.own = s.answer(0, 201*time.Second, true) // Ann betters hers
			s.answer(1, 202*time.Second, true)
			s.enrol(6)
			s.answer(6, 203*time.Second, false)
			s.settle()
			late := seconds(103, 104, 105, 106, 201, 202, 203)
			tags = append(tags, s.crawl(mode, act{"frozen", true, early, late, 6, 7, 201}))

			s.at.Store(thawedAt().UnixMilli())
			s.settle()
			tags = append(tags, s.crawl(mode, act{"over", false, late, late, 7, 7, 201}))
			if mode == campaign.TopN && (tags[0] == tags[1] || tags[1] == tags[2]) {
				t.Errorf("the board kept its tag when it froze or moved again: %q", tags)
			}
		})
	}
}

// crawl asks every route that reads, as everybody. It returns the tag of the public
// board.
func (s *stage) crawl(mode campaign.RankingMode, now act) (tag string) {
	s.Helper()
	for _, as := range []string{"", s.token(0), s.token(5), "v:all", "v:yuci", "v:taigu"} {
		for _, path := range s.paths() {
			q := asked{mode: mode, act: now, as: as, path: path}
			a := s.get(s.T, path, as)
			q.check(s, a)
			if as == "" && path == boards+"participants" {
				tag = a.header.Get("ETag")
			}
		}
		if strings.HasPrefix(as, "p:A") { // her receipt once more
			q := asked{mode: mode, act: now, as: as, path: attempts + "/" + s.own.attempt}
			q.check(s, s.do(s.T, request(http.MethodPost, q.path+"/submission", as, s.own.answers)))
		}
	}
	return tag
}

// paths lists every route that reads, boards in all their parts and periods.
func (s *stage) paths() []string {
	fill := strings.NewReplacer(":campaign", "spring", ":attempt", s.own.attempt, ":serial", "SPR-0")
	var out []string
	for _, r := range s.app.GetRoutes() {
		if r.Method != http.MethodGet || strings.HasSuffix(r.Path, "/live") || // which sends the frame
			strings.HasPrefix(r.Path, officePath) { // which is for operators alone: TestMatrixOfRights
			continue
		}
		path := fill.Replace(r.Path)
		out = append(out, path)
		switch {
		case strings.Contains(path, "/boards/participants"):
			for _, part := range []string{"", "scope=yuci", "scope=no1", "group=public"} {
				for _, window := range []string{"", "&period=2026-06-02", "&period=spring"} {
					out = append(out, path+"?"+part+window)
				}
			}
		case strings.Contains(path, "/boards/"):
			for _, m := range leaderboard.UnitMetrics() {
				out = append(out, path+"?metric="+string(m), path+"?parent=yuci&metric="+string(m))
			}
		case strings.HasSuffix(path, "/breakdown"):
			out = append(out, path+"?parent=yuci")
		case strings.HasSuffix(path, "/history"):
			out = append(out, path+"?scope=yuci", path+"?step=day&scope=no1")
		}
	}
	return out
}

// asked is one question, and by the rules of ranking modes and freezes what its
// answer may tell.
type asked struct {
	mode     campaign.RankingMode
	act      act
	as, path string
}

// oversees tells whether an office asks about its own part. A frame is the same for
// everybody.
func (q asked) oversees() bool {
	if q.frame() {
		return false
	}
	part := strings.Contains(q.path, "scope=yuci") || strings.Contains(q.path, "scope=no1") || strings.Contains(q.path, "parent=yuci")
	return q.as == "v:all" || q.as == "v:yuci" && part
}

func (q asked) board() bool {
	return strings.Contains(q.path, "/boards/participants") && !strings.Contains(q.path, "/me")
}
func (q asked) mine() bool  { return strings.Contains(q.path, "/boards/participants/me") }
func (q asked) units() bool { return strings.Contains(q.path, "/boards/") && !q.mine() && !q.board() }
func (q asked) frame() bool { return strings.HasSuffix(q.path, "/frame") }
func (q asked) split() bool { return strings.Contains(q.path, "/breakdown") }

// course tells whether it is the history of a part.
func (q asked) course() bool { return strings.Contains(q.path, "/history?") }

func (q asked) receipt() bool {
	return strings.HasPrefix(q.path, attempts+"/") || strings.HasSuffix(q.path, "/spring/me")
}

// allowed tells whether the campaign lets the question be answered at all.
func (q asked) allowed() bool {
	progress := !strings.Contains(q.path, "metric=") || strings.Contains(q.path, "metric=participation") || strings.Contains(q.path, "metric=signatures")
	switch {
	case q.board():
		return q.mode == campaign.TopN || q.oversees()
	case q.mine():
		return q.mode != campaign.RankNone
	case q.units():
		return q.mode == campaign.TopN || q.mode == campaign.Tiers || q.mode == campaign.ProgressOnly && progress
	default:
		return true
	}
}

// places lists the fields in which the answer must tell a place.
func (q asked) places() []string {
	ranked := q.mode == campaign.TopN
	switch {
	case q.board():
		return []string{"items.rank"}
	case q.mine() && ranked && !q.act.frozen:
		fields := []string{"around.rank", "beat_percent", "of", "rank"}
		if query := q.path[strings.Index(q.path, "/me")+len("/me"):]; query == "" || query == "?" {
			fields = append(fields, "score_rank")
		}
		return fields
	case q.mine() && q.mode == campaign.Tiers && !q.act.frozen && strings.HasPrefix(q.as, "p:A"):
		return []string{"tier"} // Ann is among the better six of ten
	case q.frame() && ranked:
		return []string{"boards.participants.items.rank", "boards.regions.items.rank", "regions.rank"}
	case q.frame() && q.mode != campaign.RankNone:
		return []string{"regions.rank"} // of regions, by how far they have come: that is compared in every mode but none
	case q.receipt() && ranked && !q.act.frozen && strings.HasPrefix(q.as, "p:"):
		return []string{"rank"}
	case strings.HasSuffix(q.path, "/campaigns/spring"):
		return []string{"tiers.tier"}
	default:
		return nil
	}
}

// check compares an answer with what it must and must not tell.
func (q asked) check(s *stage, a answer) {
	s.Helper()
	where := fmt.Sprintf("%s, %s as %q", q.act.name, q.path, q.as)
	if !q.allowed() && a.status < 400 {
		s.Errorf("%s: answered %s", where, a.body)
	}
	if a.status >= 400 || !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") || strings.HasSuffix(q.path, "/openapi.json") {
		q.refused(s, where, a)
		return
	}
	told := tell(s.T, a)
	if got, want := slices.Sorted(maps.Keys(told.places)), q.places(); !slices.Equal(got, want) && !q.units() {
		s.Errorf("%s: tells the places %q, want %q: %s", where, got, want, a.body)
	}
	if still := q.stands() && q.act.frozen; still != strings.Contains(a.body, `"frozen_at":"`) {
		s.Errorf("%s: stands still: %v: %s", where, still, a.body)
	}
	q.checkTimes(s, where, told)
	q.checkPeople(s, where, told)
}

// refused wants refusals where there are some, and no other.
func (q asked) refused(s *stage, where string, a answer) {
	s.Helper()
	ranking := q.board() || q.units() || q.mine() && strings.HasPrefix(q.as, "p:")
	if ranking && q.allowed() && a.status != 200 {
		s.Errorf("%s: refused %d %s", where, a.status, a.body)
	}
	if ranking && !q.allowed() && a.problem(s.T).Code != "board.not_ranked" {
		s.Errorf("%s: refused with %s", where, a.body)
	}
}

// stands tells whether the answer stands still with the boards for whoever asks.
func (q asked) stands() bool {
	return q.frame() || q.mine() || (q.board() || q.units() || q.split() || q.course()) && !q.oversees()
}

// checkTimes wants the results of exactly those who stand on the board that may be
// seen, and elsewhere nobody's but one's own.
func (q asked) checkTimes(s *stage, where string, told telling) {
	s.Helper()
	seen := q.act.public
	if q.oversees() {
		seen = q.act.office
	}
	switch {
	case q.board(), q.frame() && q.mode == campaign.TopN:
		got := slices.Concat(told.times["items.used_ms"], told.times["boards.participants.items.used_ms"])
		if slices.Sort(got); !slices.Equal(got, seen) {
			s.Errorf("%s: shows %v, want %v", where, got, seen)
		}
	case q.mine() && len(q.places()) > 1:
		if len(told.times["around.used_ms"]) != 5 {
			s.Errorf("%s: %v around", where, told.times["around.used_ms"])
		}
	default:
		own := map[string][]int64{s.token(0): seconds(101, 201), s.token(5): seconds(106)}[q.as]
		for field, times := range told.times {
			for _, n := range times {
				if !slices.Contains(own, n) {
					s.Errorf("%s: %s tells %d", where, field, n)
				}
			}
		}
	}
	if want := q.act.annsOwn; q.mine() && q.as == s.token(0) && !slices.Equal(told.times["used_ms"], seconds(want)) {
		s.Errorf("%s: Ann's own is %v, want %d s", where, told.times["used_ms"], want)
	}
}

// checkPeople compares how many took part, where that is told of everybody.
func (q asked) checkPeople(s *stage, where string, told telling) {
	s.Helper()
	want := q.act.publicPeople
	if q.oversees() || strings.HasSuffix(q.path, "/counts") {
		want = q.act.officePeople
	}
	field := map[bool]string{true: "total.participants", false: "participants"}[q.split()]
	if q.split() || strings.HasSuffix(q.path, "/counts") {
		if got := told.people[field]; len(got) != 1 || got[0] != want {
			s.Errorf("%s: %v took part, want %d", where, got, want)
		}
	}
	if q.units() && strings.Contains(q.path, "/boards/units") || q.course() {
		sum := int64(0)
		for _, n := range slices.Concat(told.people["items.participants"], told.people["unranked.participants"]) {
			sum += n
		}
		if sum != want {
			s.Errorf("%s: %d took part, want %d", where, sum, want)
		}
	}
	if got := told.people["regions.participants"]; q.frame() && got[0] != q.act.publicPeople {
		s.Errorf("%s: %v took part in the regions, want %d", where, got, q.act.publicPeople)
	}
}

// telling is what an answer tells of places, times and people, by field.
type telling struct {
	places        map[string]bool
	times, people map[string][]int64
}

func tell(t *testing.T, a answer) telling {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("body %q: %v", a.body, err)
	}
	told := telling{map[string]bool{}, map[string][]int64{}, map[string][]int64{}}
	told.walk("", v)
	return told
}

func (w telling) walk(path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, field := range v {
			w.walk(strings.TrimPrefix(path+"."+name, "."), field)
		}
	case []any:
		for _, e := range v {
			w.walk(path, e)
		}
	case string:
		if strings.HasSuffix(path, "tier") {
			w.places[path] = true
		}
	case float64:
		w.number(path, int64(v))
	}
}

func (w telling) number(path string, n int64) {
	switch name := path[strings.LastIndex(path, ".")+1:]; name {
	case "rank", "score_rank", "of", "beat_percent":
		w.places[path] = true
	case "used_ms":
		w.times[path] = append(w.times[path], n)
	case "participants":
		w.people[path] = append(w.people[path], n)
	}
}
