//go:build chaos

package chaos

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	_ "modernc.org/sqlite"             // driver "sqlite"
)

// fact is what a fact in SQL and an acknowledged act have in common. No two may
// be alike.
type fact struct {
	kind, participant string
	number            int // of the attempt
}

// kindOf maps acts to the facts that they make. Keeping answers makes none.
var kindOf = map[string]string{
	actDoor: "door.1", actEnrol: "enrolled.1", actStart: "started.1", actSubmit: "submitted.1", actSign: "signed.1",
}

// openLedger opens the database of the program for reading: the one of the
// configuration, or the SQLite file in its data folder.
func (p *Program) openLedger() (*sql.DB, error) {
	if p.o.Database != "" {
		return sql.Open("pgx", p.o.Database)
	}
	files, err := filepath.Glob(filepath.Join(p.Data, "*.db"))
	if err != nil || len(files) != 1 {
		return nil, fmt.Errorf("find the ledger in %s: %d files, %w", p.Data, len(files), err)
	}
	q := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(10000)"}}
	return sql.Open("sqlite", "file:"+files[0]+"?"+q.Encode())
}

// facts returns the scores in the books by what their facts must be; acts other
// than submissions have none.
func (r *Reading) facts() map[fact]int {
	out := map[fact]int{}
	for _, h := range r.People {
		participant := ""
		for _, a := range h.Acts {
			if a.Kind == actDoor {
				participant = a.Receipt
			}
			if kind := kindOf[a.Kind]; kind != "" && a.Acknowledged {
				out[fact{kind, participant, a.Number}] = a.Score
			}
		}
	}
	return out
}

// Ledger compares the rows of SQL with the books: each acknowledged act has one
// row, and there is no other. The archiver may be on its way with the newest.
func (j *Judge) Ledger(ctx context.Context, p *Program) (Verdict, error) {
	db, err := p.openLedger()
	if err != nil {
		return Verdict{}, err
	}
	defer func() { _ = db.Close() }()
	want := j.reading.facts()
	var v Verdict
	err = poll(ctx, j.patience, "the ledger", func() (bool, error) {
		v = Verdict{}
		rows, err := readFacts(ctx, db)
		if err != nil {
			return false, err
		}
		compareFacts(&v, rows, want)
		return v.OK(), nil
	})
	if err != nil && v.OK() {
		return v, err
	}
	return v, ctx.Err()
}

// row is one fact in SQL.
type row struct {
	fact
	score int
}

func readFacts(ctx context.Context, db *sql.DB) ([]row, error) {
	rows, err := db.QueryContext(ctx, "SELECT kind, participant, body FROM facts") // the crowd is in one campaign
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []row
	for rows.Next() {
		var r row
		var text []byte
		if err := rows.Scan(&r.kind, &r.participant, &text); err != nil {
			return nil, fmt.Errorf("read the ledger: %w", err)
		}
		var body struct{ Number, Score int }
		if err := json.Unmarshal(text, &body); err != nil {
			return nil, fmt.Errorf("read a fact: %w", err)
		}
		r.number, r.score = body.Number, body.Score
		out = append(out, r)
	}
	return out, rows.Err()
}

func compareFacts(v *Verdict, rows []row, want map[fact]int) {
	// Who leaves a paper, and what an office does, are in no book.
	known := []string{"expired.1", "hidden.1", "shown.1"}
	seen := map[fact]bool{}
	for _, r := range rows {
		score, meant := want[r.fact]
		switch {
		case slices.Contains(known, r.kind):
		case seen[r.fact]:
			v.fault(faultDoubled, "the ledger has %+v twice", r.fact)
		case !meant:
			v.fault(faultDoubled, "the ledger has %+v, which was never acknowledged", r.fact)
		case score != r.score:
			v.fault(faultWrong, "the ledger has %+v with %d, the receipt says %d", r.fact, r.score, score)
		}
		seen[r.fact] = true
	}
	for f := range want {
		if !seen[f] {
			v.fault(faultLost, "the ledger lacks %+v", f)
		}
	}
}
