package mesh

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// Key is the TLS identity of one rank for one attempt. It is never stored; peers know
// it by its fingerprint, which is no secret.
type Key struct {
	cert tls.Certificate
}

// NewKey makes a key and a certificate that it signs itself.
func NewKey() (*Key, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("mesh: new key: %w", err)
	}
	// The dates are not looked at: the key is good for those who have its fingerprint.
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "rank"},
		NotBefore:    time.Unix(0, 0),
		NotAfter:     time.Unix(1<<32, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		return nil, fmt.Errorf("mesh: new key: %w", err)
	}
	return &Key{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}}, nil
}

// Fingerprint is the SHA-256 of the key's certificate in hexadecimal.
func (k *Key) Fingerprint() string { return fingerprint(k.cert.Certificate[0]) }

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// config is TLS 1.3 where the peer's fingerprint must be the given one, or, when a
// listener does not know yet who calls, one that known accepts.
func (k *Key) config(known func(fingerprint string) bool) *tls.Config {
	return &tls.Config{
		MinVersion:                  tls.VersionTLS13,
		Certificates:                []tls.Certificate{k.cert},
		ClientAuth:                  tls.RequireAnyClientCert,
		InsecureSkipVerify:          true, // no authority has signed it: VerifyConnection compares it with the table
		SessionTicketsDisabled:      true,
		DynamicRecordSizingDisabled: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 {
				return errors.New("the peer shows no key")
			}
			if f := fingerprint(s.PeerCertificates[0].Raw); !known(f) {
				return fmt.Errorf("%w: its fingerprint is %s…", errKey, f[:16])
			}
			return nil
		},
	}
}

// errKey is a key that is not in the table.
var errKey = errors.New("its key is not the one in the gang's table")
