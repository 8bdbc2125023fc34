package devserver

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Command is the hidden subcommand by which the program starts itself as the
// server. Main gets what follows it.
const Command = "dev-server"

const usage = `usage: budwood dev-server serve|attach [-home directory] [-port n] [-ui-port n]
  attach  start or find the server, print where it answers as one line of JSON, hold it until the standard input ends
  serve   be the server (budwood starts this itself)`

// Main runs the hidden subcommand and returns its exit code.
func Main(args []string) int {
	var verb string
	if len(args) > 0 {
		verb, args = args[0], args[1:]
	}
	flags := flag.NewFlagSet(Command, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	home := flags.String("home", "", "")
	port := flags.Int("port", 0, "")
	uiPort := flags.Int("ui-port", 0, "")
	err := flags.Parse(args)
	switch {
	case err != nil || flags.NArg() > 0 || verb != "serve" && verb != "attach":
		fmt.Fprintln(os.Stderr, usage)
		return 2
	case verb == "serve":
		err = serve(*home, ports{*port, *uiPort})
	default:
		err = attach(Options{Home: *home, Port: *port, UIPort: *uiPort}, os.Stdin, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "budwood:", err)
		return 1
	}
	return 0
}

// attach serves programs that cannot link the server: the SDK runs it as a child
// and reads one line, an [Info] or {"error": …}. The end of the child's input,
// which comes in any case when that program ends, lets the server go.
func attach(o Options, in io.Reader, out io.Writer) error {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	o.Alive = &Alive{}
	s, err := Ensure(ctx, o)
	if err != nil {
		return errors.Join(err, json.NewEncoder(out).Encode(map[string]string{"error": err.Error()}))
	}
	defer s.Close()
	if err := json.NewEncoder(out).Encode(s.Info); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, in) // an error is an end too
		cancel()
	}()
	return o.Alive.Wait(ctx)
}
