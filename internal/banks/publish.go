package banks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"qingyuan/configs"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
	"qingyuan/quiz"
	"qingyuan/quiz/bankbook"
	"qingyuan/quiz/bankfile"
)

// Publication is a bank as it was on the day it was published. It never changes.
type Publication struct {
	Bank string
	// Version counts the publications of the bank from 1; Ref is how a campaign names
	// one: "bank:law/3".
	Version   int64
	Ref       string
	Digest    string
	Questions int
	Login     string
	At        time.Time
}

// Scheme begins a reference to a publication.
const Scheme = "bank:"

const publicationColumns = `bank, version, digest, questions, login, at`

func scanPublication(row scanner) (Publication, error) {
	var p Publication
	var at int64
	err := row.Scan(&p.Bank, &p.Version, &p.Digest, &p.Questions, &p.Login, &at)
	p.At, p.Ref = time.UnixMilli(at).UTC(), Scheme+p.Bank+"/"+strconv.FormatInt(p.Version, 10)
	return p, err
}

// Publish makes a version that campaigns may draw from, of all that is signed and does
// not end before today. What is like the version before makes none.
func (s *Service) Publish(ctx context.Context, by operator.Actor, bank, reason string) (p Publication, err error) {
	defer mend(&err)
	err = s.change(ctx, by, operator.ReviewBanks, bank, func(tx *sql.Tx, b Bank) error {
		all, err := inForce(ctx, tx, b.ID)
		if err != nil {
			return err
		}
		made, err := bankbook.Compose(b.ID, all, s.today())
		if err != nil {
			return err
		}
		last, err := scanPublication(tx.QueryRowContext(ctx, `SELECT `+publicationColumns+` FROM question_publications
			WHERE bank = $1 ORDER BY version DESC LIMIT 1`, b.ID))
		switch {
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return err
		case last.Digest == made.Digest:
			p = last
			return nil
		}
		p = Publication{
			Bank: b.ID, Version: last.Version + 1, Digest: made.Digest, Questions: len(made.Questions), Login: person(by).Login, At: s.now(),
			Ref: Scheme + b.ID + "/" + strconv.FormatInt(last.Version+1, 10),
		}
		if err := publish(ctx, tx, by, p, made); err != nil {
			return err
		}
		return s.remember(ctx, tx, by, b, deed{actPublish, reason, map[string]any{"version": p.Version, "digest": p.Digest, "questions": p.Questions}})
	})
	if err != nil {
		return Publication{}, fmt.Errorf("publish bank %s: %w", bank, err)
	}
	return p, nil
}

func publish(ctx context.Context, tx *sql.Tx, by operator.Actor, p Publication, made *quiz.Bank) error {
	packed, err := made.Pack()
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO question_publications (bank, version, digest, questions, packed, actor, login, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, p.Bank, p.Version, p.Digest, p.Questions, packed, by.ID, p.Login, p.At.UnixMilli())
	return err
}

func inForce(ctx context.Context, q sqldb.Reader, bank string) ([]bankbook.History, error) {
	return histories(ctx, q, `v.bank = $1 AND v.version = (SELECT in_force FROM questions x WHERE x.bank = v.bank AND x.id = v.question)`, bank)
}

// Publications lists the publications of a bank, newest first.
func (s *Service) Publications(ctx context.Context, by operator.Actor, bank string) (out []Publication, err error) {
	defer mend(&err)
	b, err := s.bank(ctx, s.DB, by, operator.ReadBanks, bank)
	if err != nil {
		return nil, err
	}
	rows, err := s.DB.QueryContext(ctx, `SELECT `+publicationColumns+` FROM question_publications WHERE bank = $1 ORDER BY version DESC`, b.ID)
	out, err = sqldb.Collect(rows, err, func(r *sql.Rows) (Publication, error) { return scanPublication(r) })
	if err != nil {
		return nil, fmt.Errorf("list publications of bank %s: %w", bank, err)
	}
	return out, nil
}

// Bank returns the publication that a campaign refers to, such as "bank:law/3". It
// asks for no right: whoever may edit the campaign chooses its bank, and Gate asks
// for the signatures.
func (s *Service) Bank(ctx context.Context, ref string) (_ *quiz.Bank, err error) {
	defer mend(&err)
	id, number, ok := strings.Cut(strings.TrimPrefix(ref, Scheme), "/")
	version, bad := strconv.ParseInt(number, 10, 64)
	if !ok || bad != nil || !strings.HasPrefix(ref, Scheme) {
		return nil, ErrNotFound.WithFields(field("quiz.bank", "应写作 bank:题库编号/版本号"))
	}
	var digest string
	var packed []byte
	err = s.DB.QueryRowContext(ctx, `SELECT digest, packed FROM question_publications WHERE bank = $1 AND version = $2`, id, version).Scan(&digest, &packed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound.WithFields(field("quiz.bank", "没有这个版本的题库"))
	}
	if err != nil {
		return nil, fmt.Errorf("read bank %s: %w", ref, err)
	}
	return quiz.UnpackBank(digest, packed)
}

// maxListed is how many questions an error names.
const maxListed = 20

// Gate refuses a campaign whose bank has a question that no reviewer of its office
// has signed, or that was withdrawn since: wherever the bank's files came from. The
// demonstration is let through.
func (s *Service) Gate(ctx context.Context, d configs.Definition) (err error) {
	defer mend(&err)
	if d.Bank == nil || d.Campaign.AlwaysOpen {
		return nil
	}
	signed, err := s.signed(ctx, d)
	if err != nil {
		return err
	}
	ids, err := bankbook.Unsigned(d.Bank, signed)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return nil
	}
	out := bankbook.ErrUnreviewed.WithFields(field("quiz.bank", fmt.Sprintf("%d 道题未经本单位审核", len(ids))))
	for _, id := range ids[:min(len(ids), maxListed)] {
		out = out.WithFields(field("quiz.bank."+id, "未经审核，或审核后已撤下"))
	}
	return out
}

// Lacks names the pictures of a bank's questions that this deployment should have and has
// not: wherever the bank's files came from.
func (s *Service) Lacks(ctx context.Context, b *quiz.Bank) (out []fault.Field, err error) {
	defer mend(&err)
	for _, q := range b.Questions {
		gone, err := missing(ctx, s.DB, q)
		if err != nil {
			return nil, err
		}
		for _, f := range gone {
			out = append(out, field("quiz.bank."+q.ID+"."+f.Name, f.Reason))
		}
	}
	return out, nil
}

// signed collects the digests of what is signed for a campaign.
func (s *Service) signed(ctx context.Context, d configs.Definition) (map[string]bool, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT v.digest, b.campaign, b.scope FROM questions q
		JOIN question_versions v ON v.bank = q.bank AND v.question = q.id AND v.version = q.in_force
		JOIN question_banks b ON b.id = q.bank
		WHERE b.campaign = '' OR b.campaign = $1`, d.Campaign.ID)
	out, counts := map[string]bool{}, map[operator.Place]bool{}
	err = sqldb.Each(rows, err, func(r *sql.Rows) error {
		var digest string
		var p operator.Place
		if err := r.Scan(&digest, &p.Campaign, &p.Scope); err != nil {
			return err
		}
		if _, known := counts[p]; !known {
			counts[p] = holds(p, d.Campaign)
		}
		if counts[p] {
			out[digest] = true
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for signatures: %w", err)
	}
	return out, nil
}

// Export writes the questions of a bank to a file: those in force, or with all the
// newest versions whatever their state. Files hold the keys, so the audit log says who
// took one.
func (s *Service) Export(ctx context.Context, by operator.Actor, bank string, f bankfile.Format, all bool, w io.Writer) (err error) {
	defer mend(&err)
	var qs []bankfile.Question
	var name string
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		b, err := s.bank(ctx, tx, by, operator.ReadBanks, bank)
		if err != nil {
			return err
		}
		chosen := "in_force"
		if all {
			chosen = "latest"
		}
		list, err := histories(ctx, tx, `v.bank = $1 AND v.version = (SELECT `+chosen+` FROM questions x WHERE x.bank = v.bank AND x.id = v.question)`, b.ID)
		if err != nil {
			return err
		}
		for _, h := range list {
			qs = append(qs, bankfile.FromBank(h.Latest().Question))
		}
		name = b.Name
		return s.remember(ctx, tx, by, b, deed{actExport, "", map[string]any{"format": f, "questions": len(qs), "all": all}})
	})
	if err != nil {
		return fmt.Errorf("export bank %s: %w", bank, err)
	}
	if err := bankfile.Write(w, f, name, qs); err != nil {
		if errors.Is(err, bankfile.ErrNotWritable) {
			return fault.InvalidField("format", "有题目不能写成这种格式的文件").Because(err)
		}
		return fmt.Errorf("export bank %s: %w", bank, err)
	}
	return nil
}
