// Package client stands in for what starts and stops workers in a cloud. It
// answers what the real one answers on a server where nobody has configured any,
// and refuses to configure some.
package client

import (
	"context"

	"go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/auto-scaled-workers/wci/workflow/iface"
	"go.temporal.io/server/common/namespace"
	"go.uber.org/fx"
)

// Module provides the client.
var Module = fx.Provide(func() Client { return Client{} })

type Client struct{}

func (Client) DescribeWorkerControllerInstance(context.Context, *namespace.Namespace, *deployment.WorkerDeploymentVersion) (*iface.QueryDescribeWorkerControllerInstanceResponse, []byte, error) {
	return nil, nil, serviceerror.NewNotFound("no workers are scaled here")
}

// DeleteWorkerControllerInstance has nothing to delete, which is no error.
func (Client) DeleteWorkerControllerInstance(context.Context, *namespace.Namespace, *deployment.WorkerDeploymentVersion, string) error {
	return nil
}

func (Client) UpdateWorkerControllerInstance(context.Context, *namespace.Namespace, *deployment.WorkerDeploymentVersion, []byte, string, map[string]iface.ScalingGroupSpecUpdate, []string) (*iface.UpdateWorkerControllerInstanceResponse, error) {
	return nil, unavailable()
}

func (Client) ValidateWorkerControllerInstanceSpec(context.Context, *namespace.Namespace, *deployment.WorkerDeploymentVersion, string, map[string]iface.ScalingGroupSpecUpdate, []string) error {
	return unavailable()
}

// unavailable is an error that the server does not try again.
func unavailable() error {
	return serviceerror.NewInvalidArgument("Budwood's embedded Temporal server cannot start workers in a cloud; use a Temporal server of your own")
}
