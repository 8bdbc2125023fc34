package devserver

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"budwood/workflows"
)

// ensureKey is the file of the key of a state directory's server, which it makes
// if there is none, or that of another place: a state directory moved or copied.
func ensureKey(home string) (string, error) {
	home, err := filepath.EvalSymlinks(home)
	if err != nil {
		return "", err
	}
	path := filepath.Join(home, keyFile)
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, makeKey(path)
	}
	if err == nil && (!st.Mode().IsRegular() || st.Mode().Perm()&0o077 != 0 || !mine(st)) {
		err = fmt.Errorf("%s: others can read or replace it (%v): delete it, and the server makes another", path, st.Mode())
	}
	if err != nil {
		return "", fmt.Errorf("the key of the Temporal server: %w", err)
	}
	key, err := workflows.ServerTLS(path)
	if err == nil && workflows.KeyPath(key.Certificates[0].Leaf) != path {
		err = makeKey(path)
	}
	return path, err
}

// makeKey writes a new private key with its certificate, which is its own
// authority and never expires: the key is thrown away with its state directory.
func makeKey(path string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{workflows.KeyHolders}},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		DNSNames: []string{workflows.ServerName}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		URIs:                  []*url.URL{{Scheme: "file", Path: path}},
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	certDER, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certDER})...)
	// Whole or not at all, and never another's file.
	f, err := os.CreateTemp(filepath.Dir(path), ".temporal-*.pem") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = cmp.Or(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// secret derives one from the key, for a use with a name of its own.
func secret(c *tls.Config, use string) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(c.Certificates[0].PrivateKey)
	if err != nil {
		return "", err
	}
	b, err := hkdf.Key(sha256.New, der, nil, use, 16)
	return hex.EncodeToString(b), err
}
