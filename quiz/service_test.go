package quiz_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/fault"
	"qingyuan/quiz"
)

// same compares what a participant sees of an attempt, however it came about.
var same = cmp.Options{cmpopts.IgnoreUnexported(quiz.SheetOption{}), cmpopts.EquateEmpty()}

func TestSaveRevisions(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	v := d.start()
	for _, tc := range []struct {
		revision, kept int64
		right, want    int
	}{
		{revision: 0, kept: 0, right: 1, want: 1},
		{revision: 2, kept: 2, right: 2, want: 2},
		{revision: 1, kept: 2, right: 1, want: 2}, // an older one came late
		{revision: 2, kept: 2, right: 4, want: 2}, // a repeat
		{revision: 9, kept: 9, right: 3, want: 3},
	} {
		kept, err := d.save(v, tc.revision, d.answers(v, tc.right))
		if err != nil || kept.Revision != tc.kept {
			t.Errorf("save revision %d: kept %d, %v; want %d", tc.revision, kept.Revision, err, tc.kept)
		}
		if diff := cmp.Diff(d.answers(v, tc.want), d.attempt(v.ID).SavedAnswers); diff != "" {
			t.Errorf("after revision %d (-want +kept):\n%s", tc.revision, diff)
		}
	}
}

func TestSaveRefuses(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	v := d.start()
	_, err := d.save(v, 1, quiz.Answers{"x": {}})
	wants(t, "a question of nowhere", err, fault.ErrInvalid)
	_, _, err = d.Save(t.Context(), "antidrug", "p2", v.ID, 1, nil)
	wants(t, "another's attempt", err, quiz.ErrAttemptNotFound)
	d.pass(10*time.Minute + 5*time.Second)
	if _, err := d.save(v, 1, d.answers(v, 2)); err != nil {
		t.Errorf("within the grace: %v", err)
	}
	d.pass(time.Millisecond)
	_, err = d.save(v, 2, d.answers(v, 5))
	wants(t, "after the grace", err, quiz.ErrExpired)
	if r := d.attempt(v.ID); r.Attempt.Result.Score != 40 {
		t.Errorf("the deadline handed in %+v, want what was kept in time", r.Attempt.Result)
	}
	_, err = d.save(v, 3, d.answers(v, 5))
	wants(t, "after the server handed it in", err, quiz.ErrExpired)
	w := d.start()
	d.done(w, 1)
	_, err = d.save(w, 1, d.answers(w, 5))
	wants(t, "after the submission", err, quiz.ErrSubmitted)
}

func TestSubmit(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	v := d.start()
	d.pass(95*time.Second + 400*time.Millisecond)
	r := d.done(v, 4)
	want := quiz.Result{
		Mark:   quiz.Mark{Score: 80, MaxScore: 100, Correct: 4, Questions: 5},
		Passed: true, Used: 95*time.Second + 400*time.Millisecond, SubmittedAt: d.now,
	}
	if diff := cmp.Diff(want, r.Attempt.Result, cmpopts.IgnoreFields(quiz.Result{}, "Choices")); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if r.ID != v.ID || r.Attempt.State != quiz.StateSubmitted || r.Attempt.ClosedBy != quiz.ByParticipant || r.Rank != 1 {
		t.Errorf("receipt %+v", r)
	}
	best := &quiz.Best{Score: 80, Used: want.Used, At: d.now, Passed: true}
	if diff := cmp.Diff(best, r.Best); diff != "" {
		t.Errorf("best (-want +got):\n%s", diff)
	}
	if len(r.Sheet.Questions) != 0 || r.SavedAnswers != nil {
		t.Errorf("a finished attempt shows a sheet of %d questions", len(r.Sheet.Questions))
	}
}

// TestRepeats proves invariant 2: the same submission again gives the same
// receipt, a different one is refused, and neither is counted.
func TestRepeats(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	v := d.start()
	mine, other := d.answers(v, 4), d.answers(v, 5)
	d.pass(time.Minute)
	first := d.done(v, 4)
	for _, after := range []time.Duration{time.Second, time.Hour, 30 * 24 * time.Hour} {
		d.now = first.Now.Add(after)
		again, err := d.submit("p1", v.ID, mine)
		if err != nil {
			t.Fatalf("again after %v: %v", after, err)
		}
		if diff := cmp.Diff(first.Attempt, again.Attempt, same); diff != "" {
			t.Errorf("again after %v (-first +again):\n%s", after, diff)
		}
		_, err = d.submit("p1", v.ID, other)
		wants(t, "a different one", err, quiz.ErrSubmitted)
		_, err = d.submit("p1", v.ID, nil)
		wants(t, "an empty one", err, quiz.ErrSubmitted)
	}
	if n := d.facts("submitted.1"); n != 1 {
		t.Errorf("%d facts, want one", n)
	}
}

func TestHome(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if diff := cmp.Diff(quiz.Home{Left: left(3)}, d.home("p9")); diff != "" {
		t.Errorf("who is not enrolled (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(quiz.Home{Left: left(3)}, d.home("p1")); diff != "" {
		t.Errorf("before the first (-want +got):\n%s", diff)
	}
	v := d.start()
	want := quiz.Home{OpenID: v.ID, OpenDeadline: v.Attempt.Deadline, Left: left(2)}
	if diff := cmp.Diff(want, d.home("p1")); diff != "" {
		t.Errorf("with an open attempt (-want +got):\n%s", diff)
	}
	d.pass(time.Minute)
	r := d.done(v, 4)
	want = quiz.Home{Left: left(2), Best: r.Best, Rank: 1}
	if diff := cmp.Diff(want, d.home("p1")); diff != "" {
		t.Errorf("after a submission (-want +got):\n%s", diff)
	}
	d.start()
	d.pass(time.Hour)
	if h := d.home("p1"); h.OpenID != "" || *h.Left.Today != 1 {
		t.Errorf("an overdue attempt is shown as open: %+v", h)
	}
}

// TestOwnActAtOnce: the rank on a receipt includes the act it is for, and equal
// attempts share a place.
func TestOwnActAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	papers := []quiz.Receipt{d.startOf("p1"), d.startOf("p2"), d.startOf("p3")}
	d.pass(time.Minute)
	for i, tc := range []struct {
		right int
		rank  int64
	}{{3, 1}, {5, 1}, {3, 2}} {
		p := []string{"p1", "p2", "p3"}[i]
		r, err := d.submit(p, papers[i].ID, d.answers(papers[i], tc.right))
		if err != nil || r.Rank != tc.rank {
			t.Errorf("%s is told rank %d, %v; want %d", p, r.Rank, err, tc.rank)
		}
	}
	for p, rank := range map[string]int64{"p1": 2, "p2": 1, "p3": 2} {
		if h := d.home(p); h.Rank != rank {
			t.Errorf("home of %s: rank %d, want %d", p, h.Rank, rank)
		}
	}
}

func TestNoRankWhereTheCampaignHasNone(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(c *campaign.Campaign, _ *quiz.Rules) { c.Ranking = campaign.ProgressOnly })
	r := d.done(d.start(), 5)
	if h := d.home("p1"); r.Rank != 0 || h.Rank != 0 || h.Best == nil {
		t.Errorf("ranks %d and %d, best %v", r.Rank, h.Rank, h.Best)
	}
	if again := d.attempt(r.ID); again.Rank != 0 {
		t.Errorf("rank %d when read again", again.Rank)
	}
}

// TestBestIsKept: a worse attempt does not move anybody, an equal one in less
// time does.
func TestBestIsKept(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(_ *campaign.Campaign, r *quiz.Rules) { r.AttemptsPerDay = 0 })
	for _, tc := range []struct {
		right int
		used  time.Duration
		best  int
		time  time.Duration
	}{
		{3, 60 * time.Second, 60, 60 * time.Second},
		{2, time.Second, 60, 60 * time.Second},
		{3, 70 * time.Second, 60, 60 * time.Second},
		{3, 50 * time.Second, 60, 50 * time.Second},
		{5, 9 * time.Minute, 100, 9 * time.Minute},
		{5, 9 * time.Minute, 100, 9 * time.Minute}, // the same later on
	} {
		v := d.start()
		d.pass(tc.used)
		if r := d.done(v, tc.right); r.Best.Score != tc.best || r.Best.Used != tc.time {
			t.Errorf("%d right in %v: best is %d in %v, want %d in %v", tc.right, tc.used, r.Best.Score, r.Best.Used, tc.best, tc.time)
		}
		if diff := cmp.Diff(quiz.Left{}, d.home("p1").Left); diff != "" {
			t.Errorf("without limits (-want +got):\n%s", diff)
		}
	}
}

func TestReview(t *testing.T) {
	t.Parallel()
	for rule, tc := range map[quiz.Review]struct{ open, submitted, closed bool }{
		quiz.ReviewAfterSubmission: {submitted: true, closed: true},
		quiz.ReviewAfterClose:      {closed: true},
		quiz.ReviewNever:           {},
		"":                         {},
	} {
		d := newDesk(t, func(_ *campaign.Campaign, r *quiz.Rules) { r.Review = rule })
		v := d.start()
		if r := d.attempt(v.ID); r.Review != nil {
			t.Errorf("%q: an open attempt is reviewed", rule)
		}
		if r := d.done(v, 3); (r.Review != nil) != tc.submitted {
			t.Errorf("%q: reviewed in the receipt: %t", rule, r.Review != nil)
		}
		if r := d.attempt(v.ID); (r.Review != nil) != tc.submitted {
			t.Errorf("%q: reviewed before the close: %t", rule, r.Review != nil)
		}
		d.now = d.campaign.ClosesAt
		if r := d.attempt(v.ID); (r.Review != nil) != tc.closed {
			t.Errorf("%q: reviewed after the close: %t", rule, r.Review != nil)
		}
	}
}

func TestAReviewExplains(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(_ *campaign.Campaign, r *quiz.Rules) {
		r.Review, r.Marking = quiz.ReviewAfterSubmission, quiz.Partial
	})
	v := d.start()
	answers := d.answers(v, 5)
	half := slices.IndexFunc(v.Sheet.Questions, func(q quiz.SheetQuestion) bool { return len(answers[q.ID]) == 2 })
	answers[v.Sheet.Questions[half].ID] = answers[v.Sheet.Questions[half].ID][:1]
	r, err := d.submit("p1", v.ID, answers)
	if err != nil || r.Attempt.Result.Score != 90 || len(r.Review) != 5 {
		t.Fatalf("Submit = %+v, %v", r.Attempt.Result, err)
	}
	sum := 0
	for i, item := range r.Review {
		q := d.shelf.newest.Questions[v.Attempt.Paper.Items[i].Question]
		if diff := cmp.Diff(v.Sheet.Questions[i], item.Question, same); diff != "" {
			t.Errorf("question %d (-sheet +review):\n%s", i, diff)
		}
		if !slices.Equal(item.Chosen, answers[item.Question.ID]) || len(item.Right) < len(item.Chosen) {
			t.Errorf("question %d: chosen %v of the right %v", i, item.Chosen, item.Right)
		}
		if item.Explanation != q.Explanation || item.Basis != q.Basis || item.Of != 20 {
			t.Errorf("question %d: %+v", i, item)
		}
		sum += item.Points
	}
	if sum != r.Attempt.Result.Score {
		t.Errorf("the review's points sum to %d of %d", sum, r.Attempt.Result.Score)
	}
}

// TestAReceiptStaysAsGiven looks at an attempt that was marked again while this server
// knows of no ruling yet, and when it does.
func TestAReceiptStaysAsGiven(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	v := d.start()
	given := d.done(v, 3)
	if given.Remarked != nil || d.attempt(v.ID).Remarked != nil {
		t.Errorf("marked once: %+v", given.Remarked)
	}
	d.remark(given, act.Marks{Score: 80, MaxScore: 100, Correct: 4, Passed: true})
	want := &quiz.Remarked{First: quiz.Mark{Score: 60, MaxScore: 100, Correct: 3, Questions: 5}, Passed: true}
	if diff := cmp.Diff(want, d.attempt(v.ID).Remarked); diff != "" {
		t.Errorf("before the ruling is known (-want +got):\n%s", diff)
	}
	repeated, err := d.submit("p1", v.ID, d.answers(v, 3))
	if diff := cmp.Diff(want, repeated.Remarked); err != nil || diff != "" {
		t.Errorf("handed in once more: %v (-want +got):\n%s", err, diff)
	}
	unclear := &d.shelf.newest.Questions[v.Attempt.Paper.Items[3].Question]
	d.rulings = []quiz.Ruled{{
		Ruling: quiz.Ruling{Question: unclear.ID, Rule: quiz.GiveAll}, Fingerprint: unclear.Fingerprint(), Reason: "题意不清",
	}}
	want.Reasons = []string{"题意不清"}
	if diff := cmp.Diff(want, d.attempt(v.ID).Remarked); diff != "" {
		t.Errorf("when it is known (-want +got):\n%s", diff)
	}
}

func TestAttempts(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(_ *campaign.Campaign, r *quiz.Rules) { r.AttemptsPerDay = 0 })
	if views, next, err := d.Attempts(t.Context(), "antidrug", "p1", 0, 2); len(views) != 0 || next != 0 || err != nil {
		t.Errorf("before the first: %v, next %d, %v", views, next, err)
	}
	for right := range 4 {
		d.done(d.start(), right)
	}
	open := d.start()
	var numbers []int
	from := 0
	for {
		views, next, err := d.Attempts(t.Context(), "antidrug", "p1", from, 2)
		if err != nil || len(views) > 2 {
			t.Fatalf("from %d: %d views, %v", from, len(views), err)
		}
		for _, v := range views {
			numbers = append(numbers, v.Attempt.Number)
			if len(v.Sheet.Questions) > 0 || v.Review != nil {
				t.Errorf("the list shows the sheet or the review of %d", v.Attempt.Number)
			}
		}
		if from = next; from == 0 {
			break
		}
	}
	if diff := cmp.Diff([]int{5, 4, 3, 2, 1}, numbers); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
	views, _, err := d.Attempts(t.Context(), "antidrug", "p1", 0, 1)
	if err != nil || views[0].ID != open.ID || views[0].Attempt.State != quiz.StateOpen {
		t.Errorf("the newest is %+v, %v", views, err)
	}
}

// TestAnothersAttempt is case 7: an attempt is found by its participant only.
func TestAnothersAttempt(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	v := d.start()
	d.startOf("p2")
	for _, id := range []string{v.ID, "1", "1-", "1-aaaaaaaaaaaaaaaaaaaa", "", "2" + v.ID[1:]} {
		_, errRead := d.Attempt(t.Context(), "antidrug", "p2", id)
		wants(t, "read "+id, errRead, quiz.ErrAttemptNotFound)
		_, errSubmit := d.submit("p2", id, d.answers(v, 5))
		wants(t, "submit "+id, errSubmit, quiz.ErrAttemptNotFound)
		_, _, errSave := d.Save(t.Context(), "antidrug", "p2", id, 1, d.answers(v, 5))
		wants(t, "save "+id, errSave, quiz.ErrAttemptNotFound)
	}
	if a := d.attempt(v.ID).Attempt; a.State != quiz.StateOpen || a.Saved.Choices != nil {
		t.Errorf("another's hand changed the attempt: %+v", a)
	}
}

// TestAGroupReadsForAnAudience: a group may draw another's questions.
func TestAGroupReadsForAnAudience(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(_ *campaign.Campaign, r *quiz.Rules) { r.Strata[0].Count = 1 })
	d.shelf.put(bankOf(t,
		question("adult", func(q *quiz.Question) { q.Audience = []string{"public"} }),
		question("young", func(q *quiz.Question) { q.Audience = []string{"student"} })))
	d.enrol("p4", "pupils")
	for p, want := range map[string]string{"p1": "adult", "p4": "young"} {
		if v := d.startOf(p); v.Sheet.Questions[0].Stem != "题干 "+want {
			t.Errorf("%s is asked %q", p, v.Sheet.Questions[0].Stem)
		}
	}
}
