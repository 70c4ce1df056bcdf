package bankfile

import (
	"context"
	"fmt"
)

// Read takes a file apart and says what became of everything in it. A file that
// cannot be read at all is a *FileError; ctx ends the work early.
func Read(ctx context.Context, f File, o Options) (Report, error) {
	if err := ctx.Err(); err != nil {
		return Report{}, fmt.Errorf("read %s: %w", f.Name, err)
	}
	f, notes, err := opened(f)
	if err != nil {
		return Report{}, err
	}
	read := readers()[f.Format]
	if read == nil {
		return Report{}, refuseFile(f, "format_unknown", "不支持格式 "+string(f.Format))
	}
	found, err := read(ctx, f, o)
	if err != nil {
		return Report{}, err
	}
	if found.Found() > MaxQuestions {
		return Report{}, refuseFile(f, "too_many", fmt.Sprintf("文件里有 %d 道题，超过上限 %d 道，请分成几个文件", found.Found(), MaxQuestions))
	}
	found.Format = f.Format
	found.Notes = append(notes, found.Notes...)
	if err := ctx.Err(); err != nil {
		return Report{}, fmt.Errorf("read %s: %w", f.Name, err)
	}
	return compared(checked(found), o), nil
}

// opened finds out what a file is and turns text into UTF-8.
func opened(f File) (File, []string, error) {
	if len(f.Raw) > MaxBytes {
		return f, nil, refuseFile(f, "too_large", fmt.Sprintf("文件超过 %d MB", MaxBytes>>20))
	}
	if err := foreign(f); err != nil {
		return f, nil, err
	}
	if packed(f.Raw) {
		return openedPackage(f)
	}
	if f.Format == XLSX || f.Format == DOCX {
		return f, nil, refuseFile(f, "format_mismatch", "文件内容不是 "+string(f.Format)+" 格式，可能扩展名被改过")
	}
	text, notes, told, err := declaredXML(f)
	if !told {
		text, notes, err = decoded(f, westernAllowed(f))
	}
	if err != nil {
		return f, nil, err
	}
	f.Raw = []byte(text)
	if f.Format == Auto {
		f.Format, err = textFormat(f, text)
	}
	return f, notes, err
}

// refuseFile refuses a file as a whole.
func refuseFile(f File, code, reason string) *FileError {
	return &FileError{Name: f.Name, Code: code, Reason: reason}
}
