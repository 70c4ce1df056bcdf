package httpapi

import (
	"bufio"
	"context"
	"strings"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/challenge"
	"qingyuan/internal/correction"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/sheet"
	"qingyuan/quiz"
)

// ChallengeDesk is where an office decides on questions. *challenge.Service is one.
type ChallengeDesk interface {
	List(ctx context.Context, who operator.Actor, campaignID string, offset, limit int64) ([]*challenge.Challenge, error)
	Find(ctx context.Context, who operator.Actor, campaignID, id string) (*challenge.Challenge, error)
	Question(ctx context.Context, c *challenge.Challenge) (*quiz.Question, error)
	Batch(ctx context.Context, c *challenge.Challenge) (*correction.Batch, error)
	Take(ctx context.Context, who operator.Actor, d challenge.Draft) (*challenge.Challenge, error)
	Decide(ctx context.Context, who operator.Actor, c *challenge.Challenge, j challenge.Judgement) (*challenge.Challenge, error)
	Dismiss(ctx context.Context, who operator.Actor, c *challenge.Challenge, why string) (*challenge.Challenge, error)
	Readmit(ctx context.Context, who operator.Actor, c *challenge.Challenge, why string) (*challenge.Challenge, error)
	Preview(ctx context.Context, who operator.Actor, c *challenge.Challenge) (*challenge.Challenge, error)
	Ranks(ctx context.Context, c *challenge.Challenge, offset, limit int64) ([]challenge.Rank, error)
	AskRun(ctx context.Context, who operator.Actor, c *challenge.Challenge) (string, error)
	AskUndo(ctx context.Context, who operator.Actor, c *challenge.Challenge, why string) (string, error)
	GoOn(ctx context.Context, who operator.Actor, c *challenge.Challenge) error
	Cancel(ctx context.Context, who operator.Actor, c *challenge.Challenge) error
}

// challengeRoutes are how an office deals with questions that are contested.
func (s *Server) challengeRoutes() []route {
	const reports = officePath + "/campaigns/:campaign/question-reports"
	const all = officePath + "/campaigns/:campaign/challenges"
	const one = all + "/:challenge"
	mine := func(r route) route { return admin(r, operator.CorrectResults) }
	return []route{
		post("/api/v1/campaigns/:campaign/attempts/:attempt/reports", person, s.reportQuestion),
		mine(get(reports, staff, s.listReported)),
		mine(get(reports+"/:fingerprint", staff, s.readReports)),
		mine(get(all, staff, s.listChallenges)),
		mine(post(all, staff, s.takeChallenge)),
		mine(get(one, staff, s.showChallenge)),
		mine(post(one+"/decide", staff, s.decideChallenge)),
		mine(post(one+"/dismiss", staff, s.dismissChallenge)),
		mine(post(one+"/readmit", staff, s.readmitQuestion)),
		mine(post(one+"/preview", staff, s.previewChallenge)),
		mine(post(one+"/run", staff, s.askChallenge)),
		mine(post(one+"/undo", staff, s.askChallengeUndo)),
		mine(post(one+"/continue", staff, s.continueChallenge)),
		mine(post(one+"/cancel", staff, s.cancelChallenge)),
		mine(get(one+"/ranks", staff, s.listRanks)),
		slow(mine(get(one+"/ranks.xlsx", staff, s.exportRanksXLSX))),
		slow(mine(get(one+"/ranks.csv", staff, s.exportRanksCSV))),
	}
}

// contestedT is a question as the office sees it: with its key.
type contestedT struct {
	ID      string   `json:"id"`
	Kind    string   `json:"kind"`
	Stem    string   `json:"stem"`
	Options []string `json:"options"`
	Key     string   `json:"key"`
	Basis   string   `json:"basis"`
}

// contestedOf is null where the ledger does not hold the version yet.
func contestedOf(q *quiz.Question) *contestedT {
	if q == nil {
		return nil
	}
	out := &contestedT{ID: q.ID, Kind: string(q.Kind), Stem: q.Stem, Options: []string{}, Key: letters(q.Key), Basis: q.Basis}
	for _, o := range q.Options {
		out.Options = append(out.Options, o.Text)
	}
	return out
}

type reportedT struct {
	Question    string                   `json:"question"`
	Fingerprint string                   `json:"fingerprint"`
	Reports     int64                    `json:"reports"`
	Persons     int64                    `json:"persons"`
	Kinds       map[challenge.Kind]int64 `json:"kinds"`
	Texts       int64                    `json:"texts"`
	FirstAt     string                   `json:"first_at"`
	LastAt      string                   `json:"last_at"`
	Challenge   *string                  `json:"challenge"`
	Text        *contestedT              `json:"text"`
	answeredT
}

// listReported handles GET /api/v1/admin/campaigns/{campaign}/question-reports: what was
// reported, question by question, and nothing of who reported it.
func (s *Server) listReported(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	all, err := s.Challenges.Gathered(k.ctx, k.actor, c.ID)
	if err != nil {
		return err
	}
	return sendStretch(k, all, func(g challenge.Gathered) reportedT { return s.reportedOf(c, &g) })
}

func (s *Server) reportedOf(c *campaign.Campaign, g *challenge.Gathered) reportedT {
	out := reportedT{
		Question: g.Question, Fingerprint: g.Fingerprint, Reports: g.Reports, Persons: g.Persons, Kinds: g.Kinds, Texts: g.Texts,
		FirstAt: stamp(g.First, c.Zone), LastAt: stamp(g.Last, c.Zone), Text: contestedOf(g.Text),
		answeredT: s.answered(c, g.Fingerprint),
	}
	if g.Challenge != nil {
		out.Challenge = &g.Challenge.ID
	}
	return out
}

type officeReportT struct {
	ID        string  `json:"id"`
	Unit      string  `json:"unit"`
	UnitName  string  `json:"unit_name"`
	Kind      string  `json:"kind"`
	Text      *string `json:"text"`
	CreatedAt string  `json:"created_at"`
}

// readReports handles GET …/question-reports/{fingerprint}: what was written of one
// question. That it was read is remembered first.
func (s *Server) readReports(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	limit, err := k.limit()
	if err != nil {
		return err
	}
	before, err := k.text("cursor")
	if err != nil {
		return err
	}
	mark := k.Params("fingerprint")
	all, err := s.Challenges.Texts(k.ctx, k.actor, c.ID, mark, before, int(limit)+1)
	if err != nil {
		return err
	}
	all, next := cut(all, int(limit), func(r *challenge.Report) string { return r.ID })
	if len(all) > 0 {
		if err := s.Journal.Read(k.ctx, s.record(k, operator.CorrectResults, c.ID, "question:"+all[0].Question), len(all)); err != nil {
			return err
		}
	}
	return k.send(fiber.StatusOK, listOf(all, next, func(r *challenge.Report) officeReportT {
		return officeReportT{r.ID, r.Unit, nameWithin(c, r.Unit, k.lang()), string(r.Kind), textOrNull(r.Text), stamp(r.CreatedAt, c.Zone)}
	}))
}

type placedT struct {
	Rank        int64  `json:"rank"`
	Participant string `json:"participant"`
	Unit        string `json:"unit"`
	UnitName    string `json:"unit_name"`
	Score       int    `json:"score"`
}

type effectT struct {
	Had          int64     `json:"had"`
	Persons      int64     `json:"persons"`
	Open         int64     `json:"open"`
	Raised       int64     `json:"raised"`
	Lowered      int64     `json:"lowered"`
	Same         int64     `json:"same"`
	PassesGained int64     `json:"passes_gained"`
	PassesLost   int64     `json:"passes_lost"`
	Moved        int64     `json:"moved"`
	TopBefore    []placedT `json:"top_before"`
	TopAfter     []placedT `json:"top_after"`
	AsOf         string    `json:"as_of"`
}

func effectOf(c *campaign.Campaign, e *correction.Effect, lang string) *effectT {
	if e == nil {
		return nil
	}
	top := func(all []correction.Placed) []placedT {
		out := []placedT{}
		for _, p := range all {
			out = append(out, placedT{p.Rank, p.Participant, p.Unit, nameWithin(c, p.Unit, lang), p.Score})
		}
		return out
	}
	return &effectT{
		Had: e.Had, Persons: e.Persons, Open: e.Open, Raised: e.Raised, Lowered: e.Lowered, Same: e.Same,
		PassesGained: e.PassesGained, PassesLost: e.PassesLost, Moved: e.Moved,
		TopBefore: top(e.TopBefore), TopAfter: top(e.TopAfter), AsOf: stamp(e.AsOf, c.Zone),
	}
}

type challengeT struct {
	ID          string      `json:"id"`
	Question    string      `json:"question"`
	Fingerprint string      `json:"fingerprint"`
	State       string      `json:"state"`
	Decision    string      `json:"decision"`
	Rule        string      `json:"rule"`
	Key         string      `json:"key"`
	BankVersion int64       `json:"bank_version"`
	Why         string      `json:"why"`
	Reason      string      `json:"reason"`
	Login       string      `json:"login"`
	Decider     string      `json:"decider"`
	CreatedAt   string      `json:"created_at"`
	DecidedAt   *string     `json:"decided_at"`
	Correction  *string     `json:"correction"`
	Text        *contestedT `json:"text,omitempty"`
	answeredT
	// Batch is the list of attempts to mark again, and Effect what that comes to.
	Batch  *correctionT `json:"batch,omitempty"`
	Effect *effectT     `json:"effect,omitempty"`
}

func (s *Server) challengeOf(c *campaign.Campaign, o *challenge.Challenge) challengeT {
	out := challengeT{
		ID: o.ID, Question: o.Question, Fingerprint: o.Fingerprint, State: string(o.State), Decision: string(o.Decision), Rule: string(o.Rule),
		Key: letters(o.Key), BankVersion: o.Version, Why: o.Why, Reason: o.Reason, Login: o.Login, Decider: o.Decider,
		CreatedAt: stamp(o.CreatedAt, c.Zone), DecidedAt: stampOrNull(o.DecidedAt, c.Zone), answeredT: s.answered(c, o.Fingerprint),
	}
	if o.Correction != "" {
		out.Correction = &o.Correction
	}
	return out
}

// listChallenges handles GET /api/v1/admin/campaigns/{campaign}/challenges.
func (s *Server) listChallenges(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	return sendPage(k, func(offset, limit int64) ([]*challenge.Challenge, error) {
		return s.Challenges.List(k.ctx, k.actor, c.ID, offset, limit)
	}, func(o *challenge.Challenge) challengeT { return s.challengeOf(c, o) })
}

// takeChallenge handles POST /api/v1/admin/campaigns/{campaign}/challenges.
func (s *Server) takeChallenge(k *call) error {
	var in struct {
		Question    string `json:"question"`
		Fingerprint string `json:"fingerprint"`
		Why         string `json:"why"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	o, err := s.Challenges.Take(k.ctx, k.actor, challenge.Draft{Campaign: c.ID, Question: in.Question, Fingerprint: in.Fingerprint, Why: in.Why})
	if err != nil {
		return err
	}
	return k.send(fiber.StatusCreated, s.challengeOf(c, o))
}

// challengeNamed finds the challenge that the path names, and its campaign.
func (s *Server) challengeNamed(k *call) (*campaign.Campaign, *challenge.Challenge, error) {
	return found(s, k, "challenge", s.Challenges.Find)
}

// showChallenge handles GET …/challenges/{challenge}: with the question, and what the list
// comes to.
func (s *Server) showChallenge(k *call) error {
	c, o, err := s.challengeNamed(k)
	if err != nil {
		return err
	}
	return s.sendChallenge(k, c, o)
}

func (s *Server) sendChallenge(k *call, c *campaign.Campaign, o *challenge.Challenge) error {
	out := s.challengeOf(c, o)
	q, err := s.Challenges.Question(k.ctx, o)
	if err != nil {
		return err
	}
	out.Text = contestedOf(q)
	b, err := s.Challenges.Batch(k.ctx, o)
	if err != nil {
		return err
	}
	if b != nil {
		batch := correctionOf(c, b, k.lang())
		out.Batch, out.Effect = &batch, effectOf(c, b.Summary.Effect, k.lang())
	}
	return k.send(fiber.StatusOK, out)
}

// decideChallenge handles POST …/challenges/{challenge}/decide: the question leaves drawing
// at once. No result changes before a second person has approved the list.
func (s *Server) decideChallenge(k *call) error {
	var in struct {
		Decision string `json:"decision"`
		Key      string `json:"key"`
		Rule     string `json:"rule"`
		Reason   string `json:"reason"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	key, err := keyOf(in.Key)
	if err != nil {
		return err
	}
	j := challenge.Judgement{Decision: challenge.Decision(in.Decision), Key: key, Rule: quiz.Rule(in.Rule), Reason: in.Reason}
	return s.leadChallenge(k, func(o *challenge.Challenge) (*challenge.Challenge, error) {
		return s.Challenges.Decide(k.ctx, k.actor, o, j)
	})
}

// keyOf reads a key as offices write it: "AC".
func keyOf(text string) (quiz.Choice, error) {
	var key quiz.Choice
	for _, r := range strings.ToUpper(text) {
		i := int(r - 'A')
		if i < 0 || i >= quiz.MaxOptions || key.Has(i) {
			return 0, fault.InvalidField("key", "应为选项字母，如 A 或 ACD")
		}
		key = key.With(i)
	}
	return key, nil
}

// leadChallenge does something to a challenge and answers with what it is then.
func (s *Server) leadChallenge(k *call, do func(*challenge.Challenge) (*challenge.Challenge, error)) error {
	c, o, err := s.challengeNamed(k)
	if err != nil {
		return err
	}
	if o, err = do(o); err != nil {
		return err
	}
	return s.sendChallenge(k, c, o)
}

// dismissChallenge handles POST …/challenges/{challenge}/dismiss.
func (s *Server) dismissChallenge(k *call) error {
	return s.leadWithReason(k, func(o *challenge.Challenge, why string) (*challenge.Challenge, error) {
		return s.Challenges.Dismiss(k.ctx, k.actor, o, why)
	})
}

// readmitQuestion handles POST …/challenges/{challenge}/readmit.
func (s *Server) readmitQuestion(k *call) error {
	return s.leadWithReason(k, func(o *challenge.Challenge, why string) (*challenge.Challenge, error) {
		return s.Challenges.Readmit(k.ctx, k.actor, o, why)
	})
}

func (s *Server) leadWithReason(k *call, do func(o *challenge.Challenge, why string) (*challenge.Challenge, error)) error {
	reason, err := k.reason()
	if err != nil {
		return err
	}
	return s.leadChallenge(k, func(o *challenge.Challenge) (*challenge.Challenge, error) { return do(o, reason) })
}

// previewChallenge handles POST …/challenges/{challenge}/preview: the list is made anew.
func (s *Server) previewChallenge(k *call) error {
	return s.leadChallenge(k, func(o *challenge.Challenge) (*challenge.Challenge, error) {
		return s.Challenges.Preview(k.ctx, k.actor, o)
	})
}

// askChallenge handles POST …/challenges/{challenge}/run: a second person is asked.
func (s *Server) askChallenge(k *call) error {
	_, o, err := s.challengeNamed(k)
	if err != nil {
		return err
	}
	id, err := s.Challenges.AskRun(k.ctx, k.actor, o)
	return k.sendAsked(id, err)
}

// askChallengeUndo handles POST …/challenges/{challenge}/undo: a second person is asked.
func (s *Server) askChallengeUndo(k *call) error {
	reason, err := k.reason()
	if err != nil {
		return err
	}
	_, o, err := s.challengeNamed(k)
	if err != nil {
		return err
	}
	id, err := s.Challenges.AskUndo(k.ctx, k.actor, o, reason)
	return k.sendAsked(id, err)
}

// continueChallenge handles POST …/challenges/{challenge}/continue.
func (s *Server) continueChallenge(k *call) error {
	return s.leadChallenge(k, func(o *challenge.Challenge) (*challenge.Challenge, error) {
		return o, s.Challenges.GoOn(k.ctx, k.actor, o)
	})
}

// cancelChallenge handles POST …/challenges/{challenge}/cancel.
func (s *Server) cancelChallenge(k *call) error {
	return s.leadChallenge(k, func(o *challenge.Challenge) (*challenge.Challenge, error) {
		return o, s.Challenges.Cancel(k.ctx, k.actor, o)
	})
}

type rankT struct {
	Participant string `json:"participant"`
	Unit        string `json:"unit"`
	UnitName    string `json:"unit_name"`
	ScoreBefore int    `json:"score_before"`
	RankBefore  *int64 `json:"rank_before"`
	ScoreAfter  int    `json:"score_after"`
	RankAfter   *int64 `json:"rank_after"`
}

// listRanks handles GET …/challenges/{challenge}/ranks: everybody on the list, by the place
// afterwards.
func (s *Server) listRanks(k *call) error {
	c, o, err := s.challengeNamed(k)
	if err != nil {
		return err
	}
	return sendPage(k, func(offset, limit int64) ([]challenge.Rank, error) {
		return s.Challenges.Ranks(k.ctx, o, offset, limit)
	}, func(r challenge.Rank) rankT {
		return rankT{r.Participant, r.Unit, nameWithin(c, r.Unit, k.lang()), r.ScoreBefore, rankOf(r.Before), r.ScoreAfter, rankOf(r.After)}
	})
}

// exportRanksXLSX handles GET …/challenges/{challenge}/ranks.xlsx.
func (s *Server) exportRanksXLSX(k *call) error { return s.exportRanks(k, sheet.XLSX) }

// exportRanksCSV handles GET …/challenges/{challenge}/ranks.csv.
func (s *Server) exportRanksCSV(k *call) error { return s.exportRanks(k, sheet.CSV) }

// exportRanks gives out the places before and after of everybody on the list, with no
// names.
func (s *Server) exportRanks(k *call, f sheet.Format) error {
	c, o, err := s.challengeNamed(k)
	if err != nil {
		return err
	}
	lang := k.lang()
	return s.stream(k, f.ContentType(), "challenge-"+o.ID+"."+string(f), func(ctx context.Context, w *bufio.Writer) error {
		out, err := sheet.New(w, f)
		if err != nil {
			return err
		}
		if err := out.Table("重新评分前后名次", sheet.Column{Title: "参与者编号"}, sheet.Column{Title: "单位编号"}, sheet.Column{Title: "单位"},
			sheet.Column{Title: "原得分"}, sheet.Column{Title: "原名次"}, sheet.Column{Title: "现得分"}, sheet.Column{Title: "现名次"}); err != nil {
			return err
		}
		for offset := int64(0); ; offset += exportPage {
			some, err := s.Challenges.Ranks(ctx, o, offset, exportPage)
			if err != nil {
				return err
			}
			for i := range some {
				r := &some[i]
				if err := out.Row(r.Participant, r.Unit, unitName(c, r.Unit, lang), r.ScoreBefore, r.Before, r.ScoreAfter, r.After); err != nil {
					return err
				}
			}
			if len(some) < exportPage {
				return out.Close()
			}
		}
	})
}
