package proof

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// TileHeight is that of tiles: one has up to 256 hashes.
const TileHeight = 8

// Tile is a part of a tree as it is stored and published.
type Tile struct {
	tlog.Tile

	Data []byte
}

// Grow appends leaves to a tree. It returns the tree as it is then and the tiles that are
// new or longer than before. Older hashes come from r, which must be sure of them.
func Grow(old tlog.Tree, r tlog.HashReader, leaves []tlog.Hash) (tlog.Tree, []Tile, error) {
	fail := func(err error) (tlog.Tree, []Tile, error) {
		return tlog.Tree{}, nil, fmt.Errorf("append %d leaves to a tree of %d: %w", len(leaves), old.N, err)
	}
	if len(leaves) == 0 {
		return old, nil, nil
	}
	from := tlog.StoredHashCount(old.N)
	all := &overlay{fresh: make([]tlog.Hash, 0, tlog.StoredHashCount(old.N+int64(len(leaves)))-from), from: from, older: r}
	for i, leaf := range leaves {
		hashes, err := tlog.StoredHashesForRecordHash(old.N+int64(i), leaf, all)
		if err != nil {
			return fail(err)
		}
		all.fresh = append(all.fresh, hashes...)
	}
	tree := tlog.Tree{N: old.N + int64(len(leaves))}
	var err error
	if tree.Hash, err = tlog.TreeHash(tree.N, all); err != nil {
		return fail(err)
	}
	var tiles []Tile
	for _, t := range tlog.NewTiles(TileHeight, old.N, tree.N) {
		data, err := tlog.ReadTileData(t, all)
		if err != nil {
			return fail(err)
		}
		tiles = append(tiles, Tile{t, data})
	}
	return tree, tiles, nil
}

// overlay reads what was hashed just now, and the rest from elsewhere.
type overlay struct {
	fresh []tlog.Hash
	from  int64 // the index of the first that is fresh
	older tlog.HashReader
}

// ReadHashes implements tlog.HashReader.
func (o *overlay) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	var older []int64
	for i, at := range indexes {
		if at < o.from {
			older = append(older, at)
			continue
		}
		if at-o.from >= int64(len(o.fresh)) {
			return nil, fmt.Errorf("hash %d is not there yet", at)
		}
		out[i] = o.fresh[at-o.from]
	}
	if len(older) == 0 {
		return out, nil
	}
	found, err := o.older.ReadHashes(older)
	if err != nil {
		return nil, err
	}
	for i, at := range indexes {
		if at < o.from {
			out[i], found = found[0], found[1:]
		}
	}
	return out, nil
}

// Consistent tells whether a later tree continues an earlier one.
func Consistent(later, earlier tlog.Tree, r tlog.HashReader) error {
	fail := func(err error) error {
		return fmt.Errorf("a tree of %d leaves does not continue that of %d: %w", later.N, earlier.N, err)
	}
	switch {
	case earlier.N > later.N:
		return fail(errors.New("it is shorter"))
	case earlier.N == later.N && earlier.Hash != later.Hash:
		return fail(errors.New("its root is another one"))
	case earlier.N == later.N || earlier.N == 0:
		return nil
	}
	p, err := tlog.ProveTree(later.N, earlier.N, r)
	if err != nil {
		return fail(err)
	}
	if err := tlog.CheckTree(p, later.N, later.Hash, earlier.N, earlier.Hash); err != nil {
		return fail(err)
	}
	return nil
}

// Climb works out the root of a tree from its leaves, in order and in little memory. The
// zero Climb is the empty tree.
type Climb struct {
	n int64
	// peaks are the roots of the full subtrees so far, the largest first.
	peaks []tlog.Hash
}

// N is how many leaves were added.
func (c *Climb) N() int64 { return c.n }

// Add appends a leaf.
func (c *Climb) Add(leaf tlog.Hash) {
	c.peaks = append(c.peaks, leaf)
	for n := c.n; n&1 == 1; n >>= 1 {
		last := len(c.peaks) - 1
		c.peaks = append(c.peaks[:last-1], tlog.NodeHash(c.peaks[last-1], c.peaks[last]))
	}
	c.n++
}

// Tree is what the leaves so far make.
func (c *Climb) Tree() tlog.Tree {
	if c.n == 0 {
		return tlog.Tree{Hash: emptyRoot()}
	}
	root := c.peaks[len(c.peaks)-1]
	for i := len(c.peaks) - 2; i >= 0; i-- {
		root = tlog.NodeHash(c.peaks[i], root)
	}
	return tlog.Tree{N: c.n, Hash: root}
}

// emptyRoot is the root of a tree without leaves.
func emptyRoot() tlog.Hash {
	h, err := tlog.TreeHash(0, nil)
	if err != nil {
		panic("proof: root of the empty tree: " + err.Error()) // it reads nothing that could fail
	}
	return h
}
