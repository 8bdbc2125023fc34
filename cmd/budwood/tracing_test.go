package main

import (
	"context"
	"encoding/hex"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
)

// receiver is a collector that keeps what it gets.
type receiver struct {
	collectorpb.UnimplementedTraceServiceServer
	mu    sync.Mutex
	spans map[string]*tracepb.Span // by id
}

func (r *receiver) Export(_ context.Context, in *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range in.ResourceSpans {
		for _, s := range s.ScopeSpans {
			for _, s := range s.Spans {
				r.spans[hex.EncodeToString(s.SpanId)] = s
			}
		}
	}
	return &collectorpb.ExportTraceServiceResponse{}, nil
}

// lineages are the names of each training span and those it lies in, innermost
// first.
func (r *receiver) lineages() (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		if s.Name != "RunActivity:TrainSegments" {
			continue
		}
		var names []string
		for trace := string(s.TraceId); s != nil && string(s.TraceId) == trace; s = r.spans[hex.EncodeToString(s.ParentSpanId)] {
			name := s.Name
			for _, a := range s.Attributes {
				if a.Key == "temporalWorkflowID" && strings.HasPrefix(name, "RunWorkflow") {
					name += " " + a.Value.GetStringValue()
				}
			}
			names = append(names, name)
		}
		out = append(out, strings.Join(names, " < "))
	}
	return out
}

// A study's trace holds its trials, and each of them its segments; all of it
// reaches the collector by the time that the workers have ended.
func TestTracing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{spans: map[string]*tracepb.Span{}}
	server := grpc.NewServer()
	collectorpb.RegisterTraceServiceServer(server, r)
	go func() { _ = server.Serve(l) }()
	defer server.Stop()

	dir := home(t)
	out, errs, code := do(t, dir, "run", digits, "--trials", "2", "--epochs", "3", "--otlp", "http://"+l.Addr().String())
	if code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	const want = "RunActivity:TrainSegments < StartActivity:TrainSegments < RunWorkflow:Trial study/digits/t000? < StartChildWorkflow:Trial < RunWorkflow:Study study/digits < StartWorkflow:Study"
	var got []string
	for stop := time.Now().Add(20 * time.Second); time.Now().Before(stop); time.Sleep(100 * time.Millisecond) {
		trials := map[string]bool{}
		got = r.lineages()
		for _, line := range got {
			for _, trial := range []string{"t0000", "t0001"} {
				if line == strings.Replace(want, "t000?", trial, 1) {
					trials[trial] = true
				}
			}
		}
		if len(trials) == 2 {
			return
		}
	}
	t.Errorf("no trace of both trials:\n%s\nwant\n%s", strings.Join(got, "\n"), want)
}

// A study does not need the collector, and says if there cannot be one.
func TestNoCollector(t *testing.T) {
	dir := home(t)
	if out, errs, code := do(t, dir, "run", digits, "--trials", "1", "--epochs", "1", "--otlp", "http://127.0.0.1:1"); code != exitDone {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	if _, errs, code := do(t, dir, "ls", "--otlp", "127.0.0.1:4317"); code != exitUsage || !strings.Contains(errs, "is not a URL such as http://127.0.0.1:4317") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}
