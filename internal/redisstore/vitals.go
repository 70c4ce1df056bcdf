package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Vitals is how the fullest server of a Redis is.
type Vitals struct {
	// Used and Most are bytes; Most is 0 for a server without a maxmemory.
	Used, Most int64
	// LogOK says that every server writes its log and that its last rewrite succeeded;
	// Rewriting that one writes its log anew.
	LogOK, Rewriting bool
}

// Vitals asks how full Redis is and whether it writes its log. It returns an error where
// a server does not answer.
func (h *Health) Vitals(ctx context.Context) (Vitals, error) {
	all := Vitals{LogOK: true}
	cluster, ok := h.db.(*redis.ClusterClient)
	if !ok {
		err := all.ask(ctx, h.db)
		return all, err
	}
	var mu sync.Mutex
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, db *redis.Client) error {
		one := Vitals{LogOK: true}
		err := one.ask(ctx, db)
		mu.Lock()
		defer mu.Unlock()
		all.add(one)
		return err
	})
	return all, err
}

// ask adds what one server says.
func (v *Vitals) ask(ctx context.Context, db redis.Cmdable) error {
	text, err := db.Info(ctx).Result() // several sections at once are not known to 6.2
	if err != nil {
		return fmt.Errorf("ask redis how full it is: %w", err)
	}
	info := parseInfo(text)
	one := Vitals{
		LogOK:     info["aof_enabled"] == "1" && info["aof_last_write_status"] == "ok" && info["aof_last_bgrewrite_status"] != "err",
		Rewriting: info["aof_rewrite_in_progress"] == "1",
	}
	if one.Used, err = strconv.ParseInt(info["used_memory"], 10, 64); err != nil {
		return fmt.Errorf("redis does not tell how much memory it uses: %w", err)
	}
	one.Most, _ = strconv.ParseInt(info["maxmemory"], 10, 64) // 0 where it is not told
	v.add(one)
	return nil
}

// add keeps the fuller of two servers: by share of its maxmemory, where both have one.
func (v *Vitals) add(one Vitals) {
	fuller := one.Used > v.Used
	if one.Most > 0 && v.Most > 0 {
		fuller = float64(one.Used)/float64(one.Most) > float64(v.Used)/float64(v.Most)
	}
	if fuller {
		v.Used, v.Most = one.Used, one.Most
	}
	v.LogOK = v.LogOK && one.LogOK
	v.Rewriting = v.Rewriting || one.Rewriting
}
