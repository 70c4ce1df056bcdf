package simulate

import (
	"maps"
	"net/http"
	"strings"
	"time"
)

func (s *fake) signIn(w http.ResponseWriter, r *http.Request) {
	var in signInRequest
	if !read(w, r, &in) || s.faults.queued > 0 && !s.admitted(w, in.Ticket) {
		return
	}
	if s.people[in.Name] == nil {
		s.people[in.Name] = &soul{}
	}
	answer(w, 200, map[string]any{
		"access_token": in.Name, "expires_in": 900, "refresh_token": "r",
		"participant": map[string]string{"id": "p-" + in.Name},
	})
}

// admitted tells whether the ticket opens the door, and else sends to the queue.
func (s *fake) admitted(w http.ResponseWriter, ticket string) bool {
	if stale := s.faults.stale && ticket == "t1"; s.asked[ticket] < s.faults.queued || stale {
		answer(w, 429, map[string]any{"code": "queue.required", "message": "…", "request_id": "r", "retry_after_ms": 1000})
		return false
	}
	return true
}

// queue gives tickets and lets each one move up by one place whenever it asks.
func (s *fake) queue(w http.ResponseWriter, r *http.Request) {
	var in queueRequest
	if !read(w, r, &in) {
		return
	}
	if in.Ticket == "" {
		in.Ticket = "t" + itoa(len(s.asked)+1)
	}
	if !s.faults.stuck {
		s.asked[in.Ticket]++
	}
	ahead := s.faults.queued - s.asked[in.Ticket]
	answer(w, 200, map[string]any{"ticket": in.Ticket, "admitted": ahead <= 0, "position": max(ahead, 0), "retry_after_ms": 2000})
}

func (s *fake) campaigns(w http.ResponseWriter, _ *http.Request) {
	answer(w, 200, map[string]any{"next_cursor": nil, "items": []map[string]any{
		{"id": "over", "state": "closed"}, {"id": "demo", "state": s.detail["state"]},
	}})
}

// units gives pages of one, so that a cursor has to be followed.
func (s *fake) units(w http.ResponseWriter, r *http.Request) {
	children := map[string][]node{
		"":  {{"a", "region"}, {"b", "region"}},
		"a": {{"a1", "unit"}, {"a2", "unit"}},
		"b": {{"b1", "unit"}},
	}[r.URL.Query().Get("parent")]
	out := map[string]any{"items": children[:1], "next_cursor": nil}
	switch {
	case r.URL.Query().Get("cursor") == "2":
		out["items"] = children[1:]
	case len(children) > 1:
		out["next_cursor"] = "2"
	}
	answer(w, 200, out)
}

func (s *fake) pledge(w http.ResponseWriter, _ *http.Request) {
	answer(w, 200, map[string]any{"version": "v1", "title": "…", "sha256": "abc", "methods": []string{"typed", "drawn"}})
}

func (s *fake) enrol(w http.ResponseWriter, r *http.Request, who *soul) {
	var in enrolmentRequest
	switch {
	case !read(w, r, &in):
	case in.Consent.NoticeVersion != "n1" || len(in.Phone) != 11 || in.Unit == "" || in.Name == "":
		refuse(w, 400, "request.invalid")
	case in.Group == under14 && in.Guardian == nil:
		refuse(w, 400, "enrolment.guardian_required")
	default:
		if who.unit == "" {
			s.counts.Enrolled++
		}
		who.unit, who.group = in.Unit, in.Group
		answer(w, 200, map[string]any{"unit": in.Unit, "group": in.Group})
	}
}

func (s *fake) me(w http.ResponseWriter, _ *http.Request, who *soul) {
	out := map[string]any{
		"enrolment": nil, "signature": nil, "open_attempt": nil, "best": nil, "rank": nil,
		"attempts_left": map[string]any{"today": 2, "all": nil}, "server_time": time.Unix(0, 0),
	}
	if who.unit != "" {
		out["enrolment"] = map[string]string{"unit": who.unit}
	}
	if who.signature != nil {
		out["signature"] = who.signature
	}
	switch t := who.sheet; {
	case t == nil:
	case t.receipt == nil:
		out["open_attempt"] = map[string]string{"attempt": t.id}
	default:
		out["best"] = map[string]any{"score": t.receipt["score"], "used_ms": t.receipt["used_ms"]}
		if !s.faults.rankless {
			out["rank"] = 1
		}
	}
	answer(w, 200, out)
}

func (s *fake) start(w http.ResponseWriter, r *http.Request, who *soul) {
	var in startRequest
	if !read(w, r, &in) {
		return
	}
	status := 200
	if who.sheet == nil {
		s.attempts++
		who.sheet = &sitting{id: "1-" + itoa(s.attempts)}
		status = 201
	}
	answer(w, status, map[string]any{"attempt": who.sheet.id, "state": "open", "questions": sheetOf(who.sheet.id)})
}

// sheetOf makes the questions of an attempt: the first option is right.
func sheetOf(id string) []map[string]any {
	var sheet []map[string]any
	for q := range fakeQuestions {
		kind := []string{"single", "multiple", "judge"}[q%3]
		var options []map[string]string
		for o := range 3 {
			options = append(options, map[string]string{"id": id + "q" + itoa(q) + "o" + itoa(o), "text": "option " + itoa(o)})
		}
		sheet = append(sheet, map[string]any{"id": "q" + itoa(q), "kind": kind, "stem": "stem " + itoa(q), "options": options})
	}
	return sheet
}

func (s *fake) save(w http.ResponseWriter, r *http.Request, who *soul) {
	var in saveRequest
	if !read(w, r, &in) {
		return
	}
	who.sheet.revision = max(who.sheet.revision, in.Revision)
	answer(w, 200, map[string]any{"revision": who.sheet.revision, "deadline": time.Unix(0, 0)})
}

func (s *fake) submit(w http.ResponseWriter, r *http.Request, who *soul) {
	var in submission
	if !read(w, r, &in) {
		return
	}
	t := who.sheet
	canonical, correct, valid := mark(t.id, in.Answers)
	switch {
	case !valid && !s.faults.lenient:
		refuse(w, 400, "request.invalid")
	case s.faults.expired:
		if t.revision > 0 && t.receipt == nil {
			s.accept(t, canonical, correct)
			s.first(who)
		}
		refuse(w, 409, "quiz.expired")
	case t.receipt == nil:
		s.accept(t, canonical, correct)
		s.first(who)
		answer(w, 200, s.current(t))
		s.forget(who)
	case t.given != canonical && !s.faults.lenient:
		refuse(w, 409, "quiz.submitted")
	default:
		s.again(t)
		answer(w, 200, s.current(t))
	}
}

// accept makes the receipt and counts.
func (s *fake) accept(t *sitting, canonical string, correct int) {
	score := 10 * correct
	t.given = canonical
	t.receipt = map[string]any{
		"attempt": t.id, "state": "submitted", "score": score, "max_score": 10 * fakeQuestions,
		"correct": correct, "questions": fakeQuestions, "passed": score >= 20, "used_ms": 1234,
		"submitted_at": "2026-06-01T08:00:00.123+08:00", "closed_by": "participant",
	}
	s.counts.Attempts++
	if score >= 20 {
		s.counts.Passed++
	}
}

// first counts a participant by their first act.
func (s *fake) first(who *soul) {
	if (who.sheet == nil || who.sheet.receipt == nil) != (who.signature == nil) {
		s.counts.Participants++
	}
}

func (s *fake) again(t *sitting) {
	if s.faults.twice {
		s.counts.Attempts++
	}
	if s.faults.fickle {
		t.receipt["score"] = t.receipt["score"].(int)/20*10 + 10
	}
}

// forget loses the record of every tenth attempt behind its acknowledgement.
func (s *fake) forget(who *soul) {
	if s.faults.forgotten && s.counts.Attempts%10 == 0 {
		defer func(t sitting) { who.sheet = &t }(sitting{id: "lost", receipt: who.sheet.receipt})
	}
}

func (s *fake) current(t *sitting) map[string]any {
	out := map[string]any{"best": map[string]any{"score": t.receipt["score"], "used_ms": 1234}, "rank": nil}
	if !s.faults.rankless {
		out["rank"] = 1
	}
	maps.Copy(out, t.receipt)
	if !s.faults.unreviewed {
		out["review"] = s.review(t)
	}
	return out
}

// review tells of each question what was chosen and what is right.
func (s *fake) review(t *sitting) []map[string]any {
	var out []map[string]any
	for i, given := range strings.Split(strings.TrimSuffix(t.given, ";"), ";") {
		q := "q" + itoa(i)
		chosen := strings.FieldsFunc(given, func(r rune) bool { return r == ',' })
		if s.faults.misread {
			chosen = nil
		}
		out = append(out, map[string]any{"id": q, "chosen": chosen, "right": []string{t.id + q + "o0"}})
	}
	if s.faults.miscount {
		out = out[1:]
	}
	return out
}

// mark counts the questions answered with the first option and no other.
func mark(id string, a answers) (canonical string, correct int, valid bool) {
	valid = true
	var b strings.Builder
	for _, q := range sheetOf(id) {
		given := a[q["id"].(string)]
		for _, o := range given {
			if !strings.HasPrefix(o, id+q["id"].(string)+"o") || strings.HasSuffix(o, "-foreign") {
				valid = false
			}
		}
		if len(given) == 1 && strings.HasSuffix(given[0], "o0") {
			correct++
		}
		b.WriteString(strings.Join(given, ",") + ";")
	}
	return b.String(), correct, valid
}

func (s *fake) attempt(w http.ResponseWriter, r *http.Request, who *soul) {
	switch t := who.sheet; {
	case t == nil || t.id != r.PathValue("a"):
		refuse(w, 404, "quiz.attempt_not_found")
	case t.receipt == nil:
		answer(w, 200, map[string]any{"attempt": t.id, "state": "expired"})
	default:
		answer(w, 200, s.current(t))
	}
}

func (s *fake) sign(w http.ResponseWriter, r *http.Request, who *soul) {
	var in signRequest
	switch {
	case !read(w, r, &in):
	case who.signature != nil:
		if s.faults.reserial {
			s.signed++
			who.signature["serial"] = "QY-" + itoa(s.signed)
		}
		answer(w, 200, who.signature)
	case in.Method == "drawn" && len(in.Strokes) == 0:
		refuse(w, 400, "pledge.strokes_invalid")
	default:
		s.signed++
		who.signature = map[string]any{
			"serial": "QY-" + itoa(s.signed), "version": in.Version, "text_sha256": "abc",
			"signed_at": "2026-06-01T08:00:00+08:00", "unit": who.unit, "method": in.Method,
		}
		s.first(who)
		s.counts.Signatures++
		answer(w, 201, who.signature)
		if s.faults.uncounted && s.signed%10 == 0 {
			s.counts.Signatures--
			who.signature = nil
		}
	}
}

func (s *fake) mySignature(w http.ResponseWriter, _ *http.Request, who *soul) {
	if who.signature == nil {
		refuse(w, 404, "pledge.not_signed")
		return
	}
	answer(w, 200, who.signature)
}

func (s *fake) readCounts(w http.ResponseWriter, _ *http.Request) {
	if s.faults.counting != nil {
		s.faults.counting()
	}
	answer(w, 200, s.counts)
}

// breakdown shows the total as one row, and the row of who has no unit.
func (s *fake) breakdown(w http.ResponseWriter, _ *http.Request) {
	c := s.counts
	switch {
	case s.faults.private:
		refuse(w, 403, "board.not_published")
		return
	case s.faults.lopsided:
		c.Attempts--
	}
	answer(w, 200, map[string]any{"items": []any{
		map[string]any{
			"id": "a", "enrolled": c.Enrolled, "participants": c.Participants,
			"attempts": c.Attempts, "signatures": c.Signatures, "passed": c.Passed,
		},
		map[string]any{
			"id": "unassigned", "enrolled": 0, "participants": 0, "attempts": 0, "signatures": 0, "passed": nil,
		},
	}})
}
