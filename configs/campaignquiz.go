package configs

import (
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"qingyuan/quiz"
)

// readQuiz reads the rules and the bank they draw from.
func (r *campaignReader) readQuiz(v value) (*quiz.Rules, *quiz.Bank) {
	r.quiz = v
	before := len(v.faults)
	o := v.object("bank", "strata", "time_limit", "grace", "attempts_per_day", "attempts_in_all",
		"pass_score", "marking", "review", "policy")
	r.policy = o.may("policy")
	const many = 1 << 20 // Rules.Check knows the true bounds
	rules := &quiz.Rules{
		Strata:         r.readStrata(o.must("strata")),
		TimeLimit:      o.must("time_limit").duration(),
		Grace:          o.may("grace").duration(),
		AttemptsPerDay: o.may("attempts_per_day").whole(0, many),
		AttemptsInAll:  o.may("attempts_in_all").whole(0, many),
		PassScore:      o.must("pass_score").whole(0, quiz.MaxScore),
		Marking:        orElse(oneOf(o.may("marking"), quiz.AllOrNothing, quiz.Partial), quiz.AllOrNothing),
		Review: orElse(oneOf(o.may("review"),
			quiz.ReviewAfterSubmission, quiz.ReviewAfterClose, quiz.ReviewNever), quiz.ReviewNever),
	}
	if len(v.faults) == before { // else Check would say the same again
		for _, err := range rules.Check() {
			r.reportRule(o, err)
		}
	}
	return rules, r.readBank(o.must("bank"))
}

// reportRule puts a flaw that Rules.Check has found, such as one of "strata.0", at the
// line of that field.
func (r *campaignReader) reportRule(o *object, err error) {
	flaw, ok := errors.AsType[*quiz.FlawError](err)
	if !ok {
		o.bad("%v", err)
		return
	}
	key, _, _ := strings.Cut(flaw.Field, ",") // of several fields, the first
	name, place, _ := strings.Cut(key, ".")
	v := o.may(name)
	if i, err := strconv.Atoi(place); err == nil && i < len(r.strata) {
		v = r.strata[i]
	}
	if v.absent() {
		o.bad("%s: %v", key, flaw)
		return
	}
	v.bad(flaw.Form, flaw.Args...)
}

func (r *campaignReader) readStrata(v value) []quiz.Stratum {
	const many = 1 << 20 // Rules.Check knows the true bounds
	r.strata = v.list()
	out := make([]quiz.Stratum, len(r.strata))
	for i, e := range r.strata {
		o := e.object("count", "points", "kinds", "topics", "difficulties")
		out[i] = quiz.Stratum{
			Count:  o.must("count").whole(0, many),
			Points: o.must("points").whole(0, many),
			Kinds:  manyOf(o.may("kinds"), quiz.Single, quiz.Multiple, quiz.Judge),
			Topics: o.may("topics").texts(),
		}
		for _, d := range o.may("difficulties").list() {
			out[i].Difficulties = append(out[i].Difficulties, d.whole(1, 3))
		}
	}
	return out
}

// readBank follows a reference that is relative to the campaign file.
func (r *campaignReader) readBank(ref value) *quiz.Bank {
	s := ref.text()
	if s == "" {
		return nil
	}
	r.bankRef = ref
	if r.parts != nil && r.parts.Bank != nil {
		return r.parts.Bank
	}
	if r.kept != nil {
		b, ok, err := r.kept(s)
		if err != nil {
			ref.bad("%q is a bank that is kept elsewhere and cannot be had: %v", s, err)
		}
		if ok || err != nil {
			r.apart = true
			return b
		}
	}
	name := path.Join(r.dir, s)
	if path.IsAbs(s) || !fs.ValidPath(name) {
		ref.bad("%q is not a path relative to this file", s)
		return nil
	}
	return r.bank(name, ref)
}
