package httpapi

import (
	stdjson "encoding/json"
	"errors"

	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/operator"
	"qingyuan/internal/prizes"
	"qingyuan/prize"
)

// drawRoutes are what the public sees of draws, and how an office holds them.
func (s *Server) drawRoutes() []route {
	if s.Prizes == nil {
		return nil
	}
	const one = "/api/v1/campaigns/:campaign/prizes/draws/:draw"
	return []route{
		get(one, public, s.showDraw),
		get(one+"/file", public, s.showDrawFile),
	}
}

// drawDeskRoutes are how an office holds draws.
func (s *Server) drawDeskRoutes() []route {
	if s.Prizes == nil {
		return nil
	}
	const all = officePath + "/campaigns/:campaign/prizes"
	return []route{
		admin(get(all+"/excluded", staff, s.showExclusion), operator.CorrectResults),
		admin(post(all+"/excluded", staff, s.excludeFromPrizes), operator.CorrectResults),
		admin(post(all+"/draws/:draw/result", staff, s.askDraw), operator.CorrectResults),
		admin(post(all+"/draws/:draw/redraws", staff, s.askRedraw), operator.CorrectResults),
	}
}

type shownDrawT struct {
	State string `json:"state"`
	// Announcement is the draw as it was announced: with its hash anybody sees later that
	// nothing of it was changed.
	Announcement stdjson.RawMessage `json:"announcement"`
	Announced    string             `json:"announcement_sha256"`
	EntrantsAt   string             `json:"entrants_at"`
	FrozenAt     *string            `json:"frozen_at"`
	Count        *int               `json:"entrants_count"`
	Root         *string            `json:"entrants_root"`
	Excluded     *int               `json:"excluded_count"`
	ExcludedRoot *string            `json:"excluded_root"`
	DrawnAt      *string            `json:"drawn_at"`
	// File is where the draw is published, for qingyuan draw verify.
	File *string `json:"file"`
}

// showDraw handles GET /api/v1/campaigns/{campaign}/prizes/draws/{draw}.
func (s *Server) showDraw(k *call) error {
	o, err := s.Prizes.Offer(k.Params("campaign"))
	if err != nil {
		return err
	}
	id := k.Params("draw")
	d, known := o.Plan.Draw(id)
	if !known {
		return prizes.ErrNoDraw
	}
	secrets, err := s.Prizes.Bound(o.Campaign.ID)
	if err != nil {
		return err
	}
	out := shownDrawT{State: "announced", EntrantsAt: stamp(d.EntrantsAt, o.Campaign.Zone)}
	for i := range secrets.Draws {
		if b := &secrets.Draws[i]; b.Announcement.Draw == id {
			if out.Announcement, err = b.Announcement.Canonical(); err != nil {
				return err
			}
			out.Announced = b.Digest.String()
		}
	}
	f, err := s.PrizeDesk.Draw(k.ctx, o.Campaign.ID, id)
	if err != nil && !errors.Is(err, prizes.ErrNotFrozen) {
		return err
	}
	if err == nil {
		out.frozen(&f, o)
	}
	return k.send(fiber.StatusOK, out)
}

// frozen adds what is known since the entrants were frozen.
func (t *shownDrawT) frozen(f *prizes.Frozen, o prize.Offer) {
	t.State, t.FrozenAt = "frozen", new(stamp(f.At, o.Campaign.Zone))
	t.Count, t.Root, t.Excluded, t.ExcludedRoot = &f.Count, new(f.Root.String()), &f.ExcludedCount, new(f.ExcludedRoot.String())
	if f.File != nil {
		t.State, t.DrawnAt = "drawn", new(stamp(f.DrawnAt, o.Campaign.Zone))
		t.File = new("file")
	}
}

// showDrawFile handles GET …/draws/{draw}/file: the whole draw, as it is checked.
func (s *Server) showDrawFile(k *call) error {
	f, err := s.PrizeDesk.Draw(k.ctx, k.Params("campaign"), k.Params("draw"))
	if err == nil && f.File == nil {
		err = prizes.ErrNotDrawn
	}
	if err != nil {
		return err
	}
	k.Response().Header.SetContentType(jsonType)
	k.Set(fiber.HeaderContentDisposition, `attachment; filename="draw.json"`)
	k.Status(fiber.StatusOK).Response().SetBodyRaw(f.File)
	return nil
}

type exclusionT struct {
	Participants int `json:"participants"`
	People       int `json:"people"`
	Phones       int `json:"phones"`
	// Unknown are the accounts of whose holders nothing is known: they would enter a draw
	// like anybody else.
	Unknown []colleagueT `json:"unknown"`
}

// colleagueT is an account as it is named to others of the campaign.
type colleagueT struct {
	Login string `json:"login"`
	Name  string `json:"name"`
}

// showExclusion handles GET …/prizes/excluded.
func (s *Server) showExclusion(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	if err := k.within(operator.CorrectResults, c, ""); err != nil {
		return err
	}
	x, err := s.PrizeDesk.Exclusion(k.ctx, c.ID)
	if err != nil {
		return err
	}
	out := exclusionT{x.Participants, x.Lines, x.Phones, make([]colleagueT, len(x.Unknown))}
	for i, a := range x.Unknown {
		out.Unknown[i] = colleagueT{a.Login, a.Name}
	}
	return k.send(fiber.StatusOK, out)
}

// excludeFromPrizes handles POST …/prizes/excluded.
func (s *Server) excludeFromPrizes(k *call) error {
	var in struct {
		Participants []string `json:"participants"`
		// People are lines of rosters.
		People []struct {
			Unit   string `json:"unit"`
			Number string `json:"number"`
		} `json:"people"`
		Phones []string `json:"phones"`
		Reason string   `json:"reason"`
	}
	if err := k.decodeWhy(&in, &in.Reason, true); err != nil {
		return err
	}
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	if err := k.within(operator.CorrectResults, c, ""); err != nil {
		return err
	}
	who := prizes.Insiders{Participants: in.Participants, Phones: in.Phones}
	for _, p := range in.People {
		who.Lines = append(who.Lines, prizes.Line(p))
	}
	added, err := s.PrizeDesk.Exclude(k.ctx, k.actor, c.ID, who, in.Reason)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, struct {
		Added int `json:"added"`
	}{added})
}

// askDraw handles POST …/draws/{draw}/result: the public value as it was read, and a
// second person who compares it with its source.
func (s *Server) askDraw(k *call) error {
	var in struct {
		Value  string `json:"value"`
		Reason string `json:"reason"`
	}
	if err := k.decodeWhy(&in, &in.Reason, true); err != nil {
		return err
	}
	return s.askAboutDraw(k, prizes.KindDraw, prizes.Drawing{Draw: k.Params("draw"), Value: in.Value}, in.Reason)
}

// askRedraw handles POST …/draws/{draw}/redraws: a prize that nobody claimed goes to the
// next reserve, once a second person agrees.
func (s *Server) askRedraw(k *call) error {
	var in struct {
		Place  int    `json:"place"`
		Reason string `json:"reason"`
	}
	if err := k.decodeWhy(&in, &in.Reason, true); err != nil {
		return err
	}
	return s.askAboutDraw(k, prizes.KindRedraw, prizes.Drawing{Draw: k.Params("draw"), Place: max(in.Place, 1)}, in.Reason)
}

func (s *Server) askAboutDraw(k *call, kind string, d prizes.Drawing, reason string) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	if err := k.within(operator.CorrectResults, c, ""); err != nil {
		return err
	}
	if err := s.PrizeDesk.MayDraw(k.ctx, c.ID, d); err != nil {
		return err
	}
	params, err := stdjson.Marshal(d)
	if err != nil {
		return err
	}
	id, err := s.Approvals.Ask(k.ctx, k.actor, kind, c.ID, params, reason)
	return k.sendAsked(id, err)
}
