package main

import (
	"bufio"
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
	File         string   `arg:"" help:"Proof of one act, announcement, or a whole log." type:"existingfile"`
	Key          []string `help:"Key that must have signed, as it was published; without it the keys in the file are believed." placeholder:"KEY"`
	Kept         []string `help:"File of a checkpoint that you have kept: the log must still have it." type:"existingfile" placeholder:"FILE"`
	Announcement []string `help:"File of announced figures: they must be those of a checkpoint of the log." type:"existingfile" placeholder:"FILE"`
	JSON         bool     `help:"Print the result as JSON." name:"json"`
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
	// Announced is how many announcements were compared with a whole log.
	Announced int `json:"announced"`
	// AsOf is the moment of which an announcement tells.
	AsOf string `json:"as_of,omitempty"`
	// Totals are those of a whole log or an announcement, with what they come to.
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
	kept, err := readAll(c.Kept)
	if err != nil {
		return v, err
	}
	f, err := os.Open(c.File)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r := bufio.NewReader(f)
	beginning, err := r.Peek(256)
	if err != nil && !errors.Is(err, io.EOF) {
		return v, err
	}
	v.Trusted, v.Faults = len(c.Key) > 0, []proof.Fault{}
	switch is := string(beginning); {
	case proof.IsLog(is):
		announced, err := readAll(c.Announcement)
		if err != nil {
			return v, err
		}
		return v, v.log(r, c.Key, kept, announced)
	case proof.IsBundle(is):
		return v, v.bundle(r, c.Key, kept)
	default:
		return v, v.announcement(r, c.Key)
	}
}

// readAll reads files that the caller names.
func readAll(names []string) ([]string, error) {
	out := make([]string, len(names))
	for i, name := range names {
		raw, err := os.ReadFile(name) //nolint:gosec // The caller names it.
		if err != nil {
			return nil, err
		}
		out[i] = string(raw)
	}
	return out, nil
}

// announcement checks announced counts against the checkpoint that they name.
func (v *logVerdict) announcement(r io.Reader, keys []string) error {
	if len(keys) == 0 {
		return fmt.Errorf("%w: an announcement brings no key: --key says which must have signed", errUsage)
	}
	a, err := proof.ReadAnnouncement(r)
	if err != nil {
		return err
	}
	c, faults := a.Verify(keys)
	v.What, v.Origin, v.AsOf, v.Faults = "announcement", a.Log.Origin, proof.Moment(a.Log.AsOf), append(v.Faults, faults...)
	v.checkpoint(&c)
	v.counts(c.Totals)
	return nil
}

// counts tells what totals come to.
func (v *logVerdict) counts(t proof.Totals) {
	v.Totals, v.Attempts, v.Signatures = t, t.Count(proof.Attempt), t.Count(proof.Signature)
}

// log checks a whole log. The checkpoints of announcements are looked for in it like those
// that were kept.
func (v *logVerdict) log(r *bufio.Reader, keys, kept, announced []string) error {
	if len(keys) == 0 && len(announced) > 0 {
		return fmt.Errorf("%w: an announcement brings no key: --key says which must have signed", errUsage)
	}
	for _, text := range announced {
		a, err := proof.ReadAnnouncement(strings.NewReader(text))
		if err != nil {
			return err
		}
		c, faults := a.Verify(keys)
		v.Faults = append(v.Faults, faults...)
		if c.Origin != "" { // it was signed
			kept = append(kept, a.Log.Checkpoint)
			v.Announced++
		}
	}
	got, err := proof.ReadLog(r, keys, kept)
	if err != nil {
		return err
	}
	v.What, v.Origin, v.Keys, v.Kept = "log", got.Head.Origin, got.Head.Keys, got.Kept-v.Announced
	v.Faults = append(v.Faults, got.Faults...)
	v.checkpoint(&got.Last)
	v.counts(got.Last.Totals)
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

func (v *logVerdict) totals(b *strings.Builder) {
	for _, t := range proof.Types() {
		fmt.Fprintf(b, "  %-22s %d\n", t, v.Totals[t])
	}
	fmt.Fprintf(b, "that counts: %d attempts, %d signatures\n", v.Attempts, v.Signatures)
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
		v.totals(&b)
	case "announcement":
		fmt.Fprintf(&b, "the announcement holds: as of %s, in a checkpoint of %d leaves that was signed %s\n", v.AsOf, v.Size, v.SignedAt)
		v.totals(&b)
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
	switch {
	case v.What == "announcement":
		b.WriteString("Whether the log still has this checkpoint a whole log tells (give it with --announcement).\n")
	case v.Announced > 0:
		fmt.Fprintf(&b, "What was announced is in it: %d compared.\n", v.Announced)
	case v.Kept == 0:
		b.WriteString("No checkpoint that was kept earlier was compared (give it with --kept; with a proof of one act it must be of the same size): a log that was made anew would not be found.\n")
	}
	return b.String()
}

type logBundleCmd struct {
	configFlags

	Campaign string   `help:"Campaign, where the log is read from this deployment's database." placeholder:"ID"`
	From     string   `help:"Where the log is published: …/api/v1/campaigns/ID/log, or a folder with its tiles and checkpoints. No deployment is needed." placeholder:"URL|DIR"`
	Key      []string `help:"With --from: key that must have signed; without it those at the address are believed." placeholder:"KEY"`
	Out      string   `help:"File to write." required:"" placeholder:"FILE"`
}

// Run writes the whole log as it was signed last.
func (c logBundleCmd) Run(e env) error {
	switch {
	case (c.Campaign == "") == (c.From == ""):
		return fmt.Errorf("%w: --campaign names a log of this deployment, or --from says where one is published", errUsage)
	case c.From != "":
		return c.write(e, c.From, func(to io.Writer) error { return c.collect(e, to) })
	}
	return c.onWorkbench(e, func(w *workbench) error {
		return c.write(e, c.Campaign, func(to io.Writer) error { return w.proofs().Write(e.ctx, c.Campaign, to) })
	})
}

// collect puts together what is published.
func (c logBundleCmd) collect(e env, to io.Writer) error {
	from := publishedAt(e.ctx, c.From)
	keys := c.Key
	if len(keys) == 0 {
		var err error
		if keys, err = from.keys(); err != nil {
			return err
		}
	}
	earlier, err := from.earlier()
	if err != nil {
		return err
	}
	_, err = from.read.WriteLog(to, keys, earlier)
	return err
}

// write makes the file. One that was not finished does not stay.
func (c logBundleCmd) write(e env, of string, fill func(io.Writer) error) error {
	f, err := os.OpenFile(c.Out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644) //nolint:gosec // What is in it is public.
	if err != nil {
		return err
	}
	if err := errors.Join(fill(f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(c.Out))
	}
	_, err = fmt.Fprintf(e.stdout, "the log of %s is in %s; check it with: qingyuan log verify %s\n", of, c.Out, c.Out)
	return err
}

type logKeysCmd struct {
	configFlags

	Campaign string `help:"Campaign." required:"" placeholder:"ID"`
}

// Run prints the keys, the one that signs now first.
func (c logKeysCmd) Run(e env) error {
	return c.onWorkbench(e, func(w *workbench) error {
		if _, err := campaignsOf(e.ctx, w.cfg, w.db)(c.Campaign); err != nil {
			return fmt.Errorf("keys of campaign %s: %w", c.Campaign, err)
		}
		keys, err := w.proofs().VerifierKeys(e.ctx, c.Campaign)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(e.stdout, strings.Join(keys, "\n"))
		return err
	})
}
