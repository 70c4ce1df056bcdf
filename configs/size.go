package configs

import (
	"fmt"
	"strconv"
	"strings"
)

// Size is a number of bytes, written as "64KiB", "1MiB", "2GiB" or a plain number.
type Size int64

// String returns the size in the largest unit that divides it.
func (s Size) String() string {
	switch {
	case s != 0 && s%(1<<30) == 0:
		return fmt.Sprintf("%dGiB", s>>30)
	case s != 0 && s%(1<<20) == 0:
		return fmt.Sprintf("%dMiB", s>>20)
	case s != 0 && s%(1<<10) == 0:
		return fmt.Sprintf("%dKiB", s>>10)
	default:
		return strconv.FormatInt(int64(s), 10)
	}
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Size) UnmarshalText(text []byte) error {
	digits, factor := string(text), int64(1)
	for unit, f := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if d, ok := strings.CutSuffix(digits, unit); ok {
			digits, factor = d, f
			break
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 32)
	if err != nil || n < 0 {
		return fmt.Errorf("size %q is not a number of bytes such as 64KiB", text)
	}
	*s = Size(n * factor)
	return nil
}
