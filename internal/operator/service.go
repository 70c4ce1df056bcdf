package operator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/alexedwards/argon2id"

	"qingyuan/campaign"
	"qingyuan/internal/sqldb"
)

// Box seals what only the servers may read. *seal.Box is one.
type Box interface {
	Seal(plaintext, aad []byte) []byte
	Open(sealed, aad []byte) ([]byte, error)
	// Current tells whether Seal would use the same key.
	Current(sealed []byte) bool
}

// Rules are how long things last.
type Rules struct {
	// PasswordAge is when a password has to be changed; 0 is never.
	PasswordAge time.Duration
	// Idle ends a session that asks nothing, Life ends every session.
	Idle, Life time.Duration
}

// DefaultRules are what GB/T 22239 level 3 is usually examined by.
func DefaultRules() Rules {
	return Rules{PasswordAge: 90 * 24 * time.Hour, Idle: 30 * time.Minute, Life: 12 * time.Hour}
}

// Options are what a Service is made of. All are required but Hashing and At.
type Options struct {
	DB *sqldb.DB
	// Box seals the secrets of second factors.
	Box Box
	// Key makes what is typed at sign-in unreadable where it is counted. It is the same
	// on every server.
	Key [32]byte
	// Campaign finds a campaign, to know what lies below a scope.
	Campaign func(id string) (*campaign.Campaign, error)
	Rules    Rules
	Now      func() time.Time
	// Hashing is how passwords are stretched; nil is Stretch.
	Hashing *argon2id.Params
	// At is how many passwords are stretched at once; 1 when zero.
	At int
}

// Service keeps accounts and sessions in SQL. Every server of a deployment has one;
// they agree through the database.
type Service struct {
	o      Options
	hasher *hasher
	seen   *memory
}

// New checks the options.
func New(o Options) (*Service, error) {
	if o.DB == nil || o.Box == nil || o.Campaign == nil || o.Now == nil {
		return nil, errors.New("operators: the database, the box, the campaigns or the clock is missing")
	}
	if o.Rules.Idle <= 0 || o.Rules.Life <= 0 || o.Rules.PasswordAge < 0 {
		return nil, fmt.Errorf("operators: the rules %+v make no sense", o.Rules)
	}
	h, err := newHasher(o.Hashing, max(o.At, 1))
	if err != nil {
		return nil, err
	}
	return &Service{o: o, hasher: h, seen: newMemory()}, nil
}

// keyed makes what must not be read in the database unreadable, the same each time.
func (s *Service) keyed(purpose, text string) string {
	m := hmac.New(sha256.New, s.o.Key[:])
	m.Write([]byte(purpose + "\x00" + text))
	return hex.EncodeToString(m.Sum(nil)[:16])
}
