// Package redisstore keeps campaigns in Redis: every use case that writes is
// one Lua script, and this package is the only one that spells a key.
//
// An adapter here encodes, runs a script and maps the outcome; it decides
// nothing. The scripts open with #!lua, so that Redis refuses them before the
// first write when it is full, read-only or failing, and they make every check
// before the first write, because Lua has no rollback.
package redisstore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/fault"
)

//go:embed lua/*.lua
var luaFS embed.FS

// script loads lua/<name>.lua. A missing file is a build mistake, so it panics.
func script(name string) *redis.Script {
	src, err := luaFS.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(err)
	}
	return redis.NewScript(string(src))
}

// ScriptNames returns the names of all scripts by the SHA-1 under which Redis
// runs them, for metrics.
func ScriptNames() (map[string]string, error) {
	files, err := luaFS.ReadDir("lua")
	if err != nil {
		return nil, fmt.Errorf("list the scripts: %w", err)
	}
	names := make(map[string]string, len(files))
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".lua")
		names[script(name).Hash()] = name
	}
	return names, nil
}

// reply is what every script returns: an outcome word, then strings. Numbers
// are returned as strings too, because Lua's numbers lose digits.
type reply struct {
	outcome string
	args    []string
}

// run executes s. Every error that Redis or the network gives becomes
// fault.ErrUnavailable with its cause, because the outcome is then unknown and
// the caller may repeat the same call.
func run(ctx context.Context, db redis.Scripter, s *redis.Script, keys []string, args ...any) (reply, error) {
	var words []string
	var err error
	if w, ok := db.(Waiting); ok && w.Replicas == 0 {
		db = w.alone()
	}
	if j, ok := db.(*Joined); ok {
		words, err = j.words(ctx, s, keys, args)
	} else {
		words, err = wordsOf(s.Run(ctx, db, keys, args...))
	}
	if err != nil {
		return reply{}, outage(err)
	}
	if len(words) == 0 {
		return reply{}, errors.New("script returned nothing")
	}
	return reply{words[0], words[1:]}, nil
}

// outage wraps an error of Redis or of the network to it. A mistake in a script
// stays internal: repeating it would not help.
func outage(err error) error {
	if err == nil || errors.Is(err, redis.Nil) {
		return err
	}
	if _, ok := errors.AsType[net.Error](err); !ok && scriptMistake(err) {
		return err
	}
	return fault.ErrUnavailable.Because(err)
}

// scriptMistake tells an answer to a wrong script from an outage. One that an
// operator killed is none: it had written nothing, or it could not be killed.
func scriptMistake(err error) bool {
	text := err.Error()
	return strings.HasPrefix(text, "WRONGTYPE") ||
		strings.HasPrefix(text, "ERR") && !strings.HasPrefix(text, "ERR Script killed")
}
