package devserver

import (
	"context"
	"crypto/tls"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"budwood/workflows"
)

// dial prepares a connection to a server on this machine.
func dial(address string, key *tls.Config) (*grpc.ClientConn, error) {
	const largest = 64 << 20 // answer, of those that the web UI asks for
	return grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(credentials.NewTLS(key)),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(largest)))
}

// answers returns nil if the server knows its namespace, which takes its frontend
// and its database.
func answers(ctx context.Context, server Info) error {
	key, err := workflows.ServerTLS(server.Key)
	if err != nil {
		return err
	}
	conn, err := dial(server.Address, key)
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err = workflowservice.NewWorkflowServiceClient(conn).DescribeNamespace(ctx,
		&workflowservice.DescribeNamespaceRequest{Namespace: server.Namespace})
	return err
}

// untilAnswers repeats a check until it succeeds or the context ends.
func untilAnswers(ctx context.Context, check func(context.Context) error) error {
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}
