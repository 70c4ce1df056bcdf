// Package fault is the one error vocabulary that crosses package borders.
//
// Two rules make it work:
//
//  1. An error the caller must tell apart is a *fault.Error declared next to
//     the rule that raises it (quiz.ErrSubmitted) and tested with errors.Is.
//  2. Any other error is a defect or an outage. It keeps its detail for the
//     log and reaches the participant only as "internal".
//
// Only package httpapi turns a Kind into an HTTP status.
package fault

import (
	"errors"
	"slices"
	"time"
)

// Kind says what the caller may do about an error.
type Kind uint8

// Internal is the zero value on purpose: an unclassified error is ours.
const (
	Internal        Kind = iota
	Invalid              // change the request
	Unauthenticated      // sign in (again)
	Forbidden            // not allowed to this caller, or not at this time
	NotFound             // no such thing, or not this caller's
	Conflict             // contradicts what was already accepted
	Limited              // too often: try again after RetryAfter
	Unavailable          // an outage or an unknown outcome: repeat the same request after RetryAfter
)

// Field names one wrong part of a request.
type Field struct {
	// Name is the path inside the body, dots between levels: "answers.3".
	Name string `json:"field"`
	// Reason is a Chinese sentence for the person at the screen.
	Reason string `json:"reason"`
}

// Error is safe to show: nothing in its exported fields carries internal
// detail. Values are declared once and copied by the With and Because methods,
// never changed in place.
type Error struct {
	Kind Kind
	// Code is stable and documented, for example "quiz.submitted".
	Code string
	// Text is Chinese and ready to be shown.
	Text string
	// RetryAfter is how long to wait before the same request may succeed;
	// zero where waiting does not help.
	RetryAfter time.Duration
	// NextAttemptAt is when a spent limit ends; zero where it does not apply.
	NextAttemptAt time.Time
	// Fields lists the wrong parts of an Invalid request.
	Fields []Field

	cause error
}

// New declares an error. Call it in package-level var blocks only, so that
// every code has one home.
func New(kind Kind, code, text string) *Error {
	return &Error{Kind: kind, Code: code, Text: text}
}

// Error implements error. It is meant for logs: it includes the cause.
func (e *Error) Error() string {
	if e.cause != nil {
		return e.Code + ": " + e.cause.Error()
	}
	return e.Code
}

// Unwrap returns what led to e, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Is matches by Code, so that a copy made by Because or With… still equals its
// declaration.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error) // one link only: errors.Is walks the chain
	return ok && t.Code == e.Code
}

// Because returns a copy of e that remembers its cause for the log.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// WithFields returns a copy of e that names the wrong parts of the request.
func (e *Error) WithFields(fields ...Field) *Error {
	c := *e
	c.Fields = slices.Concat(e.Fields, fields)
	return &c
}

// WithRetry returns a copy of e that asks to wait for d.
func (e *Error) WithRetry(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// WithNextAttempt returns a copy of e that says when the limit ends.
func (e *Error) WithNextAttempt(at time.Time) *Error {
	c := *e
	c.NextAttemptAt = at
	return &c
}

// Errors that belong to no single package.
var (
	// ErrInternal answers for every error that is not a fault.
	ErrInternal = New(Internal, "internal", "服务器内部错误，请稍后再试")
	// ErrInvalid is a request that cannot be understood; Fields says where.
	ErrInvalid = New(Invalid, "request.invalid", "请求内容有误，请检查后重试")
	// ErrNotFound is a path or object that does not exist.
	ErrNotFound = New(NotFound, "request.not_found", "请求的内容不存在")
	// ErrUnavailable is an outage or an unknown outcome. The same request may
	// be repeated safely.
	ErrUnavailable = New(Unavailable, "service.unavailable", "服务繁忙，请稍后重试").WithRetry(time.Second)
)

// InvalidField returns ErrInvalid for one field.
func InvalidField(name, reason string) *Error {
	return ErrInvalid.WithFields(Field{Name: name, Reason: reason})
}

// From returns the nearest fault in err's chain, or ErrInternal with err as its
// cause. From(nil) is nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*Error](err); ok {
		return f
	}
	return ErrInternal.Because(err)
}
