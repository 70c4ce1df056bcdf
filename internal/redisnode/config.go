package redisnode

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// setting is one line of redis.conf.
type setting struct{ name, value string }

// settings is how a private Redis runs. What is not here is Redis' default.
func (n *Node) settings() []setting {
	return []setting{
		{"dir", n.dir},
		{"port", "0"},
		{"unixsocket", n.conn.Addr},
		{"unixsocketperm", "700"},
		{"daemonize", "no"},
		{"supervised", "no"},
		{"logfile", ""}, // standard output, which we read
		{"loglevel", "notice"},

		// Acknowledged means durable: write, sync, then answer, also while a
		// rewrite runs. A tail that was cut off in the middle of a command was
		// never acknowledged, so it is dropped.
		{"appendonly", "yes"},
		{"appendfsync", "always"},
		{"no-appendfsync-on-rewrite", "no"},
		{"aof-use-rdb-preamble", "yes"},
		{"aof-load-truncated", "yes"},
		{"save", ""},

		// Evicting would forget what was already counted.
		{"maxmemory", strconv.FormatInt(n.o.MaxMemory, 10)},
		{"maxmemory-policy", "noeviction"},

		// A participant's hash stays packed: a third of the memory.
		{"hash-max-listpack-value", "512"},
		{"hash-max-listpack-entries", "512"},
	}
}

func (n *Node) configPath() string { return filepath.Join(n.dir, "redis.conf") }

// writeConfig writes redis.conf anew at every start.
func (n *Node) writeConfig() error {
	var b strings.Builder
	b.WriteString("# Written by qingyuan at every start; changes are lost.\n")
	for _, s := range n.settings() {
		b.WriteString(s.name + " " + quote(s.value) + "\n")
	}
	if err := os.WriteFile(n.configPath(), []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("write the configuration of redis-server: %w", err)
	}
	return nil
}

// quote writes value as redis.conf reads it back, byte for byte: in double
// quotes, with \xHH for what would end the line or the quotes.
func quote(value string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(value) {
		switch c := value[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
