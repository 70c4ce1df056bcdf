package httpapi

import (
	"bufio"
	"context"
	"encoding/hex"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/audit"
	"qingyuan/internal/catalog"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/sheet"
)

// Journal is the log of what operators did. *audit.Log is one.
type Journal interface {
	// Append remembers one act by itself.
	Append(ctx context.Context, r audit.Record) error
	// Read remembers that personal data was read, before it is handed out.
	Read(ctx context.Context, r audit.Record, rows int, groups ...string) error
	// Back goes through the entries, the newest first.
	Back(ctx context.Context, f audit.Filter, before int64, yield func(audit.Entry) (bool, error)) error
	// Verify follows the chain from its beginning to its end, which must pass through the heads.
	Verify(ctx context.Context, heads ...audit.Head) (audit.Report, error)
}

// auditRoutes are what the auditors read.
func (s *Server) auditRoutes() []route {
	return []route{
		admin(get(officePath+"/audit", staff, s.listAudit), operator.ReadAudit),
		slow(admin(get(officePath+"/audit/export", staff, s.exportAudit), operator.ReadAudit)),
		slow(admin(get(officePath+"/audit/chain", staff, s.followAudit), operator.ReadAudit)),
	}
}

type entryT struct {
	Seq      int64          `json:"seq"`
	At       string         `json:"at"`
	Actor    string         `json:"actor"`
	Login    string         `json:"login"`
	Addr     string         `json:"addr"`
	Action   string         `json:"action"`
	Campaign string         `json:"campaign"`
	Object   string         `json:"object"`
	Before   jsontext.Value `json:"before"`
	After    jsontext.Value `json:"after"`
	Reason   string         `json:"reason"`
	Hash     string         `json:"hash"`
}

func entryOf(e audit.Entry) entryT {
	return entryT{
		Seq: e.Seq, At: stamp(e.At, catalog.Zone()), Actor: e.Actor, Login: e.Login, Addr: addrText(e), Action: e.Action, Campaign: e.Campaign,
		Object: e.Object, Before: orNull(e.Before), After: orNull(e.After), Reason: e.Reason, Hash: hex.EncodeToString(e.Hash[:]),
	}
}

// addrText is where an act came from; "" is the machine itself.
func addrText(e audit.Entry) string {
	if !e.Addr.IsValid() {
		return ""
	}
	return e.Addr.String()
}

// listAudit handles GET /api/v1/admin/audit. The cursor is the last number.
func (s *Server) listAudit(k *call) error {
	f, err := k.auditFilter()
	if err != nil {
		return err
	}
	limit, err := k.limit()
	if err != nil {
		return err
	}
	before, err := k.whole("cursor", 0, 0, 1<<53)
	if err != nil {
		return err
	}
	sees := s.auditSight(k.actor)
	out := list[entryT]{Items: []entryT{}}
	err = s.Journal.Back(k.ctx, f, before, func(e audit.Entry) (bool, error) {
		if !sees(e) {
			return true, nil
		}
		if len(out.Items) == int(limit) {
			out.NextCursor = cursor(out.Items[limit-1].Seq)
			return false, nil
		}
		out.Items = append(out.Items, entryOf(e))
		return true, nil
	})
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, out)
}

// auditFilter reads what is asked for.
func (k *call) auditFilter() (audit.Filter, error) {
	var f audit.Filter
	var err error
	for name, into := range map[string]*string{"campaign": &f.Campaign, "actor": &f.Actor, "action": &f.Action} {
		if *into, err = k.text(name); err != nil {
			return f, err
		}
	}
	for name, into := range map[string]*time.Time{"from": &f.From, "until": &f.Until} {
		raw, err := k.text(name)
		if err != nil {
			return f, err
		}
		if raw == "" {
			continue
		}
		if *into, err = time.Parse(time.RFC3339, raw); err != nil {
			return f, fault.InvalidField(name, "应为 RFC 3339 时间")
		}
	}
	return f, nil
}

// auditSight tells which entries an auditor sees: of a campaign what lies within their
// part of it; what belongs to no campaign, or says nothing of where, only who sees all.
func (s *Server) auditSight(a operator.Actor) func(audit.Entry) bool {
	everything := a.May(operator.ReadAudit, "") && s.unbound(a)
	return func(e audit.Entry) bool {
		if everything {
			return true
		}
		if e.Campaign == "" || !a.May(operator.ReadAudit, e.Campaign) {
			return false
		}
		c, err := s.Catalog.Campaign(e.Campaign)
		if err != nil {
			return false
		}
		node, _ := strings.CutPrefix(e.Object, "unit:")
		node, _ = strings.CutPrefix(node, "region:")
		return a.Within(operator.ReadAudit, c, "") || a.Within(operator.ReadAudit, c, node)
	}
}

// unbound tells whether the right to read the log has no bounds at all.
func (*Server) unbound(a operator.Actor) bool {
	for _, g := range a.Grants {
		if g.Role.May(operator.ReadAudit) && g.Campaign == "" && g.Scope == "" {
			return true
		}
	}
	return false
}

// chainT is what following the chain of the log found.
type chainT struct {
	Entries int64  `json:"entries"`
	Head    string `json:"head"`
	// Broken is the first entry that is not what was written, null where the chain holds.
	Broken *breakT `json:"broken"`
	// Unknown tells that the entry of the head that was given has been taken away since.
	Unknown bool `json:"unknown"`
}

type breakT struct {
	Seq int64  `json:"seq"`
	Why string `json:"why"`
}

// followAudit handles GET /api/v1/admin/audit/chain?head=: whether the whole log is still
// what was written. It tells of the log as a whole, and of no entry what it says.
func (s *Server) followAudit(k *call) error {
	var heads []audit.Head
	if raw := k.Query("head"); raw != "" {
		head, err := audit.ParseHead(raw)
		if err != nil {
			return fault.InvalidField("head", "应为先前抄下的链尾，例如 1203:28e289f4…")
		}
		heads = append(heads, head)
	}
	r, err := s.Journal.Verify(k.ctx, heads...)
	if err != nil {
		return err
	}
	out := chainT{Entries: r.Entries, Head: r.Head.String(), Unknown: len(r.Unknown) > 0}
	if r.Broken != nil {
		out.Broken = &breakT{r.Broken.Seq, r.Broken.Why}
	}
	return k.send(fiber.StatusOK, out)
}

// exportAudit handles GET /api/v1/admin/audit/export: the same entries as a file. The
// export itself is in the log.
func (s *Server) exportAudit(k *call) error {
	f, err := k.auditFilter()
	if err != nil {
		return err
	}
	format := sheet.CSV
	if raw, err := k.text("format"); err != nil {
		return err
	} else if raw != "" {
		format = sheet.Format(raw)
	}
	if format != sheet.CSV && format != sheet.XLSX {
		return fault.InvalidField("format", "应为 xlsx 或 csv")
	}
	rec := s.record(k, operator.ReadAudit, f.Campaign, "audit")
	rec.Action = "audit.export"
	if err := s.Journal.Append(k.ctx, rec); err != nil {
		return err
	}
	sees, journal := s.auditSight(k.actor), s.Journal
	return s.stream(k, format.ContentType(), "audit."+string(format), func(ctx context.Context, w *bufio.Writer) error {
		return WriteAudit(ctx, w, format, journal, f, sees)
	})
}

// auditTime is how the table tells of a time: as offices read it, and to the millisecond,
// which the hashes follow.
const auditTime = "2006-01-02 15:04:05.000"

// WriteAudit writes the entries that the filter chooses and sees lets through as a table,
// the newest first.
func WriteAudit(ctx context.Context, w io.Writer, format sheet.Format, journal Journal, f audit.Filter, sees func(audit.Entry) bool) error {
	out, err := sheet.New(w, format)
	if err != nil {
		return err
	}
	zone := catalog.Zone()
	var head []sheet.Column
	for _, title := range []string{"序号", time.Time{}.In(zone).Format("时间（UTC-07:00）"), "操作者编号", "用户名", "来源地址", "操作", "活动", "对象", "操作前", "操作后", "原因", "校验值"} {
		head = append(head, sheet.Column{Title: title})
	}
	if err := out.Table("audit", head...); err != nil {
		return err
	}
	err = journal.Back(ctx, f, 0, func(e audit.Entry) (bool, error) {
		if !sees(e) {
			return true, nil
		}
		t := entryOf(e)
		return true, out.Row(strconv.FormatInt(t.Seq, 10), e.At.In(zone).Format(auditTime), t.Actor, t.Login, t.Addr, t.Action, t.Campaign, t.Object,
			string(e.Before), string(e.After), t.Reason, t.Hash)
	})
	if err != nil {
		return err
	}
	return out.Close()
}
