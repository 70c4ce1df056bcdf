package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"qingyuan/configs"
	"qingyuan/internal/sqldb"
)

// sendFile posts a file as it is and returns the job that takes it in.
func (a api) sendFile(path, body string) string {
	a.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, a.base+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/csv")
	req.Header.Set("Authorization", "Bearer "+a.token)
	res, err := client.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	var out result
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil || res.StatusCode != http.StatusAccepted {
		a.t.Fatalf("POST %s = %d %s, %v", path, res.StatusCode, raw, err)
	}
	return out.text("job")
}

// finished waits until a job is done and returns its result.
func (a api) finished(job string) result {
	a.t.Helper()
	var j result
	a.eventually("job "+job, func() bool {
		j = a.want(200, "GET", "/admin/jobs/"+job, nil)
		return j.text("state") == "done" || j.text("state") == "failed"
	})
	if j.text("state") != "done" {
		a.t.Fatalf("%v", j)
	}
	return j.object("result")
}

// TestImportsSurviveAKill kills the server while a tree, a roster and a bank are on their
// way in. After the restart each job goes on by itself and tells what it would have told;
// until then nobody sees half of a tree.
func TestImportsSurviveAKill(t *testing.T) {
	t.Parallel()
	p := spawn(t, binary(t), shortDir(t))
	data := p.args[3]
	o := officeCommands{t, configs.Config{Data: configs.Data{Dir: data}}}
	once := printed(o.run(exitDone, "", "operator", "create", "--login", "desk", "--role", "campaign_operator"))
	o.run(exitDone, "", "operator", "grant", "desk", "--role", "question_editor")
	office := p.officeOf(t, "desk", once)
	at := func(d time.Duration) string { return time.Now().Add(d).In(configs.Zone()).Format("2006-01-02 15:04") }
	office.want(201, "POST", "/admin/campaigns", map[string]any{"from": map[string]any{
		"template": demoCampaign, "id": "town-2026", "title": "全民禁毒承诺", "opens_at": at(time.Hour), "closes_at": at(24 * time.Hour), "prefix": "TOWN26",
	}})
	office.want(201, "POST", "/admin/banks", map[string]string{"id": "law", "name": "法律题库"})
	db, err := sqldb.Open(t.Context(), o.cfg.DatabaseTarget())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	count := func(query string) (n int) {
		t.Helper()
		if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}

	const units, people, questions = 6_000, 6_000, 300
	tree := table("编号,上级,名称,类型,应参与人数\ncity,,测试市,区划,\n", units, func(i int) string { return fmt.Sprintf("u%d,city,第%d单位,单位,3", i, i) })
	persons := table("单位编号,编号,姓名\n", people, func(i int) string { return fmt.Sprintf("u%d,N%d,张三", i%7, i) })
	bank := table("题号,题型,题干,选项A,选项B,答案\n", questions, func(i int) string { return fmt.Sprintf("law-%d,单选题,第%d题？,甲,乙,A", i, i) })
	const one = "/admin/campaigns/town-2026"
	nodes := func() int { return len(office.want(200, "GET", one+"/tree?parent=city&limit=50", nil).list("items")) }
	for _, c := range []struct {
		path, file string
		// midway tells when to kill: something is written, and not all.
		midway string
		want   map[string]float64
	}{
		{one + "/tree/imports", tree, `SELECT COUNT(*) FROM catalog_groves`, map[string]float64{"found": units + 1, "added": units + 1, "refused": 0}},
		{one + "/rosters/imports", persons, `SELECT COUNT(*) FROM roster`, map[string]float64{"found": people, "written": people, "same": 0, "refused": 0}},
		{"/admin/banks/law/imports?name=x.csv", bank, `SELECT COUNT(*) FROM jobs WHERE kind = 'bank.import' AND state = 'running'`, map[string]float64{"found": questions, "imported": questions, "skipped": 0, "refused": 0}},
	} {
		job := office.sendFile(c.path, c.file)
		p.eventually(c.path+" to be on its way", func() bool {
			return count(c.midway) > 0 || count(`SELECT COUNT(*) FROM jobs WHERE id = '`+job+`' AND state = 'done'`) > 0
		})
		p.kill()
		p.start()
		got := office.finished(job)
		for key, want := range c.want {
			if got.num(key) != want {
				t.Errorf("%s: %s is %v, want %v: %.500v", c.path, key, got.num(key), want, got)
			}
		}
	}
	if n := nodes(); n != 50 {
		t.Errorf("%d units on the first page", n)
	}
	if n := count(`SELECT COUNT(*) FROM catalog_nodes n JOIN catalog_versions v ON v.campaign = n.campaign AND v.grove = n.grove
		AND v.version = (SELECT MAX(version) FROM catalog_versions WHERE campaign = 'town-2026')
		WHERE n.campaign = 'town-2026' AND n.until = 0`); n != units+1 {
		t.Errorf("%d nodes in the tree", n)
	}
	if n := count(`SELECT COUNT(*) FROM roster`); n != people {
		t.Errorf("%d persons on rosters", n)
	}
	if n := count(`SELECT COUNT(*) FROM questions`); n != questions {
		t.Errorf("%d questions", n)
	}
	if n := count(`SELECT COUNT(*) FROM catalog_groves`); n != 0 {
		t.Errorf("%d trees are left half written", n)
	}
	p.kill()
	o.run(exitDone, "", "verify")
}

// table is a head with so many rows.
func table(head string, rows int, row func(i int) string) string {
	var b strings.Builder
	b.WriteString(head)
	for i := range rows {
		b.WriteString(row(i) + "\n")
	}
	return b.String()
}
