package redisnode

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
)

// socketLimit is the longest path of a Unix socket in bytes.
func socketLimit() int {
	if runtime.GOOS == "linux" {
		return 107
	}
	return 103
}

// socketPath returns where Redis listens: in its own folder, or, where that
// path is too long for a socket, in a folder of our user's below the system's
// temporary one. The latter's name depends on dir alone, so that a killed
// server leaves nothing that the next one does not take over.
func socketPath(dir string) (string, error) {
	path := filepath.Join(dir, "redis.sock")
	if len(path) <= socketLimit() {
		return path, nil
	}
	short := shortDir(dir)
	path = filepath.Join(short, "redis.sock")
	if len(path) > socketLimit() {
		return "", fmt.Errorf("choose a socket: %s and %s are both longer than %d bytes; "+
			"use a data folder with a shorter path", dir, path, socketLimit())
	}
	if err := os.Mkdir(short, 0o700); err != nil && !os.IsExist(err) {
		return "", fmt.Errorf("make a folder for the socket: %w", err)
	}
	return path, checkOwn(short)
}

func shortDir(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	name := "qingyuan-" + strconv.Itoa(os.Getuid()) + "-" + hex.EncodeToString(sum[:6])
	return filepath.Join(os.TempDir(), name)
}

// checkOwn makes sure that dir, in a place where everybody may make folders, is
// ours and closed to others.
func checkOwn(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("check the folder of the socket: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || info.Mode().Perm() != 0o700 || int64(stat.Uid) != int64(os.Getuid()) {
		return fmt.Errorf("check the folder of the socket: %s is not a folder of our user's alone (%v)", dir, info.Mode())
	}
	return nil
}

// removeSocketDir takes away the folder of a socket that lies outside dir. What
// is left of the socket of a killed Redis goes with it.
func removeSocketDir(socket, dir string) {
	if parent := filepath.Dir(socket); socket != "" && parent != dir {
		_ = os.Remove(socket)
		_ = os.Remove(parent)
	}
}
