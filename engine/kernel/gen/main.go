// Gen writes the assembly of package kernel: the same kernels for AVX-512 and
// for AVX2, and the Go functions that choose between them. It is run by go
// generate in the package's folder.
package main

import (
	"fmt"
	"os"
	"strings"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run() error {
	var chosen []signature
	for _, f := range []struct {
		name  string
		write func(*file)
	}{
		{"gemm", gemm},
		{"bf16", bf16},
		{"loop", loops},
		{"optimize", optimizers},
		{"math", functions},
		{"column", columns},
		{"normpool", normPool},
		{"transpose", transpose},
		{"row", rows},
		{"depthwise", depthwise},
		{"peak", peak},
		{"bytes", byteProducts},
		{"heap", heaps},
	} {
		for _, isa := range []isa{avx512, avx2} {
			out := newFile(isa)
			f.write(out)
			if !out.written {
				continue
			}
			base := fmt.Sprintf("%s_%s_amd64", f.name, strings.ToLower(isa.name))
			if err := out.save(base+".s", base+".go"); err != nil {
				return err
			}
			if isa == avx512 {
				chosen = append(chosen, out.chosen...)
			}
		}
	}
	return choices(chosen)
}
