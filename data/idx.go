package data

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// bytesIDX is the content of an IDX file of unsigned bytes: sizes and values,
// row-major.
type bytesIDX struct {
	dims   []int
	values []byte
}

// readIDX reads the IDX format of MNIST (LeCun, Cortes and Burges, "The MNIST
// database of handwritten digits"): two zero bytes, the type of the values, the
// number of dimensions, each dimension as a big-endian uint32, the values. Memory
// grows with what the file holds, not with what its header promises.
func readIDX(r io.Reader) (bytesIDX, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return bytesIDX{}, short(err, "the header")
	}
	switch {
	case head[0] != 0 || head[1] != 0:
		return bytesIDX{}, errors.New("this is not an IDX file; it would begin with two zero bytes")
	case head[2] != 0x08:
		return bytesIDX{}, fmt.Errorf("the values have type 0x%02x; only unsigned bytes, 0x08, are read", head[2])
	case head[3] < 1 || head[3] > 4:
		return bytesIDX{}, fmt.Errorf("%d dimensions; 1 to 4 are read", head[3])
	}
	dims := make([]int, head[3])
	size := 1
	for i := range dims {
		var b [4]byte
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return bytesIDX{}, short(err, "the dimensions")
		}
		d := binary.BigEndian.Uint32(b[:])
		if d == 0 {
			return bytesIDX{}, errors.New("a dimension is 0; there are no values")
		}
		if uint64(d) > uint64(math.MaxInt32)/uint64(size) {
			return bytesIDX{}, errors.New("the header promises more than 2 GiB; the file is damaged or too large")
		}
		dims[i] = int(d)
		size *= int(d)
	}
	values, err := readBody(r, size)
	return bytesIDX{dims, values}, err
}

// readBody reads the values that follow a header, which must be so many bytes.
func readBody(r io.Reader, size int) ([]byte, error) {
	var body bytes.Buffer
	body.Grow(min(size+1, 1<<16))
	n, err := io.Copy(&body, io.LimitReader(r, int64(size)+1))
	switch {
	case err != nil:
		return nil, short(err, "the values")
	case n < int64(size):
		return nil, fmt.Errorf("the file ends after %d of %d bytes of values; fetch it again", n, size)
	case n > int64(size):
		return nil, fmt.Errorf("the file goes on after the %d bytes of values of its header; fetch it again", size)
	}
	return body.Bytes(), nil
}

// short says where a file ended too early.
func short(err error, in string) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the file ends within %s; fetch it again", in)
	}
	return err
}

// labelled are images and their labels.
type labelled struct {
	dims   []int // of one image
	pixels []byte
	labels []byte
}

func (l labelled) size() int { return len(l.pixels) / max(len(l.labels), 1) }

// readLabelled reads a file of images and one of labels.
func readLabelled(ctx context.Context, images, labels file) (labelled, error) {
	y, err := readFile(ctx, labels, readIDX)
	if err != nil {
		return labelled{}, err
	}
	if len(y.dims) != 1 {
		return labelled{}, labels.fault("%d dimensions; a file of labels has 1", len(y.dims))
	}
	x, err := readFile(ctx, images, readIDX)
	if err != nil {
		return labelled{}, err
	}
	if len(x.dims) < 2 {
		return labelled{}, images.fault("1 dimension; a file of images has more (are images and labels exchanged?)")
	}
	if x.dims[0] != y.dims[0] {
		return labelled{}, images.fault("%d images, but %s has %d labels", x.dims[0], labels.path, y.dims[0])
	}
	return labelled{x.dims[1:], x.values, y.values}, nil
}
