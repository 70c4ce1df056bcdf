package redisstore

import (
	"qingyuan/internal/replay/state"
	"qingyuan/leaderboard"
)

// placeMismatches compares where somebody must stand on a board with their entries
// there. Whoever is hidden has them beside it and nowhere else.
func placeMismatches(out []state.Mismatch, board string, want *leaderboard.Placement, got *state.Entries[string], still bool) []state.Mismatch {
	for _, hidden := range []bool{false, true} {
		name, layers := board, got.Of(hidden)
		if hidden {
			name = "hidden " + board
		}
		var must state.Layers[string]
		if hidden == want.Hidden {
			must = layersOf(want)
			if !still {
				must = thawing(want, layers)
			}
		}
		out = differ(out, name, must.Board, layers.Board)
		out = differ(out, name+": late", must.Late, layers.Late)
		out = differ(out, name+": kept", must.Kept, layers.Kept)
	}
	return out
}

// layersOf returns the entries of somebody while the boards stand still.
func layersOf(p *leaderboard.Placement) state.Layers[string] {
	l := state.Layers[string]{Board: placeText(p.Base)}
	if state.IsLate(p) || state.HasLeft(p) {
		l.Late, l.Kept = placeText(p.Now), l.Board
	}
	return l
}

// thawing returns the entries of somebody who may have been thawed: either what is
// lies on the board, or it lies beside it and what the board says is kept. Who has left
// is on the board as long as that is kept.
func thawing(p *leaderboard.Placement, got *state.Layers[string]) state.Layers[string] {
	if got.Late == "" && (p.Now != nil || got.Kept == "") {
		return state.Layers[string]{Board: placeText(p.Now)}
	}
	return state.Layers[string]{Board: got.Board, Late: placeText(p.Now), Kept: got.Board}
}

func placeText(v *uint64) string {
	if v == nil {
		return ""
	}
	return score(*v)
}
