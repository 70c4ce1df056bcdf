package httpapi

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/leaderboard"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

type campaignLine struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	State    string `json:"state"`
	OpensAt  string `json:"opens_at"`
	ClosesAt string `json:"closes_at"`
}

func lineOf(c *campaign.Campaign, lang string, now time.Time) campaignLine {
	return campaignLine{
		ID: c.ID, Title: c.Title.In(lang), State: string(c.StateAt(now)),
		OpensAt: stamp(c.OpensAt, c.Zone), ClosesAt: stamp(c.ClosesAt, c.Zone),
	}
}

// listCampaigns handles GET /api/v1/campaigns.
func (s *Server) listCampaigns(k *call) error {
	now, lang := s.Now(), k.lang()
	return sendStretch(k, s.Catalog.Campaigns(), func(c *campaign.Campaign) campaignLine { return lineOf(c, lang, now) })
}

type campaignDetail struct {
	campaignLine
	Groups          []groupAnswer `json:"groups"`
	EnrolmentFields []fieldAnswer `json:"enrolment_fields"`
	RankingMode     string        `json:"ranking_mode"`
	// TopN is how many places are public, Tiers what is told instead of a place.
	TopN     *int          `json:"top_n"`
	Tiers    []tierAnswer  `json:"tiers"`
	Phases   []phaseAnswer `json:"phases"`
	Combined bool          `json:"combined_boards"`
	// Freeze is announced as soon as it is known, null for none.
	Freeze        *freezeAnswer `json:"freeze"`
	ConsentNotice noticeAnswer  `json:"consent_notice"`
	Quiz          *quizAnswer   `json:"quiz"`
	Pledge        *pledgeTitle  `json:"pledge"`
	ServerTime    string        `json:"server_time"`
	// Stand says that the clocks of running attempts stand.
	Stand bool `json:"clocks_stand,omitzero"`
	// Prizes says that there is something to win.
	Prizes bool          `json:"prizes,omitzero"`
	Banner *bannerAnswer `json:"banner,omitempty"`
}

// bannerAnswer is what everybody who looks is told: plain text, to be shown as it is.
type bannerAnswer struct {
	Text  string  `json:"text"`
	Level string  `json:"level"`
	Until *string `json:"until"`
}

// bannerOf is nil where there is nothing to tell now.
func bannerOf(c *campaign.Campaign, lang string, now time.Time) *bannerAnswer {
	b := c.BannerAt(now)
	if b == nil {
		return nil
	}
	return &bannerAnswer{b.Text.In(lang), string(b.Level), stampOrNull(b.Until, c.Zone)}
}

type groupAnswer struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Guardian tells the page to ask for the guardian's consent.
	Guardian bool `json:"guardian_required"`
}

type fieldAnswer struct {
	Field    string `json:"field"`
	Required bool   `json:"required"`
}

type noticeAnswer struct {
	Version   string       `json:"version"`
	Text      string       `json:"text"`
	Retention []retentionT `json:"retention,omitempty"`
}

// retentionT is how long one kind of what is known of people is kept.
type retentionT struct {
	Kind string `json:"kind"`
	Days int    `json:"days"`
	Text string `json:"text"`
}

// keptTexts say what is kept, as the notice does.
//
//nolint:gochecknoglobals // A constant in everything but the language.
var keptTexts = map[campaign.Kept]string{
	campaign.KeptPersonal: "姓名、电话、监护人和手写签名",
	campaign.KeptMessages: "投诉建议、申诉等来信及答复",
	campaign.KeptRosters:  "单位名册上的姓名和编号",
	campaign.KeptOrigins:  "区分来源的密钥",
	campaign.KeptFlags:    "异常提示的标记",
	campaign.KeptPapers:   "纸质承诺书的存放凭据",
}

// noticeOf is the notice with the campaign's rule of how long what is kept.
func noticeOf(c *campaign.Campaign, lang string) noticeAnswer {
	n := noticeAnswer{Version: c.Consent.Version, Text: c.Consent.Text.In(lang)}
	for _, k := range campaign.AllKept() {
		if days, ruled := c.Retention[k]; ruled {
			n.Retention = append(n.Retention, retentionT{string(k), days, fmt.Sprintf("%s：活动结束后 %d 天", keptTexts[k], days)})
		}
	}
	return n
}

type quizAnswer struct {
	Questions      int    `json:"questions"`
	TimeLimitMS    int64  `json:"time_limit_ms"`
	AttemptsPerDay *int   `json:"attempts_per_day"`
	AttemptsInAll  *int   `json:"attempts_in_all"`
	PassScore      int    `json:"pass_score"`
	MaxScore       int    `json:"max_score"`
	Policy         string `json:"policy"`
	Review         string `json:"review"`
}

type pledgeTitle struct {
	Version string `json:"version"`
	Title   string `json:"title"`
}

// showCampaign handles GET /api/v1/campaigns/{campaign}.
func (s *Server) showCampaign(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	d, err := s.detail(c, k.lang())
	if err != nil {
		return err
	}
	e, err := encode(d, "server_time")
	if err != nil {
		return err
	}
	return k.sendEncoded(e, cacheDetail)
}

func (s *Server) detail(c *campaign.Campaign, lang string) (campaignDetail, error) {
	d := s.describe(c, lang)
	var err error
	if d.Quiz, err = s.quizOf(c); err != nil {
		return d, err
	}
	if d.Prizes, err = s.hasPrizes(c.ID); err != nil {
		return d, err
	}
	d.Pledge, err = s.pledgeOf(c.ID, lang)
	return d, err
}

// describe is detail without what a quiz and a pledge say.
func (s *Server) describe(c *campaign.Campaign, lang string) campaignDetail {
	now := s.Now()
	d := campaignDetail{
		campaignLine: lineOf(c, lang, now),
		RankingMode:  string(c.Ranking), TopN: bound(c.TopN), Combined: c.Combined, Freeze: freezeOf(c),
		Tiers: tiersOf(c), Phases: phasesOf(c, lang),
		ConsentNotice: noticeOf(c, lang),
		ServerTime:    stamp(now, c.Zone), Banner: bannerOf(c, lang, now),
	}
	_, d.Stand = c.Clocks.StopAt(now)
	for _, g := range c.Groups {
		d.Groups = append(d.Groups, groupAnswer{g.ID, g.Name.In(lang), g.Guardian})
	}
	for _, f := range c.Fields {
		d.EnrolmentFields = append(d.EnrolmentFields, fieldAnswer{f.Name, f.Required})
	}
	return d
}

// quizOf returns nil for a campaign without a quiz.
func (s *Server) quizOf(c *campaign.Campaign) (*quizAnswer, error) {
	o, err := s.Catalog.Quiz(c.ID)
	if errors.Is(err, quiz.ErrNoQuiz) {
		return nil, nil //nolint:nilnil // A campaign may be a pledge alone.
	}
	if err != nil {
		return nil, err
	}
	return quizAnswerOf(c, o.Rules), nil
}

func quizAnswerOf(c *campaign.Campaign, r *quiz.Rules) *quizAnswer {
	return &quizAnswer{
		Questions: r.Questions(), TimeLimitMS: r.TimeLimit.Milliseconds(),
		AttemptsPerDay: bound(r.AttemptsPerDay), AttemptsInAll: bound(r.AttemptsInAll),
		PassScore: r.PassScore, MaxScore: r.MaxScore(), Policy: policyOf(c), Review: string(r.Review),
	}
}

// bound writes a limit, null for none.
func bound(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

// pledgeOf returns nil for a campaign without a pledge.
func (s *Server) pledgeOf(id, lang string) (*pledgeTitle, error) {
	o, err := s.Catalog.Pledge(id)
	if errors.Is(err, pledge.ErrNoPledge) {
		return nil, nil //nolint:nilnil // A campaign may be a quiz alone.
	}
	if err != nil {
		return nil, err
	}
	v := o.Current()
	return &pledgeTitle{v.Version, v.Title.In(lang)}, nil
}

type unitAnswer struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Kind        string   `json:"kind"`
	Code        string   `json:"code,omitzero"`
	HasChildren bool     `json:"has_children"`
	Path        []string `json:"path"`
}

// listUnits handles GET /api/v1/campaigns/{campaign}/units: one level of the
// tree, or a search in all of it.
func (s *Server) listUnits(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	p, err := k.page()
	if err != nil {
		return err
	}
	nodes, err := findNodes(k, c)
	if err != nil {
		return err
	}
	part := stretch(nodes, p)
	return k.send(fiber.StatusOK, list[unitAnswer]{Items: unitsOf(c, part.Items, k.lang()), NextCursor: part.NextCursor})
}

func unitsOf(c *campaign.Campaign, nodes []*campaign.Node, lang string) []unitAnswer {
	out := make([]unitAnswer, len(nodes))
	for i, n := range nodes {
		out[i] = unitAnswer{
			ID: n.ID, Name: n.Name.In(lang), Kind: string(n.Kind), Code: n.Code,
			HasChildren: len(n.Children) > 0, Path: c.Tree.Path(n.ID, lang),
		}
	}
	return out
}

// parentOrQuery reads which nodes are asked for: those below parent, or those that a query
// finds.
func (k *call) parentOrQuery() (parent, query string, err error) {
	if parent, err = k.text("parent"); err != nil {
		return "", "", err
	}
	if query, err = k.text("q"); err != nil {
		return "", "", err
	}
	if parent != "" && query != "" {
		return "", "", fault.InvalidField("q", "上级和关键词只能选一种")
	}
	return parent, query, nil
}

func findNodes(k *call, c *campaign.Campaign) ([]*campaign.Node, error) {
	parent, query, err := k.parentOrQuery()
	if err != nil {
		return nil, err
	}
	if query != "" {
		return offered(c.Tree.Search(query, k.lang(), leaderboard.MaxPage)), nil
	}
	if n, ok := c.Tree.Node(parent); parent != "" && (!ok || n.Kind != campaign.Region) {
		return nil, fault.InvalidField("parent", "没有这个地区")
	}
	return offered(c.Tree.Children(parent)), nil
}

// offered leaves out the units that take nobody in any more.
func offered(nodes []*campaign.Node) []*campaign.Node {
	return slices.DeleteFunc(nodes, func(n *campaign.Node) bool { return n.Retired })
}
