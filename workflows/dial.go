package workflows

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
)

// Dial connects to a Temporal server. An error says in one line what is wrong
// there; gRPC's words for it, which often hide that, go to the options' logger.
// Options without keys are given that of a budwood's own server if the user can
// read it; if not, the error is an [fs.ErrPermission].
func Dial(ctx context.Context, o client.Options) (client.Client, error) {
	if o.ConnectionOptions.TLS == nil && !o.ConnectionOptions.TLSDisabled && o.Credentials == nil {
		if key := keyOf(ctx, o.HostPort); key != "" {
			if !readable(key) {
				return nil, denied(o.HostPort, key)
			}
			var err error
			if o.ConnectionOptions.TLS, err = ServerTLS(key); err != nil {
				return nil, err
			}
		}
	}
	c, err := client.DialContext(ctx, o)
	if err == nil || ctx.Err() != nil {
		return c, err
	}
	if o.Logger != nil {
		o.Logger.Warn("no connection to Temporal", "address", o.HostPort, "error", err.Error())
	}
	var refused *serviceerror.PermissionDenied
	if errors.As(err, &refused) {
		return nil, fmt.Errorf("the Temporal server at %s refuses: %s", o.HostPort, refused.Message)
	}
	return nil, unreachable(ctx, o.HostPort)
}

func denied(address, key string) error {
	return fmt.Errorf("%w: the Temporal server at %s answers only who shows its key, %q; leave TEMPORAL_ADDRESS out to use a server of your own", fs.ErrPermission, address, key)
}

// unreachable tells why there is no server at an address, by a plain connection.
func unreachable(ctx context.Context, address string) error {
	if key := keyOf(ctx, address); key != "" {
		return denied(address, key)
	}
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", bare(address))
	if err == nil {
		conn.Close()
		return fmt.Errorf("what answers at %s is not a Temporal server, or one that expects other TLS settings (TEMPORAL_TLS) or another key (TEMPORAL_API_KEY)", address)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err // without the address
	}
	return fmt.Errorf("no Temporal server answers at %s (%w)", address, err)
}
