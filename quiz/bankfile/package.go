package bankfile

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// maxEntries bounds the files within a document of Office.
const maxEntries = 4096

// officePackage is the zip archive of a document of Office.
type officePackage struct {
	file  File
	parts map[string]*zip.File
}

// openPackage opens a document of Office, and refuses what no office program
// writes: paths that lead out, archives that unpack to more than they may, document
// types with entities, and references to what lies elsewhere.
func openPackage(f File) (*officePackage, error) {
	z, err := zip.NewReader(bytes.NewReader(f.Raw), int64(len(f.Raw)))
	if err != nil {
		return nil, &FileError{Name: f.Name, Code: "damaged", Reason: "文件已损坏，打不开", Err: err}
	}
	if len(z.File) > maxEntries {
		return nil, refuseFile(f, "zip_bomb", "文件内部的条目太多")
	}
	p := &officePackage{file: f, parts: map[string]*zip.File{}}
	for _, e := range z.File {
		if err := p.allowed(e.Name); err != nil {
			return nil, err
		}
		p.parts[e.Name] = e
	}
	return p, p.inspect(z.File)
}

// allowed refuses names that lead out of the archive, or occur twice.
func (p *officePackage) allowed(name string) error {
	clean := path.Clean("/" + strings.ReplaceAll(name, `\`, "/"))
	switch {
	case strings.HasPrefix(name, "/"), strings.Contains(name, ".."), strings.Contains(name, ":"), strings.Contains(name, `\`),
		strings.TrimSuffix(clean, "/") != "/"+strings.TrimSuffix(name, "/"):
		return refuseFile(p.file, "zip_path", "文件内部有指向外面的路径，不安全")
	case p.parts[name] != nil:
		return refuseFile(p.file, "zip_twice", "文件内部有两个同名的部分，可能被改动过")
	case strings.HasSuffix(strings.ToLower(name), "vbaproject.bin"):
		return refuseFile(p.file, "macro", "文件带有宏，请另存为不带宏的 .xlsx 或 .docx")
	case strings.HasPrefix(name, "xl/externalLinks/"):
		return refuseFile(p.file, "external", "工作簿引用了别的文件，请把数据粘贴为数值后再试")
	}
	return nil
}

// inspect unpacks every part once to measure it, and looks at what is said in XML.
func (p *officePackage) inspect(files []*zip.File) error {
	left := int64(MaxUnpacked)
	for _, e := range files {
		w := watcher{xml: strings.HasSuffix(e.Name, ".xml") || strings.HasSuffix(e.Name, ".rels"), rels: strings.HasSuffix(e.Name, ".rels"), sheet: strings.HasPrefix(e.Name, "xl/worksheets/")}
		n, err := p.measure(e, &w, left)
		if err != nil {
			return err
		}
		left -= n
		if err := p.verdict(&w); err != nil {
			return err
		}
	}
	return nil
}

func (p *officePackage) verdict(w *watcher) error {
	switch {
	case w.doctype:
		return refuseFile(p.file, "entities", "文件内部有文档类型或实体声明，不安全")
	case w.external:
		return refuseFile(p.file, "external", "文件引用了外部的内容，请去掉后再试")
	case w.formula:
		return refuseFile(p.file, "formula", "表格里有公式，导入的内容会随公式变化，请把公式粘贴为数值后再试")
	}
	return nil
}

// measure unpacks a part into the watcher, at most left bytes of it.
func (p *officePackage) measure(e *zip.File, w *watcher, left int64) (int64, error) {
	rc, err := e.Open()
	if err != nil {
		return 0, &FileError{Name: p.file.Name, Code: "damaged", Reason: "文件已损坏或加密，打不开", Err: err}
	}
	defer rc.Close()
	n, err := io.Copy(w, io.LimitReader(rc, left+1))
	if n > left || n > 1<<20 && n > 200*int64(e.CompressedSize64+1) { //nolint:gosec // A size of a real file.
		return n, refuseFile(p.file, "zip_bomb", fmt.Sprintf("文件解压后超过 %d MB 或压缩比异常", MaxUnpacked>>20))
	}
	if err != nil {
		return n, &FileError{Name: p.file.Name, Code: "damaged", Reason: "文件已损坏，打不开", Err: err}
	}
	return n, nil
}

// part returns what a part holds. It was measured before.
func (p *officePackage) part(name string) ([]byte, error) {
	e := p.parts[name]
	if e == nil {
		return nil, nil
	}
	rc, err := e.Open()
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	defer rc.Close()
	raw, err := io.ReadAll(io.LimitReader(rc, MaxUnpacked))
	return raw, errors.Join(err, rc.Close())
}

// watcher looks for a few words in what flows through it.
type watcher struct {
	xml, rels, sheet           bool
	doctype, external, formula bool
	tail                       []byte
}

// watchOverlap is how much is kept, to find words across two writes.
const watchOverlap = 256

// Write implements io.Writer.
func (w *watcher) Write(b []byte) (int, error) {
	if !w.xml {
		return len(b), nil
	}
	all := append(w.tail, b...) //nolint:gocritic // The tail is copied below.
	w.doctype = w.doctype || bytes.Contains(all, []byte("<!DOCTYPE")) || bytes.Contains(all, []byte("<!ENTITY"))
	w.formula = w.formula || w.sheet && (bytes.Contains(all, []byte("<f>")) || bytes.Contains(all, []byte("<f ")) || bytes.Contains(all, []byte("<f/>")) || bytes.Contains(all, []byte(":f>")))
	w.external = w.external || w.rels && externalRelation(all)
	w.tail = append([]byte(nil), all[max(0, len(all)-watchOverlap):]...)
	return len(b), nil
}

// externalRelation tells references to what lies elsewhere, other than the links
// that a reader may click.
func externalRelation(b []byte) bool {
	for {
		at := bytes.Index(b, []byte("<Relationship "))
		if at < 0 {
			return false
		}
		b = b[at+1:]
		end := bytes.IndexByte(b, '>')
		if end < 0 {
			return false
		}
		rel := b[:end]
		if bytes.Contains(rel, []byte(`"External"`)) && !harmless(rel) {
			return true
		}
	}
}

// harmless tells a link that a reader may click, and the template on the disk of
// whoever wrote the document, from what a program would fetch.
func harmless(rel []byte) bool {
	local := !bytes.Contains(rel, []byte(`Target="http`)) && !bytes.Contains(rel, []byte(`\\`)) && !bytes.Contains(rel, []byte("file:////"))
	return bytes.Contains(rel, []byte(`/hyperlink"`)) || local && bytes.Contains(rel, []byte(`/attachedTemplate"`))
}
