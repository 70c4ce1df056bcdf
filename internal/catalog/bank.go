package catalog

import (
	"context"
	"fmt"
	"time"

	"qingyuan/quiz"
)

// fetchTimeout bounds the reading of an old bank. It is shared by all who wait
// for it, so it does not end with the request of the first.
const fetchTimeout = 5 * time.Second

// Bank implements quiz.Catalog. Versions that no campaign draws from any more
// come from memory, or from the archive, once for all who ask at the same time.
func (k *Keeper) Bank(ctx context.Context, digest string) (*quiz.Bank, error) {
	if b, ok := k.Book().banks[digest]; ok {
		return b, nil
	}
	if b, ok := k.old.Get(digest); ok {
		return b, nil
	}
	if k.opts.Archive == nil {
		return nil, fmt.Errorf("bank %s: no campaign has this version, and there is no archive", digest)
	}
	result := k.flight.DoChan(digest, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
		defer cancel()
		return k.fetch(ctx, digest)
	})
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("bank %s from the archive: %w", digest, ctx.Err())
	case r := <-result:
		b, _ := r.Val.(*quiz.Bank)
		return b, r.Err
	}
}

func (k *Keeper) fetch(ctx context.Context, digest string) (*quiz.Bank, error) {
	if b, ok := k.old.Get(digest); ok { // it came since the caller looked
		return b, nil
	}
	b, err := k.opts.Archive.Bank(ctx, digest)
	if err != nil {
		return nil, fmt.Errorf("bank %s from the archive: %w", digest, err)
	}
	if b == nil || b.Digest != digest {
		return nil, fmt.Errorf("bank %s from the archive: it gave another version", digest)
	}
	k.old.Add(digest, b)
	return b, nil
}
