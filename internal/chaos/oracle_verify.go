//go:build chaos

package chaos

import (
	"context"
	"sync"
)

// canVerify asks the program once a run whether it has the command.
var canVerify = sync.OnceValue(func() bool {
	p := Program{}
	_, status, err := p.Command(context.Background(), "verify", "--help")
	return err == nil && status == 0
})

// Verify has the program compare its own Redis with its ledger. Facts that were
// just accepted may still be on their way, so a difference must stay.
func (s *Stage) Verify(ctx context.Context) {
	s.t.Helper()
	if !canVerify() {
		return
	}
	var out string
	err := poll(ctx, settleCounts, "verify to find no difference", func() (bool, error) {
		var status int
		var err error
		out, status, err = s.Program.Command(ctx, "verify", "--json", "--data", s.Program.Data)
		return status == 0, err
	})
	if err != nil {
		v := Verdict{}
		v.fault(faultOther, "%v: %s", err, out)
		s.conclude(&v, nil)
	}
}
