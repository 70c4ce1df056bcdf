package httpapi

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/leaderboard"
)

// boardDeskRoutes show boards as they are: also while the public ones stand still, and
// with those who are hidden.
func (s *Server) boardDeskRoutes() []route {
	const board = officePath + "/campaigns/:campaign/boards/participants"
	return []route{
		admin(get(board, staff, s.showTrueBoard), operator.ReadFigures),
		admin(post(board+"/lookup", staff, s.lookUp), operator.ReadFigures),
	}
}

// asOffice reads which board is meant, and lets the operator see it as an office of that
// part of the campaign, where they may see its figures.
func (s *Server) asOffice(k *call) (*campaign.Campaign, leaderboard.Query, error) {
	c, err := s.campaign(k)
	if err != nil {
		return nil, leaderboard.Query{}, err
	}
	q, err := k.boardQuery()
	if err != nil {
		return nil, q, err
	}
	q.Viewer = leaderboard.Viewer{Office: true, Campaign: c.ID, Scope: q.Scope}
	return c, q, k.within(operator.ReadFigures, c, q.Scope)
}

// showTrueBoard handles GET …/boards/participants; percent asks for the best so many per
// cent instead of a page.
func (s *Server) showTrueBoard(k *call) error {
	c, q, err := s.asOffice(k)
	if err != nil {
		return err
	}
	b, err := s.trueBoard(k, c, q)
	if err != nil {
		return err
	}
	out := trueBoardT{
		AsOf: stamp(b.AsOf, c.Zone), frozenPart: frozenOf(c, b.Frozen), Total: b.Total, Items: make([]trueItemT, len(b.Items)),
		NextCursor: cursor(b.Next),
	}
	for i, item := range b.Items {
		out.Items[i] = trueItemT{itemOf(c, item, k.lang()), item.Participant, item.Hidden}
	}
	return k.send(fiber.StatusOK, out)
}

// trueBoardT is a board as operators see it: with who stands there, and who only they see.
type trueBoardT struct {
	AsOf string `json:"as_of"`
	frozenPart
	Total      int64       `json:"total"`
	Items      []trueItemT `json:"items"`
	NextCursor *string     `json:"next_cursor"`
}

type trueItemT struct {
	itemAnswer

	Participant string `json:"participant"`
	Hidden      bool   `json:"hidden"`
}

func (s *Server) trueBoard(k *call, c *campaign.Campaign, q leaderboard.Query) (leaderboard.Board, error) {
	if text := k.Query("percent"); text != "" {
		percent, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return leaderboard.Board{}, fault.InvalidField("percent", "应为 1 至 100 的整数")
		}
		return s.Boards.TopPercent(k.ctx, c.ID, q, percent)
	}
	p, err := k.page()
	if err != nil {
		return leaderboard.Board{}, err
	}
	q.Offset, q.Limit = p.offset, p.limit
	return s.Boards.Board(k.ctx, c.ID, q)
}

type standingT struct {
	Participant string `json:"participant"`
	Rank        int64  `json:"rank"`
	Score       int    `json:"score"`
	UsedMS      int64  `json:"used_ms"`
}

// lookUp handles POST …/boards/participants/lookup: where many people stand, in the
// order in which they were asked for. Who is not on the board is left out.
func (s *Server) lookUp(k *call) error {
	var in struct {
		Participants []string `json:"participants"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	c, q, err := s.asOffice(k)
	if err != nil {
		return err
	}
	found, err := s.Boards.LookUp(k.ctx, c.ID, q, in.Participants)
	if err != nil {
		return err
	}
	out := list[standingT]{Items: []standingT{}}
	for _, id := range in.Participants {
		if f, ok := found[id]; ok {
			out.Items = append(out.Items, standingT{id, f.Place, f.Score, f.Used.Milliseconds()})
			delete(found, id)
		}
	}
	return k.send(fiber.StatusOK, out)
}
