package redisstore

import (
	"slices"
	"strconv"
	"strings"

	"qingyuan/internal/event"
)

// This file is the only place that spells a key.
//
// Every key of a campaign's shard carries the hash tag {campaign:shard}, so
// that a script may touch all of them on a cluster and nothing else. Keys that
// belong to no campaign carry the tag of the one thing they describe. No key
// holds personal data: participants appear by their opaque id, addresses and
// WeChat codes by a keyed hash.
const prefix = "qy:"

// shardKeys spells the keys of one shard of one campaign.
type shardKeys struct{ base string }

func keysOf(campaign string, shard int) shardKeys {
	return shardKeys{prefix + "{" + campaign + ":" + strconv.Itoa(shard) + "}:"}
}

// meta is a hash: epoch, shards, base, layout. A shard without it is empty.
func (k shardKeys) meta() string { return k.base + "meta" }

// participant is the hash of everything one participant did in the campaign.
func (k shardKeys) participant(id string) string { return k.base + participantPart + id }

// door is a hash in a shard of the doors: which participant stands behind one way
// of signing in, named by a keyed hash, and what is sealed of it.
func (k shardKeys) door(hash string) string { return k.base + doorPart + hash }

// open is a sorted set: participant by the deadline (ms) of their open attempt.
func (k shardKeys) open() string { return k.base + "open" }

// A board is kept in layers, each a sorted set: participant by packed place. Most
// boards have only the first.
type layer string

const (
	// layerBoard is the board itself, which stands still during the freeze.
	layerBoard layer = "board"
	// layerLate has the places now of those who have acted since the freeze and
	// stand elsewhere by it, and layerKept what the board says of the same people
	// where it says anything. What is: board, without those kept, and late.
	layerLate layer = "board-late"
	layerKept layer = "board-kept"
	// The same three for hidden people.
	layerHiddenBoard layer = "hidden"
	layerHiddenLate  layer = "hidden-late"
	layerHiddenKept  layer = "hidden-kept"
)

// shownLayers are those of public boards, and hiddenLayers those beside them.
// Scripts expect them in this order.
var (
	shownLayers  = [...]layer{layerBoard, layerLate, layerKept}
	hiddenLayers = [...]layer{layerHiddenBoard, layerHiddenLate, layerHiddenKept}
	allLayers    = slices.Concat(shownLayers[:], hiddenLayers[:])
)

// layer is a layer of the main board ("") or of that of a part of the campaign,
// such as "u:<unit>", "r:<region>", "g:<group>", "d:<day>", "p:<phase>" or
// "u:<unit>|d:<day>".
func (k shardKeys) layer(scope string, l layer) string {
	key := k.base + string(l)
	if scope == "" {
		return key
	}
	return key + ":" + scope
}

// scopeOf is the scope of the board of which a key is a layer, by what follows the
// shard's tag in the key.
func scopeOf(rest string) (scope string, ok bool) {
	name, scope, scoped := strings.Cut(rest, ":")
	return scope, slices.Contains(allLayers, layer(name)) && scoped == (scope != "")
}

// board is the main board.
func (k shardKeys) board() string { return k.layer("", layerBoard) }

// thaw is a set: the scopes ("" is the main one) of the boards whose late layers
// hold anybody.
func (k shardKeys) thaw() string { return k.base + "thaw" }

// facts is the stream of what happened.
func (k shardKeys) facts() string { return k.base + "facts" }

// bound is a hash: participant to the unit whose roster they came by.
func (k shardKeys) bound() string { return k.base + "bound" }

// personal is the second, erasable stream: encrypted personal data.
func (k shardKeys) personal() string { return k.base + "personal" }

// mark is written for its own sake: replicas that hold it hold all before it.
func (k shardKeys) mark() string { return k.base + "mark" }

// cursor is a hash: how far the fold has come, and the fold's version.
func (k shardKeys) cursor() string { return k.base + "fold" }

// tally is a hash: "<unit>|<metric>" to a count, leaves only; tallyLate is the same
// of what came since the freeze.
func (k shardKeys) tally() string     { return k.base + "tally" }
func (k shardKeys) tallyLate() string { return k.base + "tally-late" }

// scores is a hash: score, or sum of points, to how many stand on the main board
// with it; scoresLate is by how much that has changed since the freeze.
func (k shardKeys) scores() string     { return k.base + "scores" }
func (k shardKeys) scoresLate() string { return k.base + "scores-late" }

// hour is the same for one hour of the campaign; hour is Unix time / 3600.
func (k shardKeys) hour(hour int64) string {
	return k.base + hourPart + strconv.FormatInt(hour, 10)
}

// minutes is a hash: "<minute>|<metric>" to a count, the last two hours only.
func (k shardKeys) minutes() string { return k.base + "minutes" }

// recent is a list of the newest accepted acts, for the big screen.
func (k shardKeys) recent() string { return k.base + "recent" }

// chances is a hash in the shard of the prizes: what one participant, of whichever
// shard, did with their chances.
func (k shardKeys) chances(id string) string { return k.base + chancesPart + id }

// prizes is a hash: prize to how many were won.
func (k shardKeys) prizes() string { return k.base + "prizes" }

// wins is a hash: "prize.item" to who won it, and what became of it.
func (k shardKeys) wins() string { return k.base + "wins" }

// campaignKey is a hash that says how a campaign was opened: shards, base,
// layout, and which definition the servers hold.
func campaignKey(campaign string) string { return prefix + "{" + campaign + "}:campaign" }

// namesKey is a hash: short to full name, of all that a campaign's shards name by
// its digest.
func namesKey(campaign string) string { return prefix + "{" + campaign + "}:names" }

// bankKey holds one version of a question bank, named by its digest.
func bankKey(digest string) string { return prefix + "{bank:" + digest + "}" }

// deploymentKey is a hash: the deployment's id and its secrets' fingerprints.
func deploymentKey() string { return prefix + "{deployment}" }

// sessionKey is the hash of one sign-in: a family of refresh tokens.
func sessionKey(participant, family string) string {
	return prefix + "{s:" + participant + "}:" + family
}

// sessionPattern finds the sessions of a participant, and of others if the id has
// a letter in it that patterns know: familyOf tells.
func sessionPattern(participant string) string { return sessionKey(participant, "*") }

// familyOf is the inverse of sessionKey for the sessions of one participant.
func familyOf(participant, key string) (string, bool) {
	return strings.CutPrefix(key, sessionKey(participant, ""))
}

// codeKey remembers for minutes what a one-use WeChat code led to.
func codeKey(hash string) string { return prefix + "{k:" + hash + "}" }

// rateKey counts the calls of one caller, named by a keyed hash.
func rateKey(hash string) string { return prefix + "{r:" + hash + "}" }

// revokedKey is a sorted set of ended session families by the time (ms) at
// which their last access token runs out.
func revokedKey() string { return prefix + "{revoked}" }

// queueKeys spells the keys of the waiting room, which all lie in one slot.
type queueKeys struct{ base string }

func queueKeysOf() queueKeys { return queueKeys{prefix + "{queue}"} }

// line is a hash: last (the last number given), since (when this line began, µs)
// and due (by when all let in so far would have come one by one, µs).
func (k queueKeys) line() string { return k.base + ":line" }

// waiting is a sorted set: numbers in their order.
func (k queueKeys) waiting() string { return k.base + ":waiting" }

// seen is a sorted set: waiting numbers by when they last asked (ms).
func (k queueKeys) seen() string { return k.base + ":seen" }

// away is a sorted set: numbers that stopped asking, by when they last did (ms).
func (k queueKeys) away() string { return k.base + ":away" }

// admitted is a sorted set: numbers, and names of codes that needed none, by when
// their right to sign in ends (ms).
func (k queueKeys) admitted() string { return k.base + ":admitted" }

// used is a hash: admitted number to the names of the codes it was used for.
func (k queueKeys) used() string { return k.base + ":used" }

// switchesKey is a hash: what operators have switched off, and when.
func switchesKey() string { return prefix + "{switches}" }

// StreamKey names a stream of a campaign's shard, for package stream.
func StreamKey(campaign string, shard int, s event.Stream) string {
	if s == event.Personal {
		return keysOf(campaign, shard).personal()
	}
	return keysOf(campaign, shard).facts()
}

// MarkKey names the key of a campaign's shard that package stream writes before
// it asks the replicas how far they are.
func MarkKey(campaign string, shard int) string { return keysOf(campaign, shard).mark() }

// What follows a shard's tag in the keys of which there are many.
const (
	participantPart = "p:"
	doorPart        = "d:"
	hourPart        = "hour:"
	chancesPart     = "q:"
)

// kept is a hash: the answers kept in open attempts, by participant, while the
// shard is rebuilt.
func (k shardKeys) kept() string { return k.base + "kept" }

// isCommon tells whether a shard has this key at most once.
func (k shardKeys) isCommon(key string) bool {
	if scope, ok := scopeOf(strings.TrimPrefix(key, k.base)); ok {
		return scope == ""
	}
	return slices.Contains([]string{
		k.meta(), k.open(), k.thaw(), k.facts(), k.personal(), k.bound(), k.mark(), k.cursor(), k.tally(), k.tallyLate(),
		k.scores(), k.scoresLate(), k.minutes(), k.recent(), k.kept(), k.prizes(), k.wins(),
	}, key)
}

// shardPattern finds the keys of all shards of a campaign. No id has a letter in
// it that patterns know.
func shardPattern(campaign string) string { return prefix + "{" + campaign + ":*" }

// splitShardKey takes a key of one of a campaign's shards apart: the shard's
// number, and what follows its tag.
func splitShardKey(campaign, key string) (shard int, rest string, ok bool) {
	rest, ok = strings.CutPrefix(key, prefix+"{"+campaign+":")
	number, rest, tagged := strings.Cut(rest, "}:")
	shard, err := strconv.Atoi(number)
	return shard, rest, ok && tagged && err == nil && shard >= 0
}
