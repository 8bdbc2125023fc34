package devserver

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// Another user's process is refused although it has the right cookie.
func TestOnlyUser(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{ConnContext: withPeer, Handler: onlyUser(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))}
	go s.Serve(l)
	defer s.Close()
	get := func(uid int) (code int, body string) {
		t.Helper()
		c := dialAs(t, l.Addr().(*net.TCPAddr), uid)
		defer c.Close()
		if _, err := c.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 1<<12)
		n, err := c.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		head, body, _ := strings.Cut(string(b[:n]), "\r\n\r\n")
		if strings.Contains(head, " 200 ") {
			return 200, body
		}
		return 403, body
	}
	if code, body := get(os.Geteuid()); code != 200 {
		t.Errorf("the user himself: %d %s", code, body)
	}
	if os.Geteuid() == 0 {
		const nobody = 65534
		if code, body := get(nobody); code != 403 || !strings.HasPrefix(body, "permission denied: ") {
			t.Errorf("another user: %d %s", code, body)
		}
	}
	six := httptest.NewUnstartedServer(s.Handler)
	six.Config.ConnContext = withPeer
	if six.Listener, err = net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("no IPv6")
	}
	six.Start()
	defer six.Close()
	resp, err := http.Get(six.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("over IPv6: %s", resp.Status)
	}
}

// dialAs connects with a socket of another user's: of the thread's, for a moment.
func dialAs(t *testing.T, to *net.TCPAddr, uid int) net.Conn {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, uintptr(uid), 0, 0)
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	_, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, uintptr(os.Geteuid()), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())}); err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "socket")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
