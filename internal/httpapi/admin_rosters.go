package httpapi

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/jobs"
	"qingyuan/internal/operator"
	"qingyuan/internal/roster"
)

// RosterDesk keeps who belongs to the units of a campaign.
type RosterDesk interface {
	// Ask puts an import in line and returns the job's id.
	Ask(ctx context.Context, r jobs.Request, m roster.Mode, scopes []string, file io.Reader) (string, error)
	// People returns at most limit persons of a group on a unit's roster, "" for all, with names, and how many
	// there are.
	People(ctx context.Context, campaignID, unit, group string, limit int) ([]roster.Person, int64, error)
	// NotYet is People of those who have neither started an attempt nor signed.
	NotYet(ctx context.Context, campaignID, unit, group string, limit int) ([]roster.Person, int64, error)
}

// rosterRoutes keep rosters. Names are read only where somebody must remind or correct.
func (s *Server) rosterRoutes() []route {
	const all = officePath + "/campaigns/:campaign/rosters"
	return []route{
		upload(admin(post(all+"/imports", staff, s.importRoster), operator.EditRosters)),
		slow(admin(get(all+"/:unit", staff, s.showRoster), operator.ReadRosters)),
		slow(admin(get(all+"/:unit/not-yet", staff, s.showNotYet), operator.ReadRosters)),
	}
}

// importRoster handles POST …/rosters/imports. The body is the file itself.
func (s *Server) importRoster(k *call) error {
	raw, err := k.file()
	if err != nil {
		return err
	}
	c, err := s.prepared(k, k.Params("campaign"))
	if err != nil {
		return err
	}
	scopes, _ := k.actor.Scopes(operator.EditRosters, c) // nil writes to no unit
	var m roster.Mode
	if m.All, m.DryRun, err = importMode(k); err != nil {
		return err
	}
	m.Replace = k.Query("replace") == "true"
	r := jobs.Request{
		Action: string(operator.EditRosters), Campaign: c.ID, Actor: k.actor.ID, Login: k.actor.Login, Addr: k.addr,
	}
	if len(scopes) == 1 {
		r.Node = scopes[0]
	}
	job, err := s.RosterDesk.Ask(k.ctx, r, m, scopes, raw)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusAccepted, orderedT{job})
}

type rosterPersonT struct {
	Number string `json:"number"`
	Name   string `json:"name"`
	Group  string `json:"group"`
}

type rosterAnswer struct {
	Unit  string          `json:"unit"`
	Total int64           `json:"total"`
	Items []rosterPersonT `json:"items"`
}

// maxRosterShown is how many persons are listed; longer rosters are exported.
const maxRosterShown = 2000

// showRoster handles GET …/rosters/{unit}.
func (s *Server) showRoster(k *call) error {
	c, unit, err := s.rosterUnit(k)
	if err != nil {
		return err
	}
	return s.sendRoster(k, c, unit, operator.ReadRosters, s.RosterDesk.People)
}

// actNotYet is what the audit log calls the reading of whom to remind: it says more of a
// person than the roster does.
const actNotYet operator.Action = "rosters.not_yet"

// showNotYet handles GET …/rosters/{unit}/not-yet: whom to remind. It is there for the
// unit's own operator alone, because nobody else shall have a list of persons to hold
// against them (国办函〔2026〕12号).
func (s *Server) showNotYet(k *call) error {
	c, unit, err := s.rosterUnit(k)
	if err != nil {
		return err
	}
	if scopes, _ := k.actor.Scopes(operator.ReadRosters, c); !slices.Contains(scopes, unit) {
		return operator.ErrForbidden
	}
	return s.sendRoster(k, c, unit, actNotYet, s.RosterDesk.NotYet)
}

// rosterUnit finds the unit that the path names, within the operator's part.
func (s *Server) rosterUnit(k *call) (*campaign.Campaign, string, error) {
	c, err := s.prepared(k, k.Params("campaign"))
	if err != nil {
		return nil, "", err
	}
	unit := k.Params("unit")
	return c, unit, k.within(operator.ReadRosters, c, unit)
}

// byNumber orders persons as the unit's own list has them: 9 before 10.
func byNumber(a, b roster.Person) int {
	return cmp.Or(cmp.Compare(len(a.Number), len(b.Number)), strings.Compare(a.Number, b.Number))
}

// sendRoster answers with persons once the audit log knows that they were read.
func (s *Server) sendRoster(k *call, c *campaign.Campaign, unit string, act operator.Action, read func(ctx context.Context, campaignID, unit, group string, limit int) ([]roster.Person, int64, error)) error {
	people, total, err := read(k.ctx, c.ID, unit, k.Query("group"), maxRosterShown)
	if err != nil {
		return err
	}
	slices.SortFunc(people, byNumber)
	out := rosterAnswer{Unit: unit, Total: total, Items: []rosterPersonT{}}
	var groups []string
	for _, p := range people {
		out.Items = append(out.Items, rosterPersonT{p.Number, p.Name, p.Group})
		if !slices.Contains(groups, p.Group) {
			groups = append(groups, p.Group)
		}
	}
	record := s.record(k, act, c.ID, "roster:"+unit)
	if err := s.Journal.Read(k.ctx, record, len(people), groups...); err != nil {
		return err
	}
	return k.send(fiber.StatusOK, out)
}
