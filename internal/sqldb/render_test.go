package sqldb_test

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"qingyuan/internal/sqldb"
)

const template = `CREATE TABLE a (n {{.Int}}, s {{.Text}}, b {{.Bytes}}) {{.Keyed}};
{{if .PostgreSQL}}ALTER TABLE a SET (fillfactor = 90);{{end}}{{if .SQLite}}ANALYZE;{{end}}`

func TestRendered(t *testing.T) {
	t.Parallel()
	folder := fstest.MapFS{
		"0001_a.sql": {Data: []byte(template)}, "0002_b.sql": {Data: []byte("{{.Boolean}}")},
		"README.md": {Data: []byte("{{.Boolean}}")},
	}
	for dialect, want := range map[sqldb.Dialect]string{
		sqldb.SQLite: "CREATE TABLE a (n INTEGER, s TEXT, b BLOB) STRICT, WITHOUT ROWID;\nANALYZE;",
		sqldb.PostgreSQL: "CREATE TABLE a (n BIGINT, s TEXT COLLATE \"C\", b BYTEA) ;\n" +
			"ALTER TABLE a SET (fillfactor = 90);",
	} {
		files := sqldb.Rendered(folder, dialect)
		got, err := fs.ReadFile(files, "0001_a.sql")
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; want %q", dialect, got, err, want)
		}
		if _, err := fs.ReadFile(files, "0002_b.sql"); err == nil {
			t.Errorf("%s: a word that no dialect has was taken", dialect)
		}
		if raw, err := fs.ReadFile(files, "README.md"); err != nil || string(raw) != "{{.Boolean}}" {
			t.Errorf("%s: what is no migration = %q, %v", dialect, raw, err)
		}
	}
}
