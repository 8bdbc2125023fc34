package devserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"

	"budwood"
	"budwood/workflows"
)

// Connect returns a client of the Temporal that TEMPORAL_ADDRESS or a profile
// of the Temporal command line names, with their namespace, TLS and keys. If
// they name none, or the embedded server of the state directory, it is that, which
// is then returned too, for the caller to close after the client. The given client
// options serve for the rest: logger, data converter, interceptors.
func Connect(ctx context.Context, o Options, c client.Options) (client.Client, *Server, error) {
	env, elsewhere, err := Elsewhere(o.Home)
	if err != nil {
		return nil, nil, err
	}
	if elsewhere {
		c.HostPort, c.Namespace = env.HostPort, env.Namespace
		c.Credentials, c.ConnectionOptions, c.HeadersProvider = env.Credentials, env.ConnectionOptions, env.HeadersProvider
		cl, err := workflows.Dial(ctx, c)
		if errors.Is(err, fs.ErrPermission) { // which says what to do
			return nil, nil, err
		}
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
	c.ConnectionOptions.TLS, err = workflows.ServerTLS(s.Key)
	var cl client.Client
	if err == nil {
		cl, err = workflows.Dial(ctx, c)
	}
	if err != nil {
		s.Close()
		return nil, nil, err
	}
	return cl, s, nil
}

// Elsewhere reports whether the environment or a profile names a Temporal server, by
// these options, that is not the embedded one of the state directory ("" means
// [budwood.Home]). That one they name by its address, or by its key as `budwood
// env` does.
func Elsewhere(home string) (client.Options, bool, error) {
	profile, err := envconfig.LoadClientConfigProfile(envconfig.LoadClientConfigProfileOptions{})
	if err != nil {
		return client.Options{}, false, fmt.Errorf("read the Temporal settings: %w", err)
	}
	if profile.Address == "" {
		return client.Options{}, false, nil
	}
	if home == "" {
		if home, err = budwood.Home(); err != nil {
			return client.Options{}, false, err
		}
	}
	if profile.TLS != nil && sameFile(profile.TLS.ClientKeyPath, filepath.Join(home, keyFile)) {
		return client.Options{}, false, nil
	}
	o, err := profile.ToClientOptions(envconfig.ToClientOptionsRequest{})
	if err != nil {
		return client.Options{}, false, fmt.Errorf("read the Temporal settings: %w", err)
	}
	info, running := Running(home)
	own := running && info.Address == o.HostPort && profile.TLS == nil && profile.APIKey == "" && (o.Namespace == "" || o.Namespace == info.Namespace)
	return o, !own, nil
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
