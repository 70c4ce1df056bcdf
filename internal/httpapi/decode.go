package httpapi

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/fault"
)

// decode reads the body, one JSON object, into v. What v does not declare,
// fields given twice or in other case, broken UTF-8 and anything after the
// object are refused: every reader must understand the same.
func (k *call) decode(v any) error {
	if !isJSON(k.Get(fiber.HeaderContentType)) {
		return errUnsupported
	}
	return decodeStrict(k.Request().Body(), v)
}

// decodeOptional is decode for a request that may come without a body.
func (k *call) decodeOptional(v any) error {
	if len(k.Request().Body()) == 0 {
		return nil
	}
	return k.decode(v)
}

// decodeWhy is decode for the body of an act that the audit log keeps a reason of: reason
// is the field of v that it is in.
func (k *call) decodeWhy(v any, reason *string, required bool) error {
	if err := k.decode(v); err != nil {
		return err
	}
	return checkReason(*reason, required)
}

// why reads a body that says why an act is done, for the audit log, and nothing else.
func (k *call) why(required bool) (string, error) {
	reason, err := k.reason()
	if err != nil {
		return "", err
	}
	return reason, checkReason(reason, required)
}

// reason reads a body that says why something is done, and nothing else. What may be in
// it is for those to say who tell it on.
func (k *call) reason() (string, error) {
	var in struct {
		Reason string `json:"reason"`
	}
	err := k.decode(&in)
	return in.Reason, err
}

// isJSON takes application/json with no parameter but charset=utf-8.
func isJSON(contentType string) bool {
	kind, params, _ := strings.Cut(contentType, ";")
	if !strings.EqualFold(strings.TrimSpace(kind), fiber.MIMEApplicationJSON) {
		return false
	}
	params = strings.ReplaceAll(strings.TrimSpace(params), `"`, "")
	return params == "" || strings.EqualFold(params, "charset=utf-8")
}

func decodeStrict(body []byte, v any) error {
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return fault.ErrInvalid.Because(errors.New("body is not an object"))
	}
	if err := json.Unmarshal(body, v, json.RejectUnknownMembers(true)); err != nil {
		return decodeFault(err)
	}
	return nil
}

// decodeFault names the field that was wrong, where one can be named.
func decodeFault(err error) error {
	f := fault.ErrInvalid.Because(err)
	var at jsontext.Pointer
	reason := "类型或取值不对"
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		at = e.JSONPointer
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		at, reason = e.JSONPointer, "格式不对"
	}
	switch {
	case errors.Is(err, json.ErrUnknownName):
		reason = "没有这个字段"
	case errors.Is(err, jsontext.ErrDuplicateName):
		reason = "字段重复"
	}
	if at == "" {
		return f
	}
	return f.WithFields(fault.Field{Name: dotted(at), Reason: reason})
}

// dotted writes a pointer as fields are named in answers: "answers.3".
func dotted(p jsontext.Pointer) string {
	var parts []string
	for token := range p.Tokens() {
		parts = append(parts, clip(token))
	}
	return clip(strings.Join(parts, "."))
}

// clip bounds what of a client's own words is sent back.
func clip(s string) string {
	if len(s) <= maxText {
		return s
	}
	for i := maxText; ; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i] + "…"
		}
	}
}
