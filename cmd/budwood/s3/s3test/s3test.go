// Package s3test starts a real S3 server for tests: Versity's gateway over a
// directory. The versions of the program and of what it needs are in
// versitygw.mod, apart from those of this module.
package s3test

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Server is a running server.
type Server struct {
	Endpoint string // its URL
	Root     string // a directory in it is a bucket

	t       *testing.T
	program string
	address string
	cmd     *exec.Cmd
}

// Credentials of the server's only user.
const (
	AccessKey = "budwood"
	SecretKey = "not much of a secret"
)

// Start starts a server on a free port of 127.0.0.1, which ends with the test,
// and makes some buckets. The first call on a machine compiles the program.
func Start(t *testing.T, buckets ...string) *Server {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	build := exec.Command("go", "tool", "-modfile="+filepath.Join(filepath.Dir(here), "versitygw.mod"), "-n", "versitygw")
	build.Dir, build.Env = filepath.Join(filepath.Dir(here), "../../.."), append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	var output bytes.Buffer
	build.Stderr = &output
	out, err := build.Output()
	if err != nil {
		t.Fatalf("build the S3 server: %v\n%s", err, &output)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, program: strings.TrimSpace(string(out)), address: l.Addr().String(), Root: t.TempDir()}
	s.Endpoint = "http://" + s.address
	l.Close()
	for _, b := range buckets {
		if err := os.Mkdir(filepath.Join(s.Root, b), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(s.Stop)
	s.Begin()
	return s
}

// Begin starts the server again after Stop, at the same address.
func (s *Server) Begin() {
	s.t.Helper()
	var output bytes.Buffer
	s.cmd = exec.Command(s.program, "--access", AccessKey, "--secret", SecretKey, "--port", s.address, "--quiet", "posix", "--sidecar", s.t.TempDir(), s.Root)
	s.cmd.Stdout, s.cmd.Stderr = &output, &output
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	for {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", s.address)
		if err == nil {
			c.Close()
			return
		}
		if ctx.Err() != nil {
			s.Stop()
			s.t.Fatalf("the S3 server does not answer: %v\n%s", err, &output)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Stop ends the server. What it holds stays.
func (s *Server) Stop() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

// Environ are the settings by which programs log in.
func (s *Server) Environ() []string {
	return []string{"AWS_ACCESS_KEY_ID=" + AccessKey, "AWS_SECRET_ACCESS_KEY=" + SecretKey, "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null"}
}

// Setenv gives this process the settings of Environ until the test ends.
func (s *Server) Setenv() {
	for _, e := range s.Environ() {
		k, v, _ := strings.Cut(e, "=")
		s.t.Setenv(k, v)
	}
}
