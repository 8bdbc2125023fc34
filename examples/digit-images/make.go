// Command digit-images writes the pictures of this example anew: the first of each
// digit in examples/digits/digits.csv.gz, as PNG files in a folder for each class.
//
//	go run ./examples/digit-images
package main

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
)

// each is how many pictures of a digit are written.
const each = 24

func main() {
	if err := write("examples/digits/digits.csv.gz", "examples/digit-images/digits"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// write writes DIR/CLASS/ROW.png for rows of the table.
func write(table, dir string) error {
	f, err := os.Open(table)
	if err != nil {
		return err
	}
	defer f.Close()
	unpacked, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	rows, err := csv.NewReader(unpacked).ReadAll()
	if err != nil {
		return err
	}
	have := map[string]int{}
	for i, row := range rows[1:] {
		class := row[64]
		if have[class] == each {
			continue
		}
		have[class]++
		m := image.NewGray(image.Rect(0, 0, 8, 8))
		for k, cell := range row[:64] {
			v, err := strconv.Atoi(cell) // 0 to 16
			if err != nil {
				return err
			}
			m.SetGray(k%8, k/8, color.Gray{Y: uint8(min(16*v, 255))})
		}
		if err := save(filepath.Join(dir, class, fmt.Sprintf("%04d.png", i)), m); err != nil {
			return err
		}
	}
	return nil
}

func save(path string, m image.Image) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	best := png.Encoder{CompressionLevel: png.BestCompression}
	if err := best.Encode(f, m); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
