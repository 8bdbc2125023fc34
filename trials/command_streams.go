package trials

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"time"
)

const (
	outputHead = 256 << 10 // bytes of a command's output that are kept of its beginning
	outputTail = 768 << 10 // and of its end
	shownTail  = 16 << 10  // bytes of a stream that an error may show
	shownLines = 20        // lines of it
	shownLine  = 400       // bytes of one
)

// read takes reports off a stream until it ends, or the command has.
func (r *commandRun) read(s *stream) {
	defer s.file.Close()
	report := func(what commandReport) { r.reports <- what }
	took := func(b []byte) {
		if s.last != nil {
			_, _ = r.output.Write(b)
			_, _ = s.last.Write(b)
		}
		s.scan.scan(b, report)
	}
	b := make([]byte, 64<<10)
	for {
		n, err := s.file.Read(b)
		took(b[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) { // the command has ended: all that it wrote is in the pipe
			drain(s.file, b, took)
		}
		if err != nil {
			break
		}
	}
	s.scan.end(report)
}

// pipeCap is what a pipe holds at most, unless the system's administrator says
// otherwise (fs.pipe-max-size of Linux).
const pipeCap = 1 << 20

// drain takes what is in a pipe at this moment, whoever may still write to it.
func drain(f *os.File, b []byte, took func([]byte)) {
	_ = f.SetReadDeadline(time.Time{})
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	for left := pipeCap; left > 0; {
		var n int
		var errno error
		if err := raw.Read(func(fd uintptr) bool { n, errno = syscall.Read(int(fd), b); return true }); err != nil {
			return
		}
		if errors.Is(errno, syscall.EINTR) {
			continue
		}
		if errno != nil || n <= 0 { // EAGAIN: it is empty
			return
		}
		took(b[:n])
		left -= n
	}
}

// lastLines are the end of the command's output, as part of an error: the last line is
// what it said last on standard error, if anything.
func (r *commandRun) lastLines() string {
	var out string
	for _, s := range r.streams {
		if s.last == nil {
			continue
		}
		for _, line := range s.last.lines(shownLines, shownLine) {
			out += "\n" + line
		}
	}
	return out
}

// exitText says how a command ended.
func exitText(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "ended with " + exit.String()
	}
	return "failed: " + err.Error()
}
