package data

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// windows1252 are the characters of the bytes 0x80 to 0x9f, where Windows differs
// from Latin-1; bytes without one stay control characters.
var windows1252 = [32]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8d, 'Ž', 0x8f,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9d, 'ž', 'Ÿ',
}

// fromWindows reads text that is not UTF-8 as Windows-1252, of which Latin-1 is a part.
func fromWindows(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	r := make([]rune, len(s))
	for i := range len(s) {
		r[i] = rune(s[i])
		if b := s[i]; 0x80 <= b && b < 0xa0 {
			r[i] = windows1252[b-0x80]
		}
	}
	return string(r)
}

// charset tells UTF-16 and a byte-order mark by the beginning of a file.
func charset(head []byte) (name string, mark int, order binary.ByteOrder) {
	switch {
	case bytes.HasPrefix(head, []byte("\ufeff")):
		return "UTF-8", 3, nil
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		return "UTF-16LE", 2, binary.LittleEndian
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return "UTF-16BE", 2, binary.BigEndian
	}
	head = head[:min(len(head), 512)&^1]
	var zero [2]int // at even and odd places
	for i, b := range head {
		if b == 0 {
			zero[i%2]++
		}
	}
	switch many, few := len(head)/5, len(head)/50; { // of text in European languages nearly half of the bytes are 0
	case len(head) < 8:
	case zero[1] > many && zero[0] <= few:
		return "UTF-16LE", 0, binary.LittleEndian
	case zero[0] > many && zero[1] <= few:
		return "UTF-16BE", 0, binary.BigEndian
	}
	return "UTF-8", 0, nil
}

// textOf reads a file as UTF-8 without a byte-order mark, whose lines end with \n.
func textOf(r io.Reader) (in *bufio.Reader, name string) {
	in = bufio.NewReaderSize(r, peek)
	head, _ := in.Peek(4096)
	name, mark, order := charset(head)
	in.Discard(mark)
	if order != nil {
		in = bufio.NewReaderSize(&utf16Reader{r: in, order: order}, peek)
	}
	head, _ = in.Peek(peek)
	if bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, '\r') >= 0 {
		in = bufio.NewReaderSize(oldLines{in}, peek)
	}
	return in, name
}

const peek = 1 << 17 // bytes from whose look the dialect is told

// utf16Reader reads UTF-16 as UTF-8. An odd byte at the end is no character.
type utf16Reader struct {
	r     io.Reader
	order binary.ByteOrder
	high  uint16 // the first half of a pair whose second one comes next
	left  []byte // not yet read
	room  [4096]byte
	err   error
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.left) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		u.fill()
	}
	n := copy(p, u.left)
	u.left = u.left[n:]
	return n, nil
}

func (u *utf16Reader) fill() {
	n, err := io.ReadFull(u.r, u.room[:])
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	u.err = err
	u.left = u.left[:0]
	for i := 0; i+1 < n; i += 2 {
		c := u.order.Uint16(u.room[i:])
		switch {
		case u.high != 0:
			r := utf16.DecodeRune(rune(u.high), rune(c))
			u.high = 0
			u.left = utf8.AppendRune(u.left, r)
		case utf16.IsSurrogate(rune(c)):
			u.high = c
		default:
			u.left = utf8.AppendRune(u.left, rune(c))
		}
	}
	if u.err != nil && u.high != 0 || n%2 == 1 {
		u.left, u.high = utf8.AppendRune(u.left, utf8.RuneError), 0
	}
}

// oldLines reads lines that end with \r alone, as old Macs wrote them.
type oldLines struct{ r io.Reader }

func (o oldLines) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	for i, b := range p[:n] {
		if b == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}
