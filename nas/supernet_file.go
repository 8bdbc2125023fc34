package nas

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"budwood/engine/safetensors"
)

// The format of files of shared weights, in their metadata.
const supernetFormat = "budwood supernet 1"

// Save writes the weights in the safetensors format, each under its slot (0 for the
// weights themselves) and place, and with state the optimizer's too, from which
// training goes on.
func (n *Supernet) Save(w io.Writer, state bool) error {
	var tensors []safetensors.Tensor
	notes := map[string][2]int{} // steps, centred
	for _, key := range slices.Sorted(maps.Keys(n.shared)) {
		t := n.shared[key]
		notes[key] = [2]int{t.steps, t.centred}
		for slot, data := range t.data {
			if slot == 0 || state {
				tensors = append(tensors, safetensors.Tensor{Name: strconv.Itoa(slot) + ":" + key, Shape: t.shape, Data: data})
			}
		}
	}
	text, err := json.Marshal(notes)
	if err == nil {
		err = safetensors.Write(w, map[string]string{"format": supernetFormat, "tensors": string(text)}, tensors)
	}
	if err != nil {
		return fmt.Errorf("save shared weights: %w", err)
	}
	return nil
}

// Load reads what Save wrote for the same space and optimizer. On an error nothing
// has changed.
func (n *Supernet) Load(r io.Reader) error {
	bank, err := readBank(r)
	if err != nil {
		return fmt.Errorf("load shared weights: %w", err)
	}
	n.shared = bank
	return nil
}

func readBank(r io.Reader) (map[string]*sharedTensor, error) {
	meta, tensors, err := safetensors.Read(r)
	if err != nil {
		return nil, err
	}
	if f := meta["format"]; f != supernetFormat {
		return nil, fmt.Errorf("their format is %q, not %q", f, supernetFormat)
	}
	var notes map[string][2]int
	if err := json.Unmarshal([]byte(meta["tensors"]), &notes); err != nil {
		return nil, fmt.Errorf("their list of tensors: %w", err)
	}
	named := make(map[string]safetensors.Tensor, len(tensors))
	for _, t := range tensors {
		named[t.Name] = t
	}
	bank := map[string]*sharedTensor{}
	used := 0
	for key, note := range notes {
		t := &sharedTensor{steps: note[0], centred: note[1]}
		for slot := 0; ; slot++ {
			x, ok := named[strconv.Itoa(slot)+":"+key]
			if !ok {
				break
			}
			if slot > 0 && !slices.Equal(x.Shape, t.shape) {
				return nil, fmt.Errorf("tensor %q: its state has shape %v, its weights have %v", key, x.Shape, t.shape)
			}
			t.shape, t.data = x.Shape, append(t.data, x.Data)
			used++
		}
		if len(t.data) == 0 || len(t.shape) == 0 || t.steps < 0 || t.centred < 0 || t.centred > len(t.shape) {
			return nil, fmt.Errorf("tensor %q: %d steps, %d centred axes and shape %v are no shared tensor", key, t.steps, t.centred, t.shape)
		}
		bank[key] = t
	}
	if used != len(tensors) {
		return nil, fmt.Errorf("%d tensors are not in their list", len(tensors)-used)
	}
	return bank, nil
}
