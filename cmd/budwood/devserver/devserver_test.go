package devserver

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"

	"budwood/workflows"
)

// The test binary is also the program that the package starts as the server.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == Command {
		os.Exit(Main(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// stateDir is a state directory whose server takes free ports and does not
// linger. The test waits for that server's end, and fails if it does not come.
func stateDir(t *testing.T) string {
	t.Helper()
	home := filepath.Join(t.TempDir(), "state of?50%#1") // the path becomes part of a URI
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	settings := "port: 0\nui_port: 0\nlinger: 300ms\n"
	if err := os.WriteFile(filepath.Join(home, configFile), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { waitGone(t, home) })
	return home
}

// waitGone waits for the end of a state directory's server.
func waitGone(t *testing.T, home string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second) // the test's own has ended in a cleanup
	defer cancel()
	lock, err := waitLock(ctx, filepath.Join(home, serverLock), exclusive)
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(home, logFile))
		t.Fatalf("the server is still there: %v\n%s", err, log)
	}
	lock.Close()
}

func ensure(t *testing.T, o Options) *Server {
	t.Helper()
	o.Progress = func(line string) { t.Log(line) }
	s, err := Ensure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func connect(t *testing.T, s *Server) client.Client {
	t.Helper()
	key, err := workflows.ServerTLS(s.Key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.DialContext(t.Context(), client.Options{HostPort: s.Address, Namespace: s.Namespace, Logger: quiet{}, ConnectionOptions: client.ConnectionOptions{TLS: key}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}

func TestSharedServer(t *testing.T) {
	t.Parallel()
	home := stateDir(t)
	if info, ok := Running(home); ok {
		t.Fatalf("running before it was started: %+v", info)
	}
	a := ensure(t, Options{Home: home})
	if err := answers(t.Context(), a.Info); err != nil {
		t.Fatalf("does not answer: %v", err)
	}
	if a.Namespace != "default" || a.Version != Version {
		t.Errorf("%+v", a.Info)
	}
	checkUI(t, a.Info)
	checkLoopback(t, a.PID)
	checkAttributes(t, connect(t, a))

	b := ensure(t, Options{Home: home})
	if b.Info != a.Info {
		t.Errorf("the second user got %+v, the first %+v", b.Info, a.Info)
	}
	if info, ok := Running(home); !ok || info != a.Info {
		t.Errorf("Running: %+v, %v", info, ok)
	}
	_, port, _ := net.SplitHostPort(a.Address)
	n, _ := strconv.Atoi(port)
	_, err := Ensure(t.Context(), Options{Home: home, Port: n%65535 + 1})
	if err == nil || !strings.Contains(err.Error(), "already runs, with port "+port) {
		t.Errorf("another port than the server's: %v", err)
	}

	a.Close()
	time.Sleep(time.Second) // longer than it lingers
	if err := answers(t.Context(), b.Info); err != nil {
		t.Fatalf("ended while the second user was there: %v", err)
	}
	b.Close()
	time.Sleep(600 * time.Millisecond)
	c := ensure(t, Options{Home: home}) // while the server stops
	if c.PID == a.PID {
		t.Error("found a server that was about to end")
	}
	c.Close()
	waitGone(t, home)
	if info, ok := Running(home); ok {
		t.Errorf("running after its end: %+v", info)
	}
}

// checkUI visits the UI as a browser does that has been given its address.
func checkUI(t *testing.T, s Info) {
	t.Helper()
	link, err := s.UILink("/namespaces/default/workflows", nil)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	page, err := browser.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	if html, _ := io.ReadAll(page.Body); page.StatusCode != http.StatusOK || !strings.Contains(string(html), "<html") {
		t.Errorf("UI page: %s, %d bytes", page.Status, len(html))
	}
	if at := page.Request.URL; at.RawQuery != "" || at.Path != "/namespaces/default/workflows" {
		t.Errorf("the visit ends at %s", at)
	}
	resp, err := browser.Get(s.UIURL + "/api/v1/namespaces/default")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var ns struct{ NamespaceInfo struct{ Name string } }
	text, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(text, &ns)
	}
	if err != nil || ns.NamespaceInfo.Name != "default" {
		t.Errorf("the namespace: %s, %v", text, err)
	}
}

// checkLoopback fails if the process listens on anything but 127.0.0.1.
func checkLoopback(t *testing.T, pid int) {
	if runtime.GOOS != "linux" {
		return
	}
	t.Helper()
	found := listeners(t, pid)
	for _, at := range found {
		if !strings.HasPrefix(at, "127.0.0.1:") {
			t.Errorf("listens on %s", at)
		}
	}
	if len(found) < 5 { // four services and the UI
		t.Errorf("found only %d listeners", len(found))
	}
}

// listeners are the addresses at which a process listens.
func listeners(t *testing.T, pid int) (found []string) {
	t.Helper()
	sockets := map[string]bool{}
	fds, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, "socket:[") {
			sockets[strings.Trim(to, "socket:[]")] = true
		}
	}
	for _, table := range []string{"tcp", "tcp6"} {
		data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/net/" + table)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		for line := range strings.Lines(string(data)) {
			f := strings.Fields(line) // sl local_address rem_address st … inode
			const listen = "0A"
			if len(f) < 10 || f[3] != listen || !sockets[f[9]] {
				continue
			}
			host, port, _ := strings.Cut(f[1], ":")
			n, err := strconv.ParseUint(port, 16, 16)
			if err != nil {
				t.Fatal(err)
			}
			if host == "0100007F" {
				host = "127.0.0.1"
			}
			found = append(found, host+":"+strconv.FormatUint(n, 10))
		}
	}
	return found
}

func checkAttributes(t *testing.T, c client.Client) {
	t.Helper()
	r, err := c.OperatorService().ListSearchAttributes(t.Context(), &operatorservice.ListSearchAttributesRequest{Namespace: "default"})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.CustomAttributes["BudwoodEnergyWh"]; got != enums.INDEXED_VALUE_TYPE_DOUBLE || len(r.CustomAttributes) != 8 {
		t.Errorf("search attributes: %v", r.CustomAttributes)
	}
}

// Users that come at the same moment, from processes of their own, get one server.
func TestRace(t *testing.T) {
	t.Parallel()
	home := stateDir(t)
	var wg sync.WaitGroup
	infos := make([]Info, 4)
	for i := range infos {
		wg.Go(func() {
			cmd, info := startAttached(t, home)
			infos[i] = info
			t.Cleanup(func() { kill(cmd) })
		})
	}
	wg.Wait()
	for _, info := range infos {
		if info.PID == 0 || info != infos[0] {
			t.Errorf("not the same server: %+v, %+v", infos[0], info)
		}
	}
}

// startAttached runs a user of the server as a process of its own.
func startAttached(t *testing.T, home string) (*exec.Cmd, Info) {
	t.Helper()
	cmd := exec.Command(os.Args[0], Command, "attach", "-home", home)
	cmd.Stderr = os.Stderr
	_, err := cmd.StdinPipe()
	if err != nil {
		t.Error(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Error(err)
	}
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return cmd, Info{}
	}
	var info Info
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &info)
	}
	if err != nil {
		t.Errorf("attach: %v", err)
	}
	return cmd, info
}

func kill(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// The server ends although the one who started it could not tell it to.
func TestUserKilled(t *testing.T) {
	t.Parallel()
	home := stateDir(t)
	cmd, info := startAttached(t, home)
	if err := answers(t.Context(), info); err != nil {
		t.Fatal(err)
	}
	if group, err := syscall.Getpgid(info.PID); err != nil || group != info.PID {
		t.Errorf("the server is in process group %d (%v): Ctrl-C would reach it", group, err)
	}
	kill(cmd)
	began := time.Now()
	waitGone(t, home)
	t.Logf("ended %.1f s after its user was killed", time.Since(began).Seconds())
	// It lets its lock go a moment before it ends.
	for stop := time.Now().Add(5 * time.Second); syscall.Kill(info.PID, 0) == nil && !zombie(info.PID); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(stop) {
			t.Fatal("the process is still there")
		}
	}
}

// zombie reports whether a process has ended without a parent to collect it, as
// happens in a container without an init process.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return true // gone in the meantime
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(state, "Z") || strings.HasPrefix(state, "X")
}

// A killed server comes back at the same address with the same workflows, both
// under its users' hands and for those who come later.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	home := stateDir(t)
	s := ensure(t, Options{Home: home})
	c := connect(t, s)
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "study/kept", TaskQueue: "nobody"}, "Study")
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(s.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	check := func(ctx context.Context) error {
		_, err := c.DescribeWorkflowExecution(ctx, "study/kept", run.GetRunID())
		return err
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if info, ok := Running(home); ok && info.PID != s.PID {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err := untilAnswers(ctx, check); err != nil {
		t.Fatalf("not back: %v", err)
	}
	info, ok := Running(home)
	if !ok || info.Address != s.Address || info.UIURL != s.UIURL {
		t.Errorf("came back as %+v, was %+v", info, s.Info)
	}
	s.Close()
	waitGone(t, home)

	again := ensure(t, Options{Home: home})
	defer again.Close()
	c = connect(t, again)
	if err := check(t.Context()); err != nil {
		t.Fatalf("lost: %v", err)
	}
}

func TestConnect(t *testing.T) {
	home := stateDir(t)
	s := ensure(t, Options{Home: home})
	defer s.Close()
	t.Setenv("TEMPORAL_CONFIG_FILE", filepath.Join(home, "none.toml"))

	c, own, err := Connect(t.Context(), Options{Home: home}, client.Options{Logger: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	if own == nil || own.PID != s.PID {
		t.Errorf("not the embedded server: %+v", own)
	} else {
		own.Close()
	}
	c.Close()

	// Named by its address, it is held all the same, and otherwise the key is found.
	t.Setenv("TEMPORAL_ADDRESS", s.Address)
	for dir, want := range map[string]bool{home: true, "/nowhere": false} {
		c, own, err = Connect(t.Context(), Options{Home: dir}, client.Options{Logger: quiet{}})
		if err != nil {
			t.Fatal(err)
		}
		if (own != nil) != want {
			t.Errorf("with the state directory %s: %+v", dir, own)
		}
		checkAttributes(t, c)
		c.Close()
		if own != nil {
			own.Close()
		}
	}

	free, err := freePort("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TEMPORAL_ADDRESS", address("127.0.0.1", free))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, _, err = Connect(ctx, Options{Home: home}, client.Options{Logger: quiet{}})
	wantLine(t, err, address("127.0.0.1", free), "TEMPORAL_ADDRESS", "no Temporal server answers")
}

// wantLine checks that an error is one line which contains the words.
func wantLine(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error; want one with %q", words)
		return
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %v", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
}
