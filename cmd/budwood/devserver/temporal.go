package devserver

import (
	"crypto/tls"
	"fmt"

	"go.temporal.io/server/common/authorization"
	clusterpkg "go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/common/rpc/encryption"
	"go.temporal.io/server/temporal"
)

const (
	cluster = "active" // the name of the only cluster
	store   = "sqlite" // the name of the only data store
)

// newTemporal puts the server together: its four services in this process, one
// history shard, one database, no gossip, no archive. Each of their ports, also
// those for each other, takes only who has the key.
func newTemporal(c Config, db *config.SQL, port int, key *tls.Config) (temporal.Server, error) {
	ports := map[primitives.ServiceName]int{primitives.FrontendService: port}
	for _, s := range []primitives.ServiceName{primitives.HistoryService, primitives.MatchingService, primitives.WorkerService} {
		p, err := freePort(c.IP)
		if err != nil {
			return nil, err
		}
		ports[s] = p
	}
	services := make(map[string]config.Service, len(ports))
	hosts := make(map[primitives.ServiceName]static.Hosts, len(ports))
	for s, p := range ports {
		services[string(s)] = config.Service{RPC: config.RPC{GRPCPort: p, BindOnIP: c.IP}}
		hosts[s] = static.SingleLocalHost(address(c.IP, p))
	}
	dynamic := make(dynamicconfig.StaticClient, len(c.DynamicConfig))
	for k, v := range c.DynamicConfig {
		dynamic[dynamicconfig.MakeKey(k)] = v
	}
	frontend := address(c.IP, port)
	cfg := &config.Config{
		Persistence: config.Persistence{
			DefaultStore:     store,
			VisibilityStore:  store,
			NumHistoryShards: 1,
			DataStores:       map[string]config.DataStore{store: {SQL: db}},
		},
		ClusterMetadata: &clusterpkg.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        cluster,
			CurrentClusterName:       cluster,
			ClusterInformation: map[string]clusterpkg.ClusterInformation{
				cluster: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services:            services,
		PublicClient:        config.PublicClient{HostPort: frontend},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
		}},
	}
	server, err := temporal.NewServer(
		temporal.WithConfig(cfg),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts),
		temporal.WithDynamicConfigClient(dynamic),
		temporal.WithLogger(log.NewZapLogger(log.BuildZapLogger(log.Config{Level: c.LogLevel}))), // to stderr, which is the log file
		temporal.WithTLSConfigFactory(&encryption.FixedTLSConfigProvider{
			FrontendServerConfig: key, FrontendClientConfig: key,
			InternodeServerConfig: key, InternodeClientConfig: key,
		}),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()), // who has the key may do everything
	)
	if err != nil {
		return nil, fmt.Errorf("set up Temporal: %w", err)
	}
	return server, nil
}
