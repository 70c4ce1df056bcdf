package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/banks"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/quiz"
	"qingyuan/quiz/bankbook"
	"qingyuan/quiz/bankfile"
)

// Banks keeps the question banks of offices. *banks.Service is one.
type Banks interface {
	Create(ctx context.Context, by operator.Actor, b banks.Bank, reason string) (banks.Bank, error)
	Banks(ctx context.Context, by operator.Actor) ([]banks.Summary, error)
	Summary(ctx context.Context, by operator.Actor, id string) (banks.Summary, error)
	Order(ctx context.Context, by operator.Actor, bank string, o banks.Order) (job string, err error)
	Questions(ctx context.Context, by operator.Actor, bank string, f banks.Filter) ([]banks.Entry, string, error)
	Question(ctx context.Context, by operator.Actor, bank, id string) (bankbook.History, error)
	Expiring(ctx context.Context, by operator.Actor, bank string) ([]bankbook.Version, error)
	Add(ctx context.Context, by operator.Actor, bank string, q quiz.Question, reason string) (bankbook.Version, error)
	Edit(ctx context.Context, by operator.Actor, bank string, q quiz.Question, from int64, reason string) (bankbook.Version, error)
	Submit(ctx context.Context, by operator.Actor, bank string, picks []banks.Pick) ([]bankbook.Version, error)
	SignOff(ctx context.Context, by operator.Actor, bank string, picks []banks.Pick, reason string) ([]bankbook.Version, error)
	SendBack(ctx context.Context, by operator.Actor, bank string, picks []banks.Pick, reason string) ([]bankbook.Version, error)
	Withdraw(ctx context.Context, by operator.Actor, bank string, picks []banks.Pick, reason string) ([]bankbook.Version, error)
	Publish(ctx context.Context, by operator.Actor, bank, reason string) (banks.Publication, error)
	Publications(ctx context.Context, by operator.Actor, bank string) ([]banks.Publication, error)
	Export(ctx context.Context, by operator.Actor, bank string, f bankfile.Format, all bool, w io.Writer) error
}

// bankRoutes are how an office keeps its questions: one person edits, another signs.
func (s *Server) bankRoutes() []route {
	const all = officePath + "/banks"
	const one, questions = all + "/:bank", all + "/:bank/questions"
	read := func(r route) route { return admin(r, operator.ReadBanks) }
	edit := func(r route) route { return admin(r, operator.EditBanks) }
	review := func(r route) route { return admin(r, operator.ReviewBanks) }
	return []route{
		read(get(all, staff, s.listBanks)),
		edit(post(all, staff, s.createBank)),
		upload(edit(post(officePath+"/pictures", staff, s.addPicture))),
		read(get(one, staff, s.showBank)),
		upload(edit(post(one+"/imports", staff, s.importBank))),
		read(get(questions, staff, s.listQuestions)),
		edit(post(questions, staff, s.addQuestion)),
		read(get(questions+"/:question", staff, s.showQuestion)),
		edit(put(questions+"/:question", staff, s.editQuestion)),
		edit(post(one+"/submissions", staff, s.submitQuestions)),
		review(post(one+"/reviews", staff, s.reviewQuestions)),
		read(get(one+"/expiring", staff, s.listExpiring)),
		read(get(one+"/publications", staff, s.listPublications)),
		review(post(one+"/publications", staff, s.publishBank)),
		slow(read(get(one+"/export", staff, s.exportBank))),
	}
}

type bankT struct {
	ID        string                 `json:"id"`
	Name      string                 `json:"name"`
	Campaign  string                 `json:"campaign"`
	Scope     string                 `json:"scope"`
	CreatedAt string                 `json:"created_at"`
	Questions int                    `json:"questions"`
	InForce   int                    `json:"in_force"`
	ByState   map[bankbook.State]int `json:"by_state"`
	Published int64                  `json:"published"`
}

func bankOf(b banks.Summary) bankT {
	out := bankT{
		ID: b.ID, Name: b.Name, Campaign: b.Office.Campaign, Scope: b.Office.Scope, CreatedAt: stamp(b.CreatedAt, nil),
		Questions: b.Questions, InForce: b.InForce, ByState: make(map[bankbook.State]int), Published: b.Published,
	}
	for _, st := range bankbook.States() {
		out.ByState[st] = b.ByState[st]
	}
	return out
}

// listBanks handles GET /api/v1/admin/banks.
func (s *Server) listBanks(k *call) error {
	all, err := s.Banks.Banks(k.ctx, k.actor)
	if err != nil {
		return err
	}
	return sendStretch(k, all, bankOf)
}

// createBank handles POST /api/v1/admin/banks.
func (s *Server) createBank(k *call) error {
	var in struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Campaign string `json:"campaign"`
		Scope    string `json:"scope"`
		Reason   string `json:"reason"`
	}
	if err := k.decodeWhy(&in, &in.Reason, false); err != nil {
		return err
	}
	b, err := s.Banks.Create(k.ctx, k.actor, banks.Bank{
		ID: in.ID, Name: in.Name, Office: operator.Place{Campaign: in.Campaign, Scope: in.Scope},
	}, in.Reason)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusCreated, bankOf(banks.Summary{Bank: b}))
}

// showBank handles GET /api/v1/admin/banks/{bank}.
func (s *Server) showBank(k *call) error {
	b, err := s.Banks.Summary(k.ctx, k.actor, k.Params("bank"))
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, bankOf(b))
}

// bankFormats are those that are written; those that are read are more.
func bankFormats() []bankfile.Format {
	return []bankfile.Format{bankfile.XLSX, bankfile.CSV, bankfile.GIFT, bankfile.Moodle, bankfile.YAML}
}

// contentTypes and endings of the formats that are written.
func bankFileType(f bankfile.Format) (contentType, ending string) {
	switch f {
	case bankfile.XLSX:
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"
	case bankfile.CSV:
		return "text/csv; charset=utf-8", ".csv"
	case bankfile.Moodle:
		return "application/xml; charset=utf-8", ".xml"
	case bankfile.YAML:
		return "application/yaml; charset=utf-8", ".yaml"
	case bankfile.GIFT, bankfile.Auto, bankfile.Text, bankfile.DOCX, bankfile.Aiken:
	}
	return "text/plain; charset=utf-8", ".gift"
}

// exportBank handles GET /api/v1/admin/banks/{bank}/export. The file is made before the
// first byte is sent, so that what cannot be written is told as such.
func (s *Server) exportBank(k *call) error {
	f := bankfile.Format(k.Query("format", string(bankfile.XLSX)))
	if !slices.Contains(bankFormats(), f) {
		return fault.InvalidField("format", "格式为 xlsx、csv、gift、moodle 或 yaml")
	}
	all, err := k.flag("all")
	if err != nil {
		return err
	}
	id := k.Params("bank")
	var made bytes.Buffer
	if err := s.Banks.Export(k.ctx, k.actor, id, f, all, &made); err != nil {
		return err
	}
	contentType, ending := bankFileType(f)
	return s.stream(k, contentType, strings.Clone(id)+ending, func(_ context.Context, w *bufio.Writer) error {
		if _, err := made.WriteTo(w); err != nil {
			return err
		}
		return w.Flush()
	})
}

// flag reads true or false from the query.
func (k *call) flag(name string) (bool, error) {
	switch k.Query(name) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, fault.InvalidField(name, "应为 true 或 false")
}

type publicationT struct {
	Version     int64  `json:"version"`
	Ref         string `json:"ref"`
	Digest      string `json:"digest"`
	Questions   int    `json:"questions"`
	Login       string `json:"login"`
	PublishedAt string `json:"published_at"`
}

func publicationOf(p banks.Publication) publicationT {
	return publicationT{p.Version, p.Ref, p.Digest, p.Questions, p.Login, stamp(p.At, nil)}
}

// listPublications handles GET /api/v1/admin/banks/{bank}/publications.
func (s *Server) listPublications(k *call) error {
	all, err := s.Banks.Publications(k.ctx, k.actor, k.Params("bank"))
	if err != nil {
		return err
	}
	return sendStretch(k, all, publicationOf)
}

// publishBank handles POST /api/v1/admin/banks/{bank}/publications.
func (s *Server) publishBank(k *call) error {
	var in struct {
		Reason string `json:"reason"`
	}
	if err := k.decodeOptional(&in); err != nil {
		return err
	}
	if err := checkReason(in.Reason, false); err != nil {
		return err
	}
	p, err := s.Banks.Publish(k.ctx, k.actor, k.Params("bank"), in.Reason)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, publicationOf(p))
}
