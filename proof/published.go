package proof

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Published reads what is published of a log by its path below the log's address, as C2SP
// tlog-tiles has it: "checkpoint", "tile/0/000", "tile/entries/000.p/17". What is not there
// is fs.ErrNotExist.
type Published func(path string) ([]byte, error)

// WriteLog puts everything that is published of a log into one file, which ReadLog checks.
// keys are those that its checkpoints must be signed with; earlier are checkpoints from
// before the newest, in any order, to be checked along. It returns the newest.
func (read Published) WriteLog(to io.Writer, keys, earlier []string) (Checkpoint, error) {
	fail := func(err error) (Checkpoint, error) {
		return Checkpoint{}, fmt.Errorf("put the published log together: %w", err)
	}
	newest, err := read("checkpoint")
	if err != nil {
		return fail(err)
	}
	all, err := inOrder(append(earlier, string(newest)), keys)
	if err != nil {
		return fail(err)
	}
	last := all[len(all)-1]
	w := NewLogWriter(to, last.Origin, keys)
	for from := int64(0); from < last.N; {
		leaves, hashes, err := read.leaves(from, last.N)
		if err != nil {
			return fail(err)
		}
		for i, l := range leaves {
			w.Leaf(l, hashes[i])
			from++
			for len(all) > 0 && all[0].N == from {
				w.Checkpoint(all[0].Note)
				all = all[1:]
			}
		}
	}
	return last.Checkpoint, w.Close()
}

// inOrder opens checkpoints and puts them in order, each once.
func inOrder(notes, keys []string) ([]Signed, error) {
	var out []Signed
	for _, text := range notes {
		c, err := OpenCheckpoint(text, keys)
		if err != nil {
			return nil, err
		}
		out = append(out, Signed{c, text})
	}
	slices.SortStableFunc(out, func(a, b Signed) int { return int(a.N - b.N) })
	return slices.CompactFunc(out, func(a, b Signed) bool { return a.Note == b.Note }), nil
}

// leaves reads the leaves of the tile that begins at an index, of a log of so many, with
// their hashes.
func (read Published) leaves(from, of int64) ([]Leaf, []tlog.Hash, error) {
	const width = 1 << TileHeight
	t := tlog.Tile{H: TileHeight, N: from / width, W: int(min(width, of-from))}
	data, err := read.tile(t, "tile/0/")
	if err != nil {
		return nil, nil, err
	}
	entries, err := read.tile(t, "tile/entries/")
	if err != nil {
		return nil, nil, err
	}
	if len(data) < t.W*tlog.HashSize {
		return nil, nil, fmt.Errorf("the tile of the leaves from %d on has %d bytes", from, len(data))
	}
	leaves, hashes := make([]Leaf, t.W), make([]tlog.Hash, t.W)
	for i := range leaves {
		hashes[i] = tlog.Hash(data[i*tlog.HashSize:])
		if len(entries) < 2 || len(entries)-2 < int(binary.BigEndian.Uint16(entries)) {
			return nil, nil, fmt.Errorf("leaf %d is cut", from+int64(i))
		}
		end := 2 + int(binary.BigEndian.Uint16(entries))
		if leaves[i], err = ParseLeaf(entries[2:end]); err != nil {
			return nil, nil, fmt.Errorf("leaf %d: %w", from+int64(i), err)
		}
		entries = entries[end:]
	}
	return leaves, hashes, nil
}

// tile reads a tile, or what is below it. Of one that was not full the full one is as good:
// it begins with the same.
func (read Published) tile(t tlog.Tile, below string) ([]byte, error) {
	path := func(t tlog.Tile) string {
		return below + strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/0/", TileHeight))
	}
	data, err := read(path(t))
	if errors.Is(err, fs.ErrNotExist) && t.W < 1<<TileHeight {
		t.W = 1 << TileHeight
		data, err = read(path(t))
	}
	return data, err
}
