package httpapi

import (
	"context"
	"errors"
	"strings"

	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/fault"
	"qingyuan/internal/waitingroom"
)

// queueAnswer tells a person where they stand.
type queueAnswer struct {
	// Ticket replaces the one that was sent. It is empty where nobody has to wait.
	Ticket   string `json:"ticket"`
	Admitted bool   `json:"admitted"`
	// Position is 1 for the first in line, 0 for who is admitted.
	Position     int64 `json:"position"`
	RetryAfterMS int64 `json:"retry_after_ms"`
}

// joinQueue handles POST /api/v1/queue: it takes a place in line, or says where a
// ticket stands. Without a waiting room everybody is admitted.
func (s *Server) joinQueue(k *call) error {
	var in struct {
		Ticket string `json:"ticket"`
	}
	if err := k.decodeOptional(&in); err != nil {
		return err
	}
	if s.Queue == nil {
		return k.send(fiber.StatusOK, queueAnswer{Admitted: true})
	}
	p, err := s.Queue.Join(k.ctx, in.Ticket, s.draw(k))
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, queueAnswer{
		Ticket: p.Ticket, Admitted: p.Admitted, Position: p.Position, RetryAfterMS: p.RetryAfter.Milliseconds(),
	})
}

// draw counts a new number against the address that wants it. Asking again with a
// ticket is not counted there: a whole school may wait behind one address.
func (s *Server) draw(k *call) func(context.Context) error {
	return func(ctx context.Context) error {
		if s.Tickets == nil || trusted(s.Limits.Allow, k.addr) {
			return nil
		}
		err := s.Tickets.Admit(ctx, k.addr)
		if err != nil && fault.From(err).Kind == fault.Limited {
			s.state.metrics.limited.WithLabelValues(byTicket).Inc()
		}
		return err
	}
}

// enter lets a sign-in through the waiting room, before anybody else is asked
// about it. what names the door and what is shown there.
func (s *Server) enter(k *call, ticket string, what ...string) error {
	if s.Queue == nil {
		return nil
	}
	err := s.Queue.Enter(k.ctx, ticket, strings.Join(what, "\x00"))
	switch {
	case err == nil:
		s.state.metrics.entered.WithLabelValues(wasAdmitted).Inc()
	case errors.Is(err, waitingroom.ErrRequired):
		s.state.metrics.entered.WithLabelValues(wasTurnedAway).Inc()
	}
	return err
}
