package httpapi

import (
	"context"
	"fmt"

	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/prizes"
)

// PrizeStaff knows by what the people behind accounts are known among those who take part:
// they win nothing. *prizes.Staff is one.
type PrizeStaff interface {
	// Also marks an account in the moment in which it is made; nil for nothing.
	Also(ctx context.Context, who operator.Actor, k prizes.Known, reason string) (operator.Also, error)
	// Mark marks an account that is there.
	Mark(ctx context.Context, who operator.Actor, account string, k prizes.Known, reason string) (prizes.Told, error)
	// Told returns by how much the holder of an account is known.
	Told(ctx context.Context, account string) (prizes.Told, error)
}

// markRoutes are how accounts say who is behind them.
func (s *Server) markRoutes() []route {
	if s.Prizes == nil {
		return nil
	}
	const marks = officePath + "/operators/:operator/marks"
	return []route{
		admin(get(marks, staff, s.showMarks), operator.ManageOperators),
		admin(post(marks, staff, s.markAccount), operator.ManageOperators),
	}
}

// knownT is by what somebody is known among those who take part.
type knownT struct {
	Phones []string `json:"phones"`
	People []struct {
		Campaign string `json:"campaign"`
		Unit     string `json:"unit"`
		Number   string `json:"number"`
	} `json:"people"`
}

// known reads what was sent: of rosters, lines where the operator manages accounts.
func (s *Server) known(k *call, in knownT) (prizes.Known, error) {
	out := prizes.Known{Phones: in.Phones}
	for i, p := range in.People {
		c, err := s.Catalog.Campaign(p.Campaign)
		if err != nil {
			return out, fault.InvalidField(fmt.Sprintf("people.%d.campaign", i), "没有这个活动").Because(err)
		}
		if !k.actor.Within(operator.ManageOperators, c, p.Unit) {
			return out, operator.ErrBeyond
		}
		out.People = append(out.People, prizes.RosterLine{Campaign: c.ID, Line: prizes.Line{Unit: p.Unit, Number: p.Number}})
	}
	return out, nil
}

// also marks an account as it is made; nil for nothing.
func (s *Server) also(k *call, in knownT, reason string) (operator.Also, error) {
	if len(in.Phones)+len(in.People) == 0 {
		return nil, nil //nolint:nilnil // Nothing is to be done.
	}
	known, err := s.known(k, in)
	if err != nil {
		return nil, err
	}
	return s.PrizeStaff.Also(k.ctx, k.actor, known, reason)
}

// showMarks handles GET /api/v1/admin/operators/{operator}/marks.
func (s *Server) showMarks(k *call) error {
	a, err := s.Accounts.Account(k.ctx, k.actor, k.Params("operator"))
	if err != nil {
		return err
	}
	told, err := s.PrizeStaff.Told(k.ctx, a.ID)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, told)
}

// markAccount handles POST /api/v1/admin/operators/{operator}/marks: also of one's own
// account, because nobody gains by it.
func (s *Server) markAccount(k *call) error {
	var in struct {
		knownT `json:",inline"`

		Reason string `json:"reason"`
	}
	if err := k.decodeWhy(&in, &in.Reason, false); err != nil {
		return err
	}
	a, err := s.Accounts.Account(k.ctx, k.actor, k.Params("operator"))
	if err != nil {
		return err
	}
	known, err := s.known(k, in.knownT)
	if err != nil {
		return err
	}
	told, err := s.PrizeStaff.Mark(k.ctx, k.actor, a.ID, known, in.Reason)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, told)
}
