package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"qingyuan/configs"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/pictures"
	"qingyuan/internal/sqldb"
)

// bankPictureCmd does at the console of the server what an editor does at the console of
// the office.
type bankPictureCmd struct {
	bankFlags

	Files []string `arg:"" name:"file" help:"Pictures: PNG, JPEG, GIF or WebP, at most 1 MiB and 4096 by 4096 points." type:"path"`
}

// keptPicture is what is told of a picture.
type keptPicture struct {
	File   string `json:"file"`
	URL    string `json:"url"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Bytes  int    `json:"bytes"`
}

// Run implements the command. The same picture again is the same address.
func (c bankPictureCmd) Run(e env) error {
	by := console()
	if c.As != "" {
		by = operator.Console(c.As)
	}
	return c.onDatabase(e, func(_ configs.Config, db *sqldb.DB) error {
		s := &pictures.Service{DB: db, Now: time.Now}
		for _, name := range c.Files {
			p, err := c.add(e, s, by, name)
			if err != nil {
				if f, ok := errors.AsType[*fault.Error](err); ok {
					fmt.Fprintf(e.stderr, "%s: %s\n", name, f.Text)
				}
				return fmt.Errorf("%s: %w", name, err)
			}
			if err := c.print(e, p, "%s  %d × %d  %d 字节  %s", p.URL, p.Width, p.Height, p.Bytes, p.File); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c bankPictureCmd) add(e env, s *pictures.Service, by operator.Actor, name string) (out keptPicture, err error) {
	f, err := os.Open(name) //nolint:gosec // The operator names it.
	if err != nil {
		return out, fmt.Errorf("open the picture: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	p, err := s.Add(e.ctx, by, f, c.Reason)
	if err != nil {
		return out, err
	}
	return keptPicture{name, p.URL(), p.Width, p.Height, len(p.Body)}, nil
}
