package httpapi

import (
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

func zh(s string) campaign.Text { return campaign.Text{campaign.DefaultLanguage: s} }

// newTree is a city with two districts and three units, a fourth right below
// the top.
func newTree(tb testing.TB) *campaign.Tree {
	tb.Helper()
	tree, err := campaign.NewTree([]campaign.Node{
		{ID: "yuci", Kind: campaign.Region, Name: campaign.Text{"zh-CN": "榆次区", "bo": "ཡུལ་ཚི།"}, Code: "140702"},
		{ID: "no1", Kind: campaign.Unit, Name: zh("榆次一中"), Parent: "yuci", Roster: 100},
		{ID: "no2", Kind: campaign.Unit, Name: zh("榆次二中"), Parent: "yuci", Roster: 40},
		{ID: "taigu", Kind: campaign.Region, Name: zh("太谷区"), Code: "140703"},
		{ID: "tg1", Kind: campaign.Unit, Name: zh("太谷中学"), Parent: "taigu"},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return tree
}

// newCampaign is open at noon and ranks.
func newCampaign(tb testing.TB) *campaign.Campaign {
	tb.Helper()
	return &campaign.Campaign{
		ID: "spring", Title: campaign.Text{"zh-CN": "春季禁毒知识竞答", "bo": "དཔྱིད་དུས།"}, Zone: zone(),
		OpensAt: noon().AddDate(0, 0, -1), ClosesAt: noon().AddDate(0, 0, 20),
		Groups:  []campaign.Group{{ID: "public", Name: zh("群众")}, {ID: "under14", Name: zh("儿童"), Guardian: true}},
		Fields:  []campaign.Field{{Name: "name", Required: true}, {Name: "unit"}},
		Consent: campaign.Consent{Version: "n1", Text: zh("告知")},
		Ranking: campaign.TopN, TopN: 100, FullMarks: 10, PublicBreakdown: campaign.BreakdownUnits, Shards: 1, Tree: newTree(tb),
	}
}

func newRules() *quiz.Rules {
	return &quiz.Rules{
		Strata: []quiz.Stratum{{Count: 2, Points: 5}}, TimeLimit: 10 * time.Minute, Grace: 5 * time.Second,
		AttemptsPerDay: 3, PassScore: 6, Marking: quiz.AllOrNothing, Review: quiz.ReviewNever,
	}
}

// The canaries: no answer before the submission may hold one of these.
const (
	canaryExplanation = "CANARY-EXPLANATION"
	canaryBasis       = "CANARY-BASIS"
	canaryFact        = "CANARY-FACT"
	canaryTopic       = "CANARY-TOPIC"
	canaryQuestion    = "canary-question-id"
)

// newBank has two questions, each full of canaries.
func newBank(tb testing.TB) *quiz.Bank {
	tb.Helper()
	question := func(id, stem string, key quiz.Choice, kind quiz.Kind) quiz.Question {
		return quiz.Question{
			ID: canaryQuestion + id, Kind: kind, Topic: canaryTopic, Audience: []string{quiz.AllAudiences}, Difficulty: 1,
			Stem: stem, Options: []quiz.Option{{Text: "甲"}, {Text: "乙"}, {Text: "丙"}}, Key: key,
			Explanation: canaryExplanation, Basis: canaryBasis, Fact: canaryFact, ValidFrom: "2020-01-01",
			Media: []quiz.Media{{URL: "/media/1.png", Alt: "图"}},
		}
	}
	b, err := quiz.NewBank("bank", []quiz.Question{
		question("1", "第一题", 0b001, quiz.Single), question("2", "第二题", 0b011, quiz.Multiple),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func newPledgeOffer(c *campaign.Campaign) pledge.Offer {
	return pledge.Offer{
		Campaign: c, Prefix: "SPR",
		Versions: []pledge.Version{{
			Version: "v1", Title: zh("禁毒承诺书"), Text: campaign.Text{"zh-CN": "我承诺", "bo": "དམ་བཅའ།"},
			Methods: []pledge.Method{pledge.Typed, pledge.Drawn},
		}},
	}
}

func newCatalog(tb testing.TB) *stubCatalog {
	tb.Helper()
	c := newCampaign(tb)
	return &stubCatalog{
		campaigns: []*campaign.Campaign{c},
		quizzes:   map[string]quiz.Offer{c.ID: {Campaign: c, Rules: newRules(), Bank: newBank(tb)}},
		pledges:   map[string]pledge.Offer{c.ID: newPledgeOffer(c)},
	}
}

// newReceipt is an attempt as package quiz hands it out: drawn from the bank,
// open at noon.
func newReceipt(tb testing.TB) quiz.Receipt {
	tb.Helper()
	b := newBank(tb)
	p, err := quiz.Draw(b, newRules(), "public", "2026-06-02", 7)
	if err != nil {
		tb.Fatal(err)
	}
	sheet, err := p.Sheet(b)
	if err != nil {
		tb.Fatal(err)
	}
	a := quiz.Attempt{
		Number: 1, Window: quiz.Window{StartedAt: noon(), Deadline: noon().Add(10 * time.Minute)}, Paper: p, State: quiz.StateOpen,
		Saved: quiz.Saved{Revision: 2, Choices: quiz.Choices{1, 0}},
	}
	return quiz.Receipt{
		View: quiz.View{
			ID: "1-a", Attempt: a, Sheet: sheet, Now: noon(),
			SavedAnswers: quiz.Answers{sheet.Questions[0].ID: {sheet.Questions[0].Options[0].ID}},
		},
		Left: quiz.Left{Today: new(2)},
	}
}

// submitted is newReceipt after handing in.
func submitted(tb testing.TB) quiz.Receipt {
	tb.Helper()
	r := newReceipt(tb)
	r.Attempt.State, r.Attempt.ClosedBy = quiz.StateSubmitted, quiz.ByParticipant
	r.Attempt.Result = quiz.Result{
		Mark: quiz.Mark{Score: 5, MaxScore: 10, Correct: 1, Questions: 2}, Used: 83250 * time.Millisecond,
		SubmittedAt: noon().Add(83250 * time.Millisecond), Choices: quiz.Choices{1, 0},
	}
	r.Best, r.Rank = &quiz.Best{Score: 5, Used: 83250 * time.Millisecond}, 12
	return r
}

func newSignature() pledge.Receipt {
	return pledge.Receipt{Serial: "SPR-0123456789ABCDEFGHJKMNPQRS", Signature: pledge.Signature{
		Version: "v1", TextSHA256: (&pledge.Version{Text: zh("我承诺")}).SHA256("zh-CN"), Method: pledge.Typed,
		Unit: "no1", SignedAt: noon(), MaskedName: "张*", State: pledge.Valid,
	}}
}

func newEnrolment() campaign.Enrolment {
	return campaign.Enrolment{Unit: "no1", Group: "public", DisplayName: "张*", NoticeVersion: "n1", At: noon()}
}

// newSnapshot has figures in every unit, so that sums can be checked.
func newSnapshot(tb testing.TB, c *campaign.Campaign) *leaderboard.Snapshot {
	tb.Helper()
	tally := map[leaderboard.Cell]int64{}
	add := func(unit string, people, score int64) {
		for m, n := range map[leaderboard.Metric]int64{
			leaderboard.Enrolled: people + 1, leaderboard.Participants: people, leaderboard.Attempts: 2 * people,
			leaderboard.Signatures: people / 2, leaderboard.Passed: people / 3, leaderboard.Full: people / 10, leaderboard.Scored: people, leaderboard.Score: score,
		} {
			tally[leaderboard.Cell{Unit: unit, Metric: m}] = n
		}
	}
	add("no1", 40, 320)
	add("no2", 11, 99)
	add("tg1", 3, 30)
	add(campaign.Unassigned, 6, 24)
	item := leaderboard.Item{Rank: 1, Name: "张*", Unit: "no1", Score: 10, Used: 42 * time.Second, Participant: "secret-id"}
	top := leaderboard.Board{AsOf: noon(), Total: 1, Items: []leaderboard.Item{item}}
	return &leaderboard.Snapshot{
		Campaign: c, AsOf: noon(), Roll: leaderboard.RollUp(c.Tree, tally),
		Today: leaderboard.Window{Participants: 9, Attempts: 8, Signatures: 7}, LastHour: leaderboard.Window{Participants: 1},
		Trend:  []leaderboard.Bucket{{Start: noon().Truncate(time.Hour), Window: leaderboard.Window{Attempts: 8}}},
		Boards: map[string]leaderboard.Board{"": top, leaderboard.RegionScope("yuci"): top},
		Recent: []leaderboard.RecentAct{{Kind: "signed.1", Name: "张*", Unit: "no1", At: noon()}},
	}
}
