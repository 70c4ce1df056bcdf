package configs

import (
	"fmt"
	"io"
	"strconv"

	"go.yaml.in/yaml/v3"

	"qingyuan/quiz"
)

// bankFile is a bank file as it is written; LoadBank says what the fields mean.
type bankFile struct {
	Questions []bankQuestion `yaml:"questions"`
}

type bankQuestion struct {
	ID          string      `yaml:"id,omitempty"`
	Kind        quiz.Kind   `yaml:"kind"`
	Topic       string      `yaml:"topic,omitempty"`
	Audience    []string    `yaml:"audience,flow,omitempty"`
	Difficulty  int         `yaml:"difficulty,omitempty"`
	Stem        string      `yaml:"stem"`
	Options     []string    `yaml:"options,omitempty"`
	Key         any         `yaml:"key"`
	Pinned      []string    `yaml:"pinned,flow,omitempty"`
	Explanation string      `yaml:"explanation,omitempty"`
	Basis       string      `yaml:"basis,omitempty"`
	Fact        string      `yaml:"fact,omitempty"`
	ValidFrom   string      `yaml:"valid_from,omitempty"`
	ValidTo     string      `yaml:"valid_to,omitempty"`
	Media       []bankMedia `yaml:"media,omitempty"`
}

type bankMedia struct {
	URL string `yaml:"url"`
	Alt string `yaml:"alt"`
}

// WriteBank writes questions in the form that LoadBank reads. What a question does
// not say is left out, and LoadBank will ask for it.
func WriteBank(w io.Writer, questions []quiz.Question) error {
	file := bankFile{Questions: make([]bankQuestion, len(questions))}
	for i := range questions {
		file.Questions[i] = writtenQuestion(&questions[i])
	}
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(file); err != nil {
		return fmt.Errorf("write bank: %w", err)
	}
	return enc.Close()
}

func writtenQuestion(q *quiz.Question) bankQuestion {
	out := bankQuestion{
		ID: q.ID, Kind: q.Kind, Topic: q.Topic, Audience: q.Audience, Difficulty: q.Difficulty,
		Stem: q.Stem, Explanation: q.Explanation, Basis: q.Basis, Fact: q.Fact, ValidFrom: q.ValidFrom, ValidTo: q.ValidTo,
	}
	for _, m := range q.Media {
		out.Media = append(out.Media, bankMedia(m))
	}
	if q.Kind == quiz.Judge {
		out.Key = q.Key.Has(0)
		return out
	}
	var key []byte
	for i, o := range q.Options {
		letter := string(rune('A' + i))
		out.Options = append(out.Options, o.Text)
		if q.Key.Has(i) {
			key = append(key, letter...)
		}
		if o.Pinned {
			out.Pinned = append(out.Pinned, letter)
		}
	}
	out.Key = string(key)
	return out
}

// BankID returns an id for a question that a bank file takes: what it was called
// before where that will do, else one made from its position, counted from 1.
func BankID(called string, position int) string {
	if questionID.MatchString(called) {
		return called
	}
	return "q" + strconv.Itoa(position)
}
