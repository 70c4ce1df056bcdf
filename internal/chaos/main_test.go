//go:build chaos

package chaos

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"

	"go.uber.org/goleak"
)

// suite runs the tests between making the program and printing the table.
type suite struct{ m *testing.M }

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(
		suite{m},
		// toxiproxy forgets both ends of links that it has cut.
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).write"),
	)
}

// Run implements goleak.TestingM.
func (s suite) Run() int {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if *budgetFlag > 0 {
		ctx, cancel = context.WithTimeout(ctx, *budgetFlag)
		defer cancel()
	}
	if err := prepare(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 1
	}
	run.stopped = ctx.Done()
	status := s.m.Run()
	if err := printTable(); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		status = 1
	}
	if status == 0 {
		_ = os.RemoveAll(run.dir)
	} else {
		fmt.Fprintln(os.Stderr, "chaos: logs, books and data of what failed are in", run.dir)
	}
	return status
}

func prepare(ctx context.Context) error {
	if run.seed = *seedFlag; run.seed == 0 {
		run.seed = rand.Uint64N(1 << 32)
	}
	fmt.Fprintf(os.Stdout, "chaos: scale %s, seed %d (-chaos.seed=%d makes the same choices)\n", *scaleFlag, run.seed, run.seed)
	var err error
	if run.dir, err = os.MkdirTemp("", "qyc"); err != nil {
		return err
	}
	if run.binary = *binaryFlag; run.binary != "" {
		return nil
	}
	run.binary = filepath.Join(run.dir, "qingyuan")
	return build(ctx, run.binary)
}

func printTable() error {
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "\nchaos: seed %d\n", run.seed)
	for _, cells := range table() {
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	publish()
	return w.Flush()
}
