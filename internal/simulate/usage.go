package simulate

import (
	"math"
	"runtime"
	"syscall"
	"time"
)

// Load is what one process took to make the load: of a machine that it shares
// with the target, this is missing there.
type Load struct {
	CPUSeconds float64 `json:"cpu_seconds"`
	// PeakMemoryMiB is the most memory that was resident at once.
	PeakMemoryMiB float64 `json:"peak_memory_mib"`
}

// usage reads what this process has taken since it began.
func usage() Load {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return Load{}
	}
	unit := 1 << 10
	if runtime.GOOS == "darwin" {
		unit = 1
	}
	cpu := time.Duration(u.Utime.Nano() + u.Stime.Nano())
	return Load{CPUSeconds: cpu.Seconds(), PeakMemoryMiB: float64(u.Maxrss) * float64(unit) / (1 << 20)}
}

// since is what was taken after before.
func (l Load) since(before Load) Load {
	l.CPUSeconds -= before.CPUSeconds
	return l
}

// load is that of this process.
func (r *run) load() Load {
	if len(r.loads) == 0 {
		return Load{} // interrupted before the beginning
	}
	return r.loads[0]
}

// spareFiles are those that are open besides the connections.
const spareFiles = 64

// openFiles returns how many files this process may have open. Go has raised the
// limit as far as it may.
func openFiles() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || limit.Cur > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(limit.Cur)
}
