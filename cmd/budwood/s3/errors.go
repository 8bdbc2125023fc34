package s3

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// say turns the SDK's error, which tells of requests and retries, into one line
// of what is wrong and what to do. The error of a missing blob wraps
// fs.ErrNotExist.
func (s *Store) say(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var missing *types.NoSuchKey
	if errors.As(err, &missing) {
		return fmt.Errorf("%s: %w", s.url, fs.ErrNotExist)
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "NoSuchBucket":
			return fmt.Errorf("%s: there is no bucket %s: create it, or correct the URL", s.url, s.bucket)
		case "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken":
			return fmt.Errorf("%s: access denied (%s): check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the rights of that user on the bucket", s.url, api.ErrorCode())
		case "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException":
			return fmt.Errorf("%s: the bucket is in another region (%s): say which with ?region= or AWS_REGION", s.url, oneLine(api.ErrorMessage()))
		}
	}
	var dns *net.DNSError
	var op *net.OpError
	switch text := err.Error(); {
	case strings.Contains(text, "get credentials"): // before the metadata service that may have been asked for some
		return fmt.Errorf("%s: no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE", s.url)
	case errors.As(err, &dns):
		return fmt.Errorf("%s: no host %s: check the endpoint", s.url, dns.Name)
	case errors.As(err, &op):
		return fmt.Errorf("%s: no answer from %v: %w", s.url, op.Addr, op.Err)
	case api != nil:
		return fmt.Errorf("%s: %s: %s", s.url, api.ErrorCode(), oneLine(api.ErrorMessage()))
	default:
		return fmt.Errorf("%s: %s", s.url, oneLine(text))
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
