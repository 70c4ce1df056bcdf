package redisstore

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/fault"
	"qingyuan/internal/redistest"
)

func fingerprints() map[string]string {
	return map[string]string{
		"token.key":    Fingerprint([]byte("token secret")),
		"personal.key": Fingerprint([]byte("personal secret")),
	}
}

func deployment(t *testing.T) (*Deployment, *redis.Client) {
	t.Helper()
	db := redistest.Start(t).Client(t)
	return NewDeployment(db), db
}

// claimed makes the first claim of an empty Redis.
func claimed(t *testing.T, d *Deployment) string {
	t.Helper()
	id, err := d.Claim(t.Context(), Identity{Fingerprints: fingerprints()})
	if err != nil || len(id) != 32 {
		t.Fatalf("first Claim = %q, %v; want an id of 32 digits", id, err)
	}
	return id
}

func TestFirstClaimGivesTheID(t *testing.T) {
	t.Parallel()
	d, db := deployment(t)
	id := claimed(t, d)
	for name, who := range map[string]Identity{
		"a restart":                {ID: id, Fingerprints: fingerprints()},
		"another server, just new": {Fingerprints: fingerprints()},
	} {
		if got, err := d.Claim(t.Context(), who); err != nil || got != id {
			t.Errorf("%s: Claim = %q, %v; want %q", name, got, err, id)
		}
	}
	want := map[string]string{
		"id":                  id,
		"secret:token.key":    Fingerprint([]byte("token secret")),
		"secret:personal.key": Fingerprint([]byte("personal secret")),
	}
	if got := db.HGetAll(t.Context(), deploymentKey()).Val(); !maps.Equal(got, want) {
		t.Errorf("Redis holds %v, want %v", got, want)
	}
}

func TestOtherSecretsAreRefusedByName(t *testing.T) {
	t.Parallel()
	other := Fingerprint([]byte("other secret"))
	for name, tc := range map[string]struct {
		change func(map[string]string)
		want   []string
	}{
		"one differs": {func(f map[string]string) { f["token.key"] = other }, []string{"token.key"}},
		"beside one gone": {
			func(f map[string]string) { f["token.key"] = other; delete(f, "personal.key") }, []string{"token.key"},
		},
		"both differ":  {func(f map[string]string) { f["token.key"], f["personal.key"] = other, other }, []string{"personal.key", "token.key"}},
		"beside a new": {func(f map[string]string) { f["token.key"], f["new"] = other, other }, []string{"token.key"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, db := deployment(t)
			id := claimed(t, d)
			before := db.HGetAll(t.Context(), deploymentKey()).Val()
			brought := fingerprints()
			tc.change(brought)
			_, err := d.Claim(t.Context(), Identity{ID: id, Fingerprints: brought})
			wrong, ok := errors.AsType[*SecretsError](err)
			if !ok || !slices.Equal(wrong.Names, tc.want) {
				t.Fatalf("Claim = %v, want the secrets %v", err, tc.want)
			}
			for _, secret := range tc.want {
				if !strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), other) {
					t.Errorf("%q should name %s and no fingerprint", err, secret)
				}
			}
			if after := db.HGetAll(t.Context(), deploymentKey()).Val(); !maps.Equal(after, before) {
				t.Errorf("a refused claim changed %v to %v", before, after)
			}
		})
	}
}

// TestSecretsRetire: a key that is no longer used is not asked for, but coming
// back it must be the same.
func TestSecretsRetire(t *testing.T) {
	t.Parallel()
	d, _ := deployment(t)
	id := claimed(t, d)
	fewer := fingerprints()
	delete(fewer, "personal.key")
	if _, err := d.Claim(t.Context(), Identity{ID: id, Fingerprints: fewer}); err != nil {
		t.Fatalf("Claim with one secret less: %v", err)
	}
	fewer["personal.key"] = Fingerprint([]byte("other secret"))
	_, err := d.Claim(t.Context(), Identity{ID: id, Fingerprints: fewer})
	if wrong, ok := errors.AsType[*SecretsError](err); !ok || !slices.Equal(wrong.Names, []string{"personal.key"}) {
		t.Errorf("Claim = %v, want the retired secret to be remembered", err)
	}
}

func TestNewSecretIsAdded(t *testing.T) {
	t.Parallel()
	d, _ := deployment(t)
	id := claimed(t, d)
	more := fingerprints()
	more["export.key"] = Fingerprint([]byte("export secret"))
	if _, err := d.Claim(t.Context(), Identity{ID: id, Fingerprints: more}); err != nil {
		t.Fatalf("Claim with one more secret: %v", err)
	}
	more["export.key"] = Fingerprint([]byte("another export secret"))
	_, err := d.Claim(t.Context(), Identity{ID: id, Fingerprints: more})
	if wrong, ok := errors.AsType[*SecretsError](err); !ok || !slices.Equal(wrong.Names, []string{"export.key"}) {
		t.Errorf("Claim = %v, want the added secret to be held to", err)
	}
}

// TestEmptiedAndForeignRedis belongs to invariant 4: who has served before must
// not begin anew by mistake.
func TestEmptiedAndForeignRedis(t *testing.T) {
	t.Parallel()
	d, db := deployment(t)
	id := claimed(t, d)
	stranger := Identity{ID: newDeploymentID(), Fingerprints: fingerprints()}
	if _, err := d.Claim(t.Context(), stranger); !errors.Is(err, ErrForeignRedis) {
		t.Errorf("Claim by a stranger = %v, want %v", err, ErrForeignRedis)
	}
	if _, err := d.Restore(t.Context(), stranger); !errors.Is(err, ErrForeignRedis) {
		t.Errorf("Restore by a stranger = %v, want %v", err, ErrForeignRedis)
	}

	if err := db.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	owner := Identity{ID: id, Fingerprints: fingerprints()}
	if _, err := d.Claim(t.Context(), owner); !errors.Is(err, ErrEmptiedRedis) {
		t.Fatalf("Claim of an emptied Redis = %v, want %v", err, ErrEmptiedRedis)
	}
	if n := db.DBSize(t.Context()).Val(); n != 0 {
		t.Errorf("the refused claim left %d keys", n)
	}
	for range 2 { // a repeat is harmless
		if got, err := d.Restore(t.Context(), owner); err != nil || got != id {
			t.Fatalf("Restore = %q, %v; want %q", got, err, id)
		}
	}
	if got, err := d.Claim(t.Context(), owner); err != nil || got != id {
		t.Errorf("Claim after Restore = %q, %v; want %q", got, err, id)
	}
}

func TestRestoreNeedsAnID(t *testing.T) {
	t.Parallel()
	d, db := deployment(t)
	if id, err := d.Restore(t.Context(), Identity{Fingerprints: fingerprints()}); err == nil {
		t.Errorf("Restore without an id = %q", id)
	}
	if n := db.DBSize(t.Context()).Val(); n != 0 {
		t.Errorf("it left %d keys", n)
	}
}

func TestRacingServersAgree(t *testing.T) {
	t.Parallel()
	d, _ := deployment(t)
	ids := make([]string, 16)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			id, err := d.Claim(t.Context(), Identity{Fingerprints: fingerprints()})
			if err != nil {
				t.Errorf("Claim: %v", err)
			}
			ids[i] = id
		})
	}
	wg.Wait()
	if distinct := slices.Compact(slices.Sorted(slices.Values(ids))); len(distinct) != 1 || distinct[0] == "" {
		t.Errorf("the servers got the ids %v", distinct)
	}
}

func TestClaimOfARedisThatIsAway(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	d := NewDeployment(s.Client(t))
	s.Kill(t)
	_, err := d.Claim(t.Context(), Identity{})
	if !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("Claim = %v, want %v", err, fault.ErrUnavailable)
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	// Written down once: another value would lock every deployment out.
	const want = "565226e615218326"
	if got := Fingerprint([]byte("secret")); got != want {
		t.Errorf("Fingerprint = %q, want %q", got, want)
	}
	if Fingerprint([]byte("secret")) == Fingerprint([]byte("secreT")) {
		t.Error("two secrets have one fingerprint")
	}
}
