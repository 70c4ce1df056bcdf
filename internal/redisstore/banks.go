package redisstore

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/redis/go-redis/v9"

	"qingyuan/quiz"
)

// Banks keeps every version of a question bank that papers were drawn from,
// named by its digest, so that an attempt can be shown and marked on any server
// after the bank has moved on.
type Banks struct {
	db redis.UniversalClient
}

// NewBanks keeps versions in db.
func NewBanks(db redis.UniversalClient) *Banks { return &Banks{db: db} }

// maxBank bounds what is unpacked, so that a damaged entry cannot fill memory.
const maxBank = 64 << 20

// PutBank stores a version; storing it again changes nothing.
func (s *Banks) PutBank(ctx context.Context, b *quiz.Bank) error {
	raw, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("encode bank %s: %w", b.ID, err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(raw); err != nil {
		return fmt.Errorf("pack bank %s: %w", b.ID, err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("pack bank %s: %w", b.ID, err)
	}
	if err := s.db.SetNX(ctx, bankKey(b.Digest), packed.Bytes(), 0).Err(); err != nil {
		return fmt.Errorf("store bank %s: %w", b.ID, outage(err))
	}
	return nil
}

// Bank returns the version with the given digest. Its content is checked against
// the digest, because scores hang on it.
func (s *Banks) Bank(ctx context.Context, digest string) (*quiz.Bank, error) {
	fail := func(err error) (*quiz.Bank, error) { return nil, fmt.Errorf("bank version %s: %w", digest, err) }
	packed, err := s.db.Get(ctx, bankKey(digest)).Bytes()
	if err != nil {
		return fail(outage(err))
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return fail(err)
	}
	raw, err := io.ReadAll(io.LimitReader(z, maxBank))
	if err != nil {
		return fail(err)
	}
	var stored quiz.Bank
	if err := json.Unmarshal(raw, &stored); err != nil {
		return fail(err)
	}
	b, err := quiz.NewBank(stored.ID, stored.Questions)
	if err != nil {
		return fail(err)
	}
	if b.Digest != digest {
		return fail(fmt.Errorf("content has digest %s", b.Digest))
	}
	return b, nil
}
