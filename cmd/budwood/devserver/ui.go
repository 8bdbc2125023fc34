package devserver

import (
	uiserver "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	uioptions "github.com/temporalio/ui-server/v2/server/server_options"
)

// newUI is the web UI for the server at the given ports. Its Start blocks.
func newUI(c Config, port, uiPort int) *uiserver.Server {
	return uiserver.NewServer(uioptions.WithConfigProvider(&uiconfig.Config{
		Host:                c.IP,
		Port:                uiPort,
		TemporalGRPCAddress: address(c.IP, port),
		DefaultNamespace:    c.Namespace,
		EnableUI:            true,
		DisableNewsFetch:    true, // no call home
		HideLogs:            true,
		CORS:                uiconfig.CORS{CookieInsecure: true}, // plain HTTP
	}))
}
