package data

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
)

// Digest identifies what is in a file.
type Digest struct {
	SHA256 string `json:"sha256"` // 64 hexadecimal digits
	Size   int64  `json:"size"`   // bytes
}

// Valid reports whether d can be a digest; one from elsewhere may be anything.
func (d Digest) Valid() bool {
	b, err := hex.DecodeString(d.SHA256)
	return err == nil && len(b) == sha256.Size && hex.EncodeToString(b) == d.SHA256 && d.Size >= 0
}

// DigestFile reads a file. The error is not an [*Error].
func DigestFile(ctx context.Context, path string) (Digest, error) {
	if _, err := regular(path); err != nil {
		return Digest{}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return Digest{}, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, contextReader{ctx, f})
	return Digest{hex.EncodeToString(h.Sum(nil)), n}, err
}

// Files finds files by what is in them.
type Files interface {
	// Path is where a file with this digest can be read. An error that is an
	// [*Error] is final; others are trouble of the moment.
	Path(ctx context.Context, d Digest) (string, error)
}

// MapPaths is the source with each of its paths replaced by what f returns for
// it and the setting that names it ("csv", "idx.images").
func (s Source) MapPaths(f func(key, path string) (string, error)) (Source, error) {
	if s.IDX != nil {
		x := *s.IDX
		s.IDX = &x
	}
	if s.NPY != nil {
		x := *s.NPY
		s.NPY = &x
	}
	if s.Text != nil {
		x := *s.Text
		s.Text = &x
	}
	for _, p := range s.paths() {
		if *p.path == "" {
			continue
		}
		path, err := f(p.key, *p.path)
		if err != nil {
			return s, err
		}
		*p.path = path
	}
	return s, nil
}

// WithDigests is the source with the digests of its files, as they are now. That of
// image files is of the file that [Shared.Packed] makes of them.
func (s Source) WithDigests(ctx context.Context) (Source, error) {
	s.Digests = map[string]Digest{}
	packed, done, err := (*Shared)(nil).Packed(ctx, s)
	if err != nil {
		return s, err
	}
	defer done()
	_, err = packed.MapPaths(func(key, path string) (string, error) {
		d, err := DigestFile(ctx, path)
		if err != nil {
			return "", ioFault(key, path, 0, err)
		}
		s.Digests[key] = d
		return path, nil
	})
	return s, err
}

// at is the source with the paths at which its files can be read here.
func (s Source) at(ctx context.Context, files Files) (Source, error) {
	if files == nil || s.Digests == nil {
		return s, nil
	}
	return s.MapPaths(func(key, path string) (string, error) {
		d, ok := s.Digests[key]
		if !ok || !d.Valid() {
			return "", &Error{Key: key, Path: path, Err: errors.New("the study says wrongly what is in this file: submit it again")}
		}
		found, err := files.Path(ctx, d)
		var e *Error
		if errors.As(err, &e) {
			return "", &Error{Key: key, Path: path, Err: e.Err}
		}
		return found, err
	})
}
