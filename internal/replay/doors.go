package replay

import (
	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/replay/state"
)

// placedDoor is a door and the fact that says where it leads.
type placedDoor struct {
	state.Door

	at event.Position
}

// doorsIn lists the doors that a participant of the doors' realm was given, each
// once. What is sealed of a door is what the newest record says, unless it was
// erased after that.
func doorsIn(h *ledger.History) []placedDoor {
	return doorsOf(h, func(string, event.Position) bool { return true })
}

// doorsOf is doorsIn by those facts about a door that count.
func doorsOf(h *ledger.History, counts func(hash string, at event.Position) bool) []placedDoor {
	var out []placedDoor
	place := map[string]int{}
	for i := range h.Facts {
		body, ok := h.Facts[i].Body.(event.Door)
		if !ok || !counts(body.Hash, h.Facts[i].Position) {
			continue
		}
		n, seen := place[body.Hash]
		if !seen {
			n = len(out)
			place[body.Hash] = n
			out = append(out, placedDoor{Door: state.Door{Hash: body.Hash, Participant: h.Participant}})
		}
		out[n].at = h.Facts[i].Position
	}
	for i := range h.Records {
		r := &h.Records[i]
		switch n, known := place[r.Hash]; {
		case r.Kind == event.RecordErasure:
			for n := range out {
				out[n].Sealed = nil
			}
		case r.Kind == event.RecordDoor && known:
			out[n].Sealed = r.Sealed
		}
	}
	return out
}
