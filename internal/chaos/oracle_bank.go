//go:build chaos

package chaos

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Key is an answer key of our own: it is read from the files that editors write,
// and owes nothing to the program's own reading and marking of them.
type Key map[string][]string // right options by stem

// ReadKey reads the demonstration's question bank.
func ReadKey() (Key, error) {
	dir, err := root()
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "configs/demo/banks/antidrug/*.yaml"))
	if err != nil {
		return nil, err
	}
	k := Key{}
	for _, f := range files {
		if err := k.read(f); err != nil {
			return nil, fmt.Errorf("read the answers of %s: %w", f, err)
		}
	}
	if len(k) == 0 {
		return nil, errors.New("read the answers: there are no question files")
	}
	return k, nil
}

func (k Key) read(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var bank struct {
		Questions []struct {
			Kind    string   `yaml:"kind"`
			Stem    string   `yaml:"stem"`
			Options []string `yaml:"options"`
			Key     any      `yaml:"key"`
		} `yaml:"questions"`
	}
	if err := yaml.Unmarshal(text, &bank); err != nil {
		return err
	}
	for _, q := range bank.Questions {
		right, err := rightOptions(q.Options, q.Key)
		if err != nil {
			return fmt.Errorf("question %q: %w", q.Stem, err)
		}
		if k[q.Stem] != nil {
			return fmt.Errorf("question %q stands in the bank twice", q.Stem)
		}
		k[q.Stem] = right
	}
	return nil
}

// rightOptions turns letters, or the truth of a judge question, into texts.
func rightOptions(options []string, key any) ([]string, error) {
	switch key := key.(type) {
	case bool:
		return []string{map[bool]string{true: "正确", false: "错误"}[key]}, nil
	case string:
		var right []string
		for _, letter := range key {
			i := int(letter - 'A')
			if i < 0 || i >= len(options) {
				return nil, fmt.Errorf("key %q", key)
			}
			right = append(right, options[i])
		}
		return right, nil
	default:
		return nil, fmt.Errorf("key %v", key)
	}
}

// right returns the ids of the right options of a question as it was shown.
func (k Key) right(q question) ([]string, error) {
	texts, ok := k[q.Stem]
	if !ok {
		return nil, fmt.Errorf("the bank has no question %q", q.Stem)
	}
	var ids []string
	for _, o := range q.Options {
		if slices.Contains(texts, o.Text) {
			ids = append(ids, o.ID)
		}
	}
	if len(ids) != len(texts) {
		return nil, fmt.Errorf("question %q was shown without its right options", q.Stem)
	}
	slices.Sort(ids)
	return ids, nil
}

// mark says what answers are worth: every question the same, all or nothing.
func (k Key) mark(sheet paper, a answers, rules quizRules) (Mark, error) {
	var m Mark
	for _, q := range sheet.Questions {
		right, err := k.right(q)
		if err != nil {
			return m, err
		}
		given := slices.Sorted(slices.Values(a[q.ID]))
		if slices.Equal(given, right) {
			m.Correct++
		}
	}
	m.Score = m.Correct * rules.MaxScore / len(sheet.Questions)
	m.Passed = m.Score >= rules.PassScore
	return m, nil
}
