package workflows

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"
)

// keyFileVariable names the environment variable with the path of the key that
// encrypts what Temporal keeps of studies: 32 random bytes as 64 hexadecimal
// digits. Every program that talks about the same studies needs it. Search
// attributes, ids and names are not encrypted.
const keyFileVariable = "BUDWOOD_KEY_FILE"

// Encrypt makes a client encrypt payloads if the environment names a key file.
func Encrypt(o *client.Options, getenv func(string) string) error {
	path := getenv(keyFileVariable)
	if path == "" {
		return nil
	}
	c, err := readKey(path)
	if err != nil {
		return fmt.Errorf("%s: %w", keyFileVariable, err)
	}
	o.DataConverter = converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), c)
	o.FailureConverter = temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter: o.DataConverter, EncodeCommonAttributes: true,
	})
	return nil
}

// codec encrypts payloads by AES-256 in Galois/Counter Mode (NIST SP 800-38D),
// each under a nonce of its own.
type codec struct{ aead cipher.AEAD }

const (
	encodingKey = "encoding" // of a payload, in its metadata
	encrypted   = "binary/encrypted"
)

func readKey(path string) (*codec, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%s is not a key: it holds 64 hexadecimal digits, such as openssl rand -hex 32 writes", path)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &codec{aead}, err
}

// Encode implements converter.PayloadCodec.
func (c *codec) Encode(in []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(in))
	for i, p := range in {
		plain, err := proto.Marshal(p)
		if err != nil {
			return nil, err
		}
		nonce := make([]byte, c.aead.NonceSize(), c.aead.NonceSize()+len(plain)+c.aead.Overhead())
		if _, err := rand.Read(nonce); err != nil {
			return nil, err
		}
		out[i] = &commonpb.Payload{
			Metadata: map[string][]byte{encodingKey: []byte(encrypted)},
			Data:     c.aead.Seal(nonce, nonce, plain, nil),
		}
	}
	return out, nil
}

// Decode implements converter.PayloadCodec. What is not encrypted passes.
func (c *codec) Decode(in []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(in))
	for i, p := range in {
		if string(p.Metadata[encodingKey]) != encrypted {
			out[i] = p
			continue
		}
		n := c.aead.NonceSize()
		if len(p.Data) < n {
			return nil, errors.New("an encrypted payload is cut short")
		}
		plain, err := c.aead.Open(nil, p.Data[:n], p.Data[n:], nil)
		if err != nil {
			return nil, errors.New("a payload was encrypted with another key, or changed")
		}
		out[i] = &commonpb.Payload{}
		if err := proto.Unmarshal(plain, out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}
