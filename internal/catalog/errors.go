package catalog

import (
	"errors"
	"fmt"
	"slices"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/fault"
)

// Errors of editing. Fields says what exactly is wrong, at which path of the
// campaign file or in which row of a table.
var (
	// ErrInvalid is a campaign that no server could serve.
	ErrInvalid = fault.New(fault.Invalid, "catalog.invalid", "活动设置有误，请按提示修改")
	// ErrFixed is a change of what must not change any more: see CheckChange.
	ErrFixed = fault.New(fault.Conflict, "catalog.fixed", "活动发布或开放后，这些内容不能再改")
	// ErrTreeFixed is such a change of the tree.
	ErrTreeFixed = fault.New(fault.Conflict, "tree.fixed", "活动开放后，单位和地区不能移动、合并或删除，可改为停用")
	// ErrVersion means that somebody else has changed the campaign meanwhile.
	ErrVersion = fault.New(fault.Conflict, "catalog.version_conflict", "活动已被他人修改，请刷新后重试")
	// ErrExists is an id or a serial prefix that another campaign has.
	ErrExists = fault.New(fault.Conflict, "catalog.exists", "活动编号或证书前缀已被使用")
	// ErrState is an act that the campaign's state does not allow.
	ErrState = fault.New(fault.Conflict, "catalog.state", "活动当前的状态不能进行此操作")
	// ErrNode is a region or unit that is not in the tree.
	ErrNode = fault.New(fault.NotFound, "tree.node_not_found", "没有这个地区或单位")
	// ErrTree is a tree that would make no sense.
	ErrTree = fault.New(fault.Invalid, "tree.invalid", "组织架构有误，请按提示修改")
)

// ChangeError is one thing of a campaign that may not change any more.
type ChangeError struct {
	Campaign string
	// Key is the path in the campaign file.
	Key    string
	Reason string

	form string
	args []any
}

// Error implements error.
func (e *ChangeError) Error() string {
	return fmt.Sprintf("campaign %s: %s: %s", e.Campaign, e.Key, e.Reason)
}

// keyTree is the path of the tree in a campaign file.
const keyTree = "tree"

// maxFaults bounds what is answered at once: a tree may have as many faults as units.
const maxFaults = 200

// invalid turns what configs found into what is answered.
func invalid(err error) error {
	f := ErrInvalid.Because(err)
	all := configs.Faults(err)
	for _, e := range all[:min(len(all), maxFaults)] {
		f = f.WithFields(fault.Field{Name: orFile(e.Key), Reason: e.Chinese()})
	}
	if part, ok := errors.AsType[*fault.Error](err); ok && len(f.Fields) == 0 { // a bank that is kept apart
		return f.WithFields(fault.Field{Name: "quiz.bank", Reason: part.Text})
	}
	if len(f.Fields) == 0 {
		f = f.WithFields(fault.Field{Name: "definition", Reason: "内容无法读取：" + err.Error()})
	}
	return f
}

func orFile(key string) string {
	if key == "" {
		return "definition"
	}
	return key
}

// fixed turns what CheckChange found into what is answered.
func fixed(err error) error {
	if err == nil {
		return nil
	}
	f, all := ErrTreeFixed.Because(err), changeErrors(err)
	if slices.ContainsFunc(all, func(e *ChangeError) bool { return e.Key != keyTree }) {
		f = ErrFixed.Because(err)
	}
	for _, e := range all[:min(len(all), maxFaults)] {
		f = f.WithFields(fault.Field{Name: e.Key, Reason: e.Chinese()})
	}
	return f
}

// changeErrors takes the joined error of CheckChange apart.
func changeErrors(err error) []*ChangeError {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	var out []*ChangeError
	for _, e := range joined.Unwrap() {
		if c, ok := e.(*ChangeError); ok { //nolint:errorlint // As above.
			out = append(out, c)
		}
	}
	return out
}

// state refuses an act in the state that the campaign is in.
func stateFault(field, reason string) error {
	return ErrState.WithFields(fault.Field{Name: field, Reason: reason})
}

func notFound(id string) error {
	return campaign.ErrNotFound.Because(fmt.Errorf("campaign %s is not in the catalog", id))
}
