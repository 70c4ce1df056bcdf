package sheet

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"qingyuan/internal/fault"
)

// maxParts bounds the parts of an XLSX file: tables, styles, pictures.
const maxParts = 2000

// vet reads all of an XLSX file as bytes, before anything is made of it: how much
// it really unpacks to, whatever its head claims, whether a cell holds a formula,
// and whether a part declares entities, which could grow without bound.
func vet(raw []byte, l Limits) error {
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return refuse("不是完好的 .xlsx 文件", err)
	}
	if len(z.File) > maxParts {
		return refuse("文件的部件过多", fmt.Errorf("%d parts", len(z.File)))
	}
	left := l.Unpacked
	for _, part := range z.File {
		if err := vetPart(part, &left); err != nil {
			return err
		}
	}
	return nil
}

func vetPart(part *zip.File, left *int64) error {
	r, err := part.Open()
	if err != nil {
		return refuse("不是完好的 .xlsx 文件", err)
	}
	defer r.Close()
	limited := &meter{r: r, left: left}
	switch strings.ToLower(path.Ext(part.Name)) {
	case ".xml", ".rels":
		err = scan(limited, strings.Contains(strings.ToLower(part.Name), "worksheets/"))
	default:
		_, err = io.Copy(io.Discard, limited)
	}
	switch {
	case errors.Is(err, errTooMuch):
		return ErrFileTooLarge.Because(err).WithFields(fault.Field{Name: "file", Reason: "解压后过大"})
	case err == nil:
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	return refuse("不是完好的 .xlsx 文件", err)
}

var errTooMuch = errors.New("unpacks to more than is allowed")

// meter counts what a part unpacks to against what all parts may.
type meter struct {
	r    io.Reader
	left *int64
}

// Read implements io.Reader.
func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if *m.left -= int64(n); *m.left < 0 {
		return 0, errTooMuch
	}
	return n, err
}

// window is how much of a part is looked at together, overlap how much of it is
// looked at again with what follows: longer than a cell's head and its first tag.
const (
	window  = 64 << 10
	overlap = 1 << 10
)

var (
	formulaTag = regexp.MustCompile(`<(?:[A-Za-z0-9]+:)?f[\s/>]`)
	cellHead   = regexp.MustCompile(`<(?:[A-Za-z0-9]+:)?c\s[^>]*?\br="([A-Z]{1,3}[0-9]{1,7})"`)
	docType    = []byte("<!DOCTYPE")
	entity     = []byte("<!ENTITY")
)

// scan looks through one part. Text in it cannot hold a bare "<", so a tag is one.
func scan(r io.Reader, cells bool) error {
	buffer := make([]byte, 0, window+overlap)
	for {
		n, err := io.ReadFull(r, buffer[len(buffer):window])
		buffer = buffer[:len(buffer)+n]
		if f := look(buffer, cells); f != nil {
			return f
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
		kept := copy(buffer, buffer[len(buffer)-overlap:])
		buffer = buffer[:kept]
	}
}

func look(b []byte, cells bool) error {
	if bytes.Contains(b, docType) || bytes.Contains(b, entity) {
		return refuse("文件含有 XML 实体定义，不予读取", nil)
	}
	if !cells {
		return nil
	}
	at := formulaTag.FindIndex(b)
	if at == nil {
		return nil
	}
	where := "file"
	if heads := cellHead.FindAllSubmatch(b[:at[0]], -1); len(heads) > 0 {
		where = "cells." + string(heads[len(heads)-1][1])
	}
	return ErrFile.Because(errors.New("a cell holds a formula")).
		WithFields(fault.Field{Name: where, Reason: "单元格含有公式，请先“选择性粘贴”为数值"})
}
