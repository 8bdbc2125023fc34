// Gen writes the assembly of package kernel: the same kernels for AVX-512 and
// for AVX2. It is run by go generate in the package's folder.
package main

import (
	"fmt"
	"os"
	"strings"
)

func main() {
	for _, f := range []struct {
		name  string
		write func(*file)
	}{
		{"gemm", gemm},
	} {
		for _, isa := range []isa{avx512, avx2} {
			out := newFile(isa)
			f.write(out)
			base := fmt.Sprintf("%s_%s_amd64", f.name, strings.ToLower(isa.name))
			if err := out.save(base+".s", base+".go"); err != nil {
				fmt.Fprintln(os.Stderr, "gen:", err)
				os.Exit(1)
			}
		}
	}
}
