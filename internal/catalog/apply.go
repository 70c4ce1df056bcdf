package catalog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"qingyuan/configs"
)

// Apply checks the campaign called source and installs it in dir, where running
// servers take it up within a second. It returns the campaign as installed.
//
// The campaign file is exchanged by one rename, after everything it refers to is
// on the disk, so that a server never sees half a change and a crash leaves the
// old state or the new one. What CheckChange forbids is refused.
func Apply(dir, source string, now time.Time) (configs.Definition, error) {
	b, err := configs.LoadBundle(source)
	if err != nil {
		return configs.Definition{}, fmt.Errorf("apply %s: %w", source, err)
	}
	if err := checkNeighbours(dir, b.Definition, now); err != nil {
		return configs.Definition{}, fmt.Errorf("apply %s: %w", source, err)
	}
	d, err := install(dir, b)
	if err != nil {
		return configs.Definition{}, fmt.Errorf("apply %s: %w", source, err)
	}
	return d, nil
}

// checkNeighbours compares with what lies in dir already. A faulty neighbour
// says nothing, and a faulty state of the same campaign cannot be compared:
// the running servers still hold the last good one and will.
func checkNeighbours(dir string, next configs.Definition, now time.Time) error {
	files, err := scan(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		d, err := f.load()
		switch {
		case err != nil:
			continue
		case f.id == next.Campaign.ID:
			if err := CheckChange(d, next, now); err != nil {
				return err
			}
		case d.Pledge != nil && next.Pledge != nil && d.Pledge.Prefix == next.Pledge.Prefix:
			return fmt.Errorf("campaign %s: pledge.prefix %s is taken by %s", next.Campaign.ID, next.Pledge.Prefix, f.id)
		}
	}
	return nil
}

func install(dir string, b configs.Bundle) (configs.Definition, error) {
	home := filepath.Join(dir, b.Campaign.ID)
	if err := os.MkdirAll(home, 0o700); err != nil {
		return configs.Definition{}, err
	}
	if b.Bank != nil {
		if err := installBank(home, b); err != nil {
			return configs.Definition{}, err
		}
	}
	return installFile(dir, b)
}

// installBank puts the bank's folder in place. It is named for the version, so
// one that is there already needs nothing.
func installBank(home string, b configs.Bundle) error {
	at := filepath.Join(home, "banks", b.Bank.Digest)
	if _, err := os.Stat(at); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(at), ".new-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	for name, raw := range b.Files {
		if rel, ok := strings.CutPrefix(name, path.Join("banks", b.Bank.Digest)+"/"); ok {
			if err := writeDurably(filepath.Join(temp, filepath.FromSlash(rel)), raw); err != nil {
				return err
			}
		}
	}
	// Two that apply the same version at once write the same folder.
	if err := os.Rename(temp, at); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return errors.Join(syncDir(at), syncDir(filepath.Dir(at)), syncDir(home))
}

// installFile exchanges the campaign file, once the new one was read back from
// its place and is the one that was checked.
func installFile(dir string, b configs.Bundle) (configs.Definition, error) {
	id := b.Campaign.ID
	temp := "." + id + "." + b.Digest + ".yaml"
	full := filepath.Join(dir, id, temp)
	if err := writeDurably(full, b.Files[configs.CampaignFile]); err != nil {
		return configs.Definition{}, err
	}
	defer os.Remove(full) // gone once it is renamed
	d, err := configs.LoadDefinition(os.DirFS(dir), path.Join(id, temp))
	if err != nil {
		return configs.Definition{}, fmt.Errorf("read back: %w", err)
	}
	if d.Bank != nil && d.Bank.Digest != b.Bank.Digest {
		return configs.Definition{}, fmt.Errorf("the files in %s were changed: remove that folder",
			filepath.Join(dir, id, "banks", b.Bank.Digest))
	}
	if err := os.Rename(full, filepath.Join(dir, id, configs.CampaignFile)); err != nil {
		return configs.Definition{}, err
	}
	return d, errors.Join(syncDir(filepath.Join(dir, id)), syncDir(dir))
}

// writeDurably writes a file that only the owner may read: a bank has the keys of
// its questions.
func writeDurably(name string, raw []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // Below the operator's folder.
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	return errors.Join(err, f.Sync(), f.Close(), syncDir(filepath.Dir(name)))
}

func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // The operator's folder.
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
