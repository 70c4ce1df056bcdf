package httpapi

import (
	"context"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/leaderboard"
)

// list is how lists travel.
type list[T any] struct {
	Items      []T     `json:"items"`
	NextCursor *string `json:"next_cursor"`
}

// listOf makes rows of what a list tells of.
func listOf[T, R any](all []T, next *string, row func(T) R) list[R] {
	out := list[R]{Items: make([]R, len(all)), NextCursor: next}
	for i, one := range all {
		out.Items[i] = row(one)
	}
	return out
}

// limit reads how many rows are asked for.
func (k *call) limit() (int64, error) {
	return k.whole("limit", leaderboard.MaxPage, 1, leaderboard.MaxPage)
}

// page is a stretch of a list.
type page struct{ offset, limit int64 }

// maxOffset bounds cursors: nothing is listed so far down.
const maxOffset = 1 << 31

// page reads limit and cursor. A cursor is an offset, and clients treat it as
// opaque.
func (k *call) page() (page, error) {
	limit, err := k.limit()
	if err != nil {
		return page{}, err
	}
	offset, err := k.whole("cursor", 0, 0, maxOffset)
	return page{offset, limit}, err
}

// cursor writes where a list goes on; 0 is its end.
func cursor(next int64) *string {
	if next == 0 {
		return nil
	}
	return new(strconv.FormatInt(next, 10))
}

// stretch cuts a page out of a whole list.
func stretch[T any](all []T, p page) list[T] {
	from := min(p.offset, int64(len(all)))
	to := min(from+p.limit, int64(len(all)))
	l := list[T]{Items: all[from:to:to]}
	if l.Items == nil {
		l.Items = []T{}
	}
	if to < int64(len(all)) {
		l.NextCursor = cursor(to)
	}
	return l
}

// sendStretch answers with the page that is asked for of a whole list.
func sendStretch[T, R any](k *call, all []T, row func(T) R) error {
	p, err := k.page()
	if err != nil {
		return err
	}
	part := stretch(all, p)
	return k.send(fiber.StatusOK, listOf(part.Items, part.NextCursor, row))
}

// sendPage answers with a page of a list that is read by offset. read is asked for one row
// more than is shown, which tells whether the list goes on.
func sendPage[T, R any](k *call, read func(offset, limit int64) ([]T, error), row func(T) R) error {
	p, err := k.page()
	if err != nil {
		return err
	}
	all, err := read(p.offset, p.limit+1)
	if err != nil {
		return err
	}
	var next *string
	if int64(len(all)) > p.limit {
		all, next = all[:p.limit], cursor(p.offset+p.limit)
	}
	return k.send(fiber.StatusOK, listOf(all, next, row))
}

// sendBehind answers with a page of a list that goes on behind the last id told, which is
// its cursor. read is asked for one row more than is shown.
func sendBehind[T, R any](k *call, read func(last string, limit int) ([]T, error), id func(T) string, row func(T) R) error {
	limit, err := k.limit()
	if err != nil {
		return err
	}
	last, err := k.text("cursor")
	if err != nil {
		return err
	}
	all, err := read(last, int(limit)+1)
	if err != nil {
		return err
	}
	all, next := cut(all, int(limit), id)
	return k.send(fiber.StatusOK, listOf(all, next, row))
}

// cut takes the last row away where there is one more than shall be shown, and says
// behind which id the list goes on.
func cut[T any](all []T, limit int, id func(T) string) ([]T, *string) {
	if len(all) <= limit {
		return all, nil
	}
	return all[:limit], new(id(all[limit-1]))
}

// found finds the thing of a campaign that the path names by a parameter, with the campaign.
func found[T any](s *Server, k *call, parameter string, find func(ctx context.Context, who operator.Actor, campaignID, id string) (T, error)) (*campaign.Campaign, T, error) {
	c, err := s.campaign(k)
	if err != nil {
		var none T
		return nil, none, err
	}
	one, err := find(k.ctx, k.actor, c.ID, k.Params(parameter))
	return c, one, err
}

// word is a text of which only some are known.
type word interface {
	~string
	Known() bool
}

// known reads an optional word of the query. otherwise is what is said of any other.
func known[W word](k *call, name, otherwise string) (W, error) {
	text, err := k.text(name)
	if err != nil {
		return "", err
	}
	if w := W(text); text == "" || w.Known() {
		return w, nil
	}
	return "", fault.InvalidField(name, otherwise)
}

// stateAsked reads which state is asked for; "" is any.
func stateAsked[W word](k *call) (W, error) { return known[W](k, "state", "没有这个状态") }
