package operator_test

import (
	"context"
	"testing"
	"time"

	"qingyuan/internal/operator"
	"qingyuan/internal/sqltest"
)

func TestStretchIsWhatItSays(t *testing.T) {
	t.Parallel()
	p := operator.Stretch()
	if p.Memory < 19*1024 || p.Iterations < 2 || p.Parallelism != 1 || p.SaltLength < 16 || p.KeyLength < 32 {
		t.Errorf("%+v is less than is asked for", *p)
	}
	if operator.Stretchers() < 1 {
		t.Error("nobody may sign in")
	}
}

// TestAFloodIsTurnedAway fills the places where passwords are stretched: who comes then
// is asked to come again, and who still fits waits no longer than a request may.
func TestAFloodIsTurnedAway(t *testing.T) {
	t.Parallel()
	r := newRig(t, sqltest.SQLite(t))
	p := r.hire("somebody")
	release := r.Crowd(0)
	_, err := r.try(p, "")
	r.want("behind too many", err, operator.ErrBusy)
	release()
	r.signIn(p, "")

	release = r.Crowd(1)
	short, cancel := context.WithTimeout(t.Context(), time.Second) // the account is read first
	defer cancel()
	_, err = r.SignIn(short, operator.SignIn{Login: p.login, Password: p.password, Addr: desk})
	r.want("waiting too long", err, operator.ErrBusy)
	release()
	r.signIn(p, "")
}
