package httpapi

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/catalog"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// campaignVersionT is one version of a campaign: what was done, by whom, and why.
type campaignVersionT struct {
	Version int64  `json:"version"`
	At      string `json:"at"`
	Login   string `json:"login"`
	Kind    string `json:"kind"`
	Reason  string `json:"reason"`
	Stage   string `json:"stage"`
	Paused  bool   `json:"paused"`
	// Tree is the version in which the tree last changed, 0 for an empty one.
	Tree int64 `json:"tree"`
}

func campaignVersionOf(e catalog.Entry) campaignVersionT {
	return campaignVersionT{e.Version, stamp(e.At, nil), e.Login, e.Kind, e.Reason, string(e.Stage), e.Paused, e.Tree}
}

// listVersions handles GET /api/v1/admin/campaigns/{campaign}/versions, newest first.
func (s *Server) listVersions(k *call) error {
	below, err := k.whole("cursor", 0, 0, maxOffset)
	if err != nil {
		return err
	}
	if _, err := s.prepared(k, k.Params("campaign")); err != nil {
		return err
	}
	all, err := s.Campaigns.Versions(k.ctx, k.Params("campaign"), below, leaderboard.MaxPage+1)
	if err != nil {
		return err
	}
	out := list[campaignVersionT]{Items: []campaignVersionT{}}
	if len(all) > leaderboard.MaxPage {
		all = all[:leaderboard.MaxPage]
		out.NextCursor = cursor(all[len(all)-1].Version)
	}
	for _, e := range all {
		out.Items = append(out.Items, campaignVersionOf(e))
	}
	return k.send(fiber.StatusOK, out)
}

type fieldChangeT struct {
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
}

type nodeChangeT struct {
	ID     string     `json:"id"`
	Before *deskNodeT `json:"before"`
	After  *deskNodeT `json:"after"`
}

type versionDetail struct {
	campaignVersionT
	Text string `json:"text"`
	// Fields and Nodes are what differs from the version Against.
	Against int64          `json:"against"`
	Fields  []fieldChangeT `json:"fields"`
	Nodes   []nodeChangeT  `json:"nodes"`
	// NodesInAll counts the nodes that differ; Nodes has the first of them.
	NodesInAll int `json:"nodes_in_all"`
}

// showVersion handles GET /api/v1/admin/campaigns/{campaign}/versions/{version}, with
// what differs from the one before, or from the one that against names.
func (s *Server) showVersion(k *call) error {
	id := k.Params("campaign")
	version, err := strconv.ParseInt(k.Params("version"), 10, 64)
	if err != nil || version < 1 {
		return fault.ErrNotFound
	}
	against, err := k.whole("against", max(version-1, 1), 1, maxOffset)
	if err != nil {
		return err
	}
	e, err := s.Campaigns.Version(k.ctx, id, version)
	if err != nil {
		return err
	}
	text, err := s.Campaigns.Text(k.ctx, e)
	if err != nil {
		return err
	}
	d, err := s.Campaigns.Difference(k.ctx, id, against, version)
	if err != nil {
		return err
	}
	out := versionDetail{
		campaignVersionT: campaignVersionOf(e), Text: string(text), Against: against, Fields: []fieldChangeT{}, Nodes: []nodeChangeT{}, NodesInAll: d.NodesInAll,
	}
	for _, f := range d.Fields {
		out.Fields = append(out.Fields, fieldChangeT(f))
	}
	for _, n := range d.Nodes {
		out.Nodes = append(out.Nodes, nodeChangeOf(n, k.lang()))
	}
	return k.send(fiber.StatusOK, out)
}

func nodeChangeOf(d catalog.NodeDiff, lang string) nodeChangeT {
	var out nodeChangeT
	if d.Before != nil {
		out.ID, out.Before = d.Before.ID, new(deskNodeOf(d.Before, lang))
	}
	if d.After != nil {
		out.ID, out.After = d.After.ID, new(deskNodeOf(d.After, lang))
	}
	return out
}

// checkAnswer says whether a campaign could be published, and everything that speaks
// against it.
type checkAnswer struct {
	OK      bool          `json:"ok"`
	Code    string        `json:"code"`
	Message string        `json:"message"`
	Faults  []fault.Field `json:"faults"`
}

// checkCampaign handles POST /api/v1/admin/campaigns/{campaign}/check: it changes
// nothing.
func (s *Server) checkCampaign(k *call) error {
	var in struct {
		Set jsontext.Value `json:"set"`
	}
	if err := k.decodeOptional(&in); err != nil {
		return err
	}
	if err := s.editsWhole(k); err != nil {
		return err
	}
	_, err := s.Campaigns.Check(k.ctx, catalog.Act{Actor: k.actor}, k.Params("campaign"), in.Set)
	out := checkAnswer{OK: err == nil, Faults: []fault.Field{}}
	if err != nil {
		f := fault.From(err)
		if f.Kind != fault.Invalid && f.Kind != fault.Conflict {
			return err
		}
		out.Code, out.Message, out.Faults = f.Code, f.Text, f.Fields
		if len(out.Faults) == 0 {
			out.Faults = []fault.Field{{Name: "campaign", Reason: f.Text}}
		}
	}
	return k.send(fiber.StatusOK, out)
}

// previewAnswer is a campaign as participants will see it: what the public pages say,
// the whole pledge, and a paper as one of a group might draw it.
type previewAnswer struct {
	Campaign campaignDetail   `json:"campaign"`
	Pledge   *pledgeAnswer    `json:"pledge"`
	Group    string           `json:"group"`
	Paper    []questionAnswer `json:"paper"`
}

// previewCampaign handles GET /api/v1/admin/campaigns/{campaign}/preview. A paper has
// the questions without their keys, as anybody gets it.
func (s *Server) previewCampaign(k *call) error {
	e, d, err := s.draft(k, k.Params("campaign"))
	if err != nil {
		return err
	}
	if err := k.within(operator.EditCampaigns, d.Campaign, ""); err != nil {
		return err
	}
	if e.Version == 0 {
		if d, err = s.elsewhere(d.Campaign.ID); err != nil {
			return err
		}
	}
	group, err := k.text("group")
	if err != nil {
		return err
	}
	out, err := s.preview(d, group, k.lang())
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, out)
}

// elsewhere is the definition of a campaign that does not lie in the catalog.
func (s *Server) elsewhere(id string) (catalog.Definition, error) {
	c, err := s.Catalog.Campaign(id)
	if err != nil {
		return catalog.Definition{}, err
	}
	d := catalog.Definition{Campaign: c}
	if o, err := s.Catalog.Quiz(id); err == nil {
		d.Quiz, d.Bank = o.Rules, o.Bank
	}
	if o, err := s.Catalog.Pledge(id); err == nil {
		d.Pledge = &o
	}
	return d, nil
}

func (s *Server) preview(d catalog.Definition, group, lang string) (previewAnswer, error) {
	c := d.Campaign
	out := previewAnswer{Campaign: s.describe(c, lang), Paper: []questionAnswer{}}
	if d.Pledge != nil {
		v := d.Pledge.Current()
		out.Campaign.Pledge = &pledgeTitle{v.Version, v.Title.In(lang)}
		out.Pledge = &pledgeAnswer{
			Version: v.Version, Title: v.Title.In(lang), Text: v.Text.In(lang), SHA256: v.SHA256(lang), Methods: v.Methods,
		}
	}
	if group == "" {
		group = c.Groups[0].ID
	}
	if _, ok := c.Group(group); !ok {
		return out, fault.InvalidField("group", "没有这个参与群体")
	}
	out.Group = group
	if d.Quiz == nil {
		return out, nil
	}
	out.Campaign.Quiz = quizAnswerOf(c, d.Quiz)
	paper, err := s.sample(d, c.Audience(group))
	if err != nil {
		return out, err
	}
	for _, q := range paper.Questions {
		out.Paper = append(out.Paper, questionOf(q))
	}
	return out, nil
}

// sample draws a paper as on the first day, or today while the campaign runs.
func (s *Server) sample(d catalog.Definition, audience string) (quiz.Sheet, error) {
	at := s.Now()
	if at.Before(d.Campaign.OpensAt) || !at.Before(d.Campaign.ClosesAt) {
		at = d.Campaign.OpensAt
	}
	paper, err := quiz.Draw(d.Bank, d.Quiz, audience, d.Campaign.Day(at), uint64(at.UnixNano()))
	if err != nil {
		return quiz.Sheet{}, err
	}
	return paper.Sheet(d.Bank)
}
