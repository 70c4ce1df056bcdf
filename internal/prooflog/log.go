// Package prooflog keeps the logs of package proof in SQL: it makes leaves of what the
// ledger holds, in its order and each once, signs how far they have come, and finds what
// proves one act.
//
// A log is made of the facts alone, behind a cursor of its own that moves with the leaves
// in one transaction: whoever seals, and however often, every act is sealed once. What
// leads from a person to their leaves lies in one table and goes when they are erased.
package prooflog

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/ledger"
	"qingyuan/internal/sqldb"
	"qingyuan/proof"
)

// Errors.
var (
	// ErrNotSealed is what is not in the log: not yet, or nothing leads there any more
	// because its participant was erased.
	ErrNotSealed = fault.New(fault.NotFound, "proof.not_sealed", "尚未存证：提交后一两分钟生成；个人信息删除后不再提供")
	// ErrBroken is a log that is not what it was: nothing of it is signed any more.
	ErrBroken = errors.New("the log does not continue what was signed")
)

// breach is a part of a log that is not what it was.
type breach struct {
	proof.Fault

	err error
}

// broken says which part of a log is not what it was; of no single leaf the index is -1.
func broken(part string, index int64, err error) error {
	return &breach{proof.Fault{Part: part, Index: index, Text: err.Error()}, err}
}

// Error implements error.
func (b *breach) Error() string { return ErrBroken.Error() + ": " + b.err.Error() }

// Unwrap implements the errors' chain: each of them is ErrBroken.
func (b *breach) Unwrap() []error { return []error{ErrBroken, b.err} }

// Signer is what somebody signed with.
type Signer struct {
	// Name is theirs in full, Strokes are those of a drawn signature.
	Name, Strokes string
	// Commitment is that of the record, which the fact has as well.
	Commitment string
}

// Keys sign checkpoints.
type Keys struct {
	// Current signs. Others are those that have signed before.
	Current ed25519.PrivateKey
	Others  []ed25519.PublicKey
}

// Log is the logs of all campaigns of a deployment. Fill the fields before the first use;
// it is safe for concurrent use, also by several processes on one database.
type Log struct {
	DB     *sqldb.DB
	Ledger *ledger.Ledger
	// Open reads the record of a signature.
	Open func(campaignID, participant string, r event.Record) (Signer, error)
	Keys Keys
	// Pepper is mixed into seeds, so that the database alone opens nothing.
	Pepper [32]byte
	// Dir is where checkpoints are kept as files, a folder for each campaign; "" keeps
	// none.
	Dir string
	Now func() time.Time
	// Span is what time acts are sealed by: those of one span together, once it is over,
	// and signed before those of the next, so that there is a checkpoint of every moment at
	// which a span ends. Zero seals what there is.
	Span time.Duration
	// Batch bounds the facts that are sealed in one transaction; 2,000 when zero.
	Batch int
}

// Origin names the log of a campaign. Before the database belongs to a deployment there is
// none.
func (l *Log) Origin(ctx context.Context, campaignID string) (string, error) {
	deployment, err := l.Ledger.Deployment(ctx, "")
	if err != nil {
		return "", err
	}
	if deployment == "" {
		return "", ErrNotSealed.Because(errors.New("the database belongs to no deployment yet"))
	}
	return "qingyuan/" + deployment + "/" + campaignID, nil
}

// seeder returns what makes the seeds that the salts of leaves come from, of what lies in
// their rows.
func (l *Log) seeder() func(row []byte) proof.Seed {
	m := hmac.New(sha256.New, l.Pepper[:])
	return func(row []byte) proof.Seed {
		m.Reset()
		m.Write(row)
		return proof.Seed(m.Sum(nil))
	}
}
