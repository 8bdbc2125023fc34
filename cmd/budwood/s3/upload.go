package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// partSize is what is sent at once. A blob may have 10,000 parts: 160 GiB.
const partSize = 16 << 20

// Put uploads what write produces. It appears under its key when all of it is
// there.
func (s *Store) Put(ctx context.Context, key string, write func(io.Writer) error) error {
	u := &upload{ctx: ctx, store: s, key: s.key(key)}
	err := write(u)
	if err == nil {
		err = u.finish()
	}
	if err != nil {
		u.abort()
		return fmt.Errorf("blob %q: %w", key, err)
	}
	return nil
}

// upload is a blob on its way: in one request, or, if it is larger than a part,
// as a multipart upload.
type upload struct {
	ctx   context.Context
	store *Store
	key   *string
	buf   bytes.Buffer
	id    *string // of the multipart upload; nil: none was begun
	parts []types.CompletedPart
}

func (u *upload) Write(b []byte) (int, error) {
	n := len(b)
	for u.buf.Len()+len(b) >= partSize {
		k := partSize - u.buf.Len()
		u.buf.Write(b[:k])
		b = b[k:]
		if err := u.part(); err != nil {
			return 0, err
		}
	}
	u.buf.Write(b)
	return n, nil
}

// part sends what has come together.
func (u *upload) part() error {
	s := u.store
	if u.id == nil {
		out, err := s.client.CreateMultipartUpload(u.ctx, &s3.CreateMultipartUploadInput{Bucket: &s.bucket, Key: u.key})
		if err != nil {
			return s.say(err)
		}
		u.id = out.UploadId
	}
	number := aws.Int32(int32(len(u.parts) + 1))
	out, err := s.client.UploadPart(u.ctx, &s3.UploadPartInput{
		Bucket: &s.bucket, Key: u.key, UploadId: u.id, PartNumber: number, Body: bytes.NewReader(u.buf.Bytes()),
	})
	if err != nil {
		return s.say(err)
	}
	u.parts = append(u.parts, types.CompletedPart{PartNumber: number, ETag: out.ETag})
	u.buf.Reset()
	return nil
}

func (u *upload) finish() error {
	s := u.store
	if u.id == nil {
		_, err := s.client.PutObject(u.ctx, &s3.PutObjectInput{Bucket: &s.bucket, Key: u.key, Body: bytes.NewReader(u.buf.Bytes())})
		return s.say(err)
	}
	if u.buf.Len() > 0 {
		if err := u.part(); err != nil {
			return err
		}
	}
	_, err := s.client.CompleteMultipartUpload(u.ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &s.bucket, Key: u.key, UploadId: u.id, MultipartUpload: &types.CompletedMultipartUpload{Parts: u.parts},
	})
	return s.say(err)
}

// abort drops what was sent. If that fails, too, [Store.DeleteAll] does it.
func (u *upload) abort() {
	if u.id != nil {
		_ = u.store.abort(context.WithoutCancel(u.ctx), u.key, u.id)
	}
}

func (s *Store) abort(ctx context.Context, key, id *string) error {
	_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: key, UploadId: id})
	var gone *types.NoSuchUpload
	if errors.As(err, &gone) {
		return nil
	}
	return s.say(err)
}

// abortUploads drops the uploads below prefix of processes that were killed.
func (s *Store) abortUploads(ctx context.Context, prefix string) error {
	pages := s3.NewListMultipartUploadsPaginator(s.client, &s3.ListMultipartUploadsInput{Bucket: &s.bucket, Prefix: aws.String(s.below(prefix))})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("unfinished uploads below %q: %w", prefix, s.say(err))
		}
		for _, u := range page.Uploads {
			if err := s.abort(ctx, u.Key, u.UploadId); err != nil {
				return err
			}
		}
	}
	return nil
}
