package casetest_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"qingyuan/leaderboard/casetest"
)

// shared are the cases that lie beside the project where it is developed.
const shared = "../../../shared/fixtures/boards/cases.json"

// TestCases plays the project's own cases, those beside it where there are any, and
// the file that BOARD_CASES names.
func TestCases(t *testing.T) {
	t.Parallel()
	open := onRedis(t)
	for name, file := range files(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cases, err := casetest.Read(file)
			if err != nil {
				t.Fatal(err)
			}
			casetest.Replay(t, cases, open)
		})
	}
}

func files(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{"own": "../testdata/cases.json"}
	if _, err := os.Stat(shared); err == nil {
		out["shared"] = shared
	} else if !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if named := os.Getenv("BOARD_CASES"); named != "" {
		out["named"] = found(named)
	}
	return out
}

// found looks for a file also where the command was most likely typed: tests run in
// the folder of their package.
func found(name string) string {
	if root := filepath.Join("../..", name); !filepath.IsAbs(name) {
		if _, err := os.Stat(root); err == nil {
			return root
		}
	}
	return name
}
