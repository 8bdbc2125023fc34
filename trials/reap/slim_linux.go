package reap

import (
	"os"
	"syscall"
	"unsafe"
)

// slim gives back the program's code and constants, of which starting has mapped
// tens of megabytes. What is used again comes from the file's pages in memory.
func slim() {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	constant := uintptr(unsafe.Pointer(unsafe.StringData(Arg0)))
	for len(maps) > 0 {
		from, rest := hex(maps)
		to, rest := hex(rest[1:]) // from-to rwxp …
		code, writable := rest[3] == 'x', rest[2] == 'w'
		if !writable && (code || from <= constant && constant < to) {
			_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_DONTNEED)
		}
		for maps = rest; len(maps) > 0; {
			c := maps[0]
			if maps = maps[1:]; c == '\n' {
				break
			}
		}
	}
}

// hex reads the number that text begins with.
func hex(text []byte) (n uintptr, rest []byte) {
	for i, c := range text {
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | uintptr(c-'0')
		case 'a' <= c && c <= 'f':
			n = n<<4 | uintptr(c-'a'+10)
		default:
			return n, text[i:]
		}
	}
	return n, nil
}
