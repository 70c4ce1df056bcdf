package sqldb

import (
	"bytes"
	"io/fs"
	"path"
	"text/template"
	"time"
)

// rendered is the folder of migrations in the words of one dialect.
type rendered struct {
	fs.FS

	words words
}

// Open implements fs.FS. Folders stay as they are.
func (r rendered) Open(name string) (fs.File, error) {
	if path.Ext(name) != ".sql" {
		return r.FS.Open(name)
	}
	t, err := template.New(path.Base(name)).Option("missingkey=error").ParseFS(r.FS, name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	f := &file{name: path.Base(name)}
	if err := t.Execute(&f.text, r.words); err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	f.size = int64(f.text.Len())
	return f, nil
}

// file is one rendered migration.
type file struct {
	name string
	text bytes.Buffer
	size int64
}

func (f *file) Read(p []byte) (int, error) { return f.text.Read(p) }
func (f *file) Close() error               { return nil }
func (f *file) Stat() (fs.FileInfo, error) { return f, nil }
func (f *file) Name() string               { return f.name }
func (f *file) Size() int64                { return f.size }
func (f *file) Mode() fs.FileMode          { return 0o444 }
func (f *file) ModTime() time.Time         { return time.Time{} }
func (f *file) IsDir() bool                { return false }
func (f *file) Sys() any                   { return nil }
