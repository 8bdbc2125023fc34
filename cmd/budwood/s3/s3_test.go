package s3

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"budwood/cmd/budwood/s3/s3test"
	"budwood/trials/blob/blobtest"
)

// TestStore needs the Go module proxy once, for the server.
func TestStore(t *testing.T) {
	server := s3test.Start(t, "bucket")
	server.Setenv()
	query := "?region=us-east-1&endpoint=" + server.Endpoint
	for _, url := range []string{"s3://bucket", "s3://bucket/some/where/"} {
		s, err := Open(t.Context(), url+query)
		if err != nil {
			t.Fatal(err)
		}
		blobtest.Run(t, s, partSize+partSize/3)
	}
	s, err := Open(t.Context(), "s3://bucket/p"+query)
	if err != nil {
		t.Fatal(err)
	}

	t.Run("a list of many pages", func(t *testing.T) {
		dir := filepath.Join(server.Root, "bucket", "p", "studies", "many")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range 2500 {
			name := string([]byte{'a' + byte(i%26), 'a' + byte(i/26%26), 'a' + byte(i/676)})
			if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if list, err := s.List(t.Context(), "studies/many"); err != nil || len(list) != 2500 {
			t.Errorf("%d blobs listed, want 2500: %v", len(list), err)
		}
		if err := s.DeleteAll(t.Context(), "studies/many", "studies/many/aaa"); err != nil {
			t.Fatal(err)
		}
		if list, err := s.List(t.Context(), "studies"); err != nil || len(list) != 1 || list[0].Key != "studies/many/aaa" {
			t.Errorf("%v are left, want the one that was kept: %v", list, err)
		}
	})

	t.Run("uploads of the dead", func(t *testing.T) {
		u := &upload{ctx: t.Context(), store: s, key: s.key("studies/dead/t0001/part")}
		if _, err := u.Write(make([]byte, partSize+1)); err != nil { // and here the process is killed
			t.Fatal(err)
		}
		uploads := func() int {
			out, err := s.client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &s.bucket})
			if err != nil {
				t.Fatal(err)
			}
			return len(out.Uploads)
		}
		if n := uploads(); n != 1 {
			t.Fatalf("%d uploads are under way, want 1", n)
		}
		if err := s.DeleteAll(t.Context(), "studies/other"); err != nil {
			t.Fatal(err)
		}
		if n := uploads(); n != 1 {
			t.Errorf("an upload of another study was dropped")
		}
		if err := s.DeleteAll(t.Context(), "studies/dead"); err != nil {
			t.Fatal(err)
		}
		if n := uploads(); n != 0 {
			t.Errorf("%d uploads are left", n)
		}
	})

	wrong := func(name, url, want string, env ...string) {
		t.Run(name, func(t *testing.T) {
			for i := 0; i < len(env); i += 2 {
				t.Setenv(env[i], env[i+1])
			}
			_, err := Open(t.Context(), url)
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v\nwant one line with %q", err, want)
			}
			t.Log(err)
		})
	}
	wrong("no bucket", "s3://other"+query, "there is no bucket other")
	wrong("no credentials", "s3://bucket"+query, "no credentials: set AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID", "", "AWS_SECRET_ACCESS_KEY", "")
	wrong("wrong secret", "s3://bucket"+query, "access denied (SignatureDoesNotMatch)", "AWS_SECRET_ACCESS_KEY", "guessed")
	wrong("unknown user", "s3://bucket"+query, "No user exists with the provided access key", "AWS_ACCESS_KEY_ID", "guessed")
	wrong("no host", "s3://bucket?endpoint=http://s3.invalid", "no host s3.invalid", "AWS_MAX_ATTEMPTS", "1")
	wrong("endpoint", "s3://bucket?endpoint=minio:9000", "is not a URL such as")
	wrong("option", "s3://bucket?regoin=x", `unknown "regoin"; known are endpoint and region`)
	wrong("bucket", "s3:///prefix", "not of the form s3://bucket/prefix")

	t.Run("the server is down for a while", func(t *testing.T) {
		t.Setenv("AWS_MAX_ATTEMPTS", "1")
		s, err := Open(t.Context(), "s3://bucket/p"+query)
		if err != nil {
			t.Fatal(err)
		}
		put := func() error {
			return s.Put(t.Context(), "k", func(w io.Writer) error { _, err := io.WriteString(w, "v"); return err })
		}
		if err := put(); err != nil {
			t.Fatal(err)
		}
		server.Stop()
		_, get := s.Get(t.Context(), "k")
		for _, err := range []error{put(), get} {
			if err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "no answer from 127.0.0.1") {
				t.Errorf("while the server is down: %v", err)
			}
			t.Log(err)
		}
		server.Begin()
		if f, err := s.Get(t.Context(), "k"); err != nil {
			t.Errorf("when the server is back: %v", err)
		} else {
			f.Close()
		}
	})

	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Get(ctx, "k"); !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want context.Canceled", err)
		}
	})
}
