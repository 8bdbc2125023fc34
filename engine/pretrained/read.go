package pretrained

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"budwood/data"
	"budwood/engine/onnx/reader"
)

// Options say what a file does not.
type Options struct {
	// Network is the architecture of a safetensors file, one of [Networks]. An ONNX file
	// says it itself.
	Network string
	// In is the shape of one sample where the file leaves it open: in an ONNX file's own
	// order; {height, width, channels} for safetensors, of which {224, 224, 3} is the
	// default. nil: as the file says.
	In data.Shape
}

// Read reads a file by the ending of its name: .onnx or .safetensors.
func Read(name string, r io.Reader, o Options) (*reader.Model, error) {
	base := filepath.Base(name)
	switch ext := strings.ToLower(filepath.Ext(name)); ext {
	case ".onnx":
		if o.Network != "" {
			return nil, fmt.Errorf("%s: an ONNX file says what network it is; leave network out", base)
		}
		src, err := io.ReadAll(r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", base, err)
		}
		m, err := reader.Read(src, reader.Options{In: o.In})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", base, err)
		}
		return m, nil
	case ".safetensors":
		if o.Network == "" {
			return nil, fmt.Errorf("%s: the file has tensors alone; say its architecture with network: one of %s", base, strings.Join(Networks(), ", "))
		}
		m, err := named(r, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", base, err)
		}
		return m, nil
	case ".pt", ".pth", ".bin", ".ckpt", ".pkl":
		out := strings.TrimSuffix(base, filepath.Ext(base)) + ".safetensors"
		return nil, fmt.Errorf("%s: a pickle can run any program and is not read; write it as safetensors: python -c 'import torch; from safetensors.torch import save_file; save_file({k: v.contiguous() for k, v in torch.load(%q, map_location=\"cpu\", weights_only=True).items()}, %q)'", base, base, out)
	}
	return nil, fmt.Errorf("%s: read are files that end in .onnx or .safetensors", base)
}

// Networks are the architectures of safetensors files.
func Networks() []string {
	var list []string
	for name := range architectures() {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}
