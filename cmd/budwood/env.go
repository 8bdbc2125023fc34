package main

import (
	"fmt"
	"strings"

	"budwood/workflows"
)

type envCmd struct{}

// Run prints the variables by which Temporal's own command line and its SDKs find
// the embedded server and show its key.
func (envCmd) Run(a *app) error {
	info, err := a.running()
	if err != nil {
		return err
	}
	for _, v := range [][2]string{
		{"TEMPORAL_ADDRESS", info.Address},
		{"TEMPORAL_NAMESPACE", info.Namespace},
		{"TEMPORAL_TLS", "true"},
		{"TEMPORAL_TLS_CLIENT_CERT_PATH", info.Key},
		{"TEMPORAL_TLS_CLIENT_KEY_PATH", info.Key},
		{"TEMPORAL_TLS_SERVER_CA_CERT_PATH", info.Key},
		{"TEMPORAL_TLS_SERVER_NAME", workflows.ServerName},
	} {
		fmt.Fprintf(a.stdout, "export %s=%s\n", v[0], quoted(v[1]))
	}
	return nil
}

// quoted is a text as one word of a shell.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
