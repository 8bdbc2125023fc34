package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"budwood/workflows"
)

// A server that wants TLS and a client certificate, and payloads that it cannot
// read: the settings are Temporal's standard environment and a key file.
func TestTLSAndEncryption(t *testing.T) {
	dir := home(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()

	// The embedded server, held by its hidden command, behind a proxy for TLS.
	holder, _, _ := program(ctx, dir, "dev-server", "attach", "-home", filepath.Join(dir, "server"))
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	holder.Stdout = nil
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { in.Close(); _ = holder.Wait() }()
	line, err := bufio.NewReader(out).ReadBytes('\n')
	var info struct{ Address, Key, Error string }
	if err == nil {
		err = json.Unmarshal(line, &info)
	}
	if err != nil || info.Error != "" {
		t.Fatalf("%v %s", err, info.Error)
	}
	files, config := certificates(t)
	behind, err := workflows.ServerTLS(info.Key)
	if err != nil {
		t.Fatal(err)
	}
	behind.NextProtos = config.NextProtos
	proxy := tlsProxy(t, info.Address, config, behind)
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(strings.Repeat("5e", 32)), 0o600); err != nil {
		t.Fatal(err)
	}

	state := home(t)
	cmd, stdout, stderr := program(ctx, state, "run", digits, "--trials", "4", "--epochs", "3")
	cmd.Env = append(cmd.Env, "TEMPORAL_ADDRESS="+proxy, "TEMPORAL_TLS=true", "TEMPORAL_TLS_SERVER_CA_CERT_PATH="+files+"/ca.pem",
		"TEMPORAL_TLS_CLIENT_CERT_PATH="+files+"/cert.pem", "TEMPORAL_TLS_CLIENT_KEY_PATH="+files+"/key.pem",
		"BUDWOOD_KEY_FILE="+key)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, stdout, stderr)
	}
	wantLine(t, stdout.String(), "study   digits: completed", "4 trials")

	c, err := workflows.Dial(ctx, client.Options{HostPort: info.Address})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, id := range []string{"study/digits", "study/digits/t0000"} {
		events := c.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		seen := 0
		for events.HasNext() {
			e, err := events.Next()
			if err != nil {
				t.Fatal(err)
			}
			seen++
			for _, word := range []string{"digits.csv", "valid_accuracy", `"lr"`} {
				if strings.Contains(e.String(), word) {
					t.Fatalf("event %d of %s can be read: it has %q", e.EventId, id, word)
				}
			}
		}
		if seen < 5 {
			t.Errorf("%s has %d events", id, seen)
		}
	}

	// Without the certificate there is no way in, and the error says where.
	cmd, _, stderr = program(ctx, home(t), "run", digits)
	cmd.Env = append(cmd.Env, "TEMPORAL_ADDRESS="+proxy)
	if err := cmd.Run(); err == nil || !strings.Contains(stderr.String(), proxy) {
		t.Errorf("without TLS: %v, %s", err, stderr)
	}
}

// certificates writes a CA and a certificate for 127.0.0.1 that server and client
// share, and returns their directory and the server's settings.
func certificates(t *testing.T) (dir string, config *tls.Config) {
	t.Helper()
	dir = t.TempDir()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"ca.pem": {Type: "CERTIFICATE", Bytes: caDER}, "cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(caDER)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	return dir, &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, NextProtos: []string{"h2"}}
}

// tlsProxy takes TLS connections on a free port of 127.0.0.1 and passes them on
// over others.
func tlsProxy(t *testing.T, to string, config, behind *tls.Config) (address string) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer in.Close()
				out, err := tls.Dial("tcp", to, behind)
				if err != nil {
					return
				}
				defer out.Close()
				go func() { _, _ = io.Copy(out, in); out.Close() }()
				_, _ = io.Copy(in, out)
			}()
		}
	}()
	return l.Addr().String()
}
