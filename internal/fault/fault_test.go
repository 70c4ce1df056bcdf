package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/internal/fault"
)

var errSample = fault.New(fault.Conflict, "sample.taken", "已被占用")

func TestCopiesEqualTheirDeclaration(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 6, 27, 0, 0, 0, 0, time.UTC)
	for name, err := range map[string]error{
		"because":      errSample.Because(io.EOF),
		"with fields":  errSample.WithFields(fault.Field{Name: "unit", Reason: "没有"}),
		"with retry":   errSample.WithRetry(time.Second),
		"with attempt": errSample.WithNextAttempt(at),
		"wrapped":      fmt.Errorf("enrol in c1: %w", errSample.Because(io.EOF)),
	} {
		if !errors.Is(err, errSample) {
			t.Errorf("%s: %v is not %v", name, err, errSample)
		}
		if errors.Is(err, fault.ErrInternal) {
			t.Errorf("%s: %v passes for another code", name, err)
		}
	}
	if errSample.Unwrap() != nil || errSample.Fields != nil || errSample.RetryAfter != 0 || !errSample.NextAttemptAt.IsZero() {
		t.Errorf("a copy changed the declaration: %+v", errSample)
	}
}

func TestACopyKeepsWhatTheOthersAdded(t *testing.T) {
	t.Parallel()
	first, second := fault.Field{Name: "a", Reason: "甲"}, fault.Field{Name: "b", Reason: "乙"}
	f := errSample.WithRetry(time.Minute).WithFields(first).Because(io.EOF).WithFields(second)
	if diff := cmp.Diff([]fault.Field{first, second}, f.Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if f.RetryAfter != time.Minute || !errors.Is(f, io.EOF) {
		t.Errorf("retry after %v because of %v, want 1m because of %v", f.RetryAfter, f.Unwrap(), io.EOF)
	}
}

// TestFieldsAreNotShared shows that two copies of one fault do not write into
// the same array.
func TestFieldsAreNotShared(t *testing.T) {
	t.Parallel()
	base := errSample.WithFields(fault.Field{Name: "a"}, fault.Field{Name: "b"}, fault.Field{Name: "c"})
	left, right := base.WithFields(fault.Field{Name: "left"}), base.WithFields(fault.Field{Name: "right"})
	if left.Fields[3].Name != "left" || right.Fields[3].Name != "right" || len(base.Fields) != 3 {
		t.Errorf("left %v, right %v, base %v", left.Fields, right.Fields, base.Fields)
	}
}

func TestErrorTextIsForTheLog(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err  *fault.Error
		want string
	}{
		{errSample, "sample.taken"},
		{errSample.Because(io.EOF), "sample.taken: EOF"},
		{errSample.Because(fmt.Errorf("read: %w", io.EOF)), "sample.taken: read: EOF"},
	} {
		if got := tc.err.Error(); got != tc.want {
			t.Errorf("Error() = %q, want %q", got, tc.want)
		}
	}
}

func TestFrom(t *testing.T) {
	t.Parallel()
	if got := fault.From(nil); got != nil {
		t.Errorf("From(nil) = %v", got)
	}
	inner := errSample.Because(io.EOF)
	if got := fault.From(fmt.Errorf("submit: %w", inner)); got != inner {
		t.Errorf("From(wrapped) = %v, want the fault inside", got)
	}
	unknown := fault.From(fmt.Errorf("read: %w", io.ErrUnexpectedEOF))
	if unknown.Kind != fault.Internal || unknown.Code != "internal" || !errors.Is(unknown, io.ErrUnexpectedEOF) {
		t.Errorf("From(no fault) = %+v, want internal with its cause", unknown)
	}
	joined := fault.From(errors.Join(io.EOF, errSample))
	if joined.Code != errSample.Code {
		t.Errorf("From(joined) = %v, want the fault among them", joined)
	}
}

func TestInvalidFieldNamesTheField(t *testing.T) {
	t.Parallel()
	f := fault.InvalidField("answers.3", "没有这个选项")
	if !errors.Is(f, fault.ErrInvalid) || len(f.Fields) != 1 || f.Fields[0].Name != "answers.3" {
		t.Errorf("InvalidField = %+v", f)
	}
	if fault.ErrInvalid.Fields != nil {
		t.Errorf("InvalidField changed ErrInvalid: %+v", fault.ErrInvalid)
	}
}

func TestTheZeroKindIsOurs(t *testing.T) {
	t.Parallel()
	if (&fault.Error{}).Kind != fault.Internal {
		t.Error("an unclassified error is not internal")
	}
	if fault.ErrUnavailable.RetryAfter <= 0 {
		t.Error("ErrUnavailable does not say when to repeat")
	}
}
