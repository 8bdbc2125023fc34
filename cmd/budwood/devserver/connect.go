package devserver

import (
	"context"
	"fmt"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"

	"budwood/workflows"
)

// Connect returns a client of the Temporal that TEMPORAL_ADDRESS or a profile
// of the Temporal command line names, with their namespace, TLS and keys. If
// they name none, it is the embedded server, which is then returned too, for the
// caller to close after the client. The given client options serve for the rest:
// logger, data converter, interceptors.
func Connect(ctx context.Context, o Options, c client.Options) (client.Client, *Server, error) {
	env, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return nil, nil, fmt.Errorf("read the Temporal settings: %w", err)
	}
	if env.HostPort != "" {
		c.HostPort, c.Namespace = env.HostPort, env.Namespace
		c.Credentials, c.ConnectionOptions, c.HeadersProvider = env.Credentials, env.ConnectionOptions, env.HeadersProvider
		cl, err := workflows.Dial(ctx, c)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: start it, or correct TEMPORAL_ADDRESS or the profile that names it; without them budwood starts a server of its own", err)
		}
		return cl, nil, nil
	}
	s, err := Ensure(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	c.HostPort, c.Namespace = s.Address, s.Namespace
	cl, err := workflows.Dial(ctx, c)
	if err != nil {
		s.Close()
		return nil, nil, err
	}
	return cl, s, nil
}
