package configs

// Chinese says what is wrong to the person at the screen.
func (f *FileError) Chinese() string { return f.Reason }
