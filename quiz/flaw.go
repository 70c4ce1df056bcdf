package quiz

import "fmt"

// FlawError is what is wrong with rules or with a question. Field is where, "" for the whole;
// Form and Args say what, so that it can be said in other words as well.
type FlawError struct {
	Field, Form string
	Args        []any
}

// Error implements error: "time_limit: …".
func (f *FlawError) Error() string {
	if f.Field == "" {
		return f.Reason()
	}
	return f.Field + ": " + f.Reason()
}

// Reason says what is wrong without the field.
func (f *FlawError) Reason() string { return fmt.Sprintf(f.Form, f.Args...) }

// flaws are gathered, so that all are told at once.
type flaws []error

func (f *flaws) add(field, form string, args ...any) { *f = append(*f, &FlawError{field, form, args}) }
