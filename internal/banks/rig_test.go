package banks_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/banks"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
	"qingyuan/quiz/bankbook"
	"qingyuan/quiz/bankfile"
)

// rig is a service on a database of its own, with people and a campaign.
type rig struct {
	*banks.Service

	now    time.Time
	editor operator.Actor
	second operator.Actor // edits too
	signer operator.Actor
	yuci   operator.Actor // edits and signs for one county alone
	reader operator.Actor // an office viewer, who reads no banks
}

func actor(id, scope string, roles ...operator.Role) operator.Actor {
	a := operator.Actor{ID: id, Login: id, Name: id}
	for _, r := range roles {
		a.Grants = append(a.Grants, operator.Grant{Role: r, Scope: scope})
	}
	return a
}

// town is a campaign with one region at the top.
func town(t *testing.T) *campaign.Campaign {
	t.Helper()
	tree, err := campaign.NewTree([]campaign.Node{
		{ID: "jz", Kind: campaign.Region, Code: "140700", Name: campaign.Text{"zh-CN": "晋中市"}},
		{ID: "yc", Parent: "jz", Kind: campaign.Region, Code: "140702", Name: campaign.Text{"zh-CN": "榆次区"}},
		{ID: "u1", Parent: "yc", Kind: campaign.Unit, Name: campaign.Text{"zh-CN": "一中"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &campaign.Campaign{ID: "jinzhong", Tree: tree}
}

func newRig(t *testing.T, db *sqldb.DB) *rig {
	t.Helper()
	c := town(t)
	r := &rig{
		// Half past midnight in China, the day before in UTC.
		now:    time.Date(2026, 5, 31, 16, 30, 0, 0, time.UTC),
		editor: actor("wei", "", operator.QuestionEditor), second: actor("min", "", operator.QuestionEditor, operator.QuestionReviewer),
		signer: actor("lan", "", operator.QuestionReviewer), yuci: actor("yun", "140702", operator.QuestionEditor, operator.QuestionReviewer),
		reader: actor("rui", "", operator.OfficeViewer),
	}
	r.Service = &banks.Service{
		DB: db, Now: func() time.Time { return r.now }, Zone: time.FixedZone("CST", 8*3600),
		Campaign: func(id string) (*campaign.Campaign, error) {
			if id != c.ID {
				return nil, campaign.ErrNotFound
			}
			return c, nil
		},
	}
	return r
}

// bank makes a bank of the whole deployment.
func (r *rig) bank(t *testing.T, id string) {
	t.Helper()
	if _, err := r.Create(t.Context(), r.editor, banks.Bank{ID: id, Name: "禁毒题库"}, ""); err != nil {
		t.Fatal(err)
	}
}

const head = "题号,题型,题干,选项A,选项B,选项C,选项D,答案,解析,法律依据,知识点,难度\n"

// table is a file of n questions, complete but for their dates.
func table(n int) bankfile.File {
	var b strings.Builder
	b.WriteString(head)
	for i := range n {
		fmt.Fprintf(&b, "law-%d,单选题,第%d条说的是什么？,甲,乙,丙,丁,%c,见第%d条,《禁毒法》第%d条,law,易\n", i+1, i+1, "ABCD"[i%4], i+1, i+1)
	}
	return bankfile.File{Name: "题库.csv", Raw: []byte(b.String())}
}

var dated = bankbook.Defaults{ValidFrom: "2008-06-01"}

func (r *rig) take(t *testing.T, bank string, f bankfile.File) banks.Imported {
	t.Helper()
	out, err := r.Import(t.Context(), r.editor, bank, banks.Import{File: f, Defaults: dated})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func picks(version int64, ids ...string) []banks.Pick {
	var out []banks.Pick
	for _, id := range ids {
		out = append(out, banks.Pick{ID: id, Version: version})
	}
	return out
}

// sign brings versions from their draft to the signature.
func (r *rig) sign(t *testing.T, bank string, list []banks.Pick) {
	t.Helper()
	if _, err := r.Submit(t.Context(), r.editor, bank, list); err != nil {
		t.Fatal(err)
	}
	if _, err := r.SignOff(t.Context(), r.signer, bank, list, ""); err != nil {
		t.Fatal(err)
	}
}

// audited counts the entries of an action in the audit log.
func (r *rig) audited(t *testing.T, action string) int {
	t.Helper()
	var n int
	if err := r.DB.QueryRowContext(context.Background(), `SELECT COUNT(*) FROM audit WHERE action = $1`, action).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
