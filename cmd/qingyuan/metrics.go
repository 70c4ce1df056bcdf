package main

import (
	"cmp"
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"qingyuan/internal/redisstore"
	"qingyuan/leaderboard"
)

// metrics are the program's own: those of the HTTP edge are registered there.
type metrics struct {
	folded, foldErrors, handedIn *prometheus.CounterVec
	foldLag                      *prometheus.GaugeVec
	snapshotAge                  *prometheus.GaugeVec
	factsWaiting                 *prometheus.GaugeVec
	accepted                     *prometheus.GaugeVec
	archived, archiveErrors      *prometheus.CounterVec
	archiveWaiting, archiveLag   *prometheus.GaugeVec
	deadLetters, foldStopped     *prometheus.GaugeVec
	differences, verifiedAt      *prometheus.GaugeVec
	redisDuration                *prometheus.HistogramVec
	redisErrors                  *prometheus.CounterVec
	switchedOff                  *prometheus.GaugeVec
	waiting, pace                prometheus.Gauge
	called                       prometheus.Counter
	auditBroken                  prometheus.Gauge
	proofLeaves, proofSigned     *prometheus.GaugeVec
	proofFaults, proofReread     *prometheus.GaugeVec
	proofBroken                  prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "qingyuan", Name: name, Help: help}, labels)
		r.MustRegister(v)
		return v
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "qingyuan", Name: name, Help: help}, labels)
		r.MustRegister(v)
		return v
	}
	m := &metrics{
		folded:         counter("fold_facts_total", "Facts folded by this instance.", "campaign"),
		foldErrors:     counter("fold_errors_total", "Batches that could not be folded and are tried again.", "campaign"),
		handedIn:       counter("attempts_handed_in_total", "Overdue attempts looked at by this instance.", "campaign"),
		foldLag:        gauge("fold_lag_seconds", "Age of the newest fact when it was last folded by this instance.", "campaign"),
		snapshotAge:    gauge("snapshot_timestamp_seconds", "Unix time of the newest snapshot.", "campaign"),
		factsWaiting:   gauge("fold_facts_waiting", "Facts on the stream that the fold has not reached.", "campaign"),
		accepted:       gauge("accepted", "Accepted acts in the newest snapshot.", "campaign", "kind"),
		archived:       counter("archive_entries_total", "Entries this instance has moved into the ledger.", "campaign", "stream"),
		archiveErrors:  counter("archive_errors_total", "Batches that did not reach the ledger and are tried again.", "campaign"),
		archiveWaiting: gauge("archive_entries_waiting", "Entries on the streams that are not in the ledger yet.", "campaign"),
		archiveLag:     gauge("archive_oldest_seconds", "Age of the oldest entry that is not in the ledger yet.", "campaign"),
		deadLetters:    gauge("archive_dead_letters", "Entries that could not be stored.", "campaign"),
		foldStopped:    gauge("fold_stopped_shards", "Shards of which nothing is counted any more, because a fact is damaged.", "campaign"),
		differences:    gauge("verify_differences", "Differences between Redis and the ledger when they were last compared.", "campaign"),
		verifiedAt:     gauge("verify_timestamp_seconds", "Unix time at which they were last compared.", "campaign"),
		redisErrors:    counter("redis_errors_total", "Redis commands that failed.", "kind"),
		switchedOff:    gauge("feature_switched_off", "1 for each feature that an operator has switched off.", "campaign", "feature"),
		waiting:        gauge("queue_waiting", "People in the line of the waiting room, over all servers.").WithLabelValues(),
		pace:           gauge("queue_pace_ratio", "The part of queue.admit_per_second that this instance lets in now: less than 1 while requests are slow.").WithLabelValues(),
		called:         counter("queue_called_total", "People whom this instance has let in from the line.").WithLabelValues(),
		proofLeaves:    gauge("proof_log_leaves", "Leaves of a campaign's log that are signed.", "campaign"),
		proofSigned:    gauge("proof_log_signed_timestamp_seconds", "Unix time at which a campaign's log was signed last.", "campaign"),
		proofFaults:    gauge("proof_log_faults", "What does not hold in a campaign's log, as it was read again last.", "campaign"),
		proofReread:    gauge("proof_log_reread_timestamp_seconds", "Unix time at which this server was last through with reading a campaign's log again.", "campaign"),
		proofBroken:    gauge("proof_log_broken", "Logs that do not continue what was signed of them, and are signed no more.").WithLabelValues(),
		auditBroken:    gauge("audit_log_broken", "1 where the chain of the audit log did not hold when it was last followed.").WithLabelValues(),
	}
	m.redisDuration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "qingyuan", Name: "redis_command_seconds", Help: "Time of Redis commands; scripts by their own names.",
		Buckets: []float64{.0002, .0005, .001, .002, .005, .01, .02, .05, .1, .5, 2},
	}, []string{"command"})
	r.MustRegister(m.redisDuration)
	return m
}

// redisHook measures every command. Labels are names of commands and of our own
// scripts, never keys.
type redisHook struct {
	m       *metrics
	scripts map[string]string // by SHA-1
	// found are the durations of joined commands by what Joined calls them: to find one
	// by its label again costs as much as to measure it.
	found *sync.Map
}

func newRedisHook(m *metrics) (redisHook, error) {
	names, err := redisstore.ScriptNames()
	return redisHook{m: m, scripts: names, found: &sync.Map{}}, err
}

// name is what a command is called: a script of ours by its own name.
func (h redisHook) name(cmd redis.Cmder) string {
	if cmd.Name() == "evalsha" && len(cmd.Args()) > 1 {
		if sha, ok := cmd.Args()[1].(string); ok && h.scripts[sha] != "" {
			return h.scripts[sha]
		}
	}
	return cmd.Name()
}

func (h redisHook) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := next(ctx, network, addr)
		if err != nil {
			h.m.redisErrors.WithLabelValues("dial").Inc()
		}
		return conn, err
	}
}

func (h redisHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		start := time.Now()
		err := next(ctx, cmd)
		h.m.redisDuration.WithLabelValues(h.name(cmd)).Observe(time.Since(start).Seconds())
		h.count(err)
		return err
	}
}

func (h redisHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		start := time.Now()
		err := next(ctx, cmds)
		took := time.Since(start).Seconds()
		for _, name := range h.together(cmds) {
			h.m.redisDuration.WithLabelValues(name).Observe(took)
		}
		for _, cmd := range cmds {
			h.count(cmd.Err())
		}
		return err
	}
}

// took measures a command that travelled with those of others, by its own name.
func (h redisHook) took(command string, took time.Duration, err error) {
	found, known := h.found.Load(command)
	if !known {
		found = h.m.redisDuration.WithLabelValues(cmp.Or(h.scripts[command], command))
		h.found.Store(command, found)
	}
	found.(prometheus.Observer).Observe(took.Seconds()) //nolint:forcetypeassert // Nothing else is stored.
	h.count(err)
}

// together is what commands sent at once are called: each script by its name, as if
// it had travelled alone, because a batch ends for all of them at once.
func (h redisHook) together(cmds []redis.Cmder) []string {
	var names []string
	for _, cmd := range cmds {
		if cmd.Name() == "evalsha" {
			names = append(names, h.name(cmd))
		}
	}
	if names == nil {
		return []string{"pipeline"}
	}
	return names
}

// count sorts errors into a few kinds.
func (h redisHook) count(err error) {
	if err == nil || errors.Is(err, redis.Nil) {
		return
	}
	kind := "network"
	if word, _, _ := strings.Cut(err.Error(), " "); word != "" && strings.ToUpper(word) == word && !strings.Contains(word, ":") {
		kind = "reply"
		if word == "NOSCRIPT" { // answered by sending the script itself
			return
		}
	}
	h.m.redisErrors.WithLabelValues(kind).Inc()
}

// published shows what a snapshot says.
func (m *metrics) published(s *leaderboard.Snapshot) {
	id := s.Campaign.ID
	m.snapshotAge.WithLabelValues(id).Set(float64(s.AsOf.UnixMilli()) / 1000)
	m.factsWaiting.WithLabelValues(id).Set(float64(s.Lag))
	m.accepted.WithLabelValues(id, "enrolment").Set(float64(s.Roll.Total.Enrolled))
	m.accepted.WithLabelValues(id, "submission").Set(float64(s.Roll.Total.Attempts))
	m.accepted.WithLabelValues(id, "signature").Set(float64(s.Roll.Total.Signatures))
}
