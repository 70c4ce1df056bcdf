package bankfile

import (
	"archive/zip"
	"bytes"
	"path"
	"regexp"
	"strings"
)

// foreign refuses what is no file of questions in a form that can be read, with
// what to do about it.
func foreign(f File) error {
	switch raw := f.Raw; {
	case len(bytes.TrimSpace(raw)) == 0:
		return refuseFile(f, "empty", "文件是空的")
	case bytes.HasPrefix(raw, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
		return refuseFile(f, "legacy_office", "这是旧版 Office（.doc、.xls、.wps）或加密的文件，请用 Word、Excel 或 WPS 打开后“另存为”不加密的 .docx 或 .xlsx")
	case bytes.HasPrefix(raw, []byte("%PDF-")):
		return refuseFile(f, "pdf", "这是 PDF，不能可靠地取出题目，请提供 Word、Excel 或文本文件")
	case bytes.HasPrefix(raw, []byte("{\\rtf")):
		return refuseFile(f, "rtf", "这是 RTF 文件，请用 Word 打开后“另存为” .docx")
	case bytes.HasPrefix(raw, []byte("Rar!")), bytes.HasPrefix(raw, []byte("7z\xbc\xaf")), bytes.HasPrefix(raw, []byte("\x1f\x8b")):
		return refuseFile(f, "archive", "这是压缩包，请解压后逐个导入")
	}
	return nil
}

// packed tells whether the file is a zip archive, as those of Office are.
func packed(raw []byte) bool { return bytes.HasPrefix(raw, []byte("PK\x03\x04")) }

// openedPackage tells the documents of Office apart by what is in them.
func openedPackage(f File) (File, []string, error) {
	z, err := zip.NewReader(bytes.NewReader(f.Raw), int64(len(f.Raw)))
	if err != nil {
		return f, nil, &FileError{Name: f.Name, Code: "damaged", Reason: "文件已损坏，打不开", Err: err}
	}
	is := Auto
	for _, e := range z.File {
		switch {
		case strings.HasPrefix(e.Name, "word/document"):
			is = DOCX
		case strings.HasPrefix(e.Name, "xl/workbook"):
			is = XLSX
		}
	}
	switch {
	case is == Auto:
		return f, nil, refuseFile(f, "archive", "这是压缩包或不认识的文件，请提供 .xlsx、.docx 或文本文件")
	case f.Format != Auto && f.Format != is:
		return f, nil, refuseFile(f, "format_mismatch", "文件内容是 "+string(is)+" 格式，与指定的 "+string(f.Format)+" 不符")
	}
	f.Format = is
	return f, nil, nil
}

// byName are the formats that a name's ending tells, whatever the content.
var byName = map[string]Format{
	".csv": CSV, ".tsv": CSV, ".gift": GIFT, ".aiken": Aiken, ".yaml": YAML, ".yml": YAML,
}

// westernAllowed tells whether the file may be one of those that are written in
// the west: a Chinese text is never read as Windows-1252.
func westernAllowed(f File) bool {
	switch f.Format {
	case GIFT, Aiken:
		return true
	case Auto:
		return looksGIFT(f.Name, string(f.Raw)) || looksAiken(f.Name, string(f.Raw))
	default:
		return false
	}
}

// textFormat tells what kind of text a file holds.
func textFormat(f File, text string) (Format, error) {
	if is, told := byName[strings.ToLower(path.Ext(f.Name))]; told {
		return is, nil
	}
	begin := strings.TrimSpace(text[:min(len(text), 4096)])
	switch {
	case strings.HasPrefix(begin, "<"):
		return xmlFormat(f, begin)
	case strings.HasPrefix(begin, "questions:"), strings.Contains(begin, "\nquestions:\n"):
		return YAML, nil
	case looksGIFT(f.Name, text):
		return GIFT, nil
	case looksAiken(f.Name, text):
		return Aiken, nil
	case looksTable(text):
		return CSV, nil
	case strings.HasPrefix(begin, "{"), strings.HasPrefix(begin, "[{"):
		return Auto, refuseFile(f, "format_unknown", "不支持 JSON 文件，请提供表格或文本文件")
	}
	return Text, nil
}

func xmlFormat(f File, begin string) (Format, error) {
	low := strings.ToLower(begin)
	switch {
	case strings.Contains(low, "<quiz"):
		return Moodle, nil
	case strings.Contains(low, "assessmentitem"), strings.Contains(low, "questestinterop"), strings.Contains(low, "imsqti"), strings.Contains(low, "<manifest"):
		return Auto, refuseFile(f, "format_unknown", "暂不支持 QTI 文件，请改用 Moodle XML、GIFT 或表格")
	case strings.Contains(low, "<html"), strings.Contains(low, "<!doctype html"):
		return Auto, refuseFile(f, "format_unknown", "这是网页文件，请把题目复制到文本或 Word 文件里")
	case strings.HasPrefix(low, "<?xml"), strings.Contains(low, "<!doctype"):
		return Moodle, nil // whose reader says what is wrong
	}
	return Text, nil
}

var (
	giftTitle = regexp.MustCompile(`(?m)^::[^:\n]*::`)
	giftBlock = regexp.MustCompile(`(?s)\{\s*(?:[=~#]|T\s*[#}]|F\s*[#}]|TRUE\s*[#}]|FALSE\s*[#}]|\})`)
	aikenKey  = regexp.MustCompile(`(?m)^ANSWER: ?\w`)
)

// looksGIFT tells GIFT by its name or by answers in braces.
func looksGIFT(name, text string) bool {
	if strings.Contains(strings.ToLower(path.Base(name)), "gift") {
		return true
	}
	head := text[:min(len(text), 1<<16)]
	blocks := giftBlock.FindAllStringIndex(head, 2)
	return len(blocks) > 0 && (giftTitle.MatchString(head) || len(blocks) > 1)
}

// looksAiken tells Aiken by its name or by lines with the keys that it has.
func looksAiken(name, text string) bool {
	return strings.Contains(strings.ToLower(path.Base(name)), "aiken") || aikenKey.MatchString(text[:min(len(text), 1<<16)])
}
