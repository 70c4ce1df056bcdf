package casetest

import (
	"errors"
	"fmt"
	"slices"

	"qingyuan/leaderboard"
)

// inquiry is a query on its way to a board.
type inquiry struct {
	*Query
	script *script
	board  board
	sight  sight
}

// everybody is a page that holds every member of a case.
const everybody = 1 << 30

// answers finds what answers a query of a board of participants.
func answers() map[string]func(*inquiry) (any, error) {
	ranks := func(admin bool) func(*inquiry) (any, error) {
		return func(q *inquiry) (any, error) { q.sees(admin); return q.ranks() }
	}
	return map[string]func(*inquiry) (any, error){
		"ranks": (*inquiry).ranks, "rank": (*inquiry).ranks, "rank_of": (*inquiry).ranks, "view_ranks": (*inquiry).ranks,
		"view_rank": (*inquiry).ranks, "lookup": (*inquiry).ranks, "admin_ranks": ranks(true), "admin_rank": ranks(true),
		"page_ranks": (*inquiry).pageRanks, "page_members": (*inquiry).pageMembers, "page": (*inquiry).page,
		"count": (*inquiry).count, "view_count": (*inquiry).count,
		"admin_count": func(q *inquiry) (any, error) { q.sees(true); return q.count() },
		"around":      (*inquiry).around, "around_ranks": (*inquiry).aroundRanks,
		"top_percent": (*inquiry).topPercent, "beaten_floor": (*inquiry).beaten, "beat_percent": (*inquiry).beaten,
		"tier": (*inquiry).tiers, "tiers": (*inquiry).tiers,
		"own_score": (*inquiry).ownScore, "own_rank_shown": (*inquiry).ownRankShown, "record": (*inquiry).record,
		"rejected":   func(q *inquiry) (any, error) { return q.script.rejected, nil },
		"score_rank": (*inquiry).scoreRanks, "score_ranks": (*inquiry).scoreRanks,
	}
}

// sees changes the audience.
func (q *inquiry) sees(admin bool) {
	q.sight.admin = admin
	q.sight.frozen = !admin && q.script.rule.frozen(q.sight.now)
}

// list returns everybody.
func (q *inquiry) list() ([]line, error) {
	lines, _, err := q.board.Page(q.sight, 0, everybody)
	return q.ranked(lines, 0), err
}

// ranked gives the lines of a list, of which so many are before them, the ranks of
// the rule. Boards know competition ranks.
func (q *inquiry) ranked(lines []line, before int64) []line {
	rule := q.script.rule
	if rule.Rank != "ordinal" && !rule.byName() {
		return lines
	}
	out := slices.Clone(lines)
	for i := range out {
		out[i].Rank = before + int64(i) + 1
	}
	return out
}

// dense gives the lines of a whole list ranks without gaps.
func dense(lines []line) []line {
	out := slices.Clone(lines)
	rank := int64(0)
	for i := range out {
		if i == 0 || lines[i].Rank != lines[i-1].Rank {
			rank++
		}
		out[i].Rank = rank
	}
	return out
}

// each answers for one member, or for each of many.
func (q *inquiry) each(answer func(member string) (any, error)) (any, error) {
	if q.Members == nil {
		return answer(q.Member)
	}
	out := make([]any, len(q.Members))
	for i, m := range q.Members {
		var err error
		if out[i], err = answer(m); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (q *inquiry) ranks() (any, error) {
	found, err := q.find()
	if err != nil {
		return nil, err
	}
	return q.each(func(m string) (any, error) {
		if rank, ok := found[m]; ok {
			return rank, nil
		}
		return nil, nil //nolint:nilnil // No rank is an answer.
	})
}

// find returns the ranks of the members in question: by look-up, or from the list
// where the rule does not rank by what stands above.
func (q *inquiry) find() (map[string]int64, error) {
	rule := q.script.rule
	if rule.Rank != "ordinal" && rule.Rank != "dense" && !rule.byName() {
		return q.board.Ranks(q.sight, append(slices.Clone(q.Members), q.Member))
	}
	lines, err := q.list()
	if rule.Rank == "dense" {
		lines = dense(lines)
	}
	out := map[string]int64{}
	for _, l := range lines {
		out[l.Member] = l.Rank
	}
	return out, err
}

func (q *inquiry) lines() ([]line, error) {
	if q.Page < 1 || q.Size < 1 {
		return nil, errors.New("a page begins with 1, and its size too")
	}
	if q.script.rule.Rank == "dense" {
		lines, err := q.list()
		lines, n := dense(lines), int64(len(lines))
		return lines[min((q.Page-1)*q.Size, n):min(q.Page*q.Size, n)], err
	}
	lines, _, err := q.board.Page(q.sight, (q.Page-1)*q.Size, q.Size)
	return q.ranked(lines, (q.Page-1)*q.Size), err
}

func (q *inquiry) pageRanks() (any, error) {
	lines, err := q.lines()
	return mapped(lines, func(l line) any { return l.Rank }), err
}

func (q *inquiry) pageMembers() (any, error) {
	lines, err := q.lines()
	return members(lines), err
}

func (q *inquiry) page() (any, error) {
	lines, err := q.lines()
	return mapped(lines, func(l line) any { return map[string]any{"member": l.Member, "rank": l.Rank, "score": l.score} }), err
}

func members(lines []line) []any { return mapped(lines, func(l line) any { return l.Member }) }

func mapped(lines []line, by func(line) any) []any {
	out := make([]any, len(lines))
	for i, l := range lines {
		out[i] = by(l)
	}
	return out
}

func (q *inquiry) count() (any, error) {
	_, n, err := q.board.Page(q.sight, 0, 1)
	return n, err
}

func (q *inquiry) around() (any, error) {
	o, _, err := q.board.Own(q.sight, q.Member, q.Size)
	return members(o.Around), err
}

func (q *inquiry) aroundRanks() (any, error) {
	o, _, err := q.board.Own(q.sight, q.Member, q.Size)
	return mapped(o.Around, func(l line) any { return l.Rank }), err
}

func (q *inquiry) topPercent() (any, error) {
	_, total, err := q.board.Page(q.sight, 0, 1)
	if err != nil {
		return nil, err
	}
	limit := int64(everybody)
	if q.Cap != nil {
		limit = *q.Cap
	}
	n, err := leaderboard.TopPercent(q.Percent, total, limit)
	if err != nil {
		return nil, err
	}
	lines, _, err := q.board.Page(q.sight, 0, n)
	out := map[string]any{"n": n, "members": members(lines)}
	if len(lines) > 0 {
		first, last := lines[0], lines[len(lines)-1]
		out["first"], out["last"] = []any{first.Member, first.score}, []any{last.Member, last.score}
	}
	return out, err
}

// onlyShown answers nothing where no place is told.
func (q *inquiry) onlyShown(answer func(own) any) (any, error) {
	return q.each(func(m string) (any, error) {
		o, ok, err := q.board.Own(q.sight, m, 0)
		if err != nil || !ok || !o.Shown {
			return nil, err
		}
		return answer(o), nil
	})
}

func (q *inquiry) beaten() (any, error) { return q.onlyShown(func(o own) any { return o.Beat }) }

func (q *inquiry) tiers() (any, error) {
	return q.each(func(m string) (any, error) {
		o, ok, err := q.board.Own(q.sight, m, 0)
		if err != nil || !ok || o.Tier == "" {
			return nil, err
		}
		return o.Tier, nil
	})
}

func (q *inquiry) ownScore() (any, error) {
	return q.each(func(m string) (any, error) {
		o, ok, err := q.board.Own(q.sight, m, 0)
		if err != nil || !ok {
			return nil, err
		}
		return o.Score, nil
	})
}

func (q *inquiry) ownRankShown() (any, error) {
	return q.each(func(m string) (any, error) {
		o, _, err := q.board.Own(q.sight, m, 0)
		return o.Shown, err
	})
}

func (q *inquiry) record() (any, error) {
	return q.each(func(m string) (any, error) {
		at, ok, err := q.board.Record(m)
		if err != nil || !ok {
			return nil, err
		}
		return map[string]any{"score": at.score, "used_ms": at.used, "at": at.at}, nil
	})
}

// scoreRanks answers for scores, or for the scores of members.
func (q *inquiry) scoreRanks() (any, error) {
	rank := func(score int64) (any, error) { return q.board.ScoreRank(q.sight, score) }
	switch {
	case q.Score != nil:
		return rank(*q.Score)
	case q.Scores != nil:
		out := make([]any, len(q.Scores))
		for i, score := range q.Scores {
			var err error
			if out[i], err = rank(score); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return q.each(func(m string) (any, error) {
		at, ok, err := q.board.Record(m)
		if err != nil || !ok {
			return nil, err
		}
		return rank(at.score)
	})
}

// sightOf says when and with whose eyes a query looks. Without a time it looks when
// everything has happened.
func (s *script) sightOf(q *Query) (sight, error) {
	out := sight{now: q.Now.or(s.last)}
	switch q.Audience {
	case "", "public", "participant", "member":
		out.frozen = s.rule.frozen(out.now)
	case "admin", "office", "operator":
		out.admin = true
	default:
		return out, fmt.Errorf("audience %q is not known", q.Audience)
	}
	return out, nil
}
