package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"

	"budwood/cmd/budwood/devserver"
)

const whoStudy = `name: who
objective: {metric: loss}
command: {args: [sh, who.sh]}
search: {warm_start: "off"}
budget: {trials: 1, epochs: 1}
space: [{name: lr, float: [0, 1]}]
`

// Another user of the machine, who knows where the server of root's workers is, gets
// one line, and no program of his runs as root.
func TestAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be two users")
	}
	const nobody = 65534
	open := openDir(t)
	for name, text := range map[string]string{"who.yaml": whoStudy, "who.sh": `echo "budwood: {\"loss\": 1, \"uid\": $(id -u)}"`} {
		if err := os.WriteFile(filepath.Join(open, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.ReadFile(os.Args[0])
	if err == nil {
		err = os.WriteFile(filepath.Join(open, "budwood"), self, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	theirs := filepath.Join(open, "state")
	t.Cleanup(func() { killAll(t, theirs) })
	if err := errors.Join(os.Mkdir(theirs, 0o700), os.Chown(theirs, nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	dir, server, _ := runningUp(t, "--allow-commands")
	study := filepath.Join(open, "who.yaml")
	stranger := func(home string, args []string, env ...string) (out, errs string, code int) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd, stdout, stderr := program(ctx, home, args...)
		cmd.Path, cmd.Dir = filepath.Join(open, "budwood"), open
		cmd.Env = append(append(cmd.Env, "HOME="+theirs), env...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		if err := cmd.Run(); cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
	}
	at := "TEMPORAL_ADDRESS=" + server.Address
	for _, tt := range []struct {
		home string
		args []string
		env  []string
	}{
		{theirs, []string{"run", "--allow-commands", study}, []string{at}},
		{theirs, []string{"run", "--allow-commands", study}, []string{at, "TEMPORAL_TLS=true", "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION=true"}},
		{theirs, []string{"worker", "--allow-commands"}, []string{at}},
		{theirs, []string{"schedule", "ls"}, []string{at}},
		{dir, []string{"run", "--allow-commands", study}, nil},
		{dir, []string{"stop", "who"}, nil},
		{dir, []string{"env"}, nil},
		{dir, []string{"ui"}, nil},
	} {
		out, errs, code := stranger(tt.home, tt.args, tt.env...)
		if code != exitFailed || out != "" || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "budwood: permission denied: ") {
			t.Errorf("%v %v: exit code %d\n%s%s", tt.args, tt.env, code, out, errs)
		}
	}
	if out, errs, code := do(t, dir, "show", "who"); code != exitUsage || !strings.Contains(errs, "no such study") {
		t.Errorf("root has the study: %s%s", out, errs)
	}

	// In his own state directory, and for the owner, the same study runs.
	if out, errs, code := stranger(theirs, []string{"run", "--allow-commands", study}); code != exitDone {
		t.Errorf("his own server: exit code %d\n%s%s", code, out, errs)
	}
	if out, errs, code := do(t, dir, "run", "--allow-commands", study); code != exitDone {
		t.Errorf("the owner: exit code %d\n%s%s", code, out, errs)
	}
	for home, want := range map[string]float64{theirs: nobody, dir: 0} {
		if _, list := records(t, home, "who"); len(list) != 1 || list[0].Measurements[0].Metrics["uid"] != want {
			t.Errorf("in %s: %+v", home, list)
		}
	}
}

// openDir is a directory that every user can read.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "budwood-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// runningUp is `budwood up` in a state directory, with what it prints.
func runningUp(t *testing.T, flags ...string) (dir string, server devserver.Info, stdout *bytes.Buffer) {
	t.Helper()
	dir = home(t)
	up, stdout, said := program(t.Context(), dir, append([]string{"up"}, flags...)...)
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() { _ = up.Wait(); close(gone) }()
	t.Cleanup(func() {
		_ = up.Process.Signal(os.Interrupt)
		<-gone
	})
	for { // it has started its workers when it has the store
		var ok bool
		if server, ok = devserver.Running(dir); ok {
			if _, err := os.Stat(filepath.Join(dir, "budwood.db")); err == nil {
				return dir, server, stdout
			}
		}
		select {
		case <-gone:
			t.Fatalf("budwood up ended:\n%s", said)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// The variables of `budwood env` are all that a client of Temporal's own needs, and
// with them budwood itself stays with its own server.
func TestEnv(t *testing.T) {
	dir := home(t)
	if out, errs, code := do(t, dir, "env"); code != exitFailed || out != "" || !strings.Contains(errs, "no Temporal server runs in "+dir) {
		t.Errorf("without a server: exit code %d\n%s%s", code, out, errs)
	}
	s, err := devserver.Ensure(t.Context(), devserver.Options{Home: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	script, errs, code := do(t, dir, "env")
	if code != exitDone {
		t.Fatalf("exit code %d\n%s", code, errs)
	}
	out, err := exec.Command("sh", "-c", "eval \"$1\"; env", "sh", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(out)) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), "="); strings.HasPrefix(name, "TEMPORAL_") {
			t.Setenv(name, value)
			n++
		}
	}
	o, err := envconfig.LoadDefaultClientOptions()
	if err != nil || n != 7 {
		t.Fatalf("%d variables, %v:\n%s", n, err, script)
	}
	c, err := client.DialContext(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{}); err != nil {
		t.Error(err)
	}
	if _, elsewhere, err := devserver.Elsewhere(dir); elsewhere || err != nil {
		t.Errorf("its own server is somebody else's: %v", err)
	}
	if _, elsewhere, err := devserver.Elsewhere(home(t)); !elsewhere || err != nil {
		t.Errorf("another state directory's server is its own: %v", err)
	}
}

// The addresses that `up`, `run` and `ui` print let a browser in.
func TestPrintedAddress(t *testing.T) {
	dir, server, stdout := runningUp(t)
	out, progress, code := do(t, dir, "run", trivial, "--trials", "2")
	if code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, progress)
	}
	asked, _, _ := do(t, dir, "ui", "digits-trivial")
	for who, text := range map[string]string{"up": stdout.String(), "run": progress, "ui": asked} {
		link := regexp.MustCompile(`http://127\.0\.0\.1:\S+`).FindString(text)
		if link == "" {
			t.Errorf("%s prints no address:\n%s", who, text)
			continue
		}
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		browser := &http.Client{Jar: jar}
		for _, visit := range [][2]string{{link, "<html"}, {server.UIURL + "/api/v1/namespaces/default/workflows", `"study/digits-trivial"`}} {
			resp, err := browser.Get(visit[0])
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), visit[1]) {
				t.Errorf("%s: %s: %s, %v\n%.500s", who, visit[0], resp.Status, err, body)
			}
		}
	}
}

// A token is not written where other users can read it.
func TestExposed(t *testing.T) {
	s, err := devserver.Ensure(t.Context(), devserver.Options{Home: home(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dir := openDir(t)
	closed := filepath.Join(dir, "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path string
		mode os.FileMode
		want bool
	}{{dir + "/log", 0o644, true}, {dir + "/mine", 0o600, false}, {closed + "/log", 0o644, false}} {
		f, err := os.OpenFile(tt.path, os.O_CREATE|os.O_WRONLY, tt.mode)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := f.Chmod(tt.mode); err != nil { // whatever the umask
			t.Fatal(err)
		}
		if got := exposed(f); got != tt.want {
			t.Errorf("%s, %v: %v", tt.path, tt.mode, got)
		}
		if l := link(f, s.Info, ""); strings.Contains(l, "token=") == tt.want {
			t.Errorf("%s, %v: %s", tt.path, tt.mode, l)
		}
	}
	if exposed(&bytes.Buffer{}) {
		t.Error("what is no file is exposed")
	}
}

// Metrics are for names of this machine, unless others may ask.
func TestMetricsHost(t *testing.T) {
	for _, anywhere := range []bool{false, true} {
		var said bytes.Buffer
		f := metricsFlags{Metrics: "127.0.0.1:0", ListenAnywhere: anywhere}
		stop, err := f.serve(&app{stderr: &said})
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
		at := strings.TrimSpace(strings.TrimPrefix(said.String(), "budwood: metrics at "))
		for host, want := range map[string]bool{"localhost:9464": true, "127.0.0.1": true, "evil.example": anywhere} {
			r, err := http.NewRequest(http.MethodGet, at, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = host
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if ok := resp.StatusCode == http.StatusOK; ok != want {
				t.Errorf("%s, anywhere %v: %s", host, anywhere, resp.Status)
			}
		}
	}
}

// A state directory that the embedded server refuses is nothing that is ok.
func TestDoctorAnothersDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be two users")
	}
	dir := home(t)
	if err := os.Chown(dir, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if out, _, code := do(t, dir, "doctor"); code != exitFailed || !strings.Contains(out, "BAD  state") || !strings.Contains(out, "BUDWOOD_HOME") {
		t.Errorf("%d: %s", code, out)
	}
}
