package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"qingyuan/proof"
)

// published is a log as anybody finds it: below an address, or mirrored in a folder.
type published struct {
	read proof.Published
	// keys are those that are published with it, and earlier the checkpoints from before.
	keys    func() ([]string, error)
	earlier func() ([]string, error)
}

// publishedAt finds a log at an address or in a folder.
func publishedAt(ctx context.Context, from string) published {
	if strings.HasPrefix(from, "http://") || strings.HasPrefix(from, "https://") {
		s := site{ctx: ctx, base: strings.TrimSuffix(from, "/"), client: &http.Client{Timeout: sitePatience}}
		return published{s.read, s.keys, s.earlier}
	}
	m := mirror(from)
	return published{m.read, m.keys, m.earlier}
}

// mirror is a folder with what was published: tiles as they are called below the address,
// and checkpoints as keepers have them.
type mirror string

func (m mirror) read(path string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(m), filepath.FromSlash(path)))
}

func (m mirror) keys() ([]string, error) {
	return nil, fmt.Errorf("%w: a folder brings no key: --key says which must have signed", errUsage)
}

func (m mirror) earlier() ([]string, error) {
	names, err := filepath.Glob(filepath.Join(string(m), "*.checkpoint"))
	if err != nil {
		return nil, err
	}
	return readAll(names)
}

// site is a server that publishes a log.
type site struct {
	ctx    context.Context //nolint:containedctx // proof.Published has none, and this one lives as long as the command.
	base   string
	client *http.Client
}

// sitePatience bounds one answer, and siteTries how often a server is asked that has no
// time.
const (
	sitePatience = time.Minute
	siteTries    = 10
)

func (s site) read(path string) ([]byte, error) {
	for try := 1; ; try++ {
		data, wait, err := s.get(strings.TrimSuffix(s.base+"/"+path, "/"))
		if wait == 0 || try == siteTries {
			return data, err
		}
		rest := time.NewTimer(wait)
		select {
		case <-rest.C:
		case <-s.ctx.Done():
			rest.Stop()
			return nil, errors.Join(err, s.ctx.Err())
		}
	}
}

// get asks once. Where it shall be asked again it says after which time.
func (s site) get(address string) (data []byte, wait time.Duration, err error) {
	req, err := http.NewRequestWithContext(s.ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, 0, err
	}
	res, err := s.client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	data, err = io.ReadAll(res.Body)
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("read %s: %w", address, err)
	case res.StatusCode == http.StatusOK:
		return data, 0, nil
	case res.StatusCode == http.StatusNotFound:
		return nil, 0, fmt.Errorf("%s: %w", address, fs.ErrNotExist)
	}
	err = fmt.Errorf("%s answers %s", address, res.Status)
	if res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable {
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return nil, time.Duration(cmp.Or(seconds, 1)) * time.Second, err
	}
	return nil, 0, err
}

// object reads an answer in JSON.
func (s site) object(path string, into any) error {
	data, err := s.read(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("read %s/%s: %w", s.base, path, err)
	}
	return nil
}

func (s site) keys() ([]string, error) {
	var log struct {
		Keys []string `json:"keys"`
	}
	err := s.object("", &log)
	return log.Keys, err
}

func (s site) earlier() ([]string, error) {
	var out []string
	for cursor := ""; ; {
		var page struct {
			Items []struct {
				Checkpoint string `json:"checkpoint"`
			} `json:"items"`
			Next *string `json:"next_cursor"`
		}
		if err := s.object("checkpoints?cursor="+url.QueryEscape(cursor), &page); err != nil {
			return nil, err
		}
		for _, one := range page.Items {
			out = append(out, one.Checkpoint)
		}
		if page.Next == nil {
			return out, nil
		}
		cursor = *page.Next
	}
}
