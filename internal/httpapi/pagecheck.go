package httpapi

import (
	"bytes"
	"errors"
	"html/template"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/pledge"
)

// checkPage is what anybody who holds a certificate may learn of it.
type checkPage struct {
	Style template.CSS
	// Found is false where no signature has the serial; everything else is empty then.
	Found                                                  bool
	State, Verdict                                         string
	Serial, Campaign, Pledge, Name, Unit, SignedAt, Digest string
	// Proof is nil where the signature is not in the log, or nothing leads there any more;
	// Sealed says in words which.
	Proof  *pageProof
	Sealed string
}

// pageProof is what the page tells of the log.
type pageProof struct {
	Number      string
	Index, Size int64
	SignedAt    string
	Leaf, Root  string
	// Bundle is the whole proof as JSON, for whoever wants to check it.
	Bundle string
	// Whole is whether it holds, Counts whether the signature counts by it.
	Whole, Counts bool
}

// words says how a signature stands in the log.
func (p *pageProof) words(state pledge.State) string {
	switch {
	case p == nil && state == pledge.Pending:
		return "尚未存证：存证在签署后一两分钟生成，请稍后再看"
	case p == nil:
		return "没有可出示的存证：刚刚签署的，一两分钟后生成；签署人的个人信息已删除的，不再提供"
	case !p.Whole:
		return "存证有误：证明与日志不一致，请联系主办单位"
	case !p.Counts:
		return "已存证，其后已撤回或者作废：日志中另有一条记录，都已核对无误"
	}
	return "已存证：条目、路径和检查点的签名已核对无误，计入公布的总数"
}

// showCheck handles GET /check/{serial}, where the code on a certificate leads. A serial
// that nobody has is told as such, on a page too.
func (s *Server) showCheck(k *call) error {
	page := checkPage{Style: s.state.site.style, Verdict: "没有查到这个编号，请核对证书上的编号"}
	r, c, err := s.Pledges.BySerial(k.ctx, k.Params("serial"))
	switch {
	case err == nil:
		s.fillCheck(&page, r, c, k.lang())
		if page.Proof, err = s.proofOnPage(k, c, &r); err != nil {
			return err
		}
		page.Sealed = page.Proof.words(r.State)
	case unknownSerial(err):
		k.Status(fiber.StatusNotFound)
	default:
		return err
	}
	var b bytes.Buffer
	if err := s.state.site.check.Execute(&b, page); err != nil {
		return err
	}
	s.sendPage(k.Ctx, b.Bytes())
	return nil
}

// unknownSerial tells whether a serial led nowhere: to no signature, or to a campaign
// that has gone.
func unknownSerial(err error) bool {
	return errors.Is(err, pledge.ErrNotSigned) || fault.From(err).Kind == fault.NotFound
}

func (s *Server) fillCheck(page *checkPage, r pledge.Receipt, c *campaign.Campaign, lang string) {
	page.Found, page.State, page.Verdict = true, string(r.State), verdict(r.State)
	page.Serial, page.Name, page.Digest = r.Serial, r.MaskedName, r.TextSHA256
	page.Campaign, page.Unit = c.Title.In(lang), placeName(c, r.Unit, lang)
	page.SignedAt = r.SignedAt.In(c.Zone).Format("2006年1月2日 15:04")
	if o, err := s.Catalog.Pledge(c.ID); err == nil {
		for _, v := range o.Versions {
			if v.Version == r.Version {
				page.Pledge = v.Title.In(lang)
			}
		}
	}
}

func (s *Server) proofOnPage(k *call, c *campaign.Campaign, r *pledge.Receipt) (*pageProof, error) {
	b := s.publicProof(k, c, r)
	if b == nil {
		return nil, nil //nolint:nilnil // Not sealed is no fault.
	}
	var whole bytes.Buffer
	if err := b.Write(&whole); err != nil {
		return nil, err
	}
	leaf := b.Entries[0]
	out := &pageProof{
		Number: certificateNumber(leaf.Index), Index: leaf.Index, Size: b.Size, Leaf: leaf.Leaf.String(), Root: b.Root.String(), Bundle: whole.String(),
	}
	point, faults := b.Verify(b.Keys)
	out.Whole, out.Counts = len(faults) == 0, b.Counts()
	out.SignedAt = point.At.In(c.Zone).Format("2006年1月2日 15:04:05")
	return out, nil
}

// verdict says in words what became of a signature.
func verdict(s pledge.State) string {
	switch s {
	case pledge.Valid:
		return "有效：这份承诺书已签署"
	case pledge.Pending:
		return "已签署，正在计入统计"
	case pledge.Withdrawn:
		return "已撤回：签署人撤回了这份承诺书"
	case pledge.Invalidated:
		return "已作废：这份签署不计入统计"
	}
	return ""
}
