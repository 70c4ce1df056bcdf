package wechat

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
)

// The answers of WeChat that mean something to a sign-in. 40163, 45009, 40125
// and 40013 are not on the page of the call; they were met in the field.
const (
	codeNone        = 0 // no answer, or none that can be read
	codeBusy        = -1
	codeInvalid     = 40029
	codeUsed        = 40163
	codeMissing     = 41008
	codeBlocked     = 40226
	codeMinuteQuota = 45011
	codeDayQuota    = 45009
)

// The answers to a call with an access token that another token may mend.
const (
	codeTokenInvalid = 40001
	codeTokenUnknown = 40014
	codeTokenExpired = 42001
	// codeAbsent is said of somebody who was not there within two hours.
	codeAbsent = 61010
)

// maxMessage is how many runes of WeChat's own words are kept for the log.
const maxMessage = 120

// Error is what went wrong in a call. It is made for logs: the secret, the code
// and WeChat's ids are taken out of it.
type Error struct {
	// Code is WeChat's errcode; zero when there was no answer that could be
	// read.
	Code int
	// Msg is what WeChat said, or what was attempted and failed.
	Msg string
	// RID is WeChat's number of the request, for asking their support.
	RID string
	// Retryable says that a later attempt may succeed.
	Retryable bool

	cause error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Code == codeNone {
		return e.Msg
	}
	return fmt.Sprintf("errcode %d, %s, rid %q", e.Code, e.Msg, e.RID)
}

// Absent tells whether WeChat knows nothing of somebody because they were not there
// lately.
func (e *Error) Absent() bool { return e.Code == codeAbsent }

// Unwrap gives context.Canceled and context.DeadlineExceeded to errors.Is, and
// nothing that could hold an address.
func (e *Error) Unwrap() error { return e.cause }

// failed describes a call that brought no usable answer. What http says would
// repeat the address with the secret and the code in it.
func (k call) failed(attempt string, err error) *Error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	out := &Error{Msg: attempt + ": " + k.scrub(err.Error()), Retryable: true}
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, end) {
			out.cause = end
		}
	}
	return out
}

// refused describes an answer with an errcode.
func (k call) refused(s said) *Error {
	e := &Error{Code: s.ErrCode, Msg: k.scrub(s.ErrMsg)}
	if m := ridPattern.FindStringSubmatch(s.ErrMsg); m != nil {
		e.RID = m[1]
	}
	switch s.ErrCode {
	case codeBusy, codeMinuteQuota, codeDayQuota, codeTokenInvalid, codeTokenUnknown, codeTokenExpired:
		e.Retryable = true
	}
	return e
}

// ridPattern finds the request's number, which WeChat puts into the message.
var ridPattern = regexp.MustCompile(`rid: ([0-9a-zA-Z-]{1,64})`)

// scrub takes out of text what only WeChat and we may know, and whatever could
// break a line of a log.
func (k call) scrub(text string) string {
	for _, private := range append([]string{k.app.Secret, k.code}, k.private...) {
		if private == "" {
			continue
		}
		for _, form := range []string{private, url.QueryEscape(private)} {
			text = strings.ReplaceAll(text, form, "***")
		}
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	if runes := []rune(text); len(runes) > maxMessage {
		text = string(runes[:maxMessage]) + "…"
	}
	return text
}

// asFault says what a caller may do about err, which stays its cause.
func asFault(err error) error {
	e := asError(err)
	if e == nil {
		return err
	}
	switch e.Code {
	case codeNone, codeBusy:
		return ErrBusy.Because(err)
	case codeMinuteQuota:
		return ErrBusy.WithRetry(time.Minute).Because(err)
	case codeDayQuota:
		return ErrBusy.WithRetry(10 * time.Minute).Because(err)
	case codeInvalid, codeUsed, codeMissing:
		return ErrCodeInvalid.Because(err)
	case codeBlocked:
		return ErrBlocked.Because(err)
	default:
		// 40013, 40125 and whatever else: the person can do nothing about it.
		return err
	}
}

// verdictOf says what err tells about WeChat's health. An errcode, save busy,
// proves that it works; a caller that left proves nothing.
func verdictOf(err error) verdict {
	e := asError(err)
	switch {
	case err == nil:
		return healthy
	case errors.Is(err, context.Canceled):
		return unknown
	case e == nil || e.Code == codeNone || e.Code == codeBusy:
		return outage
	default:
		return healthy
	}
}

func asError(err error) *Error {
	e, _ := errors.AsType[*Error](err)
	return e
}
