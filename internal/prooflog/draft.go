package prooflog

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/proof"
)

// deed is what a fact says to a log: which act it is of, what became of it, and what the
// leaf binds.
type deed struct {
	kind   proof.Type
	act    proof.Act
	values []proof.Value
	// strokes are those of a drawn signature, whose hash is a field.
	strokes string
}

// draft is a leaf on its way into the log.
type draft struct {
	deed

	at          event.Position
	shard       int
	participant string
	// rank is how many leaves of the same act come before it in the batch.
	rank int
	row  [32]byte // of the seed
	leaf proof.Leaf
	hash tlog.Hash
	// linked tells whether something shall lead from the participant to the leaf.
	linked bool
	index  int64
}

// deedOf reads a fact; false for one that makes no leaf. signer is of a signature, nil
// where its record was erased or lost.
func deedOf(f *event.Fact, signer *Signer) (deed, bool) {
	switch body := f.Body.(type) {
	case event.Submitted:
		return deed{kind: proof.AttemptAccepted, act: proof.AttemptAct(body.Number), values: attemptValues(f, &body)}, true
	case event.Signed:
		d := deed{kind: proof.SignatureAccepted, act: proof.SignatureAct, values: signatureValues(f, &body, signer)}
		if signer != nil {
			d.strokes = signer.Strokes
		}
		return d, true
	case event.Remarked:
		return deed{kind: proof.AttemptRemarked, act: proof.AttemptAct(body.Number), values: []proof.Value{
			moment(f),
			{Name: proof.FieldScore, Text: strconv.Itoa(body.After.Score)},
			{Name: proof.FieldMaxScore, Text: strconv.Itoa(body.After.MaxScore)},
			{Name: proof.FieldCorrect, Text: strconv.Itoa(body.After.Correct)},
			{Name: proof.FieldPassed, Text: strconv.FormatBool(body.After.Passed)},
		}}, true
	case event.Corrected:
		return correctionOf(f, &body)
	default:
		return deed{}, false
	}
}

func moment(f *event.Fact) proof.Value {
	return proof.Value{Name: proof.FieldTime, Text: proof.Moment(f.At)}
}

func attemptValues(f *event.Fact, s *event.Submitted) []proof.Value {
	return []proof.Value{
		moment(f),
		{Name: proof.FieldUnit, Text: f.Unit},
		{Name: proof.FieldNumber, Text: strconv.Itoa(s.Number)},
		{Name: proof.FieldScore, Text: strconv.Itoa(s.Score)},
		{Name: proof.FieldMaxScore, Text: strconv.Itoa(s.MaxScore)},
		{Name: proof.FieldCorrect, Text: strconv.Itoa(s.Correct)},
		{Name: proof.FieldPassed, Text: strconv.FormatBool(s.Passed)},
		{Name: proof.FieldUsed, Text: strconv.FormatInt(s.UsedMS, 10)},
		{Name: proof.FieldBank, Text: s.Bank},
		{Name: proof.FieldPaper, Text: s.Items},
		{Name: proof.FieldAnswers, Text: s.Choices},
	}
}

// signatureValues are those of the fact, and of the record where there is one.
func signatureValues(f *event.Fact, s *event.Signed, signer *Signer) []proof.Value {
	all := append(make([]proof.Value, 0, 8), moment(f),
		proof.Value{Name: proof.FieldText, Text: s.TextSHA256}, proof.Value{Name: proof.FieldVersion, Text: s.Version},
		proof.Value{Name: proof.FieldMethod, Text: s.Method}, proof.Value{Name: proof.FieldUnit, Text: f.Unit})
	if signer != nil {
		all = append(all, proof.Value{Name: proof.FieldName, Text: signer.Name},
			proof.Value{Name: proof.FieldMaskedName, Text: campaign.MaskName(signer.Name)},
			proof.Value{Name: proof.FieldImage, Text: proof.Digest(signer.Strokes)})
	}
	return all
}

// correctionOf tells what a correction does to the count. What counted not before, and
// does not now, changes nothing, whatever it is called.
func correctionOf(f *event.Fact, c *event.Corrected) (deed, bool) {
	subject, act, void := proof.Signature, proof.SignatureAct, c.SignedVoid
	var does string
	switch f.Kind {
	case event.KindSignatureInvalidated, event.KindInvalidated:
		does = ".invalidated"
	case event.KindSignatureWithdrawn, event.KindWithdrawn:
		does = ".withdrawn"
	case event.KindSignatureRestored, event.KindRestored:
		does = ".restored"
	default: // hidden and shown change no count
		return deed{}, false
	}
	if c.Number > 0 {
		subject, act = proof.Attempt, proof.AttemptAct(c.Number)
		i := slices.IndexFunc(c.Attempts, func(a event.Counted) bool { return a.Number == c.Number })
		if i < 0 {
			return deed{}, false // of an act that there is not: verify tells of it
		}
		void = c.Attempts[i].Void
	}
	kind := proof.Type(string(subject) + does)
	if kind.Adds() > 0 != void {
		kind = proof.Type(string(subject) + ".unchanged")
	}
	return deed{kind: kind, act: act, values: []proof.Value{moment(f)}}, true
}

// fields opens what a leaf binds with the salts of its seed.
func fields(seed proof.Seed, values []proof.Value) []proof.Field {
	out := make([]proof.Field, len(values))
	for i, v := range values {
		out[i] = seed.Open(v.Name, v.Text)
	}
	return out
}

// arrange puts drafts into the order of the log and makes their leaves. first is the index
// of the first; known leads from the act of a participant to the leaf of an act that was
// sealed before, or to proof.Unknown.
//
// Within a batch leaves lie in the order of their hashes, which are as good as random: so
// a place tells nothing about whose fact it was. Only what happened to one act one after
// the other stays in its order, as ranks.
func (l *Log) arrange(drafts []*draft, first int64, known func(*draft) (int64, error)) error {
	type place struct {
		participant string
		act         proof.Act
		shard       int
	}
	ranks, acts := map[place]int{}, map[place]int64{}
	for _, d := range drafts {
		at := place{d.participant, d.act, d.shard}
		d.rank = ranks[at]
		ranks[at]++
		_, _ = rand.Read(d.row[:]) // it never fails, by its documentation
	}
	slices.SortStableFunc(drafts, func(a, b *draft) int { return cmp.Compare(a.rank, b.rank) })
	seed := l.seeder()
	for from := 0; from < len(drafts); {
		to := from
		for to < len(drafts) && drafts[to].rank == drafts[from].rank {
			d := drafts[to]
			of, ok := acts[place{d.participant, d.act, d.shard}]
			if !ok {
				var err error
				if of, err = known(d); err != nil {
					return fmt.Errorf("look for the leaf of an act: %w", err)
				}
			}
			d.leaf = proof.Leaf{Type: d.kind, Of: of, Fields: seed(d.row[:]).FieldsHash(d.values)}
			d.hash = d.leaf.Hash()
			to++
		}
		slices.SortFunc(drafts[from:to], func(a, b *draft) int { return bytes.Compare(a.hash[:], b.hash[:]) })
		for i := from; i < to; i++ {
			d := drafts[i]
			d.index = first + int64(i)
			if d.kind.Accepts() {
				acts[place{d.participant, d.act, d.shard}] = d.index
			}
		}
		from = to
	}
	return nil
}
