package main

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.temporal.io/sdk/client"

	"budwood/cmd/budwood/devserver"
)

// metricsFlags ask for metrics of the worker in Prometheus' format.
type metricsFlags struct {
	Metrics        string `help:"Serve metrics for Prometheus at this address, like 127.0.0.1:9464." placeholder:"ADDRESS"`
	ListenAnywhere bool   `help:"Allow an address for metrics that other machines can reach."`
}

// serve starts to serve the metrics; close ends it.
func (f *metricsFlags) serve(a *app) (close func() error, err error) {
	if f.Metrics == "" {
		return func() error { return nil }, nil
	}
	host, _, err := net.SplitHostPort(f.Metrics)
	if err != nil {
		return nil, usageError{fmt.Errorf("--metrics: %w", err)}
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) && !f.ListenAnywhere {
		return nil, usageError{fmt.Errorf("--metrics: %s can be reached from other machines; allow it with --listen-anywhere", f.Metrics)}
	}
	listener, err := net.Listen("tcp", f.Metrics)
	if err != nil {
		return nil, fmt.Errorf("--metrics: %w", err)
	}
	registry := prometheus.NewRegistry()
	a.metrics = &metricsHandler{registry: registry, shared: &sharedMetrics{known: map[string]any{}}}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	var handler http.Handler = mux
	if !f.ListenAnywhere { // or whatever other machines call this one
		handler = devserver.OnlyHosts(nil, mux)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			a.say("metrics: %v", err)
		}
	}()
	a.say("metrics at http://%s/metrics", listener.Addr())
	return server.Close, nil
}

// metricsHandler passes the metrics of the Temporal SDK on to Prometheus.
type metricsHandler struct {
	registry *prometheus.Registry
	tags     map[string]string
	shared   *sharedMetrics
}

type sharedMetrics struct {
	mu    sync.Mutex
	known map[string]any // collectors by name and label names
}

// WithTags implements client.MetricsHandler.
func (h *metricsHandler) WithTags(tags map[string]string) client.MetricsHandler {
	all := maps.Clone(h.tags)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, tags)
	return &metricsHandler{h.registry, all, h.shared}
}

// collector finds or registers a collector; the labels are those that the first
// one of its name had, for Prometheus wants them to be the same.
func collector[V prometheus.Collector](h *metricsHandler, name string, make func(name string, labels []string) V) (v V, labels prometheus.Labels) {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, name)
	h.shared.mu.Lock()
	defer h.shared.mu.Unlock()
	type entry struct {
		v      V
		labels []string
	}
	e, ok := h.shared.known[name].(entry)
	if !ok {
		names := slices.Sorted(maps.Keys(h.tags))
		e = entry{make(name, names), names}
		if h.registry.Register(e.v) != nil { // a name of another kind: counted, not shown
			e.labels = names
		}
		h.shared.known[name] = e
	}
	labels = prometheus.Labels{}
	for _, k := range e.labels {
		labels[k] = h.tags[k]
	}
	return e.v, labels
}

// Counter implements client.MetricsHandler.
func (h *metricsHandler) Counter(name string) client.MetricsCounter {
	v, labels := collector(h, name, func(n string, l []string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: n}, l)
	})
	c := v.With(labels)
	return counterFunc(func(d int64) { c.Add(float64(max(d, 0))) })
}

// Gauge implements client.MetricsHandler.
func (h *metricsHandler) Gauge(name string) client.MetricsGauge {
	v, labels := collector(h, name, func(n string, l []string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: n}, l)
	})
	g := v.With(labels)
	return gaugeFunc(g.Set)
}

// Timer implements client.MetricsHandler.
func (h *metricsHandler) Timer(name string) client.MetricsTimer {
	v, labels := collector(h, name+"_seconds", func(n string, l []string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: n, Buckets: prometheus.ExponentialBuckets(.001, 2, 20)}, l)
	})
	o := v.With(labels)
	return timerFunc(func(d time.Duration) { o.Observe(d.Seconds()) })
}

type (
	counterFunc func(int64)
	gaugeFunc   func(float64)
	timerFunc   func(time.Duration)
)

func (f counterFunc) Inc(d int64)          { f(d) }
func (f gaugeFunc) Update(v float64)       { f(v) }
func (f timerFunc) Record(d time.Duration) { f(d) }
