package httpapi

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/banks"
	"qingyuan/internal/catalog"
	"qingyuan/internal/challenge"
	"qingyuan/internal/correction"
	"qingyuan/internal/ledger"
	"qingyuan/internal/operator"
	"qingyuan/quiz"
)

// contestedBank has many questions, so that each of many requests finds one of its own.
func contestedBank(t *testing.T) *quiz.Bank {
	t.Helper()
	questions := make([]quiz.Question, 400)
	for i := range questions {
		questions[i] = quiz.Question{
			ID: "q" + strconv.Itoa(i), Kind: quiz.Single, Topic: "law", Audience: []string{quiz.AllAudiences}, Difficulty: 1,
			Stem: "第" + strconv.Itoa(i) + "题", Options: []quiz.Option{{Text: "甲"}, {Text: "乙"}, {Text: "丙"}}, Key: 1,
			Basis: "法", ValidFrom: "2008-06-01",
		}
	}
	b, err := quiz.NewBank("law", questions)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// openChallenges gives a bench with operators the service of challenges, whose lists nobody
// works off.
func openChallenges(t *testing.T, b *bench) {
	t.Helper()
	if b.Corrections == nil {
		openCorrections(t, b)
	}
	db := b.office.db
	store, err := catalog.NewStore(db, b.Now)
	if err != nil {
		t.Fatal(err)
	}
	bank := contestedBank(t)
	corrections, _ := b.Corrections.(*correction.Service)
	s := &challenge.Service{
		DB: db, Box: testBox(t), Now: b.Now, Catalog: store, Corrections: corrections, Ledger: ledger.New(db),
		Shelf: &banks.Service{DB: db, Now: b.Now, Zone: zone()},
		Definition: func(id string) (catalog.Definition, bool) {
			c, err := b.catalog.Campaign(id)
			rules := &quiz.Rules{Strata: []quiz.Stratum{{Count: 1, Points: 10}}, Marking: quiz.AllOrNothing}
			return catalog.Definition{Campaign: c, Quiz: rules, Bank: bank}, err == nil
		},
	}
	corrections.Challenges = s
	b.Challenges = s
	b.Topics = askedOnly{bank.Questions[3].Fingerprint()}
}

// askedOnly knows how one question was answered.
type askedOnly struct{ fingerprint string }

func (askedOnly) Missed(string) ([]MissedTopic, time.Time, bool) { return nil, time.Time{}, false }

func (a askedOnly) Asked(campaignID, fingerprint string) (shown, right int64, ok bool) {
	return 8, 1, campaignID == "spring" && fingerprint == a.fingerprint
}

// challenged makes a challenge whose list, where it has one, is as far as the state says.
func (b *bench) challenged(t *testing.T, state challenge.State, batch correction.State) string {
	t.Helper()
	db, id, list := b.office.db, "ch"+sequence(), ""
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`DELETE FROM catalog_rulings`)
	exec(`DELETE FROM catalog_withdrawals`)
	exec(`DELETE FROM challenges`)
	q := contestedBank(t).Questions[7]
	if batch != "" {
		list = b.batch(t, "", batch)
		exec(`UPDATE corrections SET challenge = $1 WHERE id = $2`, id, list)
		exec(`INSERT INTO challenge_ranks (correction, n, participant, unit, score_before, rank_before, score_after, rank_after)
			VALUES ($1, 1, 'p1', 'no1', 80, 3, 90, 1), ($1, 2, 'p2', 'no1', 0, 0, 0, 0)`, list)
	}
	if state == challenge.Decided {
		exec(`INSERT INTO catalog_withdrawals (campaign, fingerprint, question, challenge, at) VALUES ('spring', $1, 'q7', $2, 1)`, q.Fingerprint(), id)
	}
	exec(`INSERT INTO challenges (id, campaign, question, fingerprint, bank, state, decision, rule, why, reason, login, created, correction)
		VALUES ($1, 'spring', 'q7', $2, $3, $4, 'withdraw', 'drop', '缘由', '理由', 'x', 1, $5)`,
		id, q.Fingerprint(), contestedBank(t).Digest, string(state), list)
	return id
}

// challengeArea is about questions, which are the whole campaign's.
func challengeArea() area {
	const reports, all = "/api/v1/admin/campaigns/:campaign/question-reports", "/api/v1/admin/campaigns/:campaign/challenges"
	const why = `{"reason":"有误"}`
	one := func(body string, ok int, state challenge.State, batch correction.State) subject {
		return subject{whole: true, body: body, ok: ok, object: func(t *testing.T, b *bench) map[string]string {
			t.Helper()
			return map[string]string{"challenge": b.challenged(t, state, batch)}
		}}
	}
	free := func(t *testing.T, b *bench) map[string]string {
		t.Helper()
		b.challenged(t, challenge.Dismissed, "")
		return nil
	}
	return area{open: openChallenges, subjects: map[string]subject{
		"GET " + reports: {whole: true},
		"GET " + reports + "/:fingerprint": {whole: true, object: func(*testing.T, *bench) map[string]string {
			return map[string]string{"fingerprint": "abc"}
		}},
		"GET " + all:                            {whole: true},
		"POST " + all:                           {whole: true, ok: http.StatusCreated, body: `{"question":"q9","why":"反馈较多"}`, object: free},
		"GET " + all + "/:challenge":            one("", 0, challenge.Decided, correction.Ready),
		"GET " + all + "/:challenge/ranks":      one("", 0, challenge.Decided, correction.Done),
		"GET " + all + "/:challenge/ranks.csv":  one("", 0, challenge.Decided, correction.Done),
		"GET " + all + "/:challenge/ranks.xlsx": one("", 0, challenge.Decided, correction.Done),
		"POST " + all + "/:challenge/decide":    one(`{"decision":"withdraw","rule":"drop","reason":"有误"}`, 0, challenge.Open, ""),
		"POST " + all + "/:challenge/dismiss":   one(why, 0, challenge.Open, ""),
		"POST " + all + "/:challenge/readmit":   one(why, 0, challenge.Decided, ""),
		"POST " + all + "/:challenge/preview":   one("", 0, challenge.Decided, correction.Ready),
		"POST " + all + "/:challenge/run":       one("", http.StatusAccepted, challenge.Decided, correction.Ready),
		"POST " + all + "/:challenge/undo":      one(why, http.StatusAccepted, challenge.Decided, correction.Done),
		"POST " + all + "/:challenge/continue":  one("", 0, challenge.Decided, correction.Stopped),
		"POST " + all + "/:challenge/cancel":    one("", 0, challenge.Decided, correction.Ready),
	}}
}

// TestContestedQuestion goes from what participants report to the decision: nobody but the
// office learns the key, the reading is remembered, and the log holds neither key nor text.
func TestContestedQuestion(t *testing.T) {
	t.Parallel()
	b := newOfficeBench(t, func(b *bench) { openChallenges(t, b) })
	b.enrolments.enrolment = func(string, string) (campaign.Enrolment, error) {
		return campaign.Enrolment{Unit: "no1", Group: "public"}, nil
	}
	bank := contestedBank(t)
	b.quizzes.contested = func(_, _, attempt, question string) (quiz.Contested, error) {
		if attempt != "1-abc" {
			return quiz.Contested{}, quiz.ErrAttemptNotFound
		}
		place, err := strconv.Atoi(strings.TrimPrefix(question, "opaque"))
		if err != nil {
			t.Fatal(err)
		}
		return quiz.Contested{Number: 1, Place: place, Bank: bank.Digest, Question: &bank.Questions[place]}, nil
	}
	const own, office = "/api/v1/campaigns/spring/attempts/1-abc/reports", "/api/v1/admin/campaigns/spring"
	report := func(question int, kind, text string) string {
		return fmt.Sprintf(`{"question":"opaque%d","kind":%q,"text":%q}`, question, kind, text)
	}
	first := b.ask(t, "p:ann", http.MethodPost, own, report(3, "wrong_key", "王芳说错了"), http.StatusCreated)
	again := b.ask(t, "p:ann", http.MethodPost, own, report(3, "other", "又"), http.StatusOK)
	if decoded[reportT](t, first).ID != decoded[reportT](t, again).ID || *decoded[reportT](t, again).Text != "王芳说错了" {
		t.Errorf("first %s, again %s", first.body, again.body)
	}
	if strings.Contains(first.body, "q3") || strings.Contains(first.body, `"key"`) {
		t.Errorf("a participant learns %s", first.body)
	}
	b.ask(t, "p:bob", http.MethodPost, own, report(3, "outdated", ""), http.StatusCreated)
	b.ask(t, "p:ann", http.MethodPost, own, report(4, "praise", ""), http.StatusBadRequest)
	b.ask(t, "p:ann", http.MethodPost, own, report(4, "other", strings.Repeat("长", 501)), http.StatusBadRequest)
	b.ask(t, "p:ann", http.MethodPost, "/api/v1/campaigns/spring/attempts/2-x/reports", report(4, "other", ""), http.StatusNotFound)
	for i := range challenge.PerDay - 1 {
		b.ask(t, "p:ann", http.MethodPost, own, report(10+i, "unclear", ""), http.StatusCreated)
	}
	if p := b.ask(t, "p:ann", http.MethodPost, own, report(50, "unclear", ""), http.StatusTooManyRequests).problem(t); p.Code != "challenge.too_many" || p.RetryAfterMS <= 0 {
		t.Errorf("one too many is told %+v", p)
	}

	clerk := b.operator(t, operator.Grant{Role: operator.CampaignOperator, Campaign: "spring"})
	reported := decoded[list[reportedT]](t, b.ask(t, clerk, http.MethodGet, office+"/question-reports?limit=1", "", http.StatusOK))
	if len(reported.Items) != 1 || reported.NextCursor == nil {
		t.Fatalf("the office lists %+v", reported)
	}
	top := reported.Items[0]
	if top.Question != "q3" || top.Reports != 2 || top.Persons != 2 || top.Kinds["wrong_key"] != 1 || top.Kinds["outdated"] != 1 || top.Texts != 1 || top.Text.Key != "A" {
		t.Errorf("the most reported is %+v", top)
	}
	if top.Shown == nil || *top.Shown != 8 || *top.Facility != 0.125 {
		t.Errorf("it was answered %v", top.answeredT)
	}
	texts := decoded[list[officeReportT]](t, b.ask(t, clerk, http.MethodGet, office+"/question-reports/"+top.Fingerprint, "", http.StatusOK))
	if len(texts.Items) != 2 || texts.Items[0].Kind != "outdated" || *texts.Items[1].Text != "王芳说错了" {
		t.Errorf("what was written is %+v", texts)
	}

	b.ask(t, clerk, http.MethodPost, office+"/challenges", `{"question":"none","why":"x"}`, http.StatusNotFound)
	taken := decoded[challengeT](t, b.ask(t, clerk, http.MethodPost, office+"/challenges", `{"question":"q3","why":"两人反馈"}`, http.StatusCreated))
	if taken.Shown == nil || *taken.Shown != 8 {
		t.Errorf("what was taken up was answered %v", taken.answeredT)
	}
	b.ask(t, clerk, http.MethodPost, office+"/challenges", `{"question":"q3","why":"又"}`, http.StatusConflict)
	one := office + "/challenges/" + taken.ID
	for _, wrong := range []string{
		`{"decision":"praise","reason":"r"}`, `{"decision":"withdraw"}`, `{"decision":"withdraw","key":"B","reason":"r"}`,
		`{"decision":"withdraw","rule":"accept_both","reason":"r"}`, `{"decision":"correct","reason":"r"}`, `{"decision":"correct","key":"A","reason":"r"}`,
		`{"decision":"correct","key":"BC","reason":"r"}`, `{"decision":"correct","key":"Z","reason":"r"}`, `{"decision":"withdraw","rule":"lower","reason":"r"}`,
	} {
		b.ask(t, clerk, http.MethodPost, one+"/decide", wrong, http.StatusBadRequest)
	}
	b.ask(t, clerk, http.MethodPost, one+"/run", "", http.StatusConflict)
	done := decoded[challengeT](t, b.ask(t, clerk, http.MethodPost, one+"/decide", `{"decision":"correct","key":"b","rule":"accept_both","reason":"条例修订"}`, http.StatusOK))
	if done.State != "decided" || done.Key != "B" || done.Batch == nil || done.Batch.State != correction.Collecting || done.Batch.Challenge != taken.ID {
		t.Errorf("decided: %+v", done)
	}
	b.ask(t, clerk, http.MethodPost, one+"/decide", `{"decision":"withdraw","reason":"又"}`, http.StatusConflict)
	b.ask(t, clerk, http.MethodPost, one+"/dismiss", `{"reason":"又"}`, http.StatusConflict)
	b.ask(t, clerk, http.MethodPost, one+"/readmit", `{"reason":"又"}`, http.StatusConflict)
	if shown := decoded[list[reportedT]](t, b.ask(t, clerk, http.MethodGet, office+"/question-reports", "", http.StatusOK)); *shown.Items[0].Challenge != taken.ID {
		t.Errorf("the question is not marked as taken up: %+v", shown.Items[0])
	}
	read := false
	for _, e := range b.entries(t) {
		whole := string(e.Before) + string(e.After) + e.Reason
		read = read || e.Object == "question:q3"
		if strings.Contains(whole, "王芳") || strings.Contains(whole, `"key"`) || strings.Contains(whole, `"answer"`) {
			t.Errorf("the log says %s", whole)
		}
	}
	if !read {
		t.Error("that the texts were read is not in the log")
	}
	ranked := b.challenged(t, challenge.Decided, correction.Done)
	rows := decoded[list[rankT]](t, b.ask(t, clerk, http.MethodGet, office+"/challenges/"+ranked+"/ranks", "", http.StatusOK))
	if len(rows.Items) != 2 || *rows.Items[0].RankBefore != 3 || *rows.Items[0].RankAfter != 1 || rows.Items[1].RankAfter != nil {
		t.Errorf("places %+v", rows.Items)
	}
	if csv := b.ask(t, clerk, http.MethodGet, office+"/challenges/"+ranked+"/ranks.csv", "", http.StatusOK); !strings.Contains(csv.body, "p1,no1,") || !strings.Contains(csv.body, ",80,3,90,1") {
		t.Errorf("the file says %s", csv.body)
	}
}
