package workflows

import (
	"net"
	"strings"
	"testing"

	"go.temporal.io/sdk/client"
)

// Whatever keeps a client from its server is told in one line, in our words.
func TestDialMistakes(t *testing.T) {
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	gone, other := listen(), listen()
	gone.Close()
	t.Cleanup(func() { other.Close() })
	go func() {
		for {
			c, err := other.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("SSH-2.0-OpenSSH_9.2\r\n"))
			c.Close()
		}
	}()
	for address, want := range map[string]string{
		gone.Addr().String():             "no Temporal server answers at " + gone.Addr().String() + " (connect: connection refused)",
		"dns:///" + gone.Addr().String(): "(connect: connection refused)",
		"127.0.0.1:many":                 "no Temporal server answers at 127.0.0.1:many (",
		other.Addr().String():            "what answers at " + other.Addr().String() + " is not a Temporal server",
	} {
		c, err := Dial(t.Context(), client.Options{HostPort: address, Logger: Logger{}})
		if err == nil {
			c.Close()
			t.Fatalf("%s answers", address)
		}
		if s := err.Error(); !strings.Contains(s, want) || strings.ContainsAny(s, "\n\"") || strings.Contains(s, "desc") || strings.Contains(s, "failed reaching") {
			t.Errorf("%s: %s", address, s)
		}
	}
}
