package budwood

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// goCommand takes the place of go: it compiles 40 packages in two seconds, fails if
// FAIL says so, and makes a program that tells its arguments and ends with 7.
const goCommand = `#!/bin/sh
if [ $1 = list ]; then
	yes stale | head -n 30
	exit
fi
trap 'exit 2' INT
trap 'rmdir busy' EXIT
mkdir busy 2>/dev/null || echo two builds at once >&2
echo go: downloading example.com/p1 v1.2.3 >&2
i=0
while [ $i -lt 40 ]; do
	i=$((i + 1))
	echo example.com/p$i/v2 >&2
	sleep 0.05
done
if [ $FAIL ]; then
	printf '# example.com/p40/v2\np40.go:3:5: cannot use x\n\thave int\nexit status 1\n' >&2
	exit $FAIL
fi
printf '#!/bin/sh\nprintf "<%%s>" "$@"\nexit 7\n' >.bin/budwood
chmod +x .bin/budwood
`

// bw returns a call of ./bw in a directory with that go.
func bw(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	script, err := os.ReadFile("bw")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"bw": string(script), "go": goCommand} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(filepath.Join(dir, "bw"), args...)
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "TERM=xterm", "FAIL=")
	return cmd
}

var compiled = regexp.MustCompile(`^budwood: (\d+) of (\d+) packages compiled`)

func TestBwCompilesAndRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	t.Parallel()
	var stdout, stderr bytes.Buffer
	cmd := bw(t, t.TempDir(), "a", "b c")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != 7 || stdout.String() != "<a><b c>" {
		t.Errorf("ended with %d and %q", code, &stdout)
	}
	lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	if len(lines) < 2 || len(lines) > 5 || !strings.HasPrefix(lines[0], "budwood: compiling") || strings.Contains(stderr.String(), "\x1b") {
		t.Errorf("not a line at the start and one each half minute: %q", lines)
	}
}

func TestBwShowsErrors(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	cmd := bw(t, t.TempDir())
	cmd.Env = append(cmd.Env, "FAIL=3")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != 3 || stdout.Len() > 0 {
		t.Errorf("ended with %d and %q", code, &stdout)
	}
	if want := "# example.com/p40/v2\np40.go:3:5: cannot use x\n\thave int\nexit status 1\n"; !strings.HasSuffix(stderr.String(), want) {
		t.Errorf("the errors of the compiler are not at the end of %q", &stderr)
	}
}

func TestBwOnTerminal(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	t.Parallel()
	terminal, end := newTerminal(t)
	cmd := bw(t, t.TempDir())
	cmd.Stderr = end
	cmd.Run()
	end.Close()
	seen, _ := io.ReadAll(terminal) // ends with an error when nobody writes any more
	first, rest, _ := strings.Cut(string(seen), "\r\n")
	if !strings.HasPrefix(first, "budwood: compiling") || strings.Contains(rest, "\n") {
		t.Errorf("not one line at the start and one that changes: %q", seen)
	}
	var n, total int
	for _, text := range strings.Split(rest, "\r\x1b[K") {
		if m := compiled.FindStringSubmatch(text); m != nil {
			fmt.Sscan(m[1]+" "+m[2], &n, &total)
			if n < 10 || n > 40 || total < n || total > 30+40 {
				t.Errorf("%q", text)
			}
		}
	}
	if n == 0 || !strings.HasSuffix(rest, "\r\x1b[K") {
		t.Errorf("no progress, or it stays: %q", rest)
	}
}

// Of two calls one compiles; the other waits for it.
func TestBwTwice(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	t.Parallel()
	if _, err := exec.LookPath("flock"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	var stderr [2]bytes.Buffer
	first, second := bw(t, dir), bw(t, dir)
	first.Stderr, second.Stderr = &stderr[0], &stderr[1]
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	wait(t, "the first build", func() bool { _, err := os.Stat(filepath.Join(dir, "busy")); return err == nil })
	second.Run()
	first.Wait()
	for i, cmd := range []*exec.Cmd{first, second} {
		text := stderr[i].String()
		if cmd.ProcessState.ExitCode() != 7 || strings.Contains(text, "two builds") || strings.Contains(text, "waiting") != (i == 1) {
			t.Errorf("call %d ended with %d and %q", i+1, cmd.ProcessState.ExitCode(), text)
		}
	}
}

func TestBwInterrupted(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	t.Parallel()
	dir := t.TempDir()
	cmd := bw(t, dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the terminal interrupts all of a group
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	busy := func() bool { _, err := os.Stat(filepath.Join(dir, "busy")); return err == nil }
	wait(t, "the build", busy)
	syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
	if err := cmd.Wait(); err == nil {
		t.Error("ended as if nothing had happened")
	}
	wait(t, "the end of the build", func() bool { return !busy() })
	wait(t, "the end of all its processes", func() bool { return syscall.Kill(-cmd.Process.Pid, 0) == syscall.ESRCH })
	if _, err := os.Stat(filepath.Join(dir, ".bin", "budwood")); err == nil {
		t.Error("the build went on to its end")
	}
}

func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come", what)
		}
	}
}

// newTerminal is a pseudo terminal: what is written to its end comes out of it.
func newTerminal(t *testing.T) (terminal, end *os.File) {
	t.Helper()
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	t.Cleanup(func() { terminal.Close() })
	fd := int(terminal.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	end, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return terminal, end
}
