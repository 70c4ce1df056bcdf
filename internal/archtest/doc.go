// Package archtest holds the import rules and the key-space rule of this module
// as tests. It has no code of its own.
//
// The rules are an allow list, so that a new package must first find its place
// in it. Sources are parsed, not listed by the go command: files behind a build
// tag count too.
package archtest
