package devserver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
)

// pickPort returns the wanted port, or a free one if that is in use or 0. A
// port that must be had is an error instead; flag names the option it came by.
func pickPort(ip string, want int, must bool, flag string) (int, error) {
	if want == 0 {
		return freePort(ip)
	}
	l, err := net.Listen("tcp", address(ip, want))
	switch {
	case err == nil:
		return want, l.Close()
	case !must:
		return freePort(ip)
	case errors.Is(err, syscall.EADDRINUSE):
		return 0, fmt.Errorf("port %d is in use by another program; choose another with %s, or leave %s out to take a free one", want, flag, flag)
	}
	return 0, fmt.Errorf("port %d cannot be used: %w; choose another with %s", want, errors.Unwrap(err), flag)
}

// freePort returns a port nobody listens on. It lies below the range that
// systems give to outgoing connections, so that none of those takes it before
// the server does.
func freePort(ip string) (int, error) {
	var err error
	for range 100 {
		port := 20000 + rand.IntN(12000)
		var l net.Listener
		if l, err = net.Listen("tcp", address(ip, port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("no free port on %s: %w", ip, err)
}

func checkPort(port int) error {
	if port < 0 || port > 65535 {
		return fmt.Errorf("%d is not a port (0 to 65535)", port)
	}
	return nil
}

func address(ip string, port int) string { return net.JoinHostPort(ip, strconv.Itoa(port)) }
