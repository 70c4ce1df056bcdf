// Package event defines the facts: what happened, in the order it happened,
// never changed afterwards.
//
// A fact travels as a stream entry of short text fields. The writing script
// fills the ones only it can know (who belonged where, what was best before), so
// that readers need no second look at the state. Facts carry opaque ids only;
// names and the like travel on the second, erasable stream.
package event

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Kind names a fact and its version. A kind once used is never reused, and a
// reader that meets one it does not know must stop.
type Kind string

// The kinds of fact.
const (
	KindEnrolled  Kind = "enrolled.1"
	KindMoved     Kind = "moved.1"
	KindStarted   Kind = "started.1"
	KindSubmitted Kind = "submitted.1"
	KindExpired   Kind = "expired.1"
	// KindGranted gives a participant one attempt more than the limits allow. It
	// changes no figure.
	KindGranted Kind = "granted.1"
	KindSigned  Kind = "signed.1"
	// KindErased says that a participant's personal data was erased. It changes
	// no figure.
	KindErased Kind = "erased.1"
	// KindInvalidated and KindWithdrawn take an accepted attempt out of every
	// figure, by the office and by its participant; KindRestored lets it count again.
	KindInvalidated Kind = "invalidated.1"
	KindWithdrawn   Kind = "withdrawn.1"
	KindRestored    Kind = "restored.1"
	// KindSignatureInvalidated, KindSignatureWithdrawn and KindSignatureRestored do the
	// same with a signature.
	KindSignatureInvalidated Kind = "signature_invalidated.1"
	KindSignatureWithdrawn   Kind = "signature_withdrawn.1"
	KindSignatureRestored    Kind = "signature_restored.1"
	// KindHidden takes a participant off the public boards and KindShown puts them
	// back. The counts do not change.
	KindHidden Kind = "hidden.1"
	KindShown  Kind = "shown.1"
	// KindTransferred moves a participant to another unit or group, and whatever of
	// theirs counts with them.
	KindTransferred Kind = "transferred.1"
	// KindRemarked gives an accepted attempt other marks.
	KindRemarked Kind = "remarked.1"
	// KindJoined takes the enrolment of a participant out of every figure who is counted
	// as another one: both are one person.
	KindJoined Kind = "joined.1"
	// KindParted lets the enrolment count again of a participant who was counted as another
	// one.
	KindParted Kind = "parted.1"
	// KindChance spends a chance that won nothing, and KindWon gives a prize: for a
	// chance, or by a draw.
	KindChance Kind = "chance.1"
	KindWon    Kind = "won.1"
	// KindPrizeClaimed, KindPrizeSent, KindPrizeExpired, KindPrizeRefused and
	// KindPrizeReopened say what became of a prize that was won.
	KindPrizeClaimed  Kind = "prize_claimed.1"
	KindPrizeSent     Kind = "prize_sent.1"
	KindPrizeExpired  Kind = "prize_expired.1"
	KindPrizeRefused  Kind = "prize_refused.1"
	KindPrizeReopened Kind = "prize_reopened.1"
	// KindDoor says which participant stands behind one way of signing in. It
	// belongs to no campaign and has neither unit nor group.
	KindDoor Kind = "door.1"
)

// ErrUnknownKind is an entry of a kind that this program does not know: a newer
// server has written it. A reader must stop there, not skip it.
var ErrUnknownKind = errors.New("unknown kind")

// Position places a fact: gapless within campaign, shard and epoch. Epochs
// count from 1, so the zero Position lies before every fact.
type Position struct {
	Epoch, Seq uint64
}

// ParsePosition reads a stream entry's id.
func ParsePosition(id string) (Position, error) {
	epoch, seq, ok := strings.Cut(id, "-")
	if !ok {
		return Position{}, fmt.Errorf("position %q has no hyphen", id)
	}
	var p Position
	var err error
	if p.Epoch, err = strconv.ParseUint(epoch, 10, 64); err != nil {
		return Position{}, fmt.Errorf("position %q: %w", id, err)
	}
	if p.Seq, err = strconv.ParseUint(seq, 10, 64); err != nil {
		return Position{}, fmt.Errorf("position %q: %w", id, err)
	}
	return p, nil
}

// String is the inverse of ParsePosition.
func (p Position) String() string {
	return strconv.FormatUint(p.Epoch, 10) + "-" + strconv.FormatUint(p.Seq, 10)
}

// Follows tells whether p comes directly after q: the next of the same epoch, or
// the first of a later one, which Redis numbers 0. Anything else is a gap.
func (p Position) Follows(q Position) bool {
	if p.Epoch == q.Epoch {
		return p.Seq == q.Seq+1
	}
	return p.Epoch > q.Epoch && p.Seq == 0
}

// Compare orders positions: negative where p comes before q.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.Epoch, q.Epoch), cmp.Compare(p.Seq, q.Seq))
}

// Fact is one event on a shard's stream.
type Fact struct {
	Position
	Kind        Kind
	Participant string
	// Unit and Group are where the participant belonged when it happened.
	Unit, Group string
	At          time.Time // whole milliseconds
	// First is true for a participant's first accepted act in the campaign.
	First bool
	// Body is one of the types below, by value.
	Body any
}

// Enrolled says that a participant joined the campaign.
type Enrolled struct {
	Notice   string `json:"notice"`
	Guardian bool   `json:"guardian,omitempty"`
}

// Moved says that an enrolled participant changed unit or group; the fact's own
// Unit and Group are the new ones.
type Moved struct {
	FromUnit  string `json:"from_unit"`
	FromGroup string `json:"from_group"`
}

// Started says that an attempt was opened, and on which paper.
type Started struct {
	Number int `json:"number"`
	// Extra says that it is one of those that were given back, and counts for no
	// limit.
	Extra    bool  `json:"extra,omitempty"`
	Deadline int64 `json:"deadline"` // Unix ms
	// Bank is the digest of the version, Seed the paper's in base 36, Items as
	// package quiz encodes them: with them the same paper is made again.
	Bank  string `json:"bank"`
	Seed  string `json:"seed"`
	Items string `json:"items"`
}

// Submitted says that an attempt was accepted and marked. It holds everything
// needed to mark it again.
type Submitted struct {
	Number    int    `json:"number"`
	StartedAt int64  `json:"started"` // Unix ms
	UsedMS    int64  `json:"used_ms"`
	Score     int    `json:"score"`
	MaxScore  int    `json:"max"`
	Correct   int    `json:"correct"`
	Passed    bool   `json:"passed,omitempty"`
	ClosedBy  string `json:"by"`
	// Bank is the digest of the version; Items and Choices are as package quiz
	// encodes them, in the bank's own order of options.
	Bank    string `json:"bank"`
	Items   string `json:"items"`
	Choices string `json:"choices"`
	// Clocks is the number of the campaign's clocks by which the time used and the
	// deadline were worked out; 0 where nobody has ever touched them.
	Clocks int64 `json:"clocks,omitempty"`
	// Origin tells by package origin where the submission came from; "" where that is
	// not known.
	Origin string `json:"origin,omitempty"`
	// Previous is the participant's best attempt before this one, nil for the
	// first. Total is their sum of points after it and Added by how much it raised
	// that; both are 0 where the campaign ranks the best attempt. Hidden says that
	// they were hidden. The script writes these.
	Previous     *Best `json:"-"`
	Added, Total int   `json:"-"`
	Hidden       bool  `json:"-"`
}

// Best is the part of a best attempt that tallies need.
type Best struct {
	Score int
	// Passed and Full say whether it passed, and whether everything was right.
	Passed, Full bool
}

// Corrected is the body of what changes how a participant's acts count:
// invalidated, withdrawn and restored, of an attempt and of the signature, hidden and
// shown. It holds everything that
// their figures are made of, as it was until then, so that what they were and what
// they are now can be told from the fact alone.
type Corrected struct {
	// Number is the attempt's; 0 for the signature, hidden and shown.
	Number int `json:"number,omitempty"`
	// Batch names the correction that this is a part of: for an invalidation the one
	// that takes the act out, for a restoration the one that gives it back. It is ""
	// for an act that was corrected by itself.
	Batch string `json:"batch,omitempty"`
	// Attempts are all that were accepted, by number, and which of them did not
	// count.
	Attempts []Counted `json:"attempts"`
	// SignedAt is when they signed, in Unix ms; 0 if they had not.
	SignedAt int64 `json:"signed,omitempty"`
	// SignedVoid says that the signature counted nowhere.
	SignedVoid bool `json:"signed_void,omitempty"`
	// Hidden says that they were hidden.
	Hidden bool `json:"hidden,omitempty"`
	// Stays are where they belonged before each transfer, oldest first.
	Stays []Stay `json:"stays,omitempty"`
}

// Stay is a unit and group that somebody was transferred from.
type Stay struct {
	Unit  string `json:"u"`
	Group string `json:"g"`
	// Until is when they were transferred, in Unix ms, and Request what was granted
	// with it.
	Until   int64  `json:"t"`
	Request string `json:"r"`
}

// Transferred says that a participant belongs to another unit or group from then on,
// and everything of theirs that counts with them. The fact's own Unit and Group are
// the new ones; the rest is as it was until then.
type Transferred struct {
	Corrected

	FromUnit  string `json:"from_unit"`
	FromGroup string `json:"from_group"`
	// Request names what was granted: a request is granted once.
	Request string `json:"request"`
}

// Remarked says that an accepted attempt has other marks from then on, whether or not
// it counts. Number is the attempt's and Batch the challenge that this is a part of;
// the rest is as it was until then.
type Remarked struct {
	Corrected

	Before Marks `json:"before"`
	After  Marks `json:"after"`
	// Rulings are all that the marks afterwards follow from, in their order: none where
	// the attempt is marked by its bank alone again.
	Rulings []Ruling `json:"rulings,omitempty"`
}

// Joined says that a participant, none of whose acts counts, is one person with another
// who is enrolled as well: from then on nothing of them counts, their enrolment neither,
// until they are parted. The rest is as it was until then.
type Joined struct {
	Corrected

	// Into is who the person is counted as.
	Into string `json:"into"`
	// Returns says that the person signs in as this participant all the same: whatever
	// they do next parts the two.
	Returns bool `json:"returns,omitempty"`
}

// Parted says that a participant who was counted as another one is counted as themselves
// again: something of theirs is about to be done or to count.
type Parted struct {
	// From is who the person was counted as.
	From string `json:"from"`
}

// Ruling is what was decided of a contested question: see package quiz.
type Ruling struct {
	Challenge string `json:"c"`
	Question  string `json:"q"`
	Rule      string `json:"r"`
	// Key is what is right by now, as a set of bits; 0 where nothing is.
	Key uint16 `json:"k,omitempty"`
}

// Marks are what marking gave an attempt.
type Marks struct {
	Score    int  `json:"score"`
	MaxScore int  `json:"max"`
	Correct  int  `json:"correct"`
	Passed   bool `json:"passed,omitempty"`
}

// Full tells whether everything was right.
func (m Marks) Full() bool { return m.Score == m.MaxScore }

// Counted is an accepted attempt as far as figures are concerned.
type Counted struct {
	Number int   `json:"n"`
	At     int64 `json:"t"` // Unix ms
	UsedMS int64 `json:"u"`
	Score  int   `json:"s"`
	Passed bool  `json:"p,omitempty"`
	Full   bool  `json:"f,omitempty"`
	// Void says that it counts nowhere.
	Void bool `json:"v,omitempty"`
}

// Expired says that an attempt's deadline came with nothing kept.
type Expired struct {
	Number int `json:"number"`
	// Clocks is as in Submitted.
	Clocks int64 `json:"clocks,omitempty"`
}

// Granted says that a participant was given an attempt back.
type Granted struct {
	// Act is what gave it to everybody who was hit, and gives nobody a second one.
	Act string `json:"act"`
	// Number is the attempt that was hit.
	Number int `json:"number"`
}

// Signed says that a participant signed a version of the pledge.
type Signed struct {
	Version    string `json:"version"`
	TextSHA256 string `json:"text_sha256"`
	Method     string `json:"method"`
	// Commitment binds the erasable personal record to the fact: SHA-256 over a
	// random salt, which lies in that record, and the record's content.
	Commitment string `json:"commitment"`
	// Origin tells by package origin where the signature came from; "" where that is
	// not known.
	Origin string `json:"origin,omitempty"`
}

// Erased says that the participant's personal data was erased. What the enrolment
// says without it is written down here, because the records that said it are gone.
type Erased struct {
	Notice   string `json:"notice"`
	Guardian bool   `json:"guardian,omitempty"`
}

// Chance says that a chance was spent and won nothing. Facts of prizes lie in the
// campaign's first shard, whichever its participant belongs to.
type Chance struct {
	// Number counts the participant's chances from 1.
	Number int `json:"number"`
	// Rolled is the prize that the keyed hash fell on, "" for none, and Why what kept
	// it from being won.
	Rolled string `json:"rolled,omitempty"`
	Why    string `json:"why,omitempty"`
}

// Won says that a prize was won.
type Won struct {
	Prize string `json:"prize"`
	// Item counts what there is of the prize, from 1: nobody else wins the same.
	Item int `json:"item"`
	// Number is that of the chance, 0 for a draw. Draw and Place are which draw it was,
	// and where in its published order.
	Number int    `json:"number,omitempty"`
	Draw   string `json:"draw,omitempty"`
	Place  int    `json:"place,omitempty"`
}

// Prize is the body of what became of a prize that was won.
type Prize struct {
	Prize string `json:"prize"`
	Item  int    `json:"item"`
}

// Door says that a way of signing in leads to the fact's participant from now
// on. Hash is a keyed hash of what WeChat told.
type Door struct {
	Hash string `json:"hash"`
}

// Names of the stream entry's fields.
const (
	FieldKind        = "k"
	FieldParticipant = "p"
	FieldUnit        = "u"
	FieldGroup       = "g"
	FieldAt          = "t" // Unix ms
	FieldFirst       = "f" // "1" for true
	FieldBest        = "b" // Submitted.Previous: "score|passed|full", or empty
	FieldSum         = "a" // Submitted.Added and Total: "added|total", or empty
	FieldHidden      = "x" // Submitted.Hidden: "1" for true
	FieldBody        = "d"
	FieldHash        = "h" // of a personal record of a door: what it is bound to
)

// EncodeBody returns the body as it travels. It cannot fail for the types of
// this package.
func EncodeBody(body any) (string, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return "", fmt.Errorf("encode %T: %w", body, err)
	}
	return string(raw), nil
}

// Decode reads one stream entry. An unknown kind or a malformed field is an
// error: the reader must stop rather than skip a fact. A kind that is not known
// is told before any other fault, which may be none in a newer server's eyes.
func Decode(e Entry) (Fact, error) {
	f := Fact{
		Position: e.Position, Kind: Kind(e.Get(FieldKind)), Participant: e.Get(FieldParticipant),
		Unit: e.Get(FieldUnit), Group: e.Get(FieldGroup), First: e.Get(FieldFirst) == "1",
	}
	var err error
	if f.Body, err = decodeBody(f.Kind, e.Fields); err != nil {
		return Fact{}, fmt.Errorf("fact %s: %w", e.Position, err)
	}
	ms, err := strconv.ParseInt(e.Get(FieldAt), 10, 64)
	if err != nil {
		return Fact{}, fmt.Errorf("fact %s: time: %w", e.Position, err)
	}
	f.At = time.UnixMilli(ms)
	if f.Participant == "" || f.Kind != KindDoor && (f.Unit == "" || f.Group == "") {
		return Fact{}, fmt.Errorf("fact %s: participant, unit or group is missing", e.Position)
	}
	return f, nil
}

func decodeBody(k Kind, fields Fields) (any, error) {
	body := fields.Get(FieldBody)
	switch k {
	case KindEnrolled:
		return decodeFast(body, scanEnrolled)
	case KindMoved:
		return decodeAs[Moved](body)
	case KindStarted:
		return decodeFast(body, scanStarted)
	case KindSubmitted:
		return decodeSubmitted(body, fields)
	case KindExpired:
		return decodeAs[Expired](body)
	case KindGranted:
		return decodeAs[Granted](body)
	case KindSigned:
		return decodeFast(body, scanSigned)
	case KindErased:
		return decodeAs[Erased](body)
	case KindInvalidated, KindWithdrawn, KindRestored, KindHidden, KindShown,
		KindSignatureInvalidated, KindSignatureWithdrawn, KindSignatureRestored:
		return decodeAs[Corrected](body)
	case KindTransferred:
		return decodeAs[Transferred](body)
	case KindRemarked:
		return decodeAs[Remarked](body)
	case KindJoined:
		return decodeAs[Joined](body)
	case KindParted:
		return decodeAs[Parted](body)
	case KindChance:
		return decodeAs[Chance](body)
	case KindWon:
		return decodeAs[Won](body)
	case KindPrizeClaimed, KindPrizeSent, KindPrizeExpired, KindPrizeRefused, KindPrizeReopened:
		return decodeAs[Prize](body)
	case KindDoor:
		return decodeFast(body, scanDoor)
	default:
		return nil, fmt.Errorf("%w %q", ErrUnknownKind, k)
	}
}

func decodeSubmitted(body string, fields Fields) (Submitted, error) {
	s, err := decodeFast(body, scanSubmitted)
	if err != nil {
		return s, err
	}
	s.Hidden = fields.Get(FieldHidden) == "1"
	if s.Added, s.Total, err = parseSum(fields.Get(FieldSum)); err != nil {
		return s, err
	}
	s.Previous, err = parseBest(fields.Get(FieldBest))
	return s, err
}

// parseSum reads "added|total", or "" for none.
func parseSum(s string) (added, total int, err error) {
	if s == "" {
		return 0, 0, nil
	}
	left, right, _ := strings.Cut(s, "|")
	added, errAdded := strconv.Atoi(left)
	total, errTotal := strconv.Atoi(right)
	if err := errors.Join(errAdded, errTotal); err != nil {
		return 0, 0, fmt.Errorf("sum %q is not added|total: %w", s, err)
	}
	return added, total, nil
}

// parseBest reads "score|passed|full", or "" for none.
func parseBest(s string) (*Best, error) {
	if s == "" {
		return nil, nil //nolint:nilnil // No best attempt before is not an error.
	}
	score, flags, _ := strings.Cut(s, "|")
	passed, full, _ := strings.Cut(flags, "|")
	if !isFlag(passed) || !isFlag(full) {
		return nil, fmt.Errorf("best %q is not score|passed|full", s)
	}
	n, err := strconv.Atoi(score)
	if err != nil {
		return nil, fmt.Errorf("best %q: %w", s, err)
	}
	return &Best{Score: n, Passed: passed == "1", Full: full == "1"}, nil
}

func isFlag(s string) bool { return s == "0" || s == "1" }
