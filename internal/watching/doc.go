// Package watching measures what the live streams cost the server: memory and
// processor time for each watcher, and how late frames arrive. It is made of
// tests and a benchmark alone. The server is a process of its own, so that what
// the watchers take here is not taken for its own.
package watching
