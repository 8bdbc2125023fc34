package devserver

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"

	"budwood/workflows"
)

// Every port of the server, also those of its services for each other, refuses who
// has no key or another one.
func TestStrangersAreRefused(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the ports are found in /proc")
	}
	t.Parallel()
	s := ensure(t, Options{Home: stateDir(t)})
	defer s.Close()
	own, err := workflows.ServerTLS(s.Key)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ensureKey(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := workflows.ServerTLS(other)
	if err != nil {
		t.Fatal(err)
	}
	wrong.InsecureSkipVerify = true // the server is to refuse it
	ask := func(address string, c credentials.TransportCredentials) error {
		conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(c))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if address == s.Address {
			_, err = workflowservice.NewWorkflowServiceClient(conn).ListNamespaces(ctx, &workflowservice.ListNamespacesRequest{})
			return err
		}
		// The others all have a health service, of which only the names differ.
		_, err = grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
		if err != nil && (strings.Contains(err.Error(), "unknown service") || strings.Contains(err.Error(), "Unimplemented")) {
			return nil // it has answered
		}
		return err
	}
	ports := listeners(t, s.PID)
	if len(ports) != 5 { // four services and the UI
		t.Errorf("it listens at %v", ports)
	}
	for _, at := range ports {
		if "http://"+at == s.UIURL {
			continue // see TestGate
		}
		if err := ask(at, credentials.NewTLS(own)); err != nil {
			t.Errorf("%s refuses who has the key: %v", at, err)
		}
		for who, c := range map[string]credentials.TransportCredentials{
			"nothing": insecure.NewCredentials(), "no key": credentials.NewTLS(&tls.Config{InsecureSkipVerify: true}), "another key": credentials.NewTLS(wrong),
		} {
			if err := ask(at, c); err == nil {
				t.Errorf("%s answers who has %s", at, who)
			}
		}
	}
	if c, err := workflows.Dial(t.Context(), client.Options{HostPort: s.Address, Logger: quiet{}}); err != nil {
		t.Errorf("the key is not found: %v", err)
	} else {
		c.Close()
	}
	if err := os.Rename(s.Key, s.Key+".away"); err != nil {
		t.Fatal(err)
	}
	_, err = workflows.Dial(t.Context(), client.Options{HostPort: s.Address, Logger: quiet{}})
	wantLine(t, err, "permission denied: ", s.Address, keyFile, "TEMPORAL_ADDRESS")
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%T", err)
	}
	if err := os.Rename(s.Key+".away", s.Key); err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"evil.example", ""} {
		r, err := http.NewRequest(http.MethodGet, s.UIURL+"/api/v1/namespaces", nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Host = host; host == "" {
			r.Host = r.URL.Host
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("the UI answers a stranger for %q with %s", r.Host, resp.Status)
		}
	}
}

// A state directory that is open to others is closed; one that others own, or have
// put something into, is refused.
func TestPrivateHome(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	if home, note, err := openHome(dir); err != nil || home != dir || note != "" {
		t.Errorf("a new one: %s, %q, %v", home, note, err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, note, err := openHome(dir); err != nil || !strings.Contains(note, "open to other users (mode 0755)") {
		t.Errorf("an open one: %q, %v", note, err)
	}
	if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("it is not closed: %v, %v", st.Mode(), err)
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	const nobody = 65534
	planted := filepath.Join(dir, configFile)
	if err := os.WriteFile(planted, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(planted, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	_, _, err := openHome(dir)
	wantLine(t, err, "permission denied", dir, configFile)
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	_, _, err = openHome(dir)
	wantLine(t, err, "permission denied", dir+" belongs to", "BUDWOOD_HOME")
}

// The key stays while its place does, is another one elsewhere, and is never one
// that others can read.
func TestKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	read := func(dir string) string {
		t.Helper()
		path, err := ensureKey(dir)
		if err != nil {
			t.Fatal(err)
		}
		st, err := os.Stat(path)
		if err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", st, err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	first := read(dir)
	if read(dir) != first {
		t.Error("the second time it is another")
	}
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	if read(moved) == first {
		t.Error("the key of a moved state directory names the old place")
	}
	path := filepath.Join(moved, keyFile)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := ensureKey(moved)
	wantLine(t, err, path, "others can read", "delete it")
	if err := os.WriteFile(path, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = ensureKey(moved)
	wantLine(t, err, path, "damaged", "delete it")
}

// A server that an older budwood left running lets everybody in: nobody uses it, but
// if it ends soon another takes its place.
func TestOlderServer(t *testing.T) {
	t.Parallel()
	home := stateDir(t)
	lock, err := tryLock(filepath.Join(home, serverLock), exclusive)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	older := Info{PID: 4711, Address: "127.0.0.1:7233", Namespace: "default", Version: Version}
	if err := writeInfo(home, older); err != nil {
		t.Fatal(err)
	}
	_, err = Ensure(t.Context(), Options{Home: home})
	wantLine(t, err, "process 4711", "older version of budwood", "kill 4711")
	if _, err := older.UILink("/", nil); err == nil {
		t.Error("a link without a token")
	}

	users := filepath.Join(home, clientsLock)
	go func() { // it ends when nobody uses it
		if held, err := waitLock(t.Context(), users, exclusive); err == nil {
			lock.Close()
			held.Close()
		}
	}()
	s := ensure(t, Options{Home: home})
	defer s.Close()
	if s.PID == older.PID || s.Key == "" {
		t.Errorf("%+v", s.Info)
	}
}
