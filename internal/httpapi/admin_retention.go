package httpapi

import (
	"context"
	"encoding/json"

	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/audit"
	"qingyuan/internal/operator"
	"qingyuan/internal/retention"
)

// Retention lets campaigns that are over forget their people.
type Retention interface {
	// Plan counts what a campaign keeps of people, and says which of it is due by the
	// campaign's own rule. It changes nothing.
	Plan(ctx context.Context, campaignID string) ([]retention.Line, error)
	// Begin puts in line that what is due is taken away, and returns the job's id; that of
	// the one in line where there is one.
	Begin(ctx context.Context, campaignID string, by audit.Record) (job string, err error)
}

// retentionRoutes are how an office sees what is kept of people, and ends it.
func (s *Server) retentionRoutes() []route {
	const path = officePath + "/campaigns/:campaign/retention"
	return []route{
		slow(admin(get(path, staff, s.showRetention), operator.ErasePersonal)),
		admin(post(path, staff, s.beginRetention), operator.ErasePersonal),
	}
}

type retentionLineT struct {
	Name string  `json:"name"`
	Kind string  `json:"kind"`
	At   *string `json:"at"`
	Due  bool    `json:"due"`
	Left int64   `json:"left"`
}

// showRetention handles GET …/retention: what there would be to be taken away.
func (s *Server) showRetention(k *call) error {
	c, err := s.told(k, operator.ErasePersonal)
	if err != nil {
		return err
	}
	lines, err := s.Retention.Plan(k.ctx, c.ID)
	if err != nil {
		return err
	}
	out := list[retentionLineT]{Items: []retentionLineT{}}
	for _, l := range lines {
		out.Items = append(out.Items, retentionLineT{l.Name, string(l.Kind), stampOrNull(l.At, c.Zone), l.Due, l.Left})
	}
	return k.send(fiber.StatusOK, out)
}

// beginRetention handles POST …/retention. Who asked for it and why is in the audit log
// before anything is taken away.
func (s *Server) beginRetention(k *call) error {
	reason, err := k.why(true)
	if err != nil {
		return err
	}
	c, err := s.told(k, operator.ErasePersonal)
	if err != nil {
		return err
	}
	job, err := s.Retention.Begin(k.ctx, c.ID, s.record(k, operator.ErasePersonal, c.ID, ""))
	if err != nil {
		return err
	}
	record := s.record(k, operator.ErasePersonal, c.ID, "retention:"+job)
	record.Reason = reason
	if record.After, err = json.Marshal(map[string]string{"job": job}); err != nil {
		return err
	}
	if err := s.Journal.Append(k.ctx, record); err != nil {
		return err
	}
	return k.send(fiber.StatusAccepted, orderedT{job})
}
