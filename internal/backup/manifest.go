// Package backup copies a whole data folder into one file while its server runs,
// and lays it out again.
//
// The order of the copies is what makes them fit together. Redis must never be
// older than the ledger, and its streams must still hold what the ledger has not
// read: so trimming is put on hold, the database is copied, and only then Redis
// is saved. A server that starts on the copies reads on where the ledger ends.
//
// Nothing is put in place before every byte of it has been checked.
package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// What can be wrong with a file that is to be restored.
var (
	ErrNotBackup = errors.New("this is not a backup of qingyuan")
	ErrDamaged   = errors.New("the backup is damaged")
	ErrVersion   = errors.New("this program does not read backups of that version")
)

const (
	format  = "qingyuan backup"
	version = 1

	manifestName = "manifest.json"
	// The manifest and the number of files are bounded, because they are read
	// before anything is known to be right; the size, so that a sum of sizes is one.
	maxManifest = 16 << 20
	maxFiles    = 100_000
	maxSize     = 1 << 60
)

// DatabaseName is the file of the database in a data folder.
const DatabaseName = "qingyuan.db"

// Names of what a backup holds. The database, the dump and the deployment are in
// every one; the secrets are not when they are configured instead of kept.
const (
	dumpName       = "redis.rdb"
	deploymentName = "deployment"
	secretsName    = "secrets.yaml"
	campaignsName  = "campaigns"
)

// Manifest says what is in a backup. It is the first entry of the file.
type Manifest struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	// Program is the version of the program that wrote the backup.
	Program string    `json:"program"`
	Created time.Time `json:"created"`
	// Deployment is the id by which Redis and the data folder know each other.
	Deployment string `json:"deployment"`
	// Cursors is how far the ledger had come when it was copied. Redis holds
	// what follows.
	Cursors []Cursor `json:"cursors"`
	Files   []File   `json:"files"`
}

// Cursor is the position up to which one stream is in the ledger.
type Cursor struct {
	Campaign string `json:"campaign"`
	Shard    int    `json:"shard"`
	Stream   string `json:"stream"`
	Position string `json:"position"`
}

// File is one file of the backup, in the order in which they follow.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Size is how many bytes the files have together.
func (m Manifest) Size() int64 {
	var sum int64
	for _, f := range m.Files {
		sum += f.Size
	}
	return sum
}

// Has tells whether a file of that name is in the backup.
func (m Manifest) Has(name string) bool {
	return slices.ContainsFunc(m.Files, func(f File) bool { return f.Name == name })
}

// parseManifest reads a manifest. The version comes first: the fields of another
// one mean nothing here.
func parseManifest(raw []byte) (Manifest, error) {
	var head struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return Manifest{}, fmt.Errorf("%w: its manifest cannot be read: %w", ErrDamaged, err)
	}
	if head.Format != format {
		return Manifest{}, fmt.Errorf("%w: its format is %q", ErrNotBackup, head.Format)
	}
	if head.Version != version {
		return Manifest{}, fmt.Errorf("%w: it is version %d, and this program reads version %d", ErrVersion, head.Version, version)
	}
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return Manifest{}, fmt.Errorf("%w: its manifest cannot be read: %w", ErrDamaged, err)
	}
	if err := m.check(); err != nil {
		return Manifest{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return m, nil
}

// check makes sure that the files can be laid out and that none is missing.
func (m Manifest) check() error {
	if len(m.Files) > maxFiles {
		return fmt.Errorf("its manifest lists %d files, at most %d are possible", len(m.Files), maxFiles)
	}
	seen := map[string]bool{}
	left := int64(maxSize)
	for _, f := range m.Files {
		switch {
		case !allowed(f.Name):
			return fmt.Errorf("its manifest lists %q, which does not belong into a backup", f.Name)
		case seen[f.Name]:
			return fmt.Errorf("its manifest lists %q twice", f.Name)
		case f.Size < 0 || f.Size > left:
			return fmt.Errorf("its manifest gives %q %d bytes", f.Name, f.Size)
		}
		seen[f.Name] = true
		left -= f.Size
	}
	for _, name := range []string{dumpName, DatabaseName, deploymentName} {
		if !seen[name] {
			return fmt.Errorf("its manifest does not list %q", name)
		}
	}
	return nil
}

// allowed tells whether a backup may hold a file of that name. Below campaigns
// lies whatever the operator has put there, but nothing hidden and nothing that
// leads elsewhere.
func allowed(name string) bool {
	switch name {
	case dumpName, DatabaseName, deploymentName, secretsName:
		return true
	}
	rest, below := strings.CutPrefix(name, campaignsName+"/")
	if !below || path.Clean(rest) != rest || strings.ContainsAny(name, "\\\x00") {
		return false
	}
	for part := range strings.SplitSeq(rest, "/") {
		if part == "" || strings.HasPrefix(part, ".") {
			return false
		}
	}
	return true
}
