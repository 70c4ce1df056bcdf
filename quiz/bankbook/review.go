package bankbook

import (
	"strings"
	"time"

	"qingyuan/internal/fault"
)

// Submit asks for a review. The form must be complete: that is what the reviewer
// signs.
func (v Version) Submit() (Version, error) {
	if v.State != Draft {
		return v, v.stateError()
	}
	if missing := Missing(v.Question); len(missing) > 0 {
		return v, ErrIncomplete.WithFields(v.fields(missing)...)
	}
	v.State = Submitted
	return v, nil
}

// SignOff puts the reviewer's name under the version. day is the local date: what
// holds no more is not signed.
func (v Version) SignOff(by Person, at time.Time, day string) (Version, error) {
	switch {
	case v.State != Submitted:
		return v, v.stateError()
	case by.ID == v.Editor.ID:
		return v, ErrOwnWork.WithFields(v.field("", "由 "+v.Editor.Login+" 编写"))
	}
	if missing := Missing(v.Question); len(missing) > 0 {
		return v, ErrIncomplete.WithFields(v.fields(missing)...)
	}
	if v.Question.ValidTo != "" && v.Question.ValidTo < day {
		return v, ErrIncomplete.WithFields(v.field("valid_to", "有效期已于 "+v.Question.ValidTo+" 结束"))
	}
	v.State, v.Reviewer, v.DecidedAt, v.Reason = Reviewed, by, at, ""
	return v, nil
}

// SendBack returns a version to its editor, with what is wrong.
func (v Version) SendBack(by Person, at time.Time, reason string) (Version, error) {
	return v.decide(Submitted, Draft, by, at, reason)
}

// Withdraw takes a signed version out of drawing. What was published before stays as
// it is: a campaign that draws from it is corrected by itself.
func (v Version) Withdraw(by Person, at time.Time, reason string) (Version, error) {
	return v.decide(Reviewed, Withdrawn, by, at, reason)
}

func (v Version) decide(from, to State, by Person, at time.Time, reason string) (Version, error) {
	if v.State != from {
		return v, v.stateError()
	}
	if strings.TrimSpace(reason) == "" {
		return v, fault.InvalidField("reason", "请填写原因")
	}
	v.State, v.Reviewer, v.DecidedAt, v.Reason = to, by, at, reason
	return v, nil
}

var stateNames = map[State]string{Draft: "草稿", Submitted: "待审核", Reviewed: "已审核", Withdrawn: "已撤下"}

// Name is what the state is called, in Chinese.
func (s State) Name() string { return stateNames[s] }

func (v Version) stateError() error {
	return ErrState.WithFields(v.field("state", "当前为“"+v.State.Name()+"”"))
}

// field names a part of the question in an error.
func (v Version) field(name, reason string) fault.Field {
	return fault.Field{Name: strings.TrimSuffix(v.Question.ID+"."+name, "."), Reason: reason}
}

func (v Version) fields(missing []fault.Field) []fault.Field {
	out := make([]fault.Field, len(missing))
	for i, m := range missing {
		out[i] = v.field(m.Name, m.Reason)
	}
	return out
}
