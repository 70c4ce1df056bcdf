package bankfile

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
)

var xmlDeclaration = regexp.MustCompile(`^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._:-]+)["']`)

// declarationLength is where an XML declaration has ended.
const declarationLength = 256

// declaredXML returns the text of an XML file that names its encoding: what it says
// counts, and is believed only where the bytes come back when the text is encoded
// again. For any other file told is false.
func declaredXML(f File) (text string, notes []string, told bool, err error) {
	raw, marked := bytes.CutPrefix(f.Raw, []byte("\ufeff"))
	m := xmlDeclaration.FindSubmatch(raw[:min(len(raw), declarationLength)])
	if m == nil {
		return "", nil, false, nil
	}
	name := strings.ToLower(string(m[1]))
	if marked {
		notes = append(notes, "去掉了文件开头的 UTF-8 BOM")
	}
	if name == "utf-8" || name == "utf8" {
		if !utf8.Valid(raw) {
			return "", nil, true, refuseFile(f, "encoding_unknown", "文件声明为 UTF-8，内容却不是")
		}
		return string(raw), notes, true, nil
	}
	enc, err := htmlindex.Get(name)
	if err != nil || marked || strings.HasPrefix(name, "utf-16") {
		return "", nil, true, refuseFile(f, "encoding_unknown", "XML 声明的编码 "+name+" 无法识别，或与内容不符")
	}
	text, more, ok := there(raw, enc, strings.ToUpper(name))
	if !ok {
		return "", nil, true, refuseFile(f, "encoding_lossy", "按 XML 声明的编码 "+name+" 转换会丢失文字")
	}
	return text, append(notes, more...), true, nil
}
