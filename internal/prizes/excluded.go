package prizes

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/prize"
)

// maxExcluded bounds what is excluded at once.
const maxExcluded = 5000

// Exclude bars participants from winning: the people of the office and of units. Nobody
// is taken off the list again, so that no insider enters at the last moment; a repeat
// changes nothing. It returns how many are new.
func (s *Service) Exclude(ctx context.Context, who operator.Actor, campaignID string, participants []string, reason string) (added int, err error) {
	if _, err := s.Catalog.Prizes(campaignID); err != nil {
		return 0, err
	}
	if len(participants) == 0 || len(participants) > maxExcluded {
		return 0, fault.InvalidField("participants", fmt.Sprintf("应有 1 至 %d 人", maxExcluded))
	}
	record := who.Record(s.Now(), operator.CorrectResults, campaignID, "prize:excluded")
	record.Reason = reason
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		added = 0
		for _, p := range participants {
			res, err := tx.ExecContext(ctx, `INSERT INTO prize_excluded (campaign, participant, at, login) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
				campaignID, p, s.Now().UnixMilli(), who.Login)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			added += int(n)
		}
		var err error
		if record.After, err = json.Marshal(map[string]any{"added": added, "participants": participants}); err != nil {
			return err
		}
		return audit.AppendTx(ctx, tx, record)
	})
	if err != nil {
		return 0, fmt.Errorf("exclude %d participants from the prizes of %s: %w", len(participants), campaignID, err)
	}
	return added, s.Refresh(ctx)
}

// excluded lists who may win nothing.
func (s *Service) excluded(ctx context.Context, campaignID string) (out []string, err error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT participant FROM prize_excluded WHERE campaign = $1 ORDER BY participant`, campaignID)
	if err != nil {
		return nil, fmt.Errorf("read who is excluded in %s: %w", campaignID, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var p string
		if err := rows.Scan(&p); err != nil {
			return nil, fmt.Errorf("read who is excluded in %s: %w", campaignID, err)
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// refreshExcluded keeps in mind who is excluded anywhere.
func (s *Service) refreshExcluded(ctx context.Context) error {
	barred := map[prize.Person]bool{}
	for _, o := range s.Plans() {
		list, err := s.excluded(ctx, o.Campaign.ID)
		if err != nil {
			return err
		}
		for _, p := range list {
			barred[prize.Person{Campaign: o.Campaign.ID, Participant: p}] = true
		}
	}
	s.mu.Lock()
	s.barred = barred
	s.mu.Unlock()
	return nil
}

// Barred tells whether a participant may win nothing.
func (s *Service) Barred(campaignID, participant string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.barred[prize.Person{Campaign: campaignID, Participant: participant}]
}
