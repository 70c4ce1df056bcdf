// Package pictures keeps the pictures of questions in SQL, where backups find them, and has
// those that are asked for at hand.
//
// A picture is named by what is in it. Names are listed nowhere and cannot be guessed, so one
// whose question is not out yet is seen by nobody who was not told of it.
package pictures

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/sync/singleflight"

	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
)

// Root is where pictures are served: what begins with it is a picture of this deployment.
const Root = "/media/"

// ErrNotFound is a picture that is not there.
var ErrNotFound = fault.New(fault.NotFound, "picture.not_found", "没有这张图片，请先上传")

const actAdd operator.Action = "picture.add"

// Picture is one as it is shown. It never changes.
type Picture struct {
	// Name is the SHA-256 of the body and the ending of its kind.
	Name          string
	Kind          string // of its content: image/png or image/jpeg
	Width, Height int
	Body          []byte
}

// URL is what a question writes.
func (p *Picture) URL() string { return Root + p.Name }

// Service takes pictures in and gives them out. Set the fields before the first use.
type Service struct {
	DB  *sqldb.DB
	Now func() time.Time

	// One is drawn at a time: the largest takes some hundred MiB for a moment.
	drawing sync.Mutex
	flight  singleflight.Group

	mu    sync.Mutex
	held  *simplelru.LRU[string, *Picture]
	bytes int
	// names are those of all pictures as they were read last: of what nobody has brought,
	// the database is not asked again and again.
	names  map[string]bool
	readAt time.Time
}

// patience bounds the reading of one picture, which many may wait for.
const patience = 3 * time.Second

// Add takes a picture in for who may edit some bank. The same one again changes nothing.
func (s *Service) Add(ctx context.Context, by operator.Actor, r io.Reader, reason string) (p *Picture, err error) {
	defer mend(&err)
	if !by.MayAnywhere(operator.EditBanks) {
		return nil, operator.ErrForbidden
	}
	if p, err = s.draw(r); err != nil {
		return nil, err
	}
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error { return s.store(ctx, tx, by, p, reason) })
	if err != nil {
		return nil, fmt.Errorf("add picture %s: %w", p.Name, err)
	}
	s.hold(p)
	return p, nil
}

func (s *Service) draw(r io.Reader) (*Picture, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read a picture: %w", err)
	}
	s.drawing.Lock()
	defer s.drawing.Unlock()
	return Redraw(raw)
}

func (s *Service) store(ctx context.Context, tx *sql.Tx, by operator.Actor, p *Picture, reason string) error {
	now := s.Now()
	done, err := tx.ExecContext(ctx, `INSERT INTO pictures (name, kind, width, height, body, operator, login, created)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) DO NOTHING`,
		p.Name, p.Kind, p.Width, p.Height, p.Body, by.ID, by.Login, now.UnixMilli())
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 { // it is there
		return err
	}
	rec := by.Record(now, actAdd, "", "picture:"+p.Name)
	rec.Reason = reason
	if rec.After, err = json.Marshal(map[string]any{"kind": p.Kind, "width": p.Width, "height": p.Height, "bytes": len(p.Body)}); err != nil {
		return err
	}
	return audit.AppendTx(ctx, tx, rec)
}

// Picture finds one by its name, and ErrNotFound where there is none. A crowd that asks for
// the same one asks the database once.
func (s *Service) Picture(ctx context.Context, name string) (_ *Picture, err error) {
	defer mend(&err)
	if p, ok := s.atHand(name); ok {
		return p, nil
	}
	v, err, _ := s.flight.Do(name, func() (any, error) {
		// Not the first asker's time: others wait as well.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		return s.fetch(ctx, name)
	})
	p, _ := v.(*Picture)
	return p, err
}

func (s *Service) fetch(ctx context.Context, name string) (*Picture, error) {
	if there, err := s.known(ctx, name); err != nil || !there {
		return nil, cmp.Or[error](err, ErrNotFound)
	}
	p := &Picture{Name: name}
	err := s.DB.QueryRowContext(ctx, `SELECT kind, width, height, body FROM pictures WHERE name = $1`, name).Scan(&p.Kind, &p.Width, &p.Height, &p.Body)
	if err != nil {
		return nil, fmt.Errorf("read picture %s: %w", name, err)
	}
	s.hold(p)
	return p, nil
}

// Missing tells which of the addresses are pictures of this deployment that are not there.
// Others' are none of its business.
func Missing(ctx context.Context, q sqldb.Reader, urls []string) (map[string]bool, error) {
	missing := map[string]bool{}
	for _, url := range urls {
		name, ours := strings.CutPrefix(url, Root)
		if !ours || missing[url] {
			continue
		}
		var one int
		err := q.QueryRowContext(ctx, `SELECT 1 FROM pictures WHERE name = $1`, name).Scan(&one)
		if errors.Is(err, sql.ErrNoRows) {
			missing[url] = true
		} else if err != nil {
			return nil, fmt.Errorf("look for picture %s: %w", name, err)
		}
	}
	return missing, nil
}

// mend turns an outage of the database into what may be shown.
func mend(err *error) {
	if *err == nil {
		return
	}
	if _, told := errors.AsType[*fault.Error](*err); !told && sqldb.IsUnavailable(*err) {
		*err = fault.ErrUnavailable.Because(*err)
	}
}
