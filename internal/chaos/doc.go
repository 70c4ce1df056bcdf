// Package chaos kills, starves and deceives the real program while people use
// it, and then asks whether anything acknowledged is missing or counted twice.
//
// It is a black box: it builds the binary, runs it, and talks HTTP to it as the
// mini-program would. A crowd of clients keeps books, in files of its own that
// are synced before each request, of what it meant to do and what it was told;
// the judge reads those files and compares them with everything the program
// says afterwards. Nothing is judged from memory.
//
// Everything but this comment is behind the build tag chaos. `make chaos` is the
// short run, `make chaos-long` the one whose figures stand in
// docs/RELIABILITY.md. The flags begin with -chaos; docs/RELIABILITY.md tells
// what each part proves.
package chaos
