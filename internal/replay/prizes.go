package replay

import (
	"fmt"
	"slices"

	"qingyuan/internal/event"
	"qingyuan/internal/replay/state"
	"qingyuan/prize"
)

// prizeFact replays a fact of prizes, and tells whether it is one. They lie in the
// first shard, whichever their participant is of, so that nothing before them need say
// that somebody is enrolled.
func (w *walk) prizeFact(f *event.Fact) bool {
	switch body := f.Body.(type) {
	case event.Chance:
		w.spent(f, prize.Chance{Number: body.Number, At: f.At, Rolled: body.Rolled, Why: prize.Why(body.Why)})
	case event.Won:
		w.won(f, body)
	case event.Prize:
		w.moveWin(f, body)
	default:
		return false
	}
	return true
}

func (w *walk) lot() *state.Lot {
	if w.life.Lot == nil {
		w.life.Lot = &state.Lot{}
	}
	return w.life.Lot
}

// spent counts a chance, as prize_chance.lua does: by the local date on which it was
// spent. What it fell on must follow from the secret.
func (w *walk) spent(f *event.Fact, c prize.Chance) {
	l := w.lot()
	same(w, f, "chance", l.Last+1, c.Number)
	if day := w.Campaign.Day(f.At); day != l.Day {
		l.Day, l.OnDay = day, 0
	}
	l.Last, l.OnDay = c.Number, l.OnDay+1
	l.Chances = append(l.Chances, c)
	if w.Roll != nil {
		same(w, f, "rolled", w.Roll(w.life.Participant, c.Number), c.Rolled)
	}
}

func (w *walk) won(f *event.Fact, body event.Won) {
	l := w.lot()
	if body.Draw == "" {
		w.spent(f, prize.Chance{Number: body.Number, At: f.At, Rolled: body.Prize, Item: body.Item})
		l.Standing.Wins++
	}
	id := prize.WinID{Prize: body.Prize, Item: body.Item}
	if w.win(id) != nil {
		w.fault(f, "won", "another item", id)
		return
	}
	l.Wins = append(l.Wins, prize.Win{
		WinID: id, Participant: w.life.Participant, Unit: f.Unit, Group: f.Group, Chance: body.Number, Draw: body.Draw, Place: body.Place,
		At: f.At, State: prize.Won, Since: f.At,
	})
}

// win finds one of the participant's wins, or nil.
func (w *walk) win(id prize.WinID) *prize.Win {
	if w.life.Lot == nil {
		return nil
	}
	wins := w.life.Lot.Wins
	if i := slices.IndexFunc(wins, func(x prize.Win) bool { return x.WinID == id }); i >= 0 {
		return &wins[i]
	}
	return nil
}

// moveWin brings a win into another state.
func (w *walk) moveWin(f *event.Fact, body event.Prize) {
	id := prize.WinID{Prize: body.Prize, Item: body.Item}
	win := w.win(id)
	if win == nil {
		w.fault(f, "win", id, "none")
		return
	}
	to := becomes(f.Kind)
	if !win.State.May(to) {
		w.fault(f, "state", fmt.Sprint("one that follows from ", win.State), to)
	}
	win.State, win.Since = to, f.At
}

// becomes is the state that a fact brings a win into.
func becomes(k event.Kind) prize.State {
	switch k {
	case event.KindPrizeClaimed:
		return prize.Claimed
	case event.KindPrizeSent:
		return prize.Sent
	case event.KindPrizeExpired:
		return prize.Expired
	case event.KindPrizeRefused:
		return prize.Refused
	default:
		return prize.Won
	}
}
