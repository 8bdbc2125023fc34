package workflows

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"budwood/study"
	"budwood/study/studytest"
)

func keyFile(t testing.TB, digit string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(strings.Repeat(digit, 64)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func encrypting(t testing.TB, digit string) converter.DataConverter {
	t.Helper()
	var o client.Options
	path := keyFile(t, digit)
	if err := Encrypt(&o, func(string) string { return path }); err != nil {
		t.Fatal(err)
	}
	return o.DataConverter
}

func TestEncryption(t *testing.T) {
	d, other := encrypting(t, "7"), encrypting(t, "8")
	in := studytest.Toy(t, "secret")
	p, err := d.ToPayload(in)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(p.Data, []byte("secret")) {
		t.Error("the payload can be read")
	}
	var out study.Spec
	if err := d.FromPayload(p, &out); err != nil || out.Name != in.Name {
		t.Errorf("%v, %v", out.Name, err)
	}
	if err := other.FromPayload(p, &out); err == nil || !strings.Contains(err.Error(), "another key") {
		t.Errorf("with another key: %v", err)
	}
	p.Data[20] ^= 1
	if err := d.FromPayload(p, &out); err == nil {
		t.Error("a payload that was changed is taken")
	}
	plain, err := converter.GetDefaultDataConverter().ToPayload(in)
	if err == nil {
		err = d.FromPayload(plain, &out)
	}
	if err != nil {
		t.Errorf("a payload from before the key: %v", err)
	}
	for _, bad := range []string{"", "/nowhere", os.Args[0]} {
		err := Encrypt(&client.Options{}, func(string) string { return bad })
		if (err == nil) != (bad == "") {
			t.Errorf("key file %q: %v", bad, err)
		}
	}
}
