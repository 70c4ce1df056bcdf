package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// clerk is somebody who works with the commands alone, and the campaign of their day.
type clerk struct {
	officeCommands

	s    *server
	desk string
	ids  map[string]string // of questions, by stem
}

const (
	clerksCampaign = "clerk-2026"
	clerksPath     = "/campaigns/" + clerksCampaign
)

// TestAClerksDay plays the day of an office through with the commands, beside a running
// server: from questions in a workbook, a document and a text to the archive, with
// everything that is taken out and put back in between. The figures hold throughout.
func TestAClerksDay(t *testing.T) {
	t.Parallel()
	began := time.Now()
	cfg := demo(t)
	c := &clerk{officeCommands{t, cfg}, start(t, cfg), t.TempDir(), map[string]string{}}
	c.questions()
	c.campaign()
	t.Logf("the campaign is open after %v", time.Since(began).Round(time.Second))

	people, papers := c.people()
	counts := map[string]float64{"enrolled": 5, "participants": 5, "attempts": 5, "signatures": 5}
	c.s.wantCounts(clerksCampaign, counts)
	c.evening(people[4])
	c.corrects(counts)
	c.rules(papers[0])
	c.takesOut()
	c.ends(counts)
	t.Logf("the day took %v", time.Since(began).Round(time.Second))
}

func (c *clerk) file(name string) string { return filepath.Join(c.desk, name) }

func (c *clerk) write(name, text string) string {
	c.Helper()
	if err := os.WriteFile(c.file(name), []byte(text), 0o600); err != nil {
		c.Fatal(err)
	}
	return c.file(name)
}

// questions takes three files into a bank, of which those are signed that are complete.
func (c *clerk) questions() {
	c.Helper()
	book := excelize.NewFile()
	rows := [][]any{{"题号", "题型", "题干", "A", "B", "C", "答案", "解析"}}
	for i := range 4 {
		rows = append(rows, []any{fmt.Sprint("s", i), "单选题", fmt.Sprintf("单选第%d题", i), "甲", "乙", "丙", "B", "见法律。"},
			[]any{fmt.Sprint("m", i), "多选题", fmt.Sprintf("多选第%d题", i), "甲", "乙", "丙", "AC", "见法律。"},
			[]any{fmt.Sprint("j", i), "判断题", fmt.Sprintf("判断第%d题。", i), nil, nil, nil, "对", "见法律。"})
	}
	for i, row := range rows {
		if err := book.SetSheetRow("Sheet1", fmt.Sprint("A", i+1), &row); err != nil {
			c.Fatal(err)
		}
		if i > 0 {
			c.ids[fmt.Sprint(row[2])] = fmt.Sprint(row[0])
		}
	}
	if err := book.SaveAs(c.file("题库.xlsx")); err != nil {
		c.Fatal(err)
	}
	text := c.write("补充.txt", "一、单选题\n1. 补充的题（ ）\nA. 甲\nB. 乙\n答案：A\n解析：见法律。\n")
	document := filepath.Join("..", "..", "quiz", "bankfile", "testdata", "office", "lists.docx")
	as := func(login string, args ...string) string {
		return c.run(exitDone, "", append(append([]string{"questions"}, args...), "--as", login)...)
	}
	as("wang", "create", "law", "--name", "法律题库")
	for file, found := range map[string]int{c.file("题库.xlsx"): 12, text: 1, document: 5} {
		if status, out, errs := command(c.T, "bank", "check", file, "--strict"); status != exitDone {
			c.Errorf("check %s = %d %s%s", file, status, out, errs)
		}
		out := as("wang", "import", "law", file, "--topic", "law", "--basis", "《禁毒法》", "--difficulty", "1", "--valid-from", "2008-06-01")
		if !strings.Contains(out, fmt.Sprintf("%[1]d found, %[1]d imported", found)) {
			c.Errorf("%s: %s", file, out)
		}
	}
	if out := as("wang", "submit", "law", "--all"); !strings.Contains(out, "13 submitted, 5 incomplete") { // the document explains nothing
		c.Errorf("submitted: %s", out)
	}
	as("zhao", "review", "sign-off", "law", "--all")
	as("zhao", "publish", "law")
}

// campaign makes one from a file that was drawn up before, with units and a roster, and
// opens it.
func (c *clerk) campaign() {
	c.Helper()
	file := dressed(c, clerksCampaign, "CLERK26", "bank: questions.yaml", "bank: bank:law/1")
	c.run(exitDone, "", "campaign", "apply", file, "--draft")
	c.run(exitDone, "", "tree", "import", c.write("单位.csv", "上级,名称,人数\n140702,第二单位,40\n"), "--campaign", clerksCampaign)
	var roster strings.Builder
	roster.WriteString("单位编号,编号,姓名\n")
	for i := range 200 {
		fmt.Fprintf(&roster, "known-unit,%03d,%s\n", i, "张"+string(rune('一'+i)))
	}
	if out := c.stdout("roster", "import", c.write("名册.csv", roster.String()), "--campaign", clerksCampaign, "--all", "--json"); !strings.Contains(out, `"written":200`) {
		c.Errorf("roster: %s", out)
	}
	c.run(exitDone, "", "campaign", "publish", clerksCampaign)
	c.s.eventually("the campaign to open", func() bool {
		status, r, err := c.s.call("GET", clerksPath, nil)
		return err == nil && status == 200 && r.text("state") == "open"
	})
}

// people lets four come by the roster, and a fifth otherwise. Each signs and hands in.
func (c *clerk) people() (people []api, papers []result) {
	c.Helper()
	for i := range 5 {
		p := c.s.as("fifth")
		if i < 4 {
			p.token = c.s.want(200, "POST", "/sessions/roster", map[string]string{
				"campaign": clerksCampaign, "unit": "known-unit", "number": fmt.Sprintf("%03d", i), "name": "张" + string(rune('一'+i)),
			}).text("access_token")
		}
		for _, act := range []struct {
			want         int
			method, path string
			body         any
		}{
			{200, "PUT", "/enrolment", map[string]any{
				"unit": "known-unit", "name": "张三", "group": "public", "consent": map[string]any{"notice_version": "1", "publish_name": false},
			}},
			{201, "POST", "/signatures", map[string]any{"version": "1", "method": "typed", "name": "张三"}},
		} {
			if status, r := p.patient(act.method, clerksPath+act.path, act.body); status != act.want {
				c.Fatalf("%s = %d %v", act.path, status, r)
			}
		}
		_, paper := p.patient("POST", clerksPath+"/attempts", map[string]any{})
		if status, r := p.patient("POST", clerksPath+"/attempts/"+paper.text("attempt")+"/submission", firstOptions(paper)); status != 200 {
			c.Fatalf("submission = %d %v", status, r)
		}
		people, papers = append(people, p), append(papers, paper)
	}
	return people, papers
}

// evening shows a banner, and lets somebody belong to another unit.
func (c *clerk) evening(p api) {
	c.Helper()
	c.run(exitDone, "", "campaign", "banner", clerksCampaign, "--text", "请错峰参加", "--reason", "人多")
	var to string
	_, units := p.patient("GET", clerksPath+"/units?parent=140702", nil)
	for _, u := range units.list("items") {
		if u.text("name") == "第二单位" {
			to = u.text("id")
		}
	}
	if status, r := p.patient("POST", clerksPath+"/transfers", map[string]string{"unit": to, "reason": "调动"}); status != 201 {
		c.Fatalf("transfer = %d %v", status, r)
	}
	var asked struct{ ID string }
	if err := json.Unmarshal([]byte(c.stdout("transfer", "list", "--campaign", clerksCampaign, "--state", "pending", "--json")), &asked); err != nil {
		c.Fatal(err)
	}
	c.run(exitDone, "", "transfer", "grant", asked.ID, "--campaign", clerksCampaign, "--reason", "同意")
}

// corrects takes every attempt out, and puts them back.
func (c *clerk) corrects(counts map[string]float64) {
	c.Helper()
	var batch struct {
		ID    string
		Items int
	}
	out := c.stdout("correct", "preview", "--attempts", "--from", "2020-01-01T00:00:00Z", "--reason", "经核实为批量刷分", "--campaign", clerksCampaign, "--json")
	if err := json.Unmarshal([]byte(out), &batch); err != nil || batch.Items != 5 {
		c.Fatalf("preview: %s, %v", out, err)
	}
	one := []string{batch.ID, "--campaign", clerksCampaign}
	c.second(c.s, "second", clerksCampaign)(c.asked(append([]string{"correct", "run"}, one...)...))
	c.s.eventually("the attempts to be out", func() bool { return c.s.want(200, "GET", clerksPath+"/counts", nil).num("attempts") == 0 })
	c.second(c.s, "third", clerksCampaign)(c.asked(append([]string{"correct", "undo", "--reason", "核实有误"}, one...)...))
	c.s.wantCounts(clerksCampaign, counts)
	c.run(exitDone, "", "verify")
}

// rules decides on a question of a paper, and lets the attempts be marked again: on the
// one that asks for two options, which nobody has answered rightly with the first alone.
func (c *clerk) rules(paper result) {
	c.Helper()
	var id string
	for _, q := range paper.list("questions") {
		if stem := q.text("stem"); strings.HasPrefix(stem, "多选") {
			id = c.ids[stem]
		}
	}
	var made struct{ ID string }
	out := c.stdout("challenge", "decide", id, "--campaign", clerksCampaign, "--decision", "withdraw", "--rule", "give_all", "--reason", "题目已修订", "--json")
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		c.Fatalf("%s, %v", out, err)
	}
	c.second(c.s, "fourth", clerksCampaign)(c.asked("challenge", "run", made.ID, "--campaign", clerksCampaign))
	c.run(exitDone, "", "verify")
}

// takesOut writes every table and report.
func (c *clerk) takesOut() {
	c.Helper()
	at := []string{"--campaign", clerksCampaign}
	for _, what := range []string{"participants", "attempts", "signatures", "official", "items"} {
		for _, ext := range []string{".csv", ".xlsx"} {
			c.run(exitDone, "", append([]string{"export", what, "-o", c.file(what + ext)}, at...)...)
		}
	}
	c.run(exitDone, "", append([]string{"report", "workbook", "-o", c.file("总结.xlsx")}, at...)...)
	c.run(exitDone, "", append([]string{"report", "print", "-o", c.file("总结.pdf")}, at...)...)
	if out := c.stdout(append([]string{"report", "brief"}, at...)...); !strings.Contains(out, "5") {
		c.Errorf("the brief: %s", out)
	}
	now := time.Now().Add(-time.Minute).Format("2006-01-02 15:04")
	c.run(exitDone, "", append([]string{"report", "announce", "--as-of", now}, at...)...)
	c.run(exitDone, "", append([]string{"report", "announced"}, at...)...)
	c.run(exitDone, "", "audit", "export", "-o", c.file("审计.csv"))
}

// ends closes the campaign, forgets its people and moves it out of Redis: the figures stay.
func (c *clerk) ends(counts map[string]float64) {
	c.Helper()
	c.run(exitDone, "", "campaign", "close", clerksCampaign, "--reason", "结束")
	c.s.eventually("the close", func() bool { return c.s.want(200, "GET", clerksPath, nil).text("state") == "closed" })
	c.run(exitDone, "", "campaign", "anonymise", clerksCampaign, "--early", "personal,messages,rosters", "--reason", "主办单位要求")
	c.run(exitDone, "", "campaign", "archive", clerksCampaign)
	c.s.eventually("the figures from the shelf", func() bool {
		status, r, err := c.s.call("GET", clerksPath+"/counts", nil)
		if err != nil || status != 200 {
			return false
		}
		for figure, n := range counts {
			if r.num(figure) != n {
				return false
			}
		}
		return true
	})
	c.run(exitDone, "", "verify")
}
