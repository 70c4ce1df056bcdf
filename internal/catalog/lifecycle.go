package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/fault"
)

// What may be done to a campaign, as versions and the audit log call it.
const (
	KindCreated   = "created"
	KindApplied   = "applied"
	KindEdited    = "edited"
	KindPublished = "published"
	KindPaused    = "paused"
	KindResumed   = "resumed"
	KindClosed    = "closed"
	KindReopened  = "reopened"
	KindArchived  = "archived"
)

// ApplyBundle puts a campaign with its bank and, where it has one, its tree into the
// catalog: a new one, or the next version of one that is there. What is there
// already makes no version. With publish a draft is published as well. A campaign
// that lies in files, or is served from them, is taken over under the rules of
// CheckChange.
func (s *Store) ApplyBundle(ctx context.Context, act Act, b configs.Bundle, publish bool) (Outcome, error) {
	return s.change(ctx, act, KindApplied, b.Campaign.ID, func(_ context.Context, e *edit) error {
		if e.was.Stage == Archived {
			return stateFault("state", "活动已归档，只能查看")
		}
		raw := b.Files[configs.CampaignFile]
		body, err := configs.Normalised(raw)
		if err != nil {
			return invalid(err)
		}
		e.rewrite(body, b.BankFiles())
		if paused, said := configs.Field(raw, "paused"); said {
			e.entry.Paused = paused
		}
		if b.Campaign.Tree != nil {
			e.nodes = nodesOf(b.Campaign.Tree)
		}
		if publish && e.entry.Stage == Draft {
			e.entry.Stage = Published
		}
		return e.takeOver()
	})
}

// takeOver holds a campaign that is served from files to the same rules: people may
// have taken part in it.
func (e *edit) takeOver() error {
	if !e.fresh || e.Others == nil {
		return nil
	}
	for _, d := range e.Others() {
		if d.Campaign.ID == e.entry.Campaign {
			if d.Campaign.AlwaysOpen {
				return ErrExists.WithFields(fault.Field{Name: "id", Reason: "这是示例活动的编号"})
			}
			e.old, e.was.Stage, e.entry.Stage = d, Published, Published
		}
	}
	return nil
}

// Create puts a new campaign into the catalog as a draft: from a campaign file or
// the same in JSON. Nodes are its tree, unless the file has one. The bank's files, if
// it has some, come by the path that quiz.bank names.
func (s *Store) Create(ctx context.Context, act Act, body []byte, bank map[string][]byte, nodes []campaign.Node) (Outcome, error) {
	id, err := idOf(body)
	if err != nil {
		return Outcome{}, err
	}
	return s.change(ctx, act, KindCreated, id, func(_ context.Context, e *edit) error {
		if !e.fresh {
			return ErrExists.WithFields(fault.Field{Name: "id", Reason: "已有这个编号的活动"})
		}
		normal, err := configs.Normalised(body)
		if err != nil {
			return invalid(err)
		}
		e.rewrite(normal, bank)
		tree, there, err := configs.TreeOf(body)
		if err != nil {
			return invalid(err)
		}
		if e.nodes = nodes; there {
			e.nodes = nodesOf(tree)
		}
		return nil
	})
}

// idOf reads the id that a campaign file gives itself. A wrong one is told with
// everything else that is wrong.
func idOf(body []byte) (string, error) {
	_, err := configs.Assemble(configs.Parts{Text: body, Draft: true})
	id := configs.IDOf(body)
	if id == "" {
		if err == nil {
			err = errors.New("it names no id")
		}
		return "", invalid(err)
	}
	return id, nil
}

// Patch changes fields of a campaign by a JSON merge patch of its file. Fields that
// are kept beside the file have acts of their own and are refused.
func (s *Store) Patch(ctx context.Context, act Act, id string, patch []byte) (Outcome, error) {
	return s.change(ctx, act, KindEdited, id, func(_ context.Context, e *edit) error {
		if err := e.there(); err != nil {
			return err
		}
		if err := patchable(patch); err != nil {
			return err
		}
		body, err := configs.Patched(e.m.text, patch)
		if err != nil {
			return invalid(err)
		}
		e.rewrite(body, nil)
		return nil
	})
}

func patchable(patch []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(patch, &fields); err != nil || len(fields) == 0 {
		return fault.InvalidField("set", "应为要修改的字段")
	}
	for _, own := range []string{"id", "paused", "tree"} {
		if _, there := fields[own]; there {
			return fault.InvalidField("set."+own, "不能在此修改")
		}
	}
	return nil
}

// Replace exchanges the whole campaign file of a campaign, without its tree.
func (s *Store) Replace(ctx context.Context, act Act, id string, body []byte) (Outcome, error) {
	return s.change(ctx, act, KindEdited, id, func(_ context.Context, e *edit) error {
		if err := e.there(); err != nil {
			return err
		}
		normal, err := configs.Normalised(body)
		if err != nil {
			return invalid(err)
		}
		e.rewrite(normal, nil)
		return nil
	})
}

// Publish shows a draft to the public. It opens and closes by the clock from then on.
func (s *Store) Publish(ctx context.Context, act Act, id string) (Outcome, error) {
	return s.change(ctx, act, KindPublished, id, func(_ context.Context, e *edit) error {
		if err := e.there(); err != nil {
			return err
		}
		if e.was.Stage == Draft && !e.Now().Before(e.old.Campaign.ClosesAt) {
			return stateFault("closes_at", "结束时间已过，请先修改")
		}
		e.entry.Stage = Published
		return nil
	})
}

// Pause refuses new acts on every server within about a second. Attempts that are
// open go on: their own deadline decides.
func (s *Store) Pause(ctx context.Context, act Act, id string) (Outcome, error) {
	return s.steer(ctx, act, KindPaused, id, func(e *edit, state string) error {
		if state == string(campaign.Closed) {
			return stateFault("state", "活动已结束，不需要暂停")
		}
		e.entry.Paused = true
		return nil
	})
}

// Resume takes a pause back.
func (s *Store) Resume(ctx context.Context, act Act, id string) (Outcome, error) {
	return s.steer(ctx, act, KindResumed, id, func(e *edit, _ string) error {
		e.entry.Paused = false
		return nil
	})
}

// Close ends a campaign now, before closes_at. Attempts that are open may still be
// handed in until their own deadline, as when closes_at comes.
func (s *Store) Close(ctx context.Context, act Act, id string) (Outcome, error) {
	return s.steer(ctx, act, KindClosed, id, func(e *edit, state string) error {
		switch {
		case state == string(campaign.Closed):
			return nil // it is closed, by whatever
		case e.Now().Before(e.old.Campaign.OpensAt):
			return stateFault("state", "活动尚未开放，不能提前结束；可修改开放时间或暂停")
		}
		e.entry.ClosedAt = e.Now().Truncate(time.Second)
		return nil
	})
}

// Reopen lets a campaign that is closed go on until a moment, or, with the zero
// time, until the closes_at that it had. All numbers stay.
func (s *Store) Reopen(ctx context.Context, act Act, id string, until time.Time) (Outcome, error) {
	return s.steer(ctx, act, KindReopened, id, func(e *edit, state string) error {
		if state != string(campaign.Closed) {
			return stateFault("state", "活动没有结束")
		}
		e.entry.ClosedAt = time.Time{}
		ends := until
		if until.IsZero() {
			ends = e.closes
		} else if err := e.setCloses(until); err != nil {
			return err
		}
		if !ends.After(e.Now()) {
			return stateFault("closes_at", "新的结束时间应在现在之后")
		}
		return nil
	})
}

func (e *edit) setCloses(at time.Time) error {
	patch, err := json.Marshal(map[string]string{"closes_at": at.In(configs.Zone()).Format(timeForm)})
	if err != nil {
		return err
	}
	body, err := configs.Patched(e.m.text, patch)
	if err != nil {
		return fmt.Errorf("set closes_at: %w", err)
	}
	e.rewrite(body, nil)
	return nil
}

// Archive makes a closed campaign read-only for good. What people did, the boards
// and the last snapshot stay where they are.
func (s *Store) Archive(ctx context.Context, act Act, id string) (Outcome, error) {
	return s.change(ctx, act, KindArchived, id, func(_ context.Context, e *edit) error {
		switch {
		case e.fresh:
			return notFound(id)
		case e.was.Stage == Archived:
			return nil
		case e.was.Stage == Draft, e.old.Campaign.StateAt(e.Now()) == campaign.Closed:
			e.entry.Stage = Archived
			return nil
		}
		return stateFault("state", "活动结束后才能归档")
	})
}

// steer is change for what only a published campaign can go through.
func (s *Store) steer(ctx context.Context, act Act, kind, id string, fn func(e *edit, state string) error) (Outcome, error) {
	return s.change(ctx, act, kind, id, func(_ context.Context, e *edit) error {
		if err := e.there(); err != nil {
			return err
		}
		if e.was.Stage != Published {
			return stateFault("state", "活动尚未发布")
		}
		return fn(e, string(e.old.Campaign.StateAt(e.Now())))
	})
}

// Check works out whether a campaign could be published as it is, or as a patch
// would make it. The error has every fault.
func (s *Store) Check(ctx context.Context, act Act, id string, patch []byte) (Outcome, error) {
	act.DryRun = true
	return s.change(ctx, act, KindPublished, id, func(_ context.Context, e *edit) error {
		if err := e.there(); err != nil {
			return err
		}
		if len(bytes.TrimSpace(patch)) > 0 {
			if err := patchable(patch); err != nil {
				return err
			}
			body, err := configs.Patched(e.m.text, patch)
			if err != nil {
				return invalid(err)
			}
			e.rewrite(body, nil)
		}
		e.entry.Stage = Published
		return nil
	})
}
