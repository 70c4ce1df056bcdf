package httpapi

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/banks"
	"qingyuan/internal/fault"
	"qingyuan/quiz/bankbook"
	"qingyuan/quiz/bankfile"
)

// importBank handles POST /api/v1/admin/banks/{bank}/imports. The body is the file
// itself, or a form with the file and a second one that has the answers; the query says
// what it is and what holds for all of its questions.
func (s *Server) importBank(k *call) error {
	o := banks.Order{Reason: k.Query("reason")}
	if err := checkReason(o.Reason, false); err != nil {
		return err
	}
	var err error
	if o.DryRun, err = k.flag("dry_run"); err != nil {
		return err
	}
	if o.Defaults, err = k.defaults(); err != nil {
		return err
	}
	if err := k.bankFiles(&o); err != nil {
		return err
	}
	name, err := k.words("name", maxTopic)
	if err != nil {
		return err
	}
	if o.File.Format = bankfile.Format(strings.Clone(k.Query("format"))); name != "" {
		o.File.Name = baseName(name)
	}
	job, err := s.Banks.Order(k.ctx, k.actor, k.Params("bank"), o)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusAccepted, orderedT{job})
}

// baseName is the name of a file, without the folders that some browsers tell.
func baseName(name string) string {
	if name = path.Base(strings.ReplaceAll(name, `\`, "/")); name == "." || name == "/" {
		return ""
	}
	return name
}

// bankFiles finds the file of questions and the one of answers in the body.
func (k *call) bankFiles(o *banks.Order) error {
	kind, params, err := mime.ParseMediaType(k.Get(fiber.HeaderContentType))
	if err != nil || kind != fiber.MIMEMultipartForm {
		raw, err := k.file()
		o.File.Body = raw
		return err
	}
	body, boundary := k.body(), params["boundary"]
	if err := checkForm(body, boundary); err != nil {
		return err
	}
	for name, into := range map[string]func(banks.Sent){
		"file":    func(f banks.Sent) { o.File = f },
		"answers": func(f banks.Sent) { o.Answers = &f },
	} {
		if part, err := partOf(body, boundary, name); err == nil {
			into(banks.Sent{Name: baseName(part.FileName()), Body: part})
		}
	}
	if o.File.Body == nil {
		return fault.InvalidField("file", "请选择题目文件")
	}
	return nil
}

// checkForm wants a form to be whole, and to have nothing but the file and the answers,
// each once.
func checkForm(body sent, boundary string) error {
	form := parts(body, boundary)
	seen := map[string]bool{}
	for {
		part, err := form.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			_, err = io.Copy(io.Discard, part)
		}
		if err != nil {
			return fault.InvalidField("file", "表单内容不完整").Because(err)
		}
		name := part.FormName()
		if name != "file" && name != "answers" || seen[name] {
			return fault.InvalidField(clip(name), "没有这个字段，或字段重复")
		}
		seen[name] = true
	}
}

// partOf finds a part of a form that was checked, or io.EOF. Its content is read from
// where the body lies.
func partOf(body sent, boundary, name string) (*multipart.Part, error) {
	form := parts(body, boundary)
	for {
		part, err := form.NextRawPart()
		if err != nil || part.FormName() == name {
			return part, err
		}
	}
}

// parts reads a body from its beginning.
func parts(body sent, boundary string) *multipart.Reader {
	return multipart.NewReader(io.NewSectionReader(body, 0, body.size), boundary)
}

// defaults reads what is said of every question of a file.
func (k *call) defaults() (d bankbook.Defaults, err error) {
	var audience, difficulty string
	for name, into := range map[string]*string{
		"topic": &d.Topic, "basis": &d.Basis, "valid_from": &d.ValidFrom, "valid_to": &d.ValidTo, "audience": &audience, "difficulty": &difficulty,
	} {
		if *into, err = k.words(name, maxBasis); err != nil {
			return d, err
		}
	}
	if audience != "" {
		d.Audience = strings.Split(audience, ",")
	}
	d.Difficulty, err = digits(difficulty)
	return d, err
}
