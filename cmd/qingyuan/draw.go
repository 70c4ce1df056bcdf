package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"qingyuan/prize/draw"
)

// drawCmds check draws. They need no server, no configuration and no trust.
type drawCmds struct {
	Verify drawVerifyCmd `cmd:"" help:"Compute a published draw again from its file alone; exit 1 where it does not follow."`
}

type drawVerifyCmd struct {
	File         string    `arg:"" help:"File of the draw, as it is published." type:"existingfile"`
	Root         draw.Hash `help:"Root of the entrants as it was published before the draw: the file must have it." placeholder:"SHA256"`
	Announcement draw.Hash `help:"Hash of the announcement as it was published before anybody entered." placeholder:"SHA256"`
	JSON         bool      `help:"Print the result as JSON." name:"json"`
}

// drawVerdict is the result of a check.
type drawVerdict struct {
	OK bool `json:"ok"`
	// Part is the field of the file that does not follow, Fault what is wrong with it.
	Part         string    `json:"part,omitempty"`
	Fault        string    `json:"fault,omitempty"`
	Entrants     int       `json:"entrants"`
	Places       int       `json:"places"`
	Redraws      int       `json:"redraws"`
	Root         draw.Hash `json:"entrants_root"`
	Announcement draw.Hash `json:"announcement_sha256"`
	Source       string    `json:"source"`
	Value        string    `json:"value"`
}

// Run checks a file, and tells what its reader has to compare with what was published.
func (c drawVerifyCmd) Run(e env) error {
	v, err := c.verdict()
	if err != nil {
		return err
	}
	return tellVerdict(e, c.JSON, v, v.OK, v.text())
}

// tellVerdict prints what a check of a file came to, and is errReported where the file
// does not hold.
func tellVerdict(e env, asJSON bool, v any, ok bool, text string) error {
	var err error
	if asJSON {
		err = json.NewEncoder(e.stdout).Encode(v)
	} else {
		_, err = fmt.Fprint(e.stdout, text)
	}
	if err == nil && !ok {
		err = errReported
	}
	return err
}

func (c drawVerifyCmd) verdict() (v drawVerdict, err error) {
	r, err := os.Open(c.File)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	f, fault := draw.Read(r)
	if fault == nil {
		v = drawVerdict{
			Entrants: len(f.Entrants), Places: len(f.Places), Redraws: len(f.Redraws), Root: f.Root, Announcement: f.AnnouncementHash,
			Source: f.Announcement.Source, Value: f.Value,
		}
		fault = c.check(f)
	}
	part, ok := errors.AsType[*draw.PartError](fault)
	if fault != nil && !ok {
		return v, fault
	}
	if v.OK = fault == nil; !v.OK {
		v.Part, v.Fault = part.Part, part.Err.Error()
	}
	return v, nil
}

// check verifies a file in itself, and against what was noted before the draw.
func (c drawVerifyCmd) check(f *draw.File) error {
	if err := f.Verify(); err != nil {
		return err
	}
	for _, noted := range []struct {
		part      string
		want, got draw.Hash
	}{
		{"entrants_root", c.Root, f.Root},
		{"announcement_sha256", c.Announcement, f.AnnouncementHash},
	} {
		if noted.want != (draw.Hash{}) && noted.want != noted.got {
			return &draw.PartError{Part: noted.part, Err: fmt.Errorf("it is %v, and %v was noted before", noted.got, noted.want)}
		}
	}
	return nil
}

func (v *drawVerdict) text() string {
	if !v.OK {
		return fmt.Sprintf("the draw does NOT follow from its file\n%s: %s\n", v.Part, v.Fault)
	}
	return fmt.Sprintf(`the draw follows from its file: %d places and %d redraws among %d entrants
Compare with what was published before the draw:
  announcement  %s
  entrants      %s
and the value with its source:
  %s
  %s
`, v.Places, v.Redraws, v.Entrants, v.Announcement, v.Root, v.Source, v.Value)
}
