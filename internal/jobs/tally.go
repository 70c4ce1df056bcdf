package jobs

import (
	"context"
	"fmt"
)

// Tally counts the jobs that are worked on, by whatever server, and those in line.
func (q *Queue) Tally(ctx context.Context) (running, queued int, err error) {
	err = q.DB.QueryRowContext(ctx, `SELECT COUNT(CASE WHEN state = 'running' THEN 1 END), COUNT(CASE WHEN state = 'queued' THEN 1 END)
		FROM jobs WHERE state IN ('running', 'queued')`).Scan(&running, &queued)
	if err != nil {
		return 0, 0, fmt.Errorf("count the jobs: %w", err)
	}
	return running, queued, nil
}
