package prizes_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/prizes"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/prize"
)

var home = netip.MustParseAddr("192.0.2.77")

// TestRiskOfWinners: WeChat is asked about who claims, where the rules say so and the
// winner has agreed; its rank takes nothing from anybody, but somebody looks first. While
// it is away claims are taken, and nothing is given for two hours at most.
func TestRiskOfWinners(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx := t.Context()
		r.plan.RiskFrom = 3
		r.c.Consent = campaign.Consent{Version: "n2"}
		away := errors.New("away")
		ranks := map[string]int{"calm": 2, "risky": 3, "stranger": 4}
		var err error
		var asked []string
		r.Agreed = func(_ context.Context, _, participant string) (string, error) {
			if participant == "stranger" {
				return "n1", nil
			}
			return "n2", nil
		}
		r.Risk = func(_ context.Context, participant string, from netip.Addr) (int, bool, error) {
			asked = append(asked, participant)
			if from != home {
				t.Errorf("asked about %s from %s", participant, from)
			}
			rank, told := ranks[participant]
			return rank, told, err
		}
		if _, err := r.AddCodes(ctx, console(), "c", "tea", []byte("A\nB\nC\nD\nE\n"), false); err != nil {
			t.Fatal(err)
		}
		claim := func(who string, id prize.WinID) prizes.OwnWin {
			t.Helper()
			w, err := r.Claim(ctx, "c", who, id, prizes.Claim{Consent: "1", From: home})
			if err != nil {
				t.Fatalf("%s: %v", who, err)
			}
			return w
		}
		flags := func() (out []string) {
			t.Helper()
			wins, err := r.Wins(ctx, console(), "c", "", true)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range wins {
				out = append(out, w.Participant+" "+w.Flags[0])
			}
			slices.Sort(out)
			return out
		}
		ask := func() {
			t.Helper()
			if err := r.AskAgain(ctx); err != nil {
				t.Fatal(err)
			}
		}
		wins := map[string]prize.WinID{}
		for _, who := range []string{"calm", "risky", "stranger", "unseen", "late"} {
			wins[who] = r.win(who, "u1", "tea", 5)
		}
		for _, who := range []string{"calm", "stranger", "unseen"} {
			if w := claim(who, wins[who]); w.State != prize.Sent || w.Code == "" {
				t.Errorf("%s: %+v", who, w)
			}
		}
		for range 2 {
			if w := claim("risky", wins["risky"]); w.State != prize.Claimed || !w.UnderReview || w.Code != "" {
				t.Errorf("risky: %+v", w)
			}
		}
		if want := []string{"calm", "unseen", "risky"}; !slices.Equal(asked, want) {
			t.Errorf("asked about %v, want %v, each once", asked, want)
		}
		if got := flags(); !slices.Equal(got, []string{"risky " + prizes.FlagRisk}) {
			t.Errorf("to be reviewed: %v", got)
		}

		err = away
		if w := claim("late", wins["late"]); w.State != prize.Claimed || !w.UnderReview {
			t.Errorf("while WeChat is away: %+v", w)
		}
		if got := flags(); len(got) != 2 || got[0] != "late "+prizes.FlagAsking {
			t.Errorf("to be reviewed: %v", got)
		}
		once := len(asked)
		ask()
		if len(asked) != once {
			t.Errorf("asked about %v beside a claim that may be asking still", asked[once:])
		}
		r.at = r.at.Add(time.Hour)
		ask()
		if got := flags(); len(got) != 2 {
			t.Errorf("after an hour: %v", got)
		}
		r.at = r.at.Add(time.Hour)
		ask()
		if got := flags(); len(got) != 1 {
			t.Errorf("after two hours: %v", got)
		}
		for range 2 { // and it is not asked anew for the same claim
			if w := claim("late", wins["late"]); w.Code == "" {
				t.Errorf("once WeChat cannot tell any more: %+v", w)
			}
		}
		var addresses int
		if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM prize_risks WHERE sealed IS NOT NULL`).Scan(&addresses); err != nil || addresses != 0 {
			t.Errorf("%d addresses are kept, %v", addresses, err)
		}

		for range 2 {
			if err := r.Clear(ctx, console(), "c", wins["risky"], "已电话核实"); err != nil {
				t.Fatal(err)
			}
		}
		if w := claim("risky", wins["risky"]); w.Code == "" || w.UnderReview {
			t.Errorf("cleared: %+v", w)
		}
		if got := flags(); len(got) != 0 {
			t.Errorf("still to be reviewed: %v", got)
		}
		told, err := r.Holder().Tell(ctx, "risky")
		if err != nil || len(told) != 2 || told[1].Kind != "wechat_risk" || told[1].Text != "3" {
			t.Errorf("told of themselves: %+v, %v", told, err)
		}
	})
}
