package httpapi

import (
	"bufio"
	"context"
	stdjson "encoding/json"
	"io"
	"time"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/jobs"
	"qingyuan/internal/operator"
	"qingyuan/internal/report"
	"qingyuan/internal/sheet"
	"qingyuan/leaderboard"
	"qingyuan/proof"
)

// Reports gives operators their figures. *report.Desk is one.
type Reports interface {
	// Ask puts an export in line and returns the job's id.
	Ask(ctx context.Context, o report.Order, r jobs.Request, by audit.Record) (string, error)
	// File opens what an export has made; report.ErrNotMade.
	File(ctx context.Context, job string) (jobs.Job, report.Made, io.Reader, error)
	Brief(ctx context.Context, campaignID string, asOf time.Time) (string, error)
	Announce(ctx context.Context, campaignID string, asOf time.Time, by audit.Record) (report.Announcement, error)
	Announced(ctx context.Context, campaignID string) ([]report.Announcement, error)
	// Announcement tells also what was corrected since.
	Announcement(ctx context.Context, campaignID, id string) (report.Announcement, []report.Difference, error)
}

// reportRoutes are what leaves the system, and what is told of it.
func (s *Server) reportRoutes() []route {
	const c = officePath + "/campaigns/:campaign"
	figures := func(r route) route { return admin(r, operator.ReadFigures) }
	return []route{
		figures(get(c+"/progress", staff, s.showProgress)),
		figures(post(c+"/exports", staff, s.orderExport)),
		slow(figures(get(c+"/exports/:job/file", staff, s.sendExport))),
		slow(figures(get(c+"/brief", staff, s.showBrief))),
		figures(get(c+"/announcements", staff, s.listAnnouncements)),
		slow(figures(get(c+"/announcements/:announcement", staff, s.showAnnouncement))),
		slow(admin(post(c+"/announcements", staff, s.announce), operator.AnnounceFigures)),
	}
}

// instant reads a time of a query or a body: RFC 3339, "" for none.
func instant(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fault.InvalidField(field, "应为带时区的时间，如 2026-06-26T20:00:00+08:00")
	}
	return at, nil
}

// showProgress handles GET …/progress?parent=: how far every part of a region has come,
// live and true, also while the public boards stand still.
func (s *Server) showProgress(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	parent, err := k.text("parent")
	if err != nil {
		return err
	}
	if err := k.within(operator.ReadFigures, c, parent); err != nil {
		return err
	}
	t, err := s.progress(c, parent, k.lang())
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, progressOf(c, parent, t))
}

// progressFigures are what an office is told beside what the public is.
type progressFigures struct {
	// Answered are the persons who have a score.
	Answered int64 `json:"answered"`
	// PassRate is the share of them who passed, SignatureRate that of the roster who
	// signed, at most the whole.
	PassRate      *float64 `json:"pass_rate"`
	SignatureRate *float64 `json:"signature_rate"`
}

type progressTotal struct {
	figures
	progressFigures
}

type progressRow struct {
	rowAnswer
	progressFigures
}

type progressAnswer struct {
	AsOf   string        `json:"as_of"`
	Parent *string       `json:"parent"`
	Total  progressTotal `json:"total"`
	Items  []progressRow `json:"items"`
}

func progressOf(c *campaign.Campaign, parent string, t leaderboard.Table) progressAnswer {
	out := progressAnswer{
		AsOf: stamp(t.Snapshot.AsOf, c.Zone), Total: progressTotal{figuresOf(t.Total), progressFiguresOf(t.Total)}, Items: []progressRow{},
	}
	if parent != "" {
		out.Parent = &parent
	}
	for _, r := range t.Rows {
		out.Items = append(out.Items, progressRow{rowOf(r), progressFiguresOf(r)})
	}
	return out
}

func progressFiguresOf(r leaderboard.Row) progressFigures {
	f := progressFigures{Answered: r.Scored}
	if !r.Small && r.Scored > 0 {
		f.PassRate = new(rounded(float64(r.Passed)/float64(r.Scored), shareScale))
	}
	if r.Roster > 0 {
		f.SignatureRate = new(rounded(min(float64(r.Signatures)/float64(r.Roster), 1), shareScale))
	}
	return f
}

// progress returns the table of a region's children, or of a unit, which has none.
func (s *Server) progress(c *campaign.Campaign, node, lang string) (leaderboard.Table, error) {
	of := func(region string) (leaderboard.Table, error) {
		return s.Boards.Breakdown(c.ID, region, lang, leaderboard.Viewer{Office: true, Campaign: c.ID, Scope: region})
	}
	n, ok := c.Tree.Node(node)
	if !ok || n.Kind == campaign.Region {
		return of(node)
	}
	t, err := of(n.Parent)
	for _, row := range t.Rows {
		if row.ID == node {
			t.Total = row
		}
	}
	t.Rows = nil
	return t, err
}

type exportRequest struct {
	What   report.Export `json:"what"`
	Scope  string        `json:"scope"`
	AsOf   string        `json:"as_of"`
	Names  bool          `json:"names"`
	Format sheet.Format  `json:"format"`
}

type orderedT struct {
	Job string `json:"job"`
}

// orderExport handles POST …/exports. Lists of persons ask for another right than
// figures do, and a part of the campaign for the right there.
func (s *Server) orderExport(k *call) error {
	var in exportRequest
	if err := k.decode(&in); err != nil {
		return err
	}
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	asOf, err := instant("as_of", in.AsOf)
	if err != nil {
		return err
	}
	action, err := k.mayExport(c, in)
	if err != nil {
		return err
	}
	o := report.Order{What: in.What, Campaign: c.ID, Scope: in.Scope, AsOf: asOf, Names: in.Names, Format: in.Format}
	r := jobs.Request{Action: string(action), Actor: k.actor.ID, Login: k.actor.Login, Addr: k.addr}
	id, err := s.Reports.Ask(k.ctx, o, r, s.record(k, action, c.ID, ""))
	if err != nil {
		return err
	}
	return k.send(fiber.StatusAccepted, orderedT{id})
}

// mayExport asks for the right to an export and returns it. The report on a campaign is
// that of the whole.
func (k *call) mayExport(c *campaign.Campaign, in exportRequest) (operator.Action, error) {
	action := operator.ReadFigures
	if in.What.Personal() || in.Names {
		action = operator.ReadParticipants
	}
	if err := mayAct(k.actor, action, c.ID); err != nil {
		return action, err
	}
	return action, k.within(action, c, in.Scope)
}

// sendExport handles GET …/exports/{job}/file. That it was taken is in the audit log.
func (s *Server) sendExport(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	id := k.Params("job")
	j, made, _, err := s.Reports.File(k.ctx, id)
	if err != nil {
		return err
	}
	if j.Campaign != c.ID || !k.actor.Within(operator.Action(j.Action), c, j.Node) {
		return report.ErrNotMade
	}
	record := s.record(k, operator.Action(j.Action), c.ID, "export:"+j.ID)
	record.Reason = "下载"
	if record.After, err = stdjson.Marshal(made); err != nil { // of which part it tells, too
		return err
	}
	if err := s.Journal.Append(k.ctx, record); err != nil {
		return err
	}
	return s.stream(k, made.ContentType(), made.FileName(), func(ctx context.Context, w *bufio.Writer) error {
		_, _, file, err := s.Reports.File(ctx, id)
		if err != nil {
			return err
		}
		_, err = io.Copy(w, file)
		return err
	})
}

type briefT struct {
	Text string `json:"text"`
}

// showBrief handles GET …/brief?as_of=.
func (s *Server) showBrief(k *call) error {
	c, err := s.told(k, operator.ReadFigures)
	if err != nil {
		return err
	}
	asOf, err := instant("as_of", k.Query("as_of"))
	if err != nil {
		return err
	}
	text, err := s.Reports.Brief(k.ctx, c.ID, asOf)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, briefT{text})
}

// told finds the campaign for figures of all of it.
func (s *Server) told(k *call, a operator.Action) (*campaign.Campaign, error) {
	c, err := s.campaign(k)
	if err != nil {
		return nil, err
	}
	return c, k.within(a, c, "")
}

type announcementT struct {
	ID          string        `json:"id"`
	AsOf        string        `json:"as_of"`
	SealedAt    string        `json:"sealed_at"`
	Version     int64         `json:"campaign_version"`
	SHA256      string        `json:"sha256"`
	Definitions []string      `json:"definitions"`
	Total       report.Line   `json:"total"`
	Nodes       []report.Line `json:"nodes,omitempty"`
	// Log ties the counts to the log, where one was kept.
	Log *proof.Announced `json:"log,omitempty"`
	// Corrected is what is another figure now, for the same instant.
	Corrected []report.Difference `json:"corrected,omitempty"`
}

func announcementOf(c *campaign.Campaign, n *report.Announcement) announcementT {
	return announcementT{
		ID: n.ID, AsOf: stamp(n.AsOf, c.Zone), SealedAt: stamp(n.SealedAt, c.Zone), Version: n.Version, SHA256: n.SHA256,
		Definitions: n.Definitions, Total: n.Total, Log: n.Log,
	}
}

// announce handles POST …/announcements.
func (s *Server) announce(k *call) error {
	var in struct {
		AsOf string `json:"as_of"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	c, err := s.told(k, operator.AnnounceFigures)
	if err != nil {
		return err
	}
	asOf, err := instant("as_of", in.AsOf)
	if err != nil {
		return err
	}
	n, err := s.Reports.Announce(k.ctx, c.ID, asOf, s.record(k, operator.AnnounceFigures, c.ID, ""))
	if err != nil {
		return err
	}
	out := announcementOf(c, &n)
	out.Nodes = n.Nodes
	return k.send(fiber.StatusCreated, out)
}

// listAnnouncements handles GET …/announcements: the totals, newest first.
func (s *Server) listAnnouncements(k *call) error {
	c, err := s.told(k, operator.ReadFigures)
	if err != nil {
		return err
	}
	all, err := s.Reports.Announced(k.ctx, c.ID)
	if err != nil {
		return err
	}
	out := list[announcementT]{Items: []announcementT{}}
	for i := range all {
		out.Items = append(out.Items, announcementOf(c, &all[i]))
	}
	return k.send(fiber.StatusOK, out)
}

// showAnnouncement handles GET …/announcements/{announcement}.
func (s *Server) showAnnouncement(k *call) error {
	c, err := s.told(k, operator.ReadFigures)
	if err != nil {
		return err
	}
	n, since, err := s.Reports.Announcement(k.ctx, c.ID, k.Params("announcement"))
	if err != nil {
		return err
	}
	out := announcementOf(c, &n)
	out.Nodes, out.Corrected = n.Nodes, since
	return k.send(fiber.StatusOK, out)
}
