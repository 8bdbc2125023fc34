// Package s3 keeps checkpoints in a bucket of Amazon S3, or of a server that
// speaks its protocol.
package s3

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"budwood/trials/blob"
)

// Scheme is how the URLs of [Open] begin.
const Scheme = "s3://"

// Store is a bucket, or what lies below a prefix in it.
type Store struct {
	client *s3.Client
	url    string // as it was opened, for errors
	bucket string
	prefix string // "" or with a slash at its end
}

var _ blob.Store = (*Store)(nil)

// Open opens s3://bucket/prefix and makes sure that it can be listed. Region,
// credentials and, for a server that is not Amazon's, the endpoint come from the
// usual places (AWS_REGION, AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, ~/.aws/config,
// the machine's role …); ?region= and ?endpoint= go before them. An error is
// one line.
func Open(ctx context.Context, rawURL string) (*Store, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme+"://" != Scheme || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("%s is not of the form s3://bucket/prefix?endpoint=URL&region=NAME; credentials come from the environment", rawURL)
	}
	s := &Store{url: Scheme + u.Host + u.Path, bucket: u.Host}
	if p := strings.Trim(path.Clean("/"+u.Path), "/"); p != "" {
		s.prefix = p + "/"
	}
	var load []func(*config.LoadOptions) error
	endpoint := ""
	for name, values := range u.Query() {
		switch name {
		case "region":
			load = append(load, config.WithRegion(values[0]))
		case "endpoint":
			if e, err := url.Parse(values[0]); err != nil || e.Host == "" {
				return nil, fmt.Errorf("%s: the endpoint %q is not a URL such as https://minio.example:9000", s.url, values[0])
			}
			endpoint = values[0]
		default:
			return nil, fmt.Errorf("%s: unknown %q; known are endpoint and region", s.url, name)
		}
	}
	c, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, s.say(err)
	}
	s.client = s3.NewFromConfig(c, func(o *s3.Options) {
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
		if o.Region == "" {
			o.Region = "us-east-1" // the region of servers that know of none
		}
		if o.BaseEndpoint != nil || c.BaseEndpoint != nil { // servers of others: what all of them understand
			o.UsePathStyle = true
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		}
	})
	one := int32(1)
	if _, err := s.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &s.prefix, MaxKeys: &one}); err != nil {
		return nil, s.say(err)
	}
	return s, nil
}

// String is the URL without its options.
func (s *Store) String() string { return s.url }

// Get opens a blob.
func (s *Store) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: s.key(key)})
	if err != nil {
		return nil, fmt.Errorf("blob %q: %w", key, s.say(err))
	}
	return out.Body, nil
}

// List lists below prefix.
func (s *Store) List(ctx context.Context, prefix string) (out []blob.Info, err error) {
	below := aws.String(s.below(prefix))
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: below})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list %q: %w", prefix, s.say(err))
		}
		for _, o := range page.Contents {
			if key := strings.TrimPrefix(aws.ToString(o.Key), s.prefix); !strings.HasSuffix(key, "/") { // what consoles show as a folder
				out = append(out, blob.Info{Key: key, Size: aws.ToInt64(o.Size)})
			}
		}
	}
	return out, nil
}

// DeleteAll removes what lies below prefix, and the uploads there that were
// never finished.
func (s *Store) DeleteAll(ctx context.Context, prefix string, keep ...string) error {
	list, err := s.List(ctx, prefix)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(b blob.Info) bool { return slices.Contains(keep, b.Key) })
	for some := range slices.Chunk(list, 1000) { // as many as one request takes
		ids := make([]types.ObjectIdentifier, len(some))
		for i, b := range some {
			ids[i].Key = s.key(b.Key)
		}
		out, err := s.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &s.bucket, Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)}})
		if err == nil && len(out.Errors) > 0 {
			err = fmt.Errorf("%s: %s: %s", s.url, aws.ToString(out.Errors[0].Key), aws.ToString(out.Errors[0].Message))
		}
		if err != nil {
			return fmt.Errorf("delete %q: %w", prefix, s.say(err))
		}
	}
	return s.abortUploads(ctx, prefix)
}

func (s *Store) key(key string) *string { return aws.String(s.prefix + key) }

// below is what the keys below a prefix begin with.
func (s *Store) below(prefix string) string {
	if prefix == "" {
		return s.prefix
	}
	return s.prefix + prefix + "/"
}
