package approval

import (
	"context"
	"fmt"
)

// Open counts the acts that wait for a second person, whoever may decide on them.
func (s *Service) Open(ctx context.Context) (n int, err error) {
	err = s.o.DB.QueryRowContext(ctx, `SELECT COUNT(*) FROM approvals WHERE state = 'asked' AND expires_at > $1`, s.o.Now().UnixMilli()).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count the open approvals: %w", err)
	}
	return n, nil
}
