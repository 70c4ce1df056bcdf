package redisstore

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"qingyuan/quiz"
)

// Banks keeps every version of a question bank that papers were drawn from,
// named by its digest, so that an attempt can be shown and marked on any server
// after the bank has moved on.
type Banks struct {
	db     redis.UniversalClient
	writes Waiting
}

// NewBanks keeps versions in db. Options say who must hold one before it counts
// as kept.
func NewBanks(db redis.UniversalClient, options ...Option) *Banks {
	return &Banks{db: db, writes: writesTo(db, options)}
}

// PutBank stores a version; storing it again changes nothing.
func (s *Banks) PutBank(ctx context.Context, b *quiz.Bank) error {
	packed, err := b.Pack()
	if err != nil {
		return err
	}
	key := bankKey(b.Digest)
	err = s.writes.Confirmed(ctx, key, func(p redis.Pipeliner) { p.SetNX(ctx, key, packed, 0) })
	if err != nil {
		return fmt.Errorf("store bank %s: %w", b.ID, err)
	}
	return nil
}

// Bank returns the version with the given digest. Its content is checked against
// the digest, because scores hang on it.
func (s *Banks) Bank(ctx context.Context, digest string) (*quiz.Bank, error) {
	packed, err := s.Packed(ctx, digest)
	if err != nil {
		return nil, err
	}
	return quiz.UnpackBank(digest, packed)
}

// Packed returns the version as it is kept, unchecked; redis.Nil where it is not.
func (s *Banks) Packed(ctx context.Context, digest string) ([]byte, error) {
	packed, err := s.db.Get(ctx, bankKey(digest)).Bytes()
	if err != nil {
		return nil, fmt.Errorf("bank version %s: %w", digest, outage(err))
	}
	return packed, nil
}
