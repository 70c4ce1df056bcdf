package shelf

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/replay"
)

// Erase takes the personal data of a participant away in a campaign on the shelf, by the
// same two entries that Redis would write: the fact that they were erased, and the order
// to the ledger to forget what lies before it. It tells whether there was anything; a
// repeat changes nothing.
func (s *Shelf) Erase(ctx context.Context, id, participant string, now time.Time) (bool, error) {
	fail := func(err error) (bool, error) {
		return false, fmt.Errorf("erase participant %s on the shelf, in %s: %w", participant, id, err)
	}
	life, shard, err := s.life(ctx, id, participant)
	if err != nil || life == nil || life.Enrolment.Unit == "" {
		return false, err
	}
	h, err := s.Ledger.History(ctx, shard, participant)
	if err != nil {
		return fail(err)
	}
	if !slices.ContainsFunc(h.Records, func(r event.Record) bool { return r.Sealed != nil }) {
		return false, nil
	}
	fields, err := erasedFields(life, now)
	if err != nil {
		return fail(err)
	}
	if err := s.append(ctx, shard, event.Facts, fields, now); err != nil {
		return fail(err)
	}
	err = s.append(ctx, shard, event.Personal, event.Fields{
		{Name: event.FieldKind, Value: string(event.RecordErasure)},
		{Name: event.FieldParticipant, Value: participant},
		{Name: event.FieldAt, Value: strconv.FormatInt(now.UnixMilli(), 10)},
	}, now)
	if err != nil {
		return fail(err)
	}
	return true, s.changed(ctx, id)
}

func erasedFields(l *replay.Life, now time.Time) (event.Fields, error) {
	e := &l.Enrolment
	body, err := event.EncodeBody(event.Erased{Notice: e.NoticeVersion, Guardian: e.Guardian})
	return event.Fields{
		{Name: event.FieldKind, Value: string(event.KindErased)},
		{Name: event.FieldParticipant, Value: l.Participant},
		{Name: event.FieldUnit, Value: e.Unit},
		{Name: event.FieldGroup, Value: e.Group},
		{Name: event.FieldAt, Value: strconv.FormatInt(now.UnixMilli(), 10)},
		{Name: event.FieldBody, Value: body},
	}, err
}

// append puts one entry behind the last of a stream. Nobody else writes there but others
// who erase: whoever comes second tries again.
func (s *Shelf) append(ctx context.Context, shard ledger.Shard, stream event.Stream, fields event.Fields, now time.Time) error {
	for {
		at, err := s.Ledger.Cursor(ctx, shard, stream)
		if err != nil {
			return err
		}
		next := event.Position{Epoch: at.Epoch, Seq: at.Seq + 1}
		done, err := s.Ledger.Append(ctx, ledger.Batch{
			Shard: shard, Stream: stream, From: at, Entries: []event.Entry{{Position: next, Fields: fields}}, Now: now,
		})
		if err != nil {
			return err
		}
		if !done.Moved {
			return nil
		}
	}
}
