package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/httpapi"
	"qingyuan/internal/jobs"
	"qingyuan/internal/ledger"
	"qingyuan/internal/retention"
	"qingyuan/internal/shelf"
)

// personDesk gives participants what is kept of them, and takes it away.
type personDesk struct {
	*workbench

	jobs *jobs.Queue
}

// eraseKind is the jobs' name of erasures.
const eraseKind = "personal.erase"

// register lets the queue erase.
func (d *personDesk) register(q *jobs.Queue) { q.Register(eraseKind, d.work) }

type eraseOrder struct {
	Participant string `json:"participant"`
}

// Erase implements httpapi.Persons. That it was asked for survives a restart; a repeat
// finds nothing left.
func (d *personDesk) Erase(ctx context.Context, participant string) error {
	params, err := json.Marshal(eraseOrder{participant})
	if err != nil {
		return err
	}
	_, err = d.jobs.Submit(ctx, jobs.Request{Kind: eraseKind, Actor: "participant", Login: "participant", Params: params})
	return err
}

func (d *personDesk) work(ctx context.Context, j jobs.Job, _ *jobs.Progress) (json.RawMessage, error) {
	var o eraseOrder
	if err := json.Unmarshal(j.Params, &o); err != nil {
		return nil, fmt.Errorf("read whom to erase: %w", err)
	}
	var x erasure
	err := untilGone(ctx, time.Now, func() error {
		x = erasure{workbench: d.workbench, serving: true, now: time.Now()}
		return x.run(ctx, o.Participant)
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"campaigns": len(x.campaigns), "doors": x.doors})
}

// Withdraw implements httpapi.Persons. That it was withdrawn is written down first: the
// rest may be repeated. What they wrote to the office stays: they did not write it under
// the notice, and a complaint is not taken back with a consent.
func (d *personDesk) Withdraw(ctx context.Context, campaignID, participant string) error {
	now := time.Now()
	if err := d.withdrawals().Record(ctx, campaignID, participant, now); err != nil {
		return err
	}
	// On a board of the shelf they stay, as nobody: the boards of what is archived stand.
	err := d.services.boards.Hide(ctx, campaignID, participant, true)
	if err != nil && !errors.Is(err, shelf.ErrArchived) {
		return err
	}
	if _, err = d.services.eraseIn(ctx, campaignID, participant, now); err != nil {
		return err
	}
	return d.proofs().EraseIn(ctx, campaignID, participant)
}

func (d *personDesk) withdrawals() retention.Withdrawals { return retention.Withdrawals{DB: d.db} }

// Kept implements httpapi.Persons.
func (d *personDesk) Kept(ctx context.Context, participant string) ([]httpapi.Kept, error) {
	shards, err := d.ledger.ShardsOf(ctx, participant)
	if err != nil {
		return nil, err
	}
	holders, err := d.holders()
	if err != nil {
		return nil, err
	}
	told, err := holders.Tell(ctx, participant)
	if err != nil {
		return nil, err
	}
	var out []httpapi.Kept
	for len(shards) > 0 {
		id := shards[0].Campaign
		n := slices.IndexFunc(shards, func(s ledger.Shard) bool { return s.Campaign != id })
		if n < 0 {
			n = len(shards)
		}
		some := shards[:n]
		if shards = shards[n:]; id == ledger.DoorsCampaign {
			continue
		}
		k, err := d.keptIn(ctx, some, participant)
		if err != nil {
			return nil, err
		}
		k.Told = told[id]
		delete(told, id)
		out = append(out, k)
	}
	for _, id := range slices.Sorted(maps.Keys(told)) { // who wrote and did not enrol
		out = append(out, httpapi.Kept{Campaign: id, Told: told[id]})
	}
	return out, nil
}

// keptIn tells what the shards of one campaign hold of a participant: prizes may lie in
// another than the rest.
func (d *personDesk) keptIn(ctx context.Context, shards []ledger.Shard, participant string) (k httpapi.Kept, err error) {
	k.Campaign = shards[0].Campaign
	for _, s := range shards {
		h, err := d.ledger.History(ctx, s, participant)
		if err != nil {
			return k, err
		}
		if err := d.keep(&k, h); err != nil {
			return k, fmt.Errorf("collect what is kept of a participant in %s: %w", s.Campaign, err)
		}
	}
	slices.SortStableFunc(k.Facts, func(a, b httpapi.KeptFact) int { return a.At.Compare(b.At) })
	k.Withdrawn, err = d.withdrawals().Of(ctx, k.Campaign, participant)
	return k, err
}

// keep adds what one shard holds of a participant.
func (d *personDesk) keep(k *httpapi.Kept, h ledger.History) error {
	for i := range h.Facts {
		f := &h.Facts[i]
		k.Facts = append(k.Facts, httpapi.KeptFact{Kind: string(f.Kind), At: f.At, Unit: f.Unit, Group: f.Group, Says: f.Body})
	}
	for _, r := range h.Records {
		if r.Kind == event.RecordErasure || r.Sealed == nil {
			continue
		}
		p, err := d.services.secrecy.open(k.Campaign, h.Participant, r)
		if err != nil {
			return errors.Join(fmt.Errorf("open record %s", r.Position), err)
		}
		k.Personal = append(k.Personal, httpapi.KeptPersonal{
			Kind: string(r.Kind), At: r.At, Name: p.Name, Phone: p.Phone, Guardian: p.Personal.Guardian, Strokes: p.Strokes,
			Notice: p.Notice, PublishName: p.PublishName,
		})
	}
	return nil
}
