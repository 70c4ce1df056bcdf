package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"runtime/pprof"
	"testing"
	"time"
)

// TestSharesAreOfWhoWorked: of what this process does under a label, and of nothing
// else, its profile tells that label.
func TestSharesAreOfWhoWorked(t *testing.T) {
	// Not parallel: there is one profile of a process at a time.
	var profile bytes.Buffer
	if err := pprof.StartCPUProfile(&profile); err != nil {
		t.Fatalf("this process is profiled already, run without -cpuprofile: %v", err)
	}
	pprof.Do(t.Context(), pprof.Labels(workLabel, foldWork, "other", "x"), func(context.Context) { burn(300 * time.Millisecond) })
	pprof.StopCPUProfile()
	got, err := sharesOf(profile.Bytes())
	if err != nil || got[foldWork] < 10*time.Millisecond || got.behind() != got[foldWork] {
		t.Errorf("%v, %v", got, err)
	}
	if each := got.each(10); each[foldWork] != got[foldWork]/10 {
		t.Errorf("of one of ten %v", each)
	}
}

// burn works until this process has taken so much processor time.
func burn(d time.Duration) {
	own := func() time.Duration {
		took, err := ownTime()
		if err != nil {
			panic(err)
		}
		return took
	}
	for from := own(); own()-from < d; {
		for range 1 << 16 {
		}
	}
}

func TestProfilesThatAreNone(t *testing.T) {
	t.Parallel()
	packed := func(text string) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(text))
		_ = z.Close()
		return b.Bytes()
	}
	for name, profile := range map[string][]byte{
		"no archive":                []byte("text"),
		"half an archive":           packed("\x32\x00")[:12],
		"a field that does not end": packed("\x12\x05x"),
		"a field without a value":   packed("\x12"),
		"another kind of field":     packed("\x11\x00"),
		"a label without a word":    packed("\x12\x06\x1a\x04\x08\x07\x10\x01"),
		"half a value":              packed("\x12\x03\x12\x01\x80"),
	} {
		if got, err := sharesOf(profile); !errors.Is(err, errProfile) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
