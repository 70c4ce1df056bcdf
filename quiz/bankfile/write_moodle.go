package bankfile

import (
	"bufio"
	"encoding/xml"
	"io"

	"qingyuan/quiz"
)

// The elements of Moodle XML that are written.
type (
	moodleQuiz struct {
		XMLName   xml.Name `xml:"quiz"`
		Questions []any
	}
	moodleCategory struct {
		XMLName xml.Name   `xml:"question"`
		Type    string     `xml:"type,attr"`
		Name    moodleText `xml:"category"`
	}
	moodleWritten struct {
		XMLName     xml.Name       `xml:"question"`
		Type        string         `xml:"type,attr"`
		Name        moodleText     `xml:"name"`
		Stem        moodleText     `xml:"questiontext"`
		Explanation moodleText     `xml:"generalfeedback"`
		Grade       string         `xml:"defaultgrade"`
		IDNumber    string         `xml:"idnumber,omitempty"`
		Single      *bool          `xml:"single"`
		Shuffle     *bool          `xml:"shuffleanswers"`
		Numbering   string         `xml:"answernumbering,omitempty"`
		Answers     []moodleAnswer `xml:"answer"`
		Tags        []moodleText   `xml:"tags>tag"`
	}
	moodleText struct {
		Format string `xml:"format,attr,omitempty"`
		Text   string `xml:"text"`
	}
	moodleAnswer struct {
		Fraction string `xml:"fraction,attr"`
		Format   string `xml:"format,attr"`
		Text     string `xml:"text"`
	}
)

const (
	moodlePlain = "plain_text"
	moodleAuto  = "moodle_auto_format"
)

func writeMoodle(w io.Writer, qs []Question) error {
	b := bufio.NewWriter(w)
	var all moodleQuiz
	topic := ""
	for _, q := range qs {
		if q.Topic != topic {
			topic = q.Topic
			all.Questions = append(all.Questions, moodleCategory{
				Type: "category", Name: moodleText{Text: "$course$/top/" + topic},
			})
		}
		all.Questions = append(all.Questions, moodleOf(q))
	}
	if _, err := b.WriteString(xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(b)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	return b.Flush()
}

func moodleOf(q Question) moodleWritten {
	name := q.Number
	if name == "" {
		name = title(q.Stem)
	}
	out := moodleWritten{
		Name: moodleText{Text: name}, IDNumber: q.Number, Grade: "1",
		Stem: moodleText{moodlePlain, q.Stem}, Explanation: moodleText{moodlePlain, q.Explanation},
	}
	for _, l := range labelsOf(q) {
		out.Tags = append(out.Tags, moodleText{Text: l})
	}
	shares := sharesOf(q)
	if q.Kind == quiz.Judge {
		out.Type = "truefalse"
		for i, word := range []string{"true", "false"} {
			out.Answers = append(out.Answers, moodleAnswer{shares[i], moodleAuto, word})
		}
		return out
	}
	out.Type, out.Numbering = "multichoice", "ABCD"
	single, shuffle := q.Kind == quiz.Single, q.Pinned == 0
	out.Single, out.Shuffle = &single, &shuffle
	for i, o := range q.Options {
		out.Answers = append(out.Answers, moodleAnswer{shares[i], moodlePlain, o})
	}
	return out
}
