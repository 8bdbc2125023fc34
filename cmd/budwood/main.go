// Command budwood runs studies: see budwood --help.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"budwood/cmd/budwood/devserver"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == devserver.Command {
		os.Exit(devserver.Main(os.Args[2:]))
	}
	if len(os.Args) > 1 && os.Args[1] == serviceCommand {
		os.Exit(serviceMain())
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // a write that fails says so: progress that nobody reads ends no study
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
