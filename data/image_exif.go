package data

import (
	"bytes"
	"encoding/binary"
)

// orientation is how a camera was held, as EXIF numbers it (tag 0x0112 of its first
// directory, CIPA DC-008 §4.6.4): 1 upright, 2 mirrored left to right, 3 upside down,
// 4 mirrored top to bottom, 5 rows for columns, 6 to be turned a quarter to the right,
// 7 as 5 and upside down, 8 to be turned a quarter to the left. A file that says
// nothing, or nonsense, is upright.
func orientation(b []byte) int {
	block := exifOf(b)
	if len(block) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(block[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := uint64(order.Uint32(block[4:]))
	if at+2 > uint64(len(block)) {
		return 1
	}
	entries := block[at+2:]
	for range order.Uint16(block[at:]) {
		if len(entries) < 12 {
			return 1
		}
		e := entries[:12]
		entries = entries[12:]
		if order.Uint16(e) != 0x0112 {
			continue
		}
		value := 0
		switch kind := order.Uint16(e[2:]); kind {
		case 3: // 16 bits
			value = int(order.Uint16(e[8:]))
		case 4: // 32 bits, as some programs write it
			value = int(order.Uint32(e[8:]))
		}
		if value >= 1 && value <= 8 {
			return value
		}
		return 1
	}
	return 1
}

// exifOf is the EXIF block of a JPEG, PNG or WebP file, from its TIFF header on; nil if
// there is none.
func exifOf(b []byte) []byte {
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xd8")):
		return exifOfJPEG(b[2:])
	case bytes.HasPrefix(b, []byte(pngMagic)):
		return exifOfPNG(b[len(pngMagic):])
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return exifOfWebP(b[12:])
	}
	return nil
}

const exifHead = "Exif\x00\x00"

// exifOfJPEG looks through the segments up to the picture itself.
func exifOfJPEG(b []byte) []byte {
	for len(b) >= 4 && b[0] == 0xff {
		marker := b[1]
		switch {
		case marker == 0xff: // filling
			b = b[1:]
			continue
		case marker == 0x01 || marker >= 0xd0 && marker <= 0xd7: // without length
			b = b[2:]
			continue
		case marker == 0xda || marker == 0xd9: // the picture, the end
			return nil
		}
		n := int(binary.BigEndian.Uint16(b[2:]))
		if n < 2 || n+2 > len(b) {
			return nil
		}
		if part := b[4 : n+2]; marker == 0xe1 && bytes.HasPrefix(part, []byte(exifHead)) {
			return part[len(exifHead):]
		}
		b = b[n+2:]
	}
	return nil
}

// exifOfPNG looks for the chunk eXIf, which may stand behind the picture.
func exifOfPNG(b []byte) []byte {
	for len(b) >= 12 {
		n := uint64(binary.BigEndian.Uint32(b))
		if n+12 > uint64(len(b)) {
			return nil
		}
		switch string(b[4:8]) {
		case "eXIf":
			return bytes.TrimPrefix(b[8:8+n], []byte(exifHead))
		case "IEND":
			return nil
		}
		b = b[12+n:]
	}
	return nil
}

// exifOfWebP looks for the chunk EXIF; chunks have an even length.
func exifOfWebP(b []byte) []byte {
	for len(b) >= 8 {
		n := uint64(binary.LittleEndian.Uint32(b[4:]))
		if n+8 > uint64(len(b)) {
			return nil
		}
		if string(b[:4]) == "EXIF" {
			return bytes.TrimPrefix(b[8:8+n], []byte(exifHead))
		}
		b = b[min(8+n+n%2, uint64(len(b))):]
	}
	return nil
}

// turn puts a picture upright.
func (p *picture) turn(orientation int) {
	if orientation < 2 || orientation > 8 {
		return
	}
	w, h := p.w, p.h
	if orientation >= 5 {
		w, h = h, w
	}
	out := make([]byte, len(p.rgb))
	for y := range h {
		for x := range w {
			u, v := x, y // where the pixel is in the file
			switch orientation {
			case 2:
				u = w - 1 - x
			case 3:
				u, v = w-1-x, h-1-y
			case 4:
				v = h - 1 - y
			case 5:
				u, v = y, x
			case 6:
				u, v = y, w-1-x
			case 7:
				u, v = h-1-y, w-1-x
			case 8:
				u, v = h-1-y, x
			}
			copy(out[3*(y*w+x):][:3], p.rgb[3*(v*p.w+u):][:3])
		}
	}
	p.w, p.h, p.rgb, p.turned = w, h, out, true
}
