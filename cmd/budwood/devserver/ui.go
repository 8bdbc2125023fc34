package devserver

import (
	"crypto/tls"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/temporalio/ui-server/v2/server/api"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/headers"
	"github.com/temporalio/ui-server/v2/server/route"
	"github.com/temporalio/ui-server/v2/ui"
	"go.temporal.io/api/workflowservice/v1"

	"budwood/workflows"
)

// newUI is the web UI for the Temporal server at an address, behind its gate. It
// is put together here as ui-server's own program does, because that listens on a
// port before anybody can stand in front of it.
func newUI(c Config, address string, key *tls.Config) (*http.Server, error) {
	config, err := uiconfig.NewConfigProviderWithRefresh(&uiconfig.Config{
		TemporalGRPCAddress: address,
		DefaultNamespace:    c.Namespace,
		EnableUI:            true,
		DisableNewsFetch:    true, // no call home
	})
	if err != nil {
		return nil, fmt.Errorf("set up the web UI: %w", err)
	}
	assets, err := ui.Assets()
	if err == nil {
		assets, err = fs.Sub(assets, "local")
	}
	if err != nil {
		return nil, fmt.Errorf("set up the web UI: %w", err)
	}
	temporal, err := dial(address, key)
	if err != nil {
		return nil, fmt.Errorf("set up the web UI: %w", err)
	}
	forward := []api.Middleware{headers.WithForwardHeaders([]string{"Caller-Type"})}

	e := echo.New()
	e.Use(middleware.Recover(), middleware.Gzip(), middleware.Secure())
	v1 := e.Group("/api/v1")
	v1.GET("/settings", api.GetSettings(config))
	v1.GET("/releases", api.GetLatestReleases(config, api.NewReleaseChecker()))
	v1.GET("/ui-extensions", api.GetUIExtensions(config, nil))
	v1.GET(api.WorkflowRawHistoryUrl, api.WorkflowRawHistoryHandler(workflowservice.NewWorkflowServiceClient(temporal)))
	v1.Any("/*", api.TemporalAPIHandler(config, forward, temporal))
	if err := route.SetUIRoutes(e, "", assets, config); err != nil {
		return nil, fmt.Errorf("set up the web UI: %w", err)
	}
	route.SetRenderRoute(e, "/")

	gate, err := newGate(key, e)
	if err != nil {
		return nil, fmt.Errorf("set up the web UI: %w", err)
	}
	var handler http.Handler = gate
	if len(c.UIHosts) == 0 { // or a proxy, which may be another user's, stands in front
		handler = onlyUser(gate)
	}
	return &http.Server{Handler: OnlyHosts(c.UIHosts, handler), ConnContext: withPeer, ReadHeaderTimeout: 10 * time.Second}, nil
}

// UILink is an address of the web UI, below its root, that lets a browser in: for
// the user's eyes alone.
func (i Info) UILink(path string, query url.Values) (string, error) {
	key, err := workflows.ServerTLS(i.Key)
	if err != nil {
		return "", err
	}
	token, err := secret(key, visitUse)
	if err != nil {
		return "", err
	}
	all := url.Values{tokenParam: {token}}
	for k, v := range query {
		all[k] = v
	}
	return i.UIURL + path + "?" + all.Encode(), nil
}
