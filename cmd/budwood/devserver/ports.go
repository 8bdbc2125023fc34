package devserver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
)

// listen listens on the wanted port, or on a free one if that is in use or 0. A
// port that must be had is an error instead; flag names the option it came by.
func listen(ip string, want int, must bool, flag string) (net.Listener, error) {
	if want == 0 {
		return listenFree(ip)
	}
	l, err := net.Listen("tcp", address(ip, want))
	switch {
	case err == nil:
		return l, nil
	case !must:
		return listenFree(ip)
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("port %d is in use by another program; choose another with %s, or leave %s out to take a free one", want, flag, flag)
	}
	return nil, fmt.Errorf("port %d cannot be used: %w; choose another with %s", want, errors.Unwrap(err), flag)
}

// pickPort is the port of [listen], for somebody else to listen on.
func pickPort(ip string, want int, must bool, flag string) (int, error) {
	l, err := listen(ip, want, must, flag)
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// freePort is a port nobody listens on.
func freePort(ip string) (int, error) { return pickPort(ip, 0, false, "") }

// listenFree listens on a port below the range that systems give to outgoing
// connections, so that none of those takes it before the server does.
func listenFree(ip string) (net.Listener, error) {
	var err error
	for range 100 {
		var l net.Listener
		if l, err = net.Listen("tcp", address(ip, 20000+rand.IntN(12000))); err == nil {
			return l, nil
		}
	}
	return nil, fmt.Errorf("no free port on %s: %w", ip, err)
}

func checkPort(port int) error {
	if port < 0 || port > 65535 {
		return fmt.Errorf("%d is not a port (0 to 65535)", port)
	}
	return nil
}

func address(ip string, port int) string { return net.JoinHostPort(ip, strconv.Itoa(port)) }
