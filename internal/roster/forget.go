package roster

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"

	"qingyuan/campaign"
	"qingyuan/internal/retention"
)

// Holder says how rosters are forgotten: every line goes. The sizes stay in the
// campaign's tree, by which rates are worked out.
func (r *Rosters) Holder() retention.Holder {
	rows := retention.Rows{DB: r.db, Table: "roster", Key: "campaign, unit, key", Holds: "true"}
	return retention.Holder{
		Name: "roster", Kind: campaign.KeptRosters, Tables: []string{"roster"}, Left: rows.Left, Forget: rows.Forget,
	}
}

// Unname takes number and name off every line that matches, on all rosters, and returns
// how many did. The line stays: the roster is the office's, and its unit has as many
// persons as before. Nobody signs in by it until the office brings the name again.
func (r *Rosters) Unname(ctx context.Context, matches func(campaignID string, p Person) bool) (int, error) {
	var last sealedPerson
	unnamed := 0
	for {
		people, err := r.sealedAfter(ctx, last)
		if err == nil {
			var n int
			n, err = r.unnameSome(ctx, people, matches)
			unnamed += n
		}
		if err != nil {
			return unnamed, fmt.Errorf("take a name off the rosters: %w", err)
		}
		if len(people) < page {
			return unnamed, nil
		}
		last = people[len(people)-1]
	}
}

func (r *Rosters) unnameSome(ctx context.Context, people []sealedPerson, matches func(string, Person) bool) (int, error) {
	unnamed := 0
	for _, line := range people {
		p := Person{Unit: line.unit, Door: cmp.Or(line.door, line.unit)}
		if err := r.keys.open(line.campaign, line.key, line.sealed, &p); err != nil {
			return unnamed, err
		}
		if p.Erased() || !matches(line.campaign, p) {
			continue
		}
		if err := r.unname(ctx, line); err != nil {
			return unnamed, fmt.Errorf("a person of unit %s in %s: %w", line.unit, line.campaign, err)
		}
		unnamed++
	}
	return unnamed, nil
}

// unname leaves the hash of the number, so that a roster that comes again finds the line
// and the person is not on it twice. That of the name becomes chance.
func (r *Rosters) unname(ctx context.Context, line sealedPerson) error {
	raw, err := json.Marshal(said{})
	if err != nil {
		return err
	}
	var chance [hashSize]byte
	_, _ = rand.Read(chance[:]) // crypto/rand.Read never fails
	return r.db.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE roster SET name = $1, sealed = $2 WHERE campaign = $3 AND unit = $4 AND key = $5",
			chance[:], r.keys.Box.Seal(raw, bound(line.campaign, line.unit, line.key)), line.campaign, line.unit, line.key)
		return err
	})
}

// Erased tells whether number and name were taken off: see Unname.
func (p *Person) Erased() bool { return p.Number == "" }
