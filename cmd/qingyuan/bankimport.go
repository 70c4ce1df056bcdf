package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"qingyuan/quiz/bankfile"
)

// importedFile is the file of a bank's folder into which questions are imported.
const importedFile = "imported.yaml"

// bankImportCmd puts the questions of files into a bank in our own form. They are
// drafts there: what files do not say, such as the legal basis, is left out, and a
// bank with drafts in it opens no campaign.
type bankImportCmd struct {
	readFlags

	Into   string `help:"Bank to add to: a folder, or a YAML file. Either may be new." required:"" type:"path" placeholder:"BANK"`
	DryRun bool   `help:"Say what would be done, and write nothing." name:"dry-run"`
	Strict bool   `help:"Write nothing and exit with 1 when anything was refused."`
}

// Run implements the command. Questions that the bank has are skipped, so that the
// same files twice change nothing.
func (c bankImportCmd) Run(e env) error {
	bank, err := openBank(c.Into)
	if err != nil {
		return err
	}
	out, err := c.read(e, bank.questions)
	if err != nil {
		return err
	}
	stopped := out.wholly || c.Strict && out.Refused > 0
	if !stopped && !c.DryRun && len(out.imported) > 0 {
		if err := bank.add(out.imported); err != nil {
			return err
		}
		out.Written = bank.target
	}
	if err := out.tell(e.stdout, c.JSON); err != nil {
		return err
	}
	if stopped {
		return errReported
	}
	return nil
}

// bankOnDisk is a bank in our own form.
type bankOnDisk struct {
	// target is the file to which questions are added, raw what is in it.
	target    string
	raw       []byte
	questions []bankfile.Question
}

// openBank reads a bank with the drafts in it. One that is not there is empty.
func openBank(path string) (*bankOnDisk, error) {
	b := &bankOnDisk{target: path}
	files := []string{path}
	if !isYAML(path) {
		b.target = filepath.Join(path, importedFile)
		list, err := os.ReadDir(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("open the bank: %w", err)
		}
		files = nil
		for _, f := range list {
			if !f.IsDir() && isYAML(f.Name()) && !strings.HasPrefix(f.Name(), ".") {
				files = append(files, filepath.Join(path, f.Name()))
			}
		}
	}
	for _, name := range files {
		raw, err := readBounded(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if name == b.target {
			b.raw = raw
		}
		list, err := bankfile.ReadBank(filepath.Base(name), raw)
		if err != nil {
			return nil, err
		}
		b.questions = append(b.questions, list...)
	}
	return b, nil
}

func isYAML(name string) bool {
	return slices.Contains([]string{".yaml", ".yml"}, strings.ToLower(filepath.Ext(name)))
}

// add puts questions at the end of the bank.
func (b *bankOnDisk) add(list []bankfile.Question) error {
	raw, err := bankfile.ExtendBank(filepath.Base(b.target), b.raw, list)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(b.target), 0o750); err != nil {
		return fmt.Errorf("make the bank's folder: %w", err)
	}
	return replaceFile(b.target, func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	})
}

// replaceFile writes a file beside its place and moves it there once it is whole
// and on the disk.
func replaceFile(name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	err = errors.Join(write(f), f.Sync(), f.Chmod(0o640), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), os.Remove(f.Name()))
	}
	return nil
}

// bankExportCmd writes a bank in another form.
type bankExportCmd struct {
	Bank   string `arg:"" help:"Bank in our own form: a folder, or a YAML file." type:"path"`
	Format string `help:"Form to write: ${enum}." enum:"xlsx,csv,gift,moodle,yaml" required:""`
	Output string `help:"File to write; it must not be there yet." short:"o" required:"" type:"path" placeholder:"FILE"`
}

// Run implements the command.
func (c bankExportCmd) Run(e env) error {
	if _, err := os.Stat(c.Bank); err != nil {
		return fmt.Errorf("open the bank: %w", err)
	}
	if _, err := os.Lstat(c.Output); err == nil {
		return fmt.Errorf("%w: %s is there already", errUsage, c.Output)
	}
	bank, err := openBank(c.Bank)
	if err != nil {
		return err
	}
	name := strings.TrimSuffix(filepath.Base(c.Bank), filepath.Ext(c.Bank))
	var out bytes.Buffer
	if err := bankfile.Write(&out, bankfile.Format(c.Format), name, bank.questions); err != nil {
		return err
	}
	err = replaceFile(c.Output, func(w io.Writer) error {
		_, err := w.Write(out.Bytes())
		return err
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "已写出 %d 道题到 %s\n", len(bank.questions), c.Output)
	return err
}
