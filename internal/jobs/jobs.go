// Package jobs runs what takes longer than a request: imports, exports,
// corrections. Jobs lie in SQL, so that they survive a restart and any server may
// take them.
//
// A job belongs to one server for as long as it renews its lease. One whose server
// is gone is begun again by another, from its checkpoint or from the beginning: a
// Handler must bear that, and what it changes for good it changes in a transaction
// that calls Job.Hold, so that a server which has lost the job changes nothing.
package jobs

import (
	"encoding/json"
	"net/netip"
	"time"

	"qingyuan/internal/fault"
)

// State is where a job stands.
type State string

// The states. The last three are final.
const (
	Queued    State = "queued"
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Final tells whether nothing more will happen to a job.
func (s State) Final() bool { return s == Done || s == Failed || s == Cancelled }

// Request is what a job is made of.
type Request struct {
	// Kind chooses the Handler.
	Kind string
	// Action is the right with which others than the submitter may see and cancel
	// the job, in Campaign and at Node of its tree.
	Action, Campaign, Node string
	// Actor is the operator's id, Login the name they are signed in with.
	Actor, Login string
	Addr         netip.Addr
	// Params are JSON, and hold no personal data: they stay.
	Params json.RawMessage
}

// Job is one piece of work.
type Job struct {
	Request

	ID    string
	State State
	// Stopping is set once somebody asked to cancel it.
	Stopping bool
	// Attempt counts how often it was begun, from 1.
	Attempt int
	// Done of Total units of work are done; Total is 0 while it is not known.
	Done, Total int64
	// Note says in a few words what is going on, in Chinese.
	Note string
	// Checkpoint is what the attempt before left for this one; nil for nothing.
	Checkpoint json.RawMessage
	// Result is what a job that is done gives back.
	Result json.RawMessage
	// Code and Error say why a job failed; Error is Chinese and ready to be shown.
	Code, Error string

	CreatedAt, StartedAt, FinishedAt time.Time

	queue *Queue
}

// Errors of jobs.
var (
	// ErrNotFound is a job that is not there, or not for this operator.
	ErrNotFound = fault.New(fault.NotFound, "job.not_found", "没有这个任务")
	// ErrFinal is a job that cannot be cancelled any more.
	ErrFinal = fault.New(fault.Conflict, "job.final", "任务已经结束，不能取消")
	// ErrLost means that another server has the job, or that it was cancelled: the
	// transaction that asked must change nothing.
	ErrLost = fault.New(fault.Conflict, "job.lost", "任务已由其他服务器接管或已取消")
	// ErrGivenUp is a job that was begun too often without an end.
	ErrGivenUp = fault.New(fault.Internal, "job.given_up", "任务多次中断，已停止重试，请检查后重新提交")
)
