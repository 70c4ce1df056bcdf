package archtest

import "testing"

// sameWords wants a table of the pages to have words for exactly the names that the sources
// write; known are some that they must be found to write.
func sameWords(t *testing.T, table string, said map[string]bool, written map[string]string, known ...string) {
	t.Helper()
	for _, name := range known {
		if written[name] == "" {
			t.Errorf("the sources do not show %s any more: look at what reads them here", name)
		}
	}
	for name, where := range written {
		if !said[name] {
			t.Errorf("%s has no words for %q (%s)", table, name, where)
		}
	}
	for name := range said {
		if written[name] == "" {
			t.Errorf("%s has words for %q, which the sources do not write", table, name)
		}
	}
}
