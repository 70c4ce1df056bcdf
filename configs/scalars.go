package configs

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"

	"qingyuan/campaign"
)

// has tells whether the field is there.
func (o *object) has(name string) bool { _, ok := o.fields[name]; return ok }

// must returns a field and reports when it is not there.
func (o *object) must(name string) value {
	if !o.has(name) && !o.absent() {
		missing := o.under(name)
		missing.bad("is missing")
	}
	return o.may(name)
}

// whole returns a whole number between low and high.
func (v value) whole(low, high int) int {
	if v.absent() {
		return 0
	}
	n, err := strconv.Atoi(v.node.Value)
	if v.node.Kind != yaml.ScalarNode || v.node.Tag != "!!int" || err != nil || n < low || n > high {
		v.bad("want a whole number from %d to %d", low, high)
		return 0
	}
	return n
}

// yes returns true or false.
func (v value) yes() bool {
	if v.absent() {
		return false
	}
	b, err := strconv.ParseBool(v.node.Value)
	if v.node.Kind != yaml.ScalarNode || v.node.Tag != "!!bool" || err != nil {
		v.bad("want true or false")
		return false
	}
	return b
}

// duration returns a length of time such as 15m.
func (v value) duration() time.Duration {
	s := v.text()
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		v.bad("%q is not a duration such as 15m", s)
	}
	return d
}

// moment returns a point in time; without an offset it is local to zone. A bare
// date is refused: as an end it would be read as the day's beginning by some and
// as its end by others.
func (v value) moment(zone *time.Location) time.Time {
	s := v.text()
	if s == "" {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, "2006-01-02 15:04"} {
		if at, err := time.ParseInLocation(layout, s, zone); err == nil {
			return at.In(zone)
		}
	}
	v.bad("%q is not a time such as 2026-06-01 08:00", s)
	return time.Time{}
}

// matching returns a text of the given form, which the reason describes.
func (v value) matching(form *regexp.Regexp, reason string) string {
	s := v.text()
	if s != "" && !form.MatchString(s) {
		v.bad("%q: %s", s, reason)
	}
	return s
}

// texts returns a list of texts, or a single text as a list of one.
func (v value) texts() []string {
	if !v.absent() && v.node.Kind == yaml.ScalarNode {
		return []string{v.text()}
	}
	var out []string
	for _, e := range v.list() {
		out = append(out, e.text())
	}
	return out
}

// langs returns a text by language. A text alone is in the default language.
func (v value) langs() campaign.Text {
	if v.absent() {
		return nil
	}
	if v.node.Kind == yaml.ScalarNode {
		return campaign.Text{campaign.DefaultLanguage: v.text()}
	}
	o := v.object()
	out := campaign.Text{}
	for _, lang := range o.names {
		f := o.fields[lang]
		if _, err := language.Parse(lang); err != nil {
			f.bad("%q is not a language tag such as zh-CN or bo", lang)
		}
		out[lang] = f.text()
	}
	if !o.has(campaign.DefaultLanguage) && !o.absent() {
		v.bad("has no text in %s", campaign.DefaultLanguage)
	}
	return out
}

// oneOf returns the text when it is among the allowed ones.
func oneOf[T ~string](v value, allowed ...T) T {
	s := T(v.text())
	if s != "" && !slices.Contains(allowed, s) {
		v.bad("%q is not one of %s", s, join(allowed))
	}
	return s
}

// manyOf returns a list of allowed texts, each at most once.
func manyOf[T ~string](v value, allowed ...T) []T {
	var out []T
	entries := v.list()
	for _, e := range entries {
		s := oneOf(e, allowed...)
		if slices.Contains(out, s) {
			e.bad("%q stands twice", s)
		}
		out = append(out, s)
	}
	return out
}

func join[T ~string](list []T) string {
	var b strings.Builder
	for i, s := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return b.String()
}
