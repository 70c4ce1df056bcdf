package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"qingyuan/configs"
)

// file is one campaign in the folder.
type file struct {
	dir string
	id  string // the name of its own folder
}

// scan lists the campaigns in dir. Folders without a campaign file, such as
// those that are being written, are none yet.
func scan(dir string) ([]file, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list campaigns: %w", err)
	}
	var out []file
	for _, e := range entries {
		if hidden(e.Name()) {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, e.Name(), configs.CampaignFile)); err == nil {
			out = append(out, file{dir: dir, id: e.Name()})
		}
	}
	return out, nil
}

// load reads the campaign. Its bank may lie in the same folder or in another
// one below dir.
func (f file) load() (configs.Definition, error) {
	return configs.LoadDefinition(os.DirFS(f.dir), path.Join(f.id, configs.CampaignFile))
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") }

// maxScan bounds how deep files are looked for.
const maxScan = 6

// fingerprint names the state of a folder by the names, sizes and times of its
// files, so that looking every second costs a few calls to the kernel and no
// parsing. Links are followed: some mount configuration that way.
func fingerprint(dir string) (string, error) {
	sum := sha256.New()
	if err := mark(sum, dir, maxScan); err != nil {
		return "", fmt.Errorf("look for changes: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func mark(sum hash.Hash, dir string, depth int) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || depth == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		info, err := os.Stat(name)
		if hidden(e.Name()) || errors.Is(err, fs.ErrNotExist) { // gone since the folder was read
			continue
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%q %d %d\n", name, info.Size(), info.ModTime().UnixNano())
		if info.IsDir() {
			if err := mark(sum, name, depth-1); err != nil {
				return err
			}
		}
	}
	return nil
}
