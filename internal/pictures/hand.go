package pictures

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"qingyuan/internal/sqldb"
)

const (
	// maxHeld is how many bytes of pictures are at hand.
	maxHeld = 64 << 20
	// namesFresh is how long the list of names is believed where it lacks one.
	namesFresh = time.Second
)

func (s *Service) atHand(name string) (*Picture, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == nil {
		return nil, false
	}
	return s.held.Get(name)
}

// known tells whether there is a picture of the name. The list is read again where it lacks
// the name, at most once a second: whoever makes names up does not reach the database.
func (s *Service) known(ctx context.Context, name string) (bool, error) {
	if there, fresh := s.listed(name); there || fresh {
		return there, nil
	}
	_, err, _ := s.flight.Do("", func() (any, error) { return nil, s.list(ctx) })
	there, _ := s.listed(name)
	return there, err
}

func (s *Service) listed(name string) (there, fresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names[name], s.names != nil && s.Now().Sub(s.readAt) < namesFresh
}

func (s *Service) list(ctx context.Context) error {
	at := s.Now()
	rows, err := s.DB.QueryContext(ctx, `SELECT name FROM pictures`)
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (name string, err error) {
		err = r.Scan(&name)
		return name, err
	})
	if err != nil {
		return fmt.Errorf("list pictures: %w", err)
	}
	names := make(map[string]bool, len(all))
	for _, name := range all {
		names[name] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names, s.readAt = names, at
	return nil
}

// hold keeps a picture at hand, and lets go of those that nobody has asked for longest.
func (s *Service) hold(p *Picture) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == nil {
		// The count is no bound: an empty picture has some dozens of bytes.
		s.held, _ = simplelru.NewLRU(maxHeld, func(_ string, gone *Picture) { s.bytes -= len(gone.Body) })
	}
	if s.held.Contains(p.Name) {
		return
	}
	s.held.Add(p.Name, p)
	for s.bytes += len(p.Body); s.bytes > maxHeld; {
		s.held.RemoveOldest()
	}
}
