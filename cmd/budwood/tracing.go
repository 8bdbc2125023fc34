package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
)

// otlpEnv is OpenTelemetry's own setting of where to; the exporter reads it, and
// the others of its kind: headers, certificates, sampling.
const otlpEnv = "OTEL_EXPORTER_OTLP_ENDPOINT"

// checkOTLP makes sure that traces can be sent to a URL.
func checkOTLP(text string) error {
	u, err := url.Parse(text)
	if text != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return usageError{fmt.Errorf("--otlp: %s is not a URL such as http://127.0.0.1:4317", text)}
	}
	return nil
}

// trace has the client, and the workers on it, send a span for each study, trial
// and segment, and for what they are made of, to the collector that was named.
// Nothing waits for the collector; what it does not take is lost. stop sends
// what is left.
func (a *app) trace(o *client.Options) (stop func() error, err error) {
	if os.Getenv(otlpEnv) == "" {
		return func() error { return nil }, nil
	}
	exporter, err := otlptracegrpc.New(a.ctx)
	if err != nil {
		return nil, fmt.Errorf("--otlp: %w", err)
	}
	log := a.log()
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn().Err(err).Msg("traces") }))
	about, err := resource.New(a.ctx, resource.WithAttributes(attribute.String("service.name", "budwood")), resource.WithHost(), resource.WithProcessPID(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("--otlp: %w", err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(about))
	tracing, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{Tracer: provider.Tracer("budwood"), DisableQueryTracing: true})
	if err != nil {
		return nil, fmt.Errorf("--otlp: %w", err)
	}
	o.Interceptors = append(o.Interceptors, interceptor.ClientInterceptor(tracing))
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil { // a collector that is gone is no failure of a study
			log.Warn().Err(err).Msg("traces")
		}
		return nil
	}, nil
}
