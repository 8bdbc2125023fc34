package devserver

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/compute/v1"
	"go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// The server asks its part for auto-scaled workers, which has a stand-in here,
// about every version of a worker. Versions must work as with the real one, where
// nobody has configured such workers.
func TestVersionsOfWorkers(t *testing.T) {
	t.Parallel()
	s := ensure(t, Options{Home: stateDir(t)})
	defer s.Close()
	c := connect(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	w := worker.New(c, "tree", worker.Options{DeploymentOptions: worker.DeploymentOptions{
		UseVersioning:             true,
		Version:                   worker.WorkerDeploymentVersion{DeploymentName: "tree", BuildID: "1"},
		DefaultVersioningBehavior: workflow.VersioningBehaviorPinned,
	}})
	w.RegisterWorkflowWithOptions(func(workflow.Context) (string, error) { return "grown", nil }, workflow.RegisterOptions{Name: "grow"})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	tree := c.WorkerDeploymentClient().GetHandle("tree")
	retry(ctx, t, "the version of the worker", func() error {
		v, err := tree.DescribeVersion(ctx, client.WorkerDeploymentDescribeVersionOptions{BuildID: "1"})
		if err == nil && len(v.Info.TaskQueuesInfos) == 0 {
			err = errors.New("it has no queue yet")
		}
		return err
	})
	if _, err := tree.SetCurrentVersion(ctx, client.WorkerDeploymentSetCurrentVersionOptions{BuildID: "1"}); err != nil {
		t.Fatal(err)
	}
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: "tree"}, "grow")
	if err != nil {
		t.Fatal(err)
	}
	var got string
	if err := run.Get(ctx, &got); err != nil || got != "grown" {
		t.Errorf("a workflow of the version: %q, %v", got, err)
	}

	// A version without a worker can be made and deleted, but no cloud starts one for it.
	bush := &deployment.WorkerDeploymentVersion{DeploymentName: "bush", BuildId: "1"}
	service := c.WorkflowService()
	if _, err := service.CreateWorkerDeployment(ctx, &workflowservice.CreateWorkerDeploymentRequest{Namespace: s.Namespace, DeploymentName: "bush"}); err != nil {
		t.Fatal(err)
	}
	if _, err := service.CreateWorkerDeploymentVersion(ctx, &workflowservice.CreateWorkerDeploymentVersionRequest{Namespace: s.Namespace, DeploymentVersion: bush}); err != nil {
		t.Fatal(err)
	}
	_, err = service.UpdateWorkerDeploymentVersionComputeConfig(ctx, &workflowservice.UpdateWorkerDeploymentVersionComputeConfigRequest{
		Namespace:         s.Namespace,
		DeploymentVersion: bush,
		ComputeConfigScalingGroups: map[string]*compute.ComputeConfigScalingGroupUpdate{
			"all": {ScalingGroup: &compute.ComputeConfigScalingGroup{Provider: &compute.ComputeProvider{Type: "k8s"}}},
		},
	})
	var invalid *serviceerror.InvalidArgument
	if !errors.As(err, &invalid) || !strings.Contains(err.Error(), "Temporal server of your own") {
		t.Errorf("workers in a cloud: %T %v", err, err)
	}
	if _, err := service.DeleteWorkerDeploymentVersion(ctx, &workflowservice.DeleteWorkerDeploymentVersionRequest{Namespace: s.Namespace, DeploymentVersion: bush}); err != nil {
		t.Error(err)
	}
	if _, err := c.WorkerDeploymentClient().GetHandle("bush").DescribeVersion(ctx, client.WorkerDeploymentDescribeVersionOptions{BuildID: "1"}); err == nil {
		t.Error("a version that was deleted is still there")
	}
}

// retry waits until something succeeds.
func retry(ctx context.Context, t *testing.T, what string, try func() error) {
	t.Helper()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
