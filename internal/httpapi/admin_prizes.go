package httpapi

import (
	"bufio"
	"context"
	stdjson "encoding/json"
	"io"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/jobs"
	"qingyuan/internal/operator"
	"qingyuan/internal/prizes"
	"qingyuan/internal/sheet"
	"qingyuan/prize"
)

// PrizeDesk hands prizes out. *prizes.Service is one.
type PrizeDesk interface {
	Own(ctx context.Context, campaignID, participant string) ([]prizes.OwnWin, error)
	Claim(ctx context.Context, campaignID, participant string, id prize.WinID, c prizes.Claim) (prizes.OwnWin, error)
	AddCodes(ctx context.Context, who operator.Actor, campaignID, id string, raw []byte, dry bool) (prizes.Added, error)
	Codes(campaignID, id string) int
	Wins(ctx context.Context, who operator.Actor, campaignID string, state prize.State, flagged bool) ([]prizes.Reviewed, error)
	// AskExport puts a list of whom to send what in line and returns the job's id.
	AskExport(ctx context.Context, o prizes.Order, r jobs.Request, by audit.Record) (string, error)
	// Exported opens what such a job has made; prizes.ErrNotMade.
	Exported(ctx context.Context, job string) (jobs.Job, prizes.Made, io.Reader, error)
	Exclude(ctx context.Context, who operator.Actor, campaignID string, in prizes.Insiders, reason string) (added int, err error)
	// Exclusion tells what is on the list of those who win nothing.
	Exclusion(ctx context.Context, campaignID string) (prizes.Exclusion, error)
	Clear(ctx context.Context, who operator.Actor, campaignID string, id prize.WinID, reason string) error
	// Disputed finds a win that its owner may appeal about.
	Disputed(ctx context.Context, campaignID, participant string, id prize.WinID) (prize.Win, error)
	// Draw returns prizes.ErrNotFrozen for a draw whose entrants are not frozen yet.
	Draw(ctx context.Context, campaignID, id string) (prizes.Frozen, error)
	// MayDraw refuses what cannot be done of a draw as it stands.
	MayDraw(ctx context.Context, campaignID string, d prizes.Drawing) error
	Fulfil(ctx context.Context, who operator.Actor, campaignID string, raw []byte) (prizes.Fulfilled, error)
}

// prizeDeskRoutes are how an office hands prizes out.
func (s *Server) prizeDeskRoutes() []route {
	if s.Prizes == nil {
		return nil
	}
	const all = officePath + "/campaigns/:campaign/prizes"
	const one = all + "/wins/:win"
	return []route{
		admin(get(all, staff, s.listPrizeStock), operator.ReadFigures),
		upload(admin(post(all+"/:prize/codes", staff, s.addCodes), operator.EditCampaigns)),
		admin(get(all+"/wins", staff, s.listWins), operator.ReadFigures),
		admin(post(all+"/exports", staff, s.orderPrizeExport), operator.ReadParticipants),
		slow(admin(get(all+"/exports/:job/file", staff, s.sendPrizeExport), operator.ReadParticipants)),
		upload(admin(post(all+"/fulfilment", staff, s.fulfilPrizes), operator.ReadParticipants)),
		admin(post(one+"/refuse", staff, s.refuseWin), operator.CorrectResults),
		admin(post(one+"/reopen", staff, s.reopenWin), operator.CorrectResults),
		admin(post(one+"/clear", staff, s.clearWin), operator.CorrectResults),
	}
}

type stockT struct {
	prizeT

	// Codes is how many there are of a voucher.
	Codes *int `json:"codes"`
}

// listPrizeStock handles GET /api/v1/admin/campaigns/{campaign}/prizes.
func (s *Server) listPrizeStock(k *call) error {
	o, err := s.Prizes.Offer(k.Params("campaign"))
	if err != nil {
		return err
	}
	granted, err := s.Prizes.Granted(k.ctx, o.Campaign.ID)
	if err != nil {
		return err
	}
	out := list[stockT]{Items: []stockT{}}
	add := func(some []prize.Prize) {
		for i, t := range prizesOf(some, granted, k.lang()) {
			st := stockT{prizeT: t}
			if some[i].Odds > 0 {
				st.Odds, st.Daily, st.Released = &some[i].Odds, bound(some[i].Daily), new(some[i].Released(o.Campaign, s.Now()))
			}
			if some[i].Kind == prize.Voucher {
				st.Codes = new(s.PrizeDesk.Codes(o.Campaign.ID, t.ID))
			}
			out.Items = append(out.Items, st)
		}
	}
	add(o.Plan.Instant)
	for i := range o.Plan.Draws {
		add(o.Plan.Draws[i].Prizes)
	}
	return k.send(fiber.StatusOK, out)
}

// addCodes handles POST …/prizes/{prize}/codes. The body is the file itself.
func (s *Server) addCodes(k *call) error {
	c, raw, err := s.prizeFile(k)
	if err != nil {
		return err
	}
	if err := k.within(operator.EditCampaigns, c, ""); err != nil {
		return err
	}
	dry, err := k.flag("dry_run")
	if err != nil {
		return err
	}
	out, err := s.PrizeDesk.AddCodes(k.ctx, k.actor, c.ID, k.Params("prize"), raw, dry)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, struct {
		Rows  int `json:"rows"`
		Added int `json:"added"`
		Codes int `json:"codes"`
	}(out))
}

// prizeFile reads the file that was sent into memory, and finds the campaign.
func (s *Server) prizeFile(k *call) (*campaign.Campaign, []byte, error) {
	f, err := k.file()
	if err != nil {
		return nil, nil, err
	}
	raw, err := io.ReadAll(f)
	if err != nil {
		return nil, nil, err
	}
	c, err := s.campaign(k)
	return c, raw, err
}

type officeWinT struct {
	Win         string  `json:"win"`
	Prize       string  `json:"prize"`
	Participant string  `json:"participant"`
	Unit        string  `json:"unit"`
	UnitName    string  `json:"unit_name"`
	State       string  `json:"state"`
	Draw        *string `json:"draw"`
	WonAt       string  `json:"won_at"`
	Since       string  `json:"since"`
	// Flags are the rules that have noticed acts of the winner: nothing is sent before
	// somebody has decided on them.
	Flags []string `json:"flags"`
	// Cleared says that somebody has looked, and that it is given all the same; Clearance who,
	// and why.
	Cleared   bool        `json:"cleared"`
	Clearance *clearanceT `json:"clearance"`
}

type clearanceT struct {
	By     string `json:"by"`
	At     string `json:"at"`
	Reason string `json:"reason"`
}

func clearanceOf(c *campaign.Campaign, x *prizes.Cleared) *clearanceT {
	if x == nil {
		return nil
	}
	return &clearanceT{x.By, stamp(x.At, c.Zone), x.Reason}
}

// winState reads which state is asked for, "" for any.
func winState(text string) (prize.State, error) {
	switch st := prize.State(text); st {
	case "", prize.Won, prize.Claimed, prize.Sent, prize.Expired, prize.Refused:
		return st, nil
	}
	return "", fault.InvalidField("state", "没有这个状态")
}

// listWins handles GET …/prizes/wins.
func (s *Server) listWins(k *call) error {
	text, err := k.text("state")
	if err != nil {
		return err
	}
	state, err := winState(text)
	if err != nil {
		return err
	}
	p, err := k.page()
	if err != nil {
		return err
	}
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	wins, err := s.PrizeDesk.Wins(k.ctx, k.actor, c.ID, state, k.Query("flagged") == "true")
	if err != nil {
		return err
	}
	part := stretch(wins, p)
	out := list[officeWinT]{Items: []officeWinT{}, NextCursor: part.NextCursor}
	for i := range part.Items {
		w := &part.Items[i]
		out.Items = append(out.Items, officeWinT{
			Win: w.String(), Prize: w.Prize, Participant: w.Participant, Unit: w.Unit, UnitName: nameWithin(c, w.Unit, k.lang()),
			State: string(w.State), Draw: textOrNull(w.Draw), WonAt: stamp(w.At, c.Zone), Since: stamp(w.Since, c.Zone), Flags: orEmpty(w.Flags), Cleared: w.Cleared != nil, Clearance: clearanceOf(c, w.Cleared),
		})
	}
	return k.send(fiber.StatusOK, out)
}

// orderPrizeExport handles POST …/prizes/exports: whom to send what, with names, for a
// part of the campaign in which the operator may read them.
func (s *Server) orderPrizeExport(k *call) error {
	var in struct {
		Scope  string       `json:"scope"`
		State  string       `json:"state"`
		Format sheet.Format `json:"format"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	state, err := winState(in.State)
	if err != nil {
		return err
	}
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	if err := k.within(operator.ReadParticipants, c, in.Scope); err != nil {
		return err
	}
	o := prizes.Order{Campaign: c.ID, Scope: in.Scope, State: state, Format: in.Format}
	r := jobs.Request{Action: string(operator.ReadParticipants), Actor: k.actor.ID, Login: k.actor.Login, Addr: k.addr}
	id, err := s.PrizeDesk.AskExport(k.ctx, o, r, s.record(k, operator.ReadParticipants, c.ID, ""))
	if err != nil {
		return err
	}
	return k.send(fiber.StatusAccepted, orderedT{id})
}

// sendPrizeExport handles GET …/prizes/exports/{job}/file. That it was taken, and of which
// groups the people on it are, is in the audit log before anything is sent.
func (s *Server) sendPrizeExport(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	desk, id := s.PrizeDesk, k.Params("job")
	j, made, _, err := desk.Exported(k.ctx, id)
	if err != nil {
		return err
	}
	if j.Campaign != c.ID || !k.actor.Within(operator.ReadParticipants, c, j.Node) {
		return prizes.ErrNotMade
	}
	record := s.record(k, operator.ReadParticipants, c.ID, "prize:export:"+j.ID)
	record.Reason = "下载"
	if err := s.Journal.Read(k.ctx, record, made.Rows, made.Groups...); err != nil {
		return err
	}
	return s.stream(k, made.Format.ContentType(), made.FileName(), func(ctx context.Context, w *bufio.Writer) error {
		_, _, file, err := desk.Exported(ctx, id)
		if err != nil {
			return err
		}
		_, err = io.Copy(w, file)
		return err
	})
}

// fulfilPrizes handles POST …/prizes/fulfilment: which were sent. The body is the file.
func (s *Server) fulfilPrizes(k *call) error {
	c, raw, err := s.prizeFile(k)
	if err != nil {
		return err
	}
	done, err := s.PrizeDesk.Fulfil(k.ctx, k.actor, c.ID, raw)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, done)
}

// refuseWin handles POST …/prizes/wins/{win}/refuse: a second person is asked.
func (s *Server) refuseWin(k *call) error {
	var in struct {
		Told   string `json:"told"`
		Reason string `json:"reason"`
	}
	if err := k.decodeWhy(&in, &in.Reason, true); err != nil {
		return err
	}
	if err := prizes.CheckTold(in.Told); err != nil {
		return err
	}
	return s.askAboutWin(k, prizes.KindRefuse, in.Told, in.Reason)
}

// reopenWin handles POST …/prizes/wins/{win}/reopen: a second person is asked.
func (s *Server) reopenWin(k *call) error {
	reason, err := k.why(true)
	if err != nil {
		return err
	}
	return s.askAboutWin(k, prizes.KindReopen, "", reason)
}

// clearWin handles POST …/prizes/wins/{win}/clear: somebody has looked at a winner who is
// flagged.
func (s *Server) clearWin(k *call) error {
	reason, err := k.why(true)
	if err != nil {
		return err
	}
	id, err := prize.ParseWinID(k.Params("win"))
	if err != nil {
		return err
	}
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	if err := s.PrizeDesk.Clear(k.ctx, k.actor, c.ID, id, reason); err != nil {
		return err
	}
	return k.SendStatus(fiber.StatusNoContent)
}

func (s *Server) askAboutWin(k *call, kind, told, reason string) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	params, err := stdjson.Marshal(prizes.Decision{Win: k.Params("win"), Told: told})
	if err != nil {
		return err
	}
	id, err := s.Approvals.Ask(k.ctx, k.actor, kind, c.ID, params, reason)
	return k.sendAsked(id, err)
}
