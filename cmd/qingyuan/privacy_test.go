package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/redistest"
	"qingyuan/internal/sqldb"
)

// collected is a log that many goroutines write and the test reads.
type collected struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (c *collected) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.Write(p)
}

func (c *collected) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.String()
}

// TestInvariant10NoPersonalDataInTheClear enrols and signs with a name, a phone
// and strokes that stand out, makes mistakes with them too, and then looks
// for them in every log line, every key and every value of Redis, and every row
// of the database.
func TestInvariant10NoPersonalDataInTheClear(t *testing.T) {
	t.Parallel()
	const name, guardian, wrong = "卡纳瑞雅", "关迪安雅", "卡纳瑞雅1"
	store := redistest.Start(t, redistest.Durable(), redistest.TCP())
	log := &collected{}
	cfg := on(t, store.Addr(), "k")
	s := launchWith(t, cfg, serving{log: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	s.awaitReady()
	p := s.as(name)
	detail := p.want(200, "GET", "/campaigns/"+demoCampaign, nil)
	enrolment := map[string]any{
		"unit": p.unit(demoCampaign, ""), "name": name, "group": "under14",
		"guardian": map[string]any{"name": guardian, "consent": true},
		"consent":  map[string]any{"notice_version": detail.object("consent_notice").text("version"), "publish_name": false},
	}
	path := "/campaigns/" + demoCampaign
	p.want(200, "PUT", path+"/enrolment", enrolment)
	enrolment["name"] = wrong
	p.want(400, "PUT", path+"/enrolment", enrolment)
	var strokes [][]map[string]float64
	for i := range 3 {
		var stroke []map[string]float64
		for j := range 20 {
			stroke = append(stroke, map[string]float64{"x": 7777.25 + float64(j*i%7)*9, "y": float64(j * j % 31), "t": float64(j)})
		}
		strokes = append(strokes, stroke)
	}
	version := p.want(200, "GET", path+"/pledge", nil).text("version")
	p.want(201, "POST", path+"/signatures", map[string]any{"version": version, "method": "drawn", "name": name, "strokes": strokes})
	s.wantCounts(demoCampaign, map[string]float64{"signatures": 1})

	places := everything(t, store.Client(t))
	maps.Copy(places, rows(t, bench(t, cfg).db))
	places["the log"] = log.String()
	for where, text := range places {
		for _, secret := range []string{name, guardian, "7777.25", p.token} {
			// PostgreSQL shows bytes in hexadecimal.
			if strings.Contains(text, secret) || strings.Contains(text, hex.EncodeToString([]byte(secret))) {
				t.Errorf("%s shows %s", where, secret)
			}
		}
	}
}

// everything reads all keys and values of a Redis, by key.
func everything(t *testing.T, db *redis.Client) map[string]string {
	t.Helper()
	ctx := t.Context()
	keys, err := db.Keys(ctx, "*").Result()
	if err != nil || len(keys) == 0 {
		t.Fatalf("keys: %d, %v", len(keys), err)
	}
	out := map[string]string{}
	for _, key := range keys {
		var value any
		switch kind := db.Type(ctx, key).Val(); kind {
		case "hash":
			value = db.HGetAll(ctx, key).Val()
		case "stream":
			value = db.XRange(ctx, key, "-", "+").Val()
		case "zset":
			value = db.ZRangeWithScores(ctx, key, 0, -1).Val()
		case "list":
			value = db.LRange(ctx, key, 0, -1).Val()
		case "string":
			value = db.Get(ctx, key).Val()
		case "none":
			continue // it ran out meanwhile
		default:
			t.Fatalf("%s is a %s, which this test cannot read", key, kind)
		}
		out[key] = fmt.Sprint(key, value)
	}
	return out
}

// rows reads every table of a PostgreSQL database, by name.
func rows(t *testing.T, db *sqldb.DB) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, table := range column(t, db, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'") {
		out["table "+table] = strings.Join(column(t, db, "SELECT t::text FROM "+table+" t"), "\n")
	}
	for _, must := range []string{"facts", "personal"} {
		if out["table "+must] == "" {
			t.Fatalf("table %s has no rows: nothing was looked at", must)
		}
	}
	return out
}

func column(t *testing.T, db *sqldb.DB, query string) []string {
	t.Helper()
	list, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	var out []string
	for list.Next() {
		var text string
		if err := list.Scan(&text); err != nil {
			t.Fatal(err)
		}
		out = append(out, text)
	}
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
