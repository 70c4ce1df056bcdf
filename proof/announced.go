package proof

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/tlog"
)

// AnnouncedFormat names what says which checkpoint announced counts are of, and its
// version.
const AnnouncedFormat = "qingyuan.announced/1"

// Announced ties counts that an office gives out to the log: they are those of a
// checkpoint.
type Announced struct {
	Format string `json:"format"`
	Origin string `json:"origin"`
	// AsOf is the moment of which the counts are.
	AsOf time.Time `json:"as_of"`
	// Attempts and Signatures are what is announced.
	Attempts   int64 `json:"attempts"`
	Signatures int64 `json:"signatures"`
	// Size, Root and Totals are what the signed Checkpoint says, for whoever reads it by
	// eye.
	Size       int64     `json:"tree_size"`
	Root       tlog.Hash `json:"root"`
	Totals     Totals    `json:"totals"`
	Checkpoint string    `json:"checkpoint"`
}

// Announce ties counts of a moment to a checkpoint.
func Announce(s *Signed, asOf time.Time, attempts, signatures int64) *Announced {
	a := &Announced{
		Format: AnnouncedFormat, Origin: s.Origin, AsOf: asOf, Attempts: attempts, Signatures: signatures,
		Size: s.N, Root: s.Hash, Totals: make(Totals), Checkpoint: s.Note,
	}
	for _, t := range Types() {
		a.Totals[t] = s.Totals[t]
	}
	return a
}

// Announcement is what an office publishes: the counts, and what ties them to the log.
// Whatever else stands in it is not the log's.
type Announcement struct {
	Total struct {
		Attempts   int64 `json:"attempts"`
		Signatures int64 `json:"signatures"`
	} `json:"total"`
	Log *Announced `json:"log"`
}

// ReadAnnouncement reads an announcement as the server gives it out.
func ReadAnnouncement(r io.Reader) (*Announcement, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxBundle+1))
	if err != nil {
		return nil, fmt.Errorf("read the announcement: %w", err)
	}
	if len(raw) > maxBundle {
		return nil, fmt.Errorf("read the announcement: it has more than %d bytes", maxBundle)
	}
	var a Announcement
	if err := json.Unmarshal(raw, &a); err != nil {
		return nil, fmt.Errorf("read the announcement: %w", err)
	}
	switch {
	case a.Log == nil:
		return nil, errors.New("read the announcement: it names no checkpoint")
	case a.Log.Format != AnnouncedFormat:
		return nil, fmt.Errorf("read the announcement: its format is %q, want %q", a.Log.Format, AnnouncedFormat)
	}
	return &a, nil
}

// PartAnnouncement is the part that fails where announced counts are not the log's.
const PartAnnouncement = "announcement"

// Verify checks with nothing but the keys that its reader trusts that the announced counts
// are those of the checkpoint. The checkpoint means nothing where a fault is about it.
func (a *Announcement) Verify(keys []string) (Checkpoint, []Fault) {
	v := verdict{}
	c, err := OpenCheckpoint(a.Log.Checkpoint, keys)
	if err != nil {
		v.fault(PartCheckpoint, nowhere, err.Error())
		return c, v.faults
	}
	if c.Origin != a.Log.Origin {
		v.fault(PartCheckpoint, nowhere, fmt.Sprintf("it is of %s, and the announcement of %s", c.Origin, a.Log.Origin))
	}
	if c.N != a.Log.Size || c.Hash != a.Log.Root || !c.Totals.same(a.Log.Totals) {
		v.fault(PartCheckpoint, nowhere, fmt.Sprintf("it is of the tree %d %s, and another is announced, or other totals", c.N, c.Hash))
	}
	v.counts(Attempt, c.Totals, a.Total.Attempts, a.Log.Attempts)
	v.counts(Signature, c.Totals, a.Total.Signatures, a.Log.Signatures)
	return c, v.faults
}

// counts compares what is announced of a subject with what a checkpoint counts.
func (v *verdict) counts(of Subject, totals Totals, announced ...int64) {
	counted := totals.Count(of)
	for _, n := range announced {
		if n != counted {
			v.fault(PartAnnouncement, nowhere, fmt.Sprintf("it tells of %d %ss, and the checkpoint counts %d", n, of, counted))
			return
		}
	}
}
