package httpapi

import (
	"context"
	"encoding/json"

	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/jobs"
	"qingyuan/internal/operator"
	"qingyuan/leaderboard"
)

// Jobs is what runs longer than a request. *jobs.Queue is one.
type Jobs interface {
	Job(ctx context.Context, id string) (jobs.Job, error)
	List(ctx context.Context, campaign, before string, limit int) ([]jobs.Job, error)
	Cancel(ctx context.Context, id string) error
}

// jobRoutes show how far long work is.
func (s *Server) jobRoutes() []route {
	return []route{
		admin(get(officePath+"/jobs", staff, s.listJobs), ""),
		admin(get(officePath+"/jobs/:job", staff, s.showJob), ""),
		admin(post(officePath+"/jobs/:job/cancel", staff, s.cancelJob), ""),
	}
}

// jobT is a job as it is shown. Progress counts what the job counts: rows, people.
type jobT struct {
	ID         string          `json:"id"`
	Kind       string          `json:"kind"`
	Campaign   string          `json:"campaign"`
	Node       string          `json:"node"`
	Login      string          `json:"login"`
	State      jobs.State      `json:"state"`
	Stopping   bool            `json:"stopping"`
	Attempt    int             `json:"attempt"`
	Done       int64           `json:"done"`
	Total      int64           `json:"total"`
	Note       string          `json:"note"`
	Result     json.RawMessage `json:"result"`
	Code       string          `json:"code"`
	Error      string          `json:"error"`
	CreatedAt  string          `json:"created_at"`
	StartedAt  *string         `json:"started_at"`
	FinishedAt *string         `json:"finished_at"`
}

func jobOf(j jobs.Job) jobT {
	out := jobT{
		ID: j.ID, Kind: j.Kind, Campaign: j.Campaign, Node: j.Node, Login: j.Login, State: j.State, Stopping: j.Stopping,
		Attempt: j.Attempt, Done: j.Done, Total: j.Total, Note: j.Note, Result: j.Result, Code: j.Code, Error: j.Error,
		CreatedAt: stamp(j.CreatedAt, nil), StartedAt: stampOrNull(j.StartedAt, nil), FinishedAt: stampOrNull(j.FinishedAt, nil),
	}
	if out.Result == nil {
		out.Result = json.RawMessage("null")
	}
	return out
}

// sees tells whether the operator may see a job: their own, and those about a part of
// a campaign in which they may do the same.
func (s *Server) sees(k *call, j jobs.Job) bool {
	if j.Actor == k.actor.ID {
		return true
	}
	if j.Action == "" {
		return false
	}
	action := operator.Action(j.Action)
	if j.Campaign == "" {
		return k.actor.May(action, "")
	}
	c, err := s.prepared(k, j.Campaign)
	return err == nil && k.actor.Within(action, c, j.Node)
}

// listJobs handles GET /api/v1/admin/jobs?campaign=. The cursor is the last id.
func (s *Server) listJobs(k *call) error {
	id, err := k.text("campaign")
	if err != nil {
		return err
	}
	before, err := k.text("cursor")
	if err != nil {
		return err
	}
	all, err := s.Jobs.List(k.ctx, id, before, leaderboard.MaxPage+1)
	if err != nil {
		return err
	}
	out := list[jobT]{Items: []jobT{}}
	if len(all) > leaderboard.MaxPage {
		all = all[:leaderboard.MaxPage]
		out.NextCursor = new(all[len(all)-1].ID)
	}
	for _, j := range all {
		if s.sees(k, j) {
			out.Items = append(out.Items, jobOf(j))
		}
	}
	return k.send(fiber.StatusOK, out)
}

func (s *Server) job(k *call) (jobs.Job, error) {
	j, err := s.Jobs.Job(k.ctx, k.Params("job"))
	if err != nil {
		return j, err
	}
	if !s.sees(k, j) {
		return j, jobs.ErrNotFound
	}
	return j, nil
}

// showJob handles GET /api/v1/admin/jobs/{job}.
func (s *Server) showJob(k *call) error {
	j, err := s.job(k)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, jobOf(j))
}

// cancelJob handles POST /api/v1/admin/jobs/{job}/cancel.
func (s *Server) cancelJob(k *call) error {
	j, err := s.job(k)
	if err != nil {
		return err
	}
	if err := s.Jobs.Cancel(k.ctx, j.ID); err != nil {
		return err
	}
	if j, err = s.Jobs.Job(k.ctx, j.ID); err != nil {
		return err
	}
	return k.send(fiber.StatusOK, jobOf(j))
}
