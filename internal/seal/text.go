package seal

// Text seals what somebody has written, for a column of SQL: nothing is nil there, which is
// NULL. aad binds it to its row.
func (b *Box) Text(text string, aad []byte) []byte {
	if text == "" {
		return nil
	}
	return b.Seal([]byte(text), aad)
}

// OpenText opens what Text has sealed.
func (b *Box) OpenText(sealed, aad []byte) (string, error) {
	if sealed == nil {
		return "", nil
	}
	text, err := b.Open(sealed, aad)
	return string(text), err
}
