package catalog

// Chinese says what may not change to the person at the screen.
func (e *ChangeError) Chinese() string { return e.Reason }
