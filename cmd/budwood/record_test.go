package main

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"

	"budwood/cmd/budwood/devserver"
	"budwood/workflows"
)

var record = flag.Bool("record", false, "write the histories of a study that was killed, for the replay test of workflows")

// recordHistories writes the histories of workflows on a state directory's
// server. What names the machine they ran on is taken out.
func recordHistories(t testing.TB, dir string, ids ...string) {
	t.Helper()
	ctx := context.Background()
	s, err := devserver.Ensure(ctx, devserver.Options{Home: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := workflows.Dial(ctx, client.Options{HostPort: s.Address, Namespace: s.Namespace})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	wd, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(wd, "workflows", "testdata", "histories")
	if err := os.MkdirAll(out, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		h := &historypb.History{}
		events := c.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			e, err := events.Next()
			if err != nil {
				t.Fatal(err)
			}
			h.Events = append(h.Events, e)
		}
		b, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.NewReplacer(host, "host", wd, "/budwood").Replace(string(b))
		name := strings.ReplaceAll(id, "/", "-") + ".json"
		if err := os.WriteFile(filepath.Join(out, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
