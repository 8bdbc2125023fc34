package workflows

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
)

// Dial connects to a Temporal server. An error says in one line what is wrong
// there; gRPC's words for it, which often hide that, go to the options' logger.
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
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", host)
	if err == nil {
		conn.Close()
		return fmt.Errorf("what answers at %s is no Temporal server, or one that expects other TLS settings (TEMPORAL_TLS) or another key (TEMPORAL_API_KEY)", address)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err // without the address
	}
	return fmt.Errorf("no Temporal server answers at %s (%w)", address, err)
}
