package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"qingyuan/proof"
)

// logCmds check and export the logs by which outsiders check counts.
type logCmds struct {
	Verify logVerifyCmd `cmd:"" help:"Check a proof of one act, or a whole log, with nothing but the file; exit 1 and the part that fails where it does not hold."`
	Bundle logBundleCmd `cmd:"" help:"Write the whole log of a campaign into one file, for somebody who checks it without a server."`
	Keys   logKeysCmd   `cmd:"" help:"Print the key that signs a campaign's checkpoints, to be published elsewhere."`
}

type logVerifyCmd struct {
	File string   `arg:"" help:"Proof of one act, or a whole log." type:"existingfile"`
	Key  []string `help:"Key that must have signed, as it was published; without it the keys in the file are believed." placeholder:"KEY"`
	Kept []string `help:"File of a checkpoint that you have kept: the log must still have it." type:"existingfile" placeholder:"FILE"`
	JSON bool     `help:"Print the result as JSON." name:"json"`
}

// logVerdict is the result of a check.
type logVerdict struct {
	OK     bool          `json:"ok"`
	Faults []proof.Fault `json:"faults"`
	// What tells a proof of one act from a whole log.
	What   string `json:"what"`
	Origin string `json:"origin"`
	// Size and Root are those of the newest checkpoint, SignedAt is when it was signed.
	Size     int64  `json:"tree_size"`
	Root     string `json:"root"`
	SignedAt string `json:"signed_at,omitempty"`
	// Trusted is false where the keys came with the file.
	Trusted bool     `json:"trusted"`
	Keys    []string `json:"keys"`
	// Kept is how many kept checkpoints were compared.
	Kept int `json:"kept"`
	// Totals are those of a whole log, with what they come to.
	Totals     proof.Totals `json:"totals,omitempty"`
	Attempts   int64        `json:"attempts"`
	Signatures int64        `json:"signatures"`
	// Index, Counts and Fields are those of one act.
	Index  int64             `json:"index"`
	Counts bool              `json:"counts"`
	Fields map[string]string `json:"fields,omitempty"`
}

// Run checks a file.
func (c logVerifyCmd) Run(e env) error {
	v, err := c.verdict()
	if err != nil {
		return err
	}
	v.OK = len(v.Faults) == 0
	return tellVerdict(e, c.JSON, v, v.OK, v.text())
}

func (c logVerifyCmd) verdict() (v logVerdict, err error) {
	kept := make([]string, len(c.Kept))
	for i, name := range c.Kept {
		raw, err := os.ReadFile(name) //nolint:gosec // The caller names it.
		if err != nil {
			return v, err
		}
		kept[i] = string(raw)
	}
	f, err := os.Open(c.File)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	beginning := make([]byte, 256)
	n, err := io.ReadFull(f, beginning)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return v, err
	}
	r := io.MultiReader(bytes.NewReader(beginning[:n]), f)
	v.Trusted, v.Faults = len(c.Key) > 0, []proof.Fault{}
	if proof.IsLog(string(beginning[:n])) {
		return v, v.log(r, c.Key, kept)
	}
	return v, v.bundle(r, c.Key, kept)
}

func (v *logVerdict) log(r io.Reader, keys, kept []string) error {
	got, err := proof.ReadLog(r, keys, kept)
	if err != nil {
		return err
	}
	v.What, v.Origin, v.Keys, v.Kept = "log", got.Head.Origin, got.Head.Keys, got.Kept
	v.Faults = append(v.Faults, got.Faults...)
	v.checkpoint(&got.Last)
	v.Totals = got.Last.Totals
	v.Attempts, v.Signatures = got.Last.Totals.Count(proof.Attempt), got.Last.Totals.Count(proof.Signature)
	return nil
}

func (v *logVerdict) checkpoint(c *proof.Checkpoint) {
	v.Size, v.Root = c.N, c.Hash.String()
	if !c.At.IsZero() {
		v.SignedAt = proof.Moment(c.At)
	}
}

func (v *logVerdict) bundle(r io.Reader, keys, kept []string) error {
	b, err := proof.ReadBundle(r)
	if err != nil {
		return err
	}
	v.What, v.Origin, v.Keys = "act", b.Origin, b.Keys
	if len(keys) == 0 {
		keys = b.Keys
	}
	c, faults := b.Verify(keys)
	v.Faults = append(v.Faults, faults...)
	v.checkpoint(&c)
	v.Counts, v.Fields = b.Counts(), map[string]string{}
	if len(b.Entries) > 0 {
		v.Index = b.Entries[0].Index
		for _, f := range b.Entries[0].Fields {
			if f.Value != nil {
				v.Fields[f.Name] = *f.Value
			}
		}
	}
	for _, signed := range kept {
		v.compare(b, signed, keys)
	}
	return nil
}

// compare looks at a checkpoint that was kept. One of another size cannot be compared with
// a proof of one act: a whole log, or the consistency proof of the server, can.
func (v *logVerdict) compare(b *proof.Bundle, signed string, keys []string) {
	k, err := proof.OpenCheckpoint(signed, keys)
	switch {
	case err != nil:
		v.Faults = append(v.Faults, proof.Fault{Part: proof.PartCheckpoint, Index: -1, Text: "the kept one: " + err.Error()})
	case k.N == b.Size && k.Hash != b.Root:
		v.Faults = append(v.Faults, proof.Fault{Part: proof.PartCheckpoint, Index: -1, Text: "the one that was kept has another root: the log was made anew"})
		v.Kept++
	case k.N == b.Size:
		v.Kept++
	}
}

func (v *logVerdict) text() string {
	var b strings.Builder
	if !v.OK {
		b.WriteString("this does NOT hold\n")
		for _, f := range v.Faults {
			b.WriteString(f.String() + "\n")
		}
		return b.String()
	}
	switch v.What {
	case "log":
		fmt.Fprintf(&b, "the log holds: %d leaves, signed %s\n", v.Size, v.SignedAt)
		for _, t := range proof.Types() {
			fmt.Fprintf(&b, "  %-22s %d\n", t, v.Totals[t])
		}
		fmt.Fprintf(&b, "that counts: %d attempts, %d signatures\n", v.Attempts, v.Signatures)
	default:
		state := "and counted"
		if !v.Counts {
			state = "and did NOT count any more"
		}
		fmt.Fprintf(&b, "the act holds: leaf %d of a log of %d, %s when that was signed, %s\n", v.Index, v.Size, state, v.SignedAt)
		for _, name := range []string{
			proof.FieldName, proof.FieldMaskedName, proof.FieldTime, proof.FieldUnit, proof.FieldVersion, proof.FieldText, proof.FieldMethod,
			proof.FieldImage, proof.FieldNumber, proof.FieldScore, proof.FieldMaxScore, proof.FieldCorrect, proof.FieldPassed, proof.FieldUsed,
		} {
			if value, ok := v.Fields[name]; ok {
				fmt.Fprintf(&b, "  %-12s %s\n", name, value)
			}
		}
	}
	fmt.Fprintf(&b, "log         %s\nroot        %s\n", v.Origin, v.Root)
	if !v.Trusted {
		b.WriteString("The key came with the file: compare it with what was published, or give it with --key.\n")
		for _, key := range v.Keys {
			b.WriteString("  " + key + "\n")
		}
	}
	if v.Kept == 0 {
		b.WriteString("No checkpoint that was kept earlier was compared (give it with --kept; with a proof of one act it must be of the same size): a log that was made anew would not be found.\n")
	}
	return b.String()
}

type logBundleCmd struct {
	configFlags

	Campaign string `help:"Campaign." required:"" placeholder:"ID"`
	Out      string `help:"File to write." required:"" placeholder:"FILE"`
}

// Run writes the whole log as it was signed last.
func (c logBundleCmd) Run(e env) error {
	return c.onWorkbench(e, func(w *workbench) (err error) {
		f, err := os.OpenFile(c.Out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644) //nolint:gosec // What is in it is public.
		if err != nil {
			return err
		}
		err = w.proofs().Write(e.ctx, c.Campaign, f)
		if err := errors.Join(err, f.Close()); err != nil {
			return errors.Join(err, os.Remove(c.Out))
		}
		_, err = fmt.Fprintf(e.stdout, "the log of %s is in %s; check it with: qingyuan log verify %s\n", c.Campaign, c.Out, c.Out)
		return err
	})
}

type logKeysCmd struct {
	configFlags

	Campaign string `help:"Campaign." required:"" placeholder:"ID"`
}

// Run prints the keys, the one that signs now first.
func (c logKeysCmd) Run(e env) error {
	return c.onWorkbench(e, func(w *workbench) error {
		keys, err := w.proofs().VerifierKeys(e.ctx, c.Campaign)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(e.stdout, strings.Join(keys, "\n"))
		return err
	})
}
