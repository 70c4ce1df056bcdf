package bankfile

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	textunicode "golang.org/x/text/encoding/unicode"
)

// decoded returns the text of a file as UTF-8 with lines that end in \n, and notes
// of what was converted. Bytes that cannot be converted there and back, or that
// make no sense then, refuse the file: a text read in the wrong encoding still
// looks like one.
func decoded(f File, western bool) (string, []string, error) {
	text, notes, ok := inUnicode(f.Raw)
	if !ok {
		text, notes, ok = inChinese(f.Raw)
	}
	if !ok && western {
		text, notes, ok = inWestern(f.Raw)
	}
	if !ok {
		return "", nil, refuseFile(f, "encoding_unknown", "文件编码无法确认（不是 UTF-8、带 BOM 的 UTF-16 或 GB18030），请用记事本另存为 UTF-8 后再试")
	}
	if strings.ContainsRune(text, 0) {
		return "", nil, refuseFile(f, "binary", "文件内容不是文本")
	}
	if strings.Contains(text, "\r") {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	}
	return text, notes, nil
}

// inUnicode reads UTF-8 and, where a mark at the beginning says so, UTF-16.
func inUnicode(raw []byte) (string, []string, bool) {
	switch {
	case bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")):
		rest := raw[3:]
		return string(rest), []string{"去掉了文件开头的 UTF-8 BOM"}, utf8.Valid(rest)
	case bytes.HasPrefix(raw, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(raw, []byte("\x00\x00\xfe\xff")):
		return "", nil, false // UTF-32
	case bytes.HasPrefix(raw, []byte("\xff\xfe")):
		return there(raw[2:], textunicode.UTF16(textunicode.LittleEndian, textunicode.IgnoreBOM), "UTF-16LE")
	case bytes.HasPrefix(raw, []byte("\xfe\xff")):
		return there(raw[2:], textunicode.UTF16(textunicode.BigEndian, textunicode.IgnoreBOM), "UTF-16BE")
	}
	return string(raw), nil, utf8.Valid(raw)
}

// there converts to UTF-8 and back, and wants the bytes that it began with.
func there(raw []byte, e encoding.Encoding, name string) (string, []string, bool) {
	text, err := e.NewDecoder().Bytes(raw)
	if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
		return "", nil, false
	}
	back, err := e.NewEncoder().Bytes(text)
	if err != nil || !bytes.Equal(back, raw) {
		return "", nil, false
	}
	return string(text), []string{"文件编码由 " + name + " 转换为 UTF-8"}, true
}

// inChinese reads GB18030, of which GBK and GB2312 are parts.
func inChinese(raw []byte) (string, []string, bool) {
	text, notes, ok := there(raw, simplifiedchinese.GB18030, "GB18030")
	return text, notes, ok && mostlyCommon(raw)
}

// mostlyCommon tells Chinese in GB18030 from bytes that merely can be read so: nine
// in ten of its characters of two bytes are the punctuation and the 3755 common
// characters that GB2312 puts first. Big5 and Shift JIS fall far below.
func mostlyCommon(raw []byte) bool {
	common, all := 0, 0
	for i := 0; i+1 < len(raw); i++ {
		lead, trail := raw[i], raw[i+1]
		if lead < 0x81 {
			continue
		}
		i++
		all++
		if trail >= 0xA1 && (lead >= 0xB0 && lead <= 0xD7 || lead >= 0xA1 && lead <= 0xA3) {
			common++
		}
	}
	return all > 0 && common*10 >= all*9
}

// inWestern reads Windows-1252, in which western quizzes are kept: letters with
// accents and curly quotes among plain text.
func inWestern(raw []byte) (string, []string, bool) {
	text, notes, ok := there(raw, charmap.Windows1252, "Windows-1252")
	if !ok {
		return "", nil, false
	}
	high, letters := 0, 0
	for _, r := range text {
		switch {
		case r < utf8.RuneSelf:
		case unicode.IsLetter(r), strings.ContainsRune("‘’“”–—…•«»¿¡°€£§\u00a0", r):
			high++
			letters++
		default:
			high++
		}
	}
	return text, notes, letters*10 >= high*9 && high*3 <= len(raw)
}
