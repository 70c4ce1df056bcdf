//go:build chaos

package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// mount mounts something on a new folder with the arguments of mount(8), and
// unmounts it at the end of the test, also when the test binary is killed: a
// shell waits for the end of a pipe.
func mount(t testing.TB, name string, arguments ...string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("this test mounts a file system of its own: run it as root, or for a tmpfs as `unshare --user --map-root-user --mount`")
	}
	dir := filepath.Join(Folder(t, name), "m")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	hear, tell, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	watcher := exec.Command("sh", "-c", `read -r _; while umount -l "$1" 2>/dev/null; do :; done`, "sh", dir)
	watcher.Stdin, watcher.SysProcAttr = hear, &syscall.SysProcAttr{Setpgid: true}
	if err := errors.Join(watcher.Start(), hear.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = tell.Close()
		_ = watcher.Wait() // what it could not unmount was not mounted
	})
	if _, err := command("mount", append(arguments, dir)...); err != nil {
		t.Fatal(err)
	}
	return dir
}

// command runs a program of the system and returns what it says. Debian keeps
// some of them off the path of ordinary users.
func command(name string, arguments ...string) (string, error) {
	path, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if err != nil {
			path, err = exec.LookPath(filepath.Join(dir, name))
		}
	}
	if err != nil {
		return "", fmt.Errorf("%w (on Debian: apt-get install e2fsprogs mount util-linux)", err)
	}
	out, err := exec.Command(path, arguments...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", name, strings.Join(arguments, " "), err, out)
	}
	return strings.TrimSpace(string(out)), err
}

// platter is an ext4 file system on a file of its own, whose power can be cut:
// everything on it stops at the same moment, and what the file system had not
// written down by then is gone.
type platter struct {
	// Dir is where it is mounted.
	Dir string

	image string
}

func newPlatter(t testing.TB, megabytes int64) *platter {
	t.Helper()
	p := &platter{image: filepath.Join(Folder(t, "platter"), "image")}
	file, err := os.Create(p.image)
	if err == nil {
		err = errors.Join(file.Truncate(megabytes<<20), file.Close())
	}
	if err == nil {
		_, err = command("mkfs.ext4", "-q", "-F", p.image)
	}
	if err != nil {
		t.Fatalf("make a file system: %v", err)
	}
	device, err := p.drive()
	if err != nil {
		t.Fatal(err)
	}
	p.Dir = mount(t, "platter", device)
	if _, err := command("losetup", "--detach", device); err != nil {
		t.Fatal(err)
	}
	return p
}

// drive puts the image into a drive of its own, because one that was cut off may
// stay with somebody who looks at it from another mount namespace. Detached while
// it is mounted, it goes when it is unmounted.
func (p *platter) drive() (device string, err error) {
	return command("losetup", "--find", "--show", p.image)
}

// The request of ext4 (and, by the same number, of XFS) to stop at once, and not
// to write down first what it has in memory.
const (
	ext4Shutdown    = 0x8004587d
	withoutFlushing = 2
)

// Cut cuts the power: from now on nothing on the platter can be read or written.
// Whoever writes to it must have been killed before: a sync that is under way in
// this moment may report success, and in a real loss of power nobody would be
// left to hear it.
func (p *platter) Cut() error {
	dir, err := os.Open(p.Dir)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	how := uint32(withoutFlushing)
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, dir.Fd(), ext4Shutdown, uintptr(unsafe.Pointer(&how)))
	if errno != 0 {
		return fmt.Errorf("shut %s down: %w", p.Dir, errno)
	}
	return nil
}

// Restore gives the power back.
func (p *platter) Restore(ctx context.Context) error {
	err := poll(ctx, patience, "everybody to leave "+p.Dir, func() (bool, error) {
		err := syscall.Unmount(p.Dir, 0)
		if errors.Is(err, syscall.EBUSY) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return err
	}
	device, err := p.drive()
	if err != nil {
		return err
	}
	_, errMount := command("mount", device, p.Dir)
	_, errDetach := command("losetup", "--detach", device)
	return errors.Join(errMount, errDetach)
}

// fill uses up all room on the file system of dir and returns what gives it back.
func fill(dir string) (free func() error, err error) {
	name := filepath.Join(dir, "filler")
	file, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	block := make([]byte, 1<<20)
	for size := len(block); size > 0; {
		_, err := file.Write(block[:size])
		switch {
		case errors.Is(err, syscall.ENOSPC):
			size /= 2
		case err != nil:
			return nil, errors.Join(err, file.Close())
		}
	}
	return func() error { return os.Remove(name) }, file.Close()
}

// within measures how long until done says yes.
func within(ctx context.Context, limit time.Duration, what string, done func() (bool, error)) (time.Duration, error) {
	began := time.Now()
	err := poll(ctx, limit, what, done)
	return time.Since(began), err
}
