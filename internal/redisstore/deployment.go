package redisstore

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

var (
	// ErrEmptiedRedis means that a server which has served before found a Redis
	// without a deployment: it was emptied, or it is another one. Nothing may be
	// accepted until it is rebuilt from the ledger.
	ErrEmptiedRedis = errors.New("this Redis is empty, but the deployment is not new")
	// ErrForeignRedis means that the Redis belongs to another deployment.
	ErrForeignRedis = errors.New("this Redis belongs to another deployment")
)

// SecretsError means that a server brings other secrets than the deployment
// began with. It would refuse the tokens of the other servers, know no
// participant again and read no personal data.
type SecretsError struct {
	// Names lists the secrets that differ, sorted.
	Names []string
}

// Error names the secrets, never their values.
func (e *SecretsError) Error() string {
	return "these secrets are not those of the deployment: " + strings.Join(e.Names, ", ")
}

// Identity is what a server brings when it starts.
type Identity struct {
	// ID is the deployment that the server knows it belongs to, from its data
	// folder or its database. Empty on the first start.
	ID string
	// Fingerprints tells the server's secrets by name; see Fingerprint.
	Fingerprints map[string]string
}

// fingerprintLabel may never change: every fingerprint would.
const fingerprintLabel = "qingyuan secret fingerprint v1"

// Fingerprint returns sixteen hexadecimal digits by which a secret is known
// again. They do not give it away, as long as it cannot be guessed.
func Fingerprint(secret []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(fingerprintLabel))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// Deployment ties a Redis to the one deployment that may use it.
type Deployment struct{ db redis.Scripter }

// NewDeployment returns the Deployment of a Redis.
func NewDeployment(db redis.Scripter) *Deployment { return &Deployment{db: db} }

// Claim makes sure that the Redis belongs to the server's deployment and
// returns the deployment's id, which the server then keeps. Of several servers
// that start at once on an empty Redis, one gives the id and all get the same.
//
// It fails with ErrEmptiedRedis, with ErrForeignRedis, or with a *SecretsError.
// A secret the deployment has not seen yet is added, and one that the server
// does not bring is no fault, because keys are added and retire. An older copy
// of the right Redis carries the right id: that is recognised shard by shard, by
// the epoch and by a ledger ahead of the stream.
func (d *Deployment) Claim(ctx context.Context, who Identity) (string, error) {
	write := ""
	if who.ID == "" {
		write = newDeploymentID()
	}
	return d.claim(ctx, who, write)
}

// Restore gives an emptied Redis back to the deployment who.ID, as the first
// step of a rebuild. On a Redis that is not empty it does what Claim does.
func (d *Deployment) Restore(ctx context.Context, who Identity) (string, error) {
	if who.ID == "" {
		return "", errors.New("restore the deployment: its id is not known")
	}
	return d.claim(ctx, who, who.ID)
}

func (d *Deployment) claim(ctx context.Context, who Identity, write string) (string, error) {
	args := []any{who.ID, write}
	for _, name := range slices.Sorted(maps.Keys(who.Fingerprints)) {
		args = append(args, name, who.Fingerprints[name])
	}
	r, err := run(ctx, d.db, script("deployment_claim"), []string{deploymentKey()}, args...)
	if err != nil {
		return "", fmt.Errorf("claim the Redis: %w", err)
	}
	switch r.outcome {
	case "claimed", "same":
		if len(r.args) != 1 {
			return "", fmt.Errorf("claim the Redis: the script returned %d values, want the id", len(r.args))
		}
		return r.args[0], nil
	case "emptied":
		return "", fmt.Errorf("claim the Redis for deployment %s: %w", who.ID, ErrEmptiedRedis)
	case "foreign":
		return "", fmt.Errorf("claim the Redis for deployment %s: %w (%s)", who.ID, ErrForeignRedis, strings.Join(r.args, " "))
	case "secrets":
		slices.Sort(r.args)
		return "", fmt.Errorf("claim the Redis: %w", &SecretsError{Names: r.args})
	default:
		return "", fmt.Errorf("claim the Redis: unknown outcome %q", r.outcome)
	}
}

// newDeploymentID returns 128 random bits in hexadecimal digits.
func newDeploymentID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails; it ends the program instead
	return hex.EncodeToString(b[:])
}
