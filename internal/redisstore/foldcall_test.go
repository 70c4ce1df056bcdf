package redisstore

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
	"qingyuan/internal/redistest"
	"qingyuan/leaderboard"
)

// A batch is laid out by board, and many places go with one command. These tests hold
// that against the same moves in batches of one, which cannot be mixed up.

// someMoves are moves of few people on few boards, of every kind that a campaign has:
// sums or best attempts, before the freeze, in it and after it, of people who are
// hidden meanwhile, with corrections between them.
func someMoves(rng *rand.Rand, n int, sums bool) []leaderboard.Move {
	hidden := map[string]bool{}
	moves := make([]leaderboard.Move, n)
	for i := range moves {
		m := leaderboard.Move{
			Scope: fmt.Sprint("u:u", rng.IntN(3)), Participant: fmt.Sprint("p", rng.IntN(8)),
			Packed: uint64(rng.IntN(5))<<32 + uint64(rng.IntN(4)), Late: rng.IntN(3) == 0,
		}
		key := m.Scope + m.Participant
		switch {
		case rng.IntN(8) == 0:
			m.Op, m.Late = leaderboard.Set, false
			m.To = leaderboard.Placement{Hidden: rng.IntN(2) == 0}
			if rng.IntN(3) > 0 {
				m.To.Base = &m.Packed
			}
			if rng.IntN(3) > 0 {
				m.To.Now = new(m.Packed + 1<<32)
			}
			hidden[key] = m.To.Hidden
		case sums:
			m.Op = leaderboard.Add
		}
		m.Hidden = m.Op != leaderboard.Set && hidden[key]
		moves[i] = m
	}
	return moves
}

// batches cut moves and counts into batches of at most so many moves.
func batches(moves []leaderboard.Move, at int, atOnce int) []leaderboard.Batch {
	var out []leaderboard.Batch
	for part := range slices.Chunk(moves, atOnce) {
		b := leaderboard.NewBatch(event.Position{Epoch: 1, Seq: uint64(at)})
		at += len(part)
		b.To.Seq = uint64(at)
		b.Moves = part
		for i := range part {
			m := &part[i]
			n := int64(m.Packed%3) - 1
			cell := leaderboard.Cell{Unit: m.Scope, Metric: leaderboard.Attempts}
			b.Tally.Cells[cell] += n
			b.Late.Cells[cell] -= n
			b.Tally.Scores[int(m.Packed>>32)] += n
			b.Late.Scores[int(m.Packed>>32)]++
			b.Minutes[leaderboard.BucketCell{Bucket: 29_700_000 + int64(m.Packed%2), Cell: leaderboard.Cell{Metric: leaderboard.Attempts}}]++
			b.Hours[leaderboard.BucketCell{Bucket: 495_000 + int64(m.Packed%2), Cell: cell}] += n
		}
		out = append(out, b)
	}
	return out
}

// apply folds batches into a shard and returns everything that its Redis holds then.
func apply(t *testing.T, db *redis.Client, k shardKeys, all []leaderboard.Batch, freezes bool) map[string]map[string]string {
	t.Helper()
	o := &opened{epoch: "1", shards: []shardKeys{k}}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(db.FlushAll(t.Context()).Err())
	must(db.HSet(t.Context(), k.meta(), "epoch", 1).Err())
	must(db.HSet(t.Context(), k.cursor(), "pos", all[0].From.String(), "version", leaderboard.FoldVersion).Err())
	for i := range all {
		keys, args := foldCall(o, 0, &all[i], freezes)
		r, err := run(t.Context(), db, foldApply, keys, args...)
		if err != nil || r.outcome != "ok" {
			t.Fatalf("batch %d: %s, %v", i, r.outcome, err)
		}
	}
	return dump(t, db)
}

// dump reads all hashes, sets and sorted sets.
func dump(t *testing.T, db *redis.Client) map[string]map[string]string {
	t.Helper()
	out := map[string]map[string]string{}
	keys, err := db.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		out[key] = map[string]string{}
		switch db.Type(t.Context(), key).Val() {
		case "hash":
			maps.Copy(out[key], db.HGetAll(t.Context(), key).Val())
		case "set":
			for _, m := range db.SMembers(t.Context(), key).Val() {
				out[key][m] = ""
			}
		case "zset":
			for _, z := range db.ZRangeWithScores(t.Context(), key, 0, -1).Val() {
				out[key][fmt.Sprint(z.Member)] = fmt.Sprintf("%.0f", z.Score)
			}
		}
	}
	return out
}

// TestABatchIsItsMoves: what a batch does is what its moves do one after another,
// however many there are, and whoever is in it more than once.
func TestABatchIsItsMoves(t *testing.T) {
	t.Parallel()
	db := redistest.Start(t).Client(t)
	k := keysOf("c", 0)
	for seed := range uint64(60) {
		sums, freezes := seed%2 == 0, seed%3 > 0
		moves := someMoves(rand.New(rand.NewPCG(7, seed)), 120, sums)
		if !freezes {
			for i := range moves {
				moves[i].Late = false
				if to := &moves[i].To; to.Base == nil {
					to.Now = nil
				}
			}
		}
		want := apply(t, db, k, batches(moves, 0, 1), freezes)
		for _, atOnce := range []int{7, 120} {
			got := apply(t, db, k, batches(moves, 0, atOnce), freezes)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d, sums %t, freezes %t, %d at once (-one by one +at once):\n%s", seed, sums, freezes, atOnce, diff)
			}
		}
	}
}

// TestALargeBatch: Lua hands over some thousand values at once, and a batch may have
// more of everything.
func TestALargeBatch(t *testing.T) {
	t.Parallel()
	db := redistest.Start(t).Client(t)
	k := keysOf("c", 0)
	const people = 9000
	for _, op := range []leaderboard.Op{leaderboard.Raise, leaderboard.Add} {
		b := leaderboard.NewBatch(event.Position{Epoch: 1})
		b.To.Seq = people
		for i := range people {
			b.Moves = append(b.Moves, leaderboard.Move{Op: op, Scope: "u:u", Participant: fmt.Sprint("p", i), Packed: uint64(i+1) << 32, Late: i >= people/2})
			b.Tally.Cells[leaderboard.Cell{Unit: fmt.Sprint("u", i), Metric: leaderboard.Attempts}] = 1
			b.Tally.Scores[i] = 1
		}
		got := apply(t, db, k, []leaderboard.Batch{b}, true)
		for key, want := range map[string]int{
			k.layer("u:u", layerBoard): people / 2, k.layer("u:u", layerLate): people / 2, k.tally(): people, k.scores(): people,
		} {
			if len(got[key]) != want {
				t.Errorf("op %d: %s holds %d, want %d", op, key, len(got[key]), want)
			}
		}
	}
}

// BenchmarkFoldCall lays out a batch of 500 submissions with five boards each.
func BenchmarkFoldCall(b *testing.B) {
	o := &opened{epoch: "1", shards: []shardKeys{keysOf("c", 0)}}
	batch := leaderboard.NewBatch(event.Position{Epoch: 1})
	for i := range 500 {
		for _, scope := range []string{"r:city", fmt.Sprint("r:r", i%10), fmt.Sprint("u:u", i%100), "g:public", "d:2026-06-10"} {
			batch.Moves = append(batch.Moves, leaderboard.Move{Scope: scope, Participant: fmt.Sprint("participant", i), Packed: uint64(i) << 32})
		}
		batch.Tally.Cells[leaderboard.Cell{Unit: fmt.Sprint("u", i%100), Metric: leaderboard.Attempts}]++
	}
	b.ReportAllocs()
	for b.Loop() {
		foldCall(o, 0, &batch, false)
	}
}
