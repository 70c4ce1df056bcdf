package bankfile

// readers has the reader of every format. A format that is not here is refused.
func readers() map[Format]reader {
	return map[Format]reader{
		Auto: nil, // opened has found out

		Text: readText,
		CSV:  readCSV,
		XLSX: readXLSX,
		DOCX: readDOCX,

		GIFT: readGIFT, Moodle: readMoodle, Aiken: readAiken, YAML: readYAML,
	}
}
