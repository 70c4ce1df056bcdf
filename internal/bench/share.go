package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// This file tells apart what a server's processor time went to: its goroutines behind the
// requests carry a label that its profiles show. It reads of the profiles' format
// (github.com/google/pprof/proto/profile.proto) what it needs and no more.

// workLabel is what the server calls the label.
const workLabel = "work"

// What the server calls those who work behind an act.
const (
	foldWork    = "fold"
	ledgerWork  = "archiver"
	streamsWork = "streams" // reads for both
)

// shares is the processor time by label; "" is what has none: requests, and the
// collection of garbage, whosever it is.
type shares map[string]time.Duration

// behind is what comes after acts were acknowledged.
func (s shares) behind() time.Duration { return s[foldWork] + s[ledgerWork] + s[streamsWork] }

// each is the part of one of n requests.
func (s shares) each(n int) shares {
	out := shares{}
	for work, took := range s {
		out[work] = took / time.Duration(n)
	}
	return out
}

var errProfile = errors.New("this is no profile of processor time")

// sharesOf reads a profile as the server gives it.
func sharesOf(profile []byte) (shares, error) {
	z, err := gzip.NewReader(bytes.NewReader(profile))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errProfile, err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errProfile, err)
	}
	var words []string
	var samples [][]byte
	err = eachField(text, func(number, _ uint64, bytes []byte) error {
		switch number {
		case 2:
			samples = append(samples, bytes)
		case 6:
			words = append(words, string(bytes))
		}
		return nil
	})
	out := shares{}
	for _, sample := range samples {
		work, took, errSample := readSample(sample, words)
		err = errors.Join(err, errSample)
		out[work] += took
	}
	return out, err
}

// readSample reads the label of one sample, and its last value, which is nanoseconds.
func readSample(sample []byte, words []string) (work string, took time.Duration, err error) {
	err = eachField(sample, func(number, value uint64, bytes []byte) error {
		switch number {
		case 2: // a few one by one, more of them packed
			if bytes == nil {
				took = time.Duration(value)
			}
			for len(bytes) > 0 {
				v, n := binary.Uvarint(bytes)
				if n <= 0 {
					return errProfile
				}
				took, bytes = time.Duration(v), bytes[n:]
			}
		case 3:
			var key, text uint64
			err := eachField(bytes, func(number, value uint64, _ []byte) error {
				switch number {
				case 1:
					key = value
				case 2:
					text = value
				}
				return nil
			})
			if err != nil || key >= uint64(len(words)) || text >= uint64(len(words)) {
				return errors.Join(errProfile, err)
			}
			if words[key] == workLabel {
				work = words[text]
			}
		}
		return nil
	})
	return work, took, err
}

// eachField goes through the fields of a message: numbers, and pieces of bytes.
func eachField(message []byte, do func(number, value uint64, bytes []byte) error) error {
	for len(message) > 0 {
		tag, n := binary.Uvarint(message)
		if n <= 0 {
			return errProfile
		}
		message = message[n:]
		value, n := binary.Uvarint(message)
		if n <= 0 {
			return errProfile
		}
		message = message[n:]
		var bytes []byte
		switch tag & 7 {
		case 0:
		case 2:
			if value > uint64(len(message)) {
				return errProfile
			}
			bytes, message = message[:value], message[value:]
		default: // no other is in a profile
			return errProfile
		}
		if err := do(tag>>3, value, bytes); err != nil {
			return err
		}
	}
	return nil
}
