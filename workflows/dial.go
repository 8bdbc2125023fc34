package workflows

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
)

// KeyHolders is the organisation in the certificate of the servers that answer
// only who has their key: those embedded in budwood.
const KeyHolders = "Budwood"

// Dial connects to a Temporal server. An error says in one line what is wrong
// there; gRPC's words for it, which often hide that, go to the options' logger.
// It is an [fs.ErrPermission] where the server is a budwood's and has another key.
func Dial(ctx context.Context, o client.Options) (client.Client, error) {
	c, err := client.DialContext(ctx, o)
	if err == nil || ctx.Err() != nil {
		return c, err
	}
	if o.Logger != nil {
		o.Logger.Warn("no connection to Temporal", "address", o.HostPort, "error", err.Error())
	}
	var denied *serviceerror.PermissionDenied
	if errors.As(err, &denied) {
		return nil, fmt.Errorf("the Temporal server at %s refuses: %s", o.HostPort, denied.Message)
	}
	return nil, unreachable(ctx, o.HostPort)
}

// unreachable tells why there is no server at an address, by a plain connection.
func unreachable(ctx context.Context, address string) error {
	host := address
	if _, after, ok := strings.Cut(address, ":///"); ok { // a resolver of gRPC's
		host = after
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", host)
	if err == nil {
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(dialer.Timeout))
		if wantsKey(ctx, conn) {
			return fmt.Errorf("%w: the Temporal server at %s answers only who can read its key, in the state directory of the user who runs it; leave TEMPORAL_ADDRESS out to use a server of your own, or set BUDWOOD_HOME to its state directory if that is yours", fs.ErrPermission, address)
		}
		return fmt.Errorf("what answers at %s is no Temporal server, or one that expects other TLS settings (TEMPORAL_TLS) or another key (TEMPORAL_API_KEY)", address)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err // without the address
	}
	return fmt.Errorf("no Temporal server answers at %s (%w)", address, err)
}

// wantsKey tells whether a budwood's own server answers, by its certificate, which
// it shows to everybody.
func wantsKey(ctx context.Context, conn net.Conn) bool {
	c := tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) // nothing is said to it
	if c.HandshakeContext(ctx) != nil {
		return false
	}
	shown := c.ConnectionState().PeerCertificates
	return len(shown) > 0 && slices.Contains(shown[0].Subject.Organization, KeyHolders)
}
