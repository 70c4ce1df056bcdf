// Package web carries the pages that people look at, as the build of this folder
// left them in dist. They are built by make where Node is at hand, and never
// committed: without them the program builds and serves the API alone.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var files embed.FS

// Pages is what was built: index.html, screen.html, draws.html, console.html and
// assets, each with its compressed forms beside it; without index.html nothing was built.
func Pages() fs.FS {
	dist, err := fs.Sub(files, "dist")
	if err != nil {
		panic(err) // the name above is none of a folder
	}
	return dist
}
