package httpapi

import (
	"context"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/catalog"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
)

// campaignDeskRoutes prepare and steer campaigns.
func (s *Server) campaignDeskRoutes() []route {
	const all, one = officePath + "/campaigns", officePath + "/campaigns/:campaign"
	read := func(r route) route { return admin(r, operator.ReadCampaigns) }
	edit := func(r route) route { return admin(r, operator.EditCampaigns) }
	return []route{
		read(get(all, staff, s.listPrepared)),
		upload(edit(post(all, staff, s.createCampaign))),
		edit(get(officePath+"/campaign-templates", staff, s.listTemplates)),
		read(get(one, staff, s.showPrepared)),
		upload(edit(patch(one, staff, s.changeCampaign))),
		read(get(one+"/versions", staff, s.listVersions)),
		read(get(one+"/versions/:version", staff, s.showVersion)),
		edit(get(one+"/preview", staff, s.previewCampaign)),
		edit(post(one+"/check", staff, s.checkCampaign)),
		edit(post(one+"/publish", staff, s.steerer((*catalog.Store).Publish))),
		edit(post(one+"/pause", staff, s.steerer((*catalog.Store).Pause))),
		edit(post(one+"/resume", staff, s.steerer((*catalog.Store).Resume))),
		edit(post(one+"/close", staff, s.steerer((*catalog.Store).Close))),
		edit(post(one+"/archive", staff, s.steerer((*catalog.Store).Archive))),
		edit(post(one+"/reopen", staff, s.reopenCampaign)),
	}
}

// deskLine is a campaign as operators see it in a list.
type deskLine struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	// State is draft, scheduled, open, paused, closed or archived.
	State string `json:"state"`
	// Version is 0 for a campaign that does not lie in the catalog.
	Version  int64  `json:"version"`
	OpensAt  string `json:"opens_at"`
	ClosesAt string `json:"closes_at"`
	Paused   bool   `json:"paused"`
	Regions  int64  `json:"regions"`
	Units    int64  `json:"units"`
	Roster   int64  `json:"roster"`
	// Prizes says that there is something to win, and that it can be asked about.
	Prizes bool `json:"prizes"`
}

// prepared finds a campaign in any stage: in the catalog, or among those that lie
// elsewhere.
func (s *Server) prepared(k *call, id string) (*campaign.Campaign, error) {
	_, d, err := s.draft(k, id)
	return d.Campaign, err
}

// draft is prepared with everything about it. The entry is empty for a campaign that
// does not lie in the catalog.
func (s *Server) draft(k *call, id string) (catalog.Entry, catalog.Definition, error) {
	var none catalog.Entry
	if s.Campaigns != nil {
		e, err := s.Campaigns.Entry(k.ctx, id)
		if err == nil {
			d, err := s.Campaigns.Definition(k.ctx, e)
			return e, d, err
		}
		if fault.From(err).Kind != fault.NotFound {
			return none, catalog.Definition{}, err
		}
	}
	c, err := s.Catalog.Campaign(id)
	return none, catalog.Definition{Campaign: c}, err
}

func (s *Server) deskLineOf(e catalog.Entry, c *campaign.Campaign, lang string) deskLine {
	l := deskLine{
		ID: c.ID, Title: c.Title.In(lang), Version: e.Version, OpensAt: stamp(c.OpensAt, c.Zone), ClosesAt: stamp(c.ClosesAt, c.Zone),
		Paused: c.Paused, State: string(c.StateAt(s.Now())), Prizes: s.offersPrizes(c.ID),
	}
	if e.Version != 0 {
		l.State = catalog.StateOf(e, c, s.Now())
	}
	for n := range c.Tree.Nodes {
		if n.Kind == campaign.Region {
			l.Regions++
		}
	}
	for _, top := range c.Tree.Children("") {
		l.Units += top.Units
		l.Roster += top.Roster
	}
	return l
}

// listPrepared handles GET /api/v1/admin/campaigns: those in which the operator may
// read something.
func (s *Server) listPrepared(k *call) error {
	p, err := k.page()
	if err != nil {
		return err
	}
	entries, err := s.Campaigns.Entries(k.ctx)
	if err != nil {
		return err
	}
	var lines []deskLine
	kept := map[string]bool{}
	for _, e := range entries {
		kept[e.Campaign] = true
		if !k.actor.May(operator.ReadCampaigns, e.Campaign) {
			continue
		}
		d, err := s.Campaigns.Definition(k.ctx, e)
		if err != nil {
			return err
		}
		lines = append(lines, s.deskLineOf(e, d.Campaign, k.lang()))
	}
	for _, c := range s.Catalog.Campaigns() {
		if !kept[c.ID] && k.actor.May(operator.ReadCampaigns, c.ID) {
			lines = append(lines, s.deskLineOf(catalog.Entry{}, c, k.lang()))
		}
	}
	return k.send(fiber.StatusOK, stretch(lines, p))
}

// deskCampaign is everything an office has about a campaign.
type deskCampaign struct {
	deskLine
	// Text is the campaign file in YAML, without the tree.
	Text string `json:"text"`
	// Bank names the version of the questions, null without a quiz.
	Bank      *deskBank `json:"bank"`
	ClosedAt  *string   `json:"closed_at"`
	ChangedAt *string   `json:"changed_at"`
	ChangedBy string    `json:"changed_by"`
	Kind      string    `json:"kind"`
	Reason    string    `json:"reason"`
	// Stops are the stretches in which the clocks of running attempts stand or stood.
	Stops  []deskStop  `json:"stops,omitempty"`
	Banner *deskBanner `json:"banner,omitempty"`
}

type deskBank struct {
	Ref       string `json:"ref"`
	Digest    string `json:"digest"`
	Questions int    `json:"questions"`
}

func (s *Server) deskOf(k *call, e catalog.Entry, d catalog.Definition) (deskCampaign, error) {
	c := d.Campaign
	out := deskCampaign{
		deskLine: s.deskLineOf(e, c, k.lang()), ClosedAt: stampOrNull(e.ClosedAt, c.Zone), ChangedAt: stampOrNull(e.At, c.Zone),
		ChangedBy: e.Login, Kind: e.Kind, Reason: e.Reason, Stops: deskStopsOf(c), Banner: deskBannerOf(c),
	}
	if e.Version != 0 {
		text, err := s.Campaigns.Text(k.ctx, e)
		if err != nil {
			return out, err
		}
		out.Text = string(text)
	}
	if d.Bank != nil {
		out.Bank = &deskBank{Ref: catalog.BankRef([]byte(out.Text)), Digest: d.Bank.Digest, Questions: len(d.Bank.Questions)}
	}
	return out, nil
}

func (k *call) sendDesk(s *Server, status int, e catalog.Entry, d catalog.Definition) error {
	out, err := s.deskOf(k, e, d)
	if err != nil {
		return err
	}
	return k.send(status, out)
}

// showPrepared handles GET /api/v1/admin/campaigns/{campaign}.
func (s *Server) showPrepared(k *call) error {
	e, d, err := s.draft(k, k.Params("campaign"))
	if err != nil {
		return err
	}
	return k.sendDesk(s, fiber.StatusOK, e, d)
}

// editsWhole refuses operators who may not edit the campaign as a whole.
func (s *Server) editsWhole(k *call) error {
	c, err := s.prepared(k, k.Params("campaign"))
	if err != nil {
		return err
	}
	return k.within(operator.EditCampaigns, c, "")
}

// createCampaign handles POST /api/v1/admin/campaigns: from a file, the same in JSON,
// or as another campaign.
func (s *Server) createCampaign(k *call) error {
	var in struct {
		Text       string            `json:"text"`
		Definition jsontext.Value    `json:"definition"`
		BankFiles  map[string]string `json:"bank_files"`
		From       *struct {
			Template string `json:"template"`
			ID       string `json:"id"`
			Title    string `json:"title"`
			OpensAt  string `json:"opens_at"`
			ClosesAt string `json:"closes_at"`
			Prefix   string `json:"prefix"`
			Tree     bool   `json:"tree"`
		} `json:"from"`
		Reason string `json:"reason"`
	}
	if err := k.decodeWhy(&in, &in.Reason, false); err != nil {
		return err
	}
	body := []byte(in.Text)
	if len(in.Definition) > 0 {
		body = in.Definition
	}
	id := catalog.IDOf(body)
	if in.From != nil {
		id = in.From.ID
	}
	if (in.Text != "") == (len(in.Definition) > 0) && in.From == nil {
		return fault.InvalidField("text", "text、definition、from 三者须有其一")
	}
	if err := s.mayCreate(k, id); err != nil {
		return err
	}
	act := catalog.Act{Actor: k.actor, Reason: in.Reason}
	if in.From == nil {
		return s.sendCreated(k)(s.Campaigns.Create(k.ctx, act, body, filesOf(in.BankFiles), nil))
	}
	t := catalog.Template{From: in.From.Template, ID: in.From.ID, Title: in.From.Title, Prefix: in.From.Prefix, Tree: in.From.Tree}
	var err error
	if t.OpensAt, err = localTime("from.opens_at", in.From.OpensAt); err != nil {
		return err
	}
	if t.ClosesAt, err = localTime("from.closes_at", in.From.ClosesAt); err != nil {
		return err
	}
	if err := s.mayCopy(k, t.From); err != nil {
		return err
	}
	return s.sendCreated(k)(s.Campaigns.CreateFrom(k.ctx, act, t))
}

// mayCreate asks for the right to the campaign as a whole, before anybody learns
// whether it is there.
func (s *Server) mayCreate(k *call, id string) error {
	empty, err := campaign.NewTree(nil)
	if err != nil {
		return err
	}
	return k.within(operator.EditCampaigns, &campaign.Campaign{ID: id, Tree: empty}, "")
}

// mayCopy asks for the right to read the campaign that another one begins as.
func (s *Server) mayCopy(k *call, from string) error {
	if _, err := s.Campaigns.Entry(k.ctx, from); err == nil && !k.actor.May(operator.ReadCampaigns, from) {
		return campaign.ErrNotFound
	}
	return nil
}

func filesOf(texts map[string]string) map[string][]byte {
	if len(texts) == 0 {
		return nil
	}
	out := make(map[string][]byte, len(texts))
	for name, text := range texts {
		out[name] = []byte(text)
	}
	return out
}

func (s *Server) sendCreated(k *call) func(catalog.Outcome, error) error {
	return func(out catalog.Outcome, err error) error {
		if err != nil {
			return err
		}
		return k.sendDesk(s, fiber.StatusCreated, out.Entry, out.Definition)
	}
}

func (s *Server) sendOutcome(k *call, out catalog.Outcome, err error) error {
	if err != nil {
		return err
	}
	return k.sendDesk(s, fiber.StatusOK, out.Entry, out.Definition)
}

// localTime reads a time; without an offset it is of the campaigns' zone.
func localTime(field, text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04", "2006-01-02T15:04", time.DateTime} {
		if at, err := time.ParseInLocation(layout, text, catalog.Zone()); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fault.InvalidField(field, "应为时间，例如 2026-06-01 08:00")
}

// listTemplates handles GET /api/v1/admin/campaign-templates.
func (s *Server) listTemplates(k *call) error {
	all, err := catalog.Templates()
	if err != nil {
		return err
	}
	type line struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	}
	out := list[line]{Items: []line{}}
	for _, t := range all {
		out.Items = append(out.Items, line{t.ID, t.Title})
	}
	return k.send(fiber.StatusOK, out)
}

// changeCampaign handles PATCH /api/v1/admin/campaigns/{campaign}: set changes
// fields, text exchanges the whole file.
func (s *Server) changeCampaign(k *call) error {
	var in struct {
		Version int64          `json:"version"`
		Set     jsontext.Value `json:"set"`
		Text    string         `json:"text"`
		Reason  string         `json:"reason"`
	}
	if err := k.decodeWhy(&in, &in.Reason, false); err != nil {
		return err
	}
	if (len(in.Set) > 0) == (in.Text != "") {
		return fault.InvalidField("set", "set 与 text 须有且只有其一")
	}
	if err := s.editsWhole(k); err != nil {
		return err
	}
	act, id := catalog.Act{Actor: k.actor, Reason: in.Reason, Version: in.Version}, k.Params("campaign")
	if in.Text != "" {
		out, err := s.Campaigns.Replace(k.ctx, act, id, []byte(in.Text))
		return s.sendOutcome(k, out, err)
	}
	out, err := s.Campaigns.Patch(k.ctx, act, id, in.Set)
	return s.sendOutcome(k, out, err)
}

// steering is the body of an act that changes where a campaign stands.
type steering struct {
	Version int64  `json:"version"`
	Reason  string `json:"reason"`
	// ClosesAt is the new end when a campaign is opened again; "" is the one it had.
	ClosesAt string `json:"closes_at"`
}

func (s *Server) steering(k *call) (steering, error) {
	var in steering
	if err := k.decodeWhy(&in, &in.Reason, true); err != nil {
		return in, err
	}
	return in, s.editsWhole(k)
}

// steerer handles POST /api/v1/admin/campaigns/{campaign}/publish and its like.
func (s *Server) steerer(do func(*catalog.Store, context.Context, catalog.Act, string) (catalog.Outcome, error)) func(*call) error {
	return func(k *call) error {
		in, err := s.steering(k)
		if err != nil {
			return err
		}
		if in.ClosesAt != "" {
			return fault.InvalidField("closes_at", "只用于重新开放")
		}
		out, err := do(s.Campaigns, k.ctx, catalog.Act{Actor: k.actor, Reason: in.Reason, Version: in.Version}, k.Params("campaign"))
		return s.sendOutcome(k, out, err)
	}
}

// reopenCampaign handles POST /api/v1/admin/campaigns/{campaign}/reopen.
func (s *Server) reopenCampaign(k *call) error {
	in, err := s.steering(k)
	if err != nil {
		return err
	}
	var until time.Time
	if in.ClosesAt != "" {
		if until, err = localTime("closes_at", in.ClosesAt); err != nil {
			return err
		}
	}
	out, err := s.Campaigns.Reopen(k.ctx, catalog.Act{Actor: k.actor, Reason: in.Reason, Version: in.Version}, k.Params("campaign"), until)
	return s.sendOutcome(k, out, err)
}
