package nas

import (
	"encoding/xml"
	"io"
	"os"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
)

// The picture is well-formed and names every layer, whatever the network.
func TestDraw(t *testing.T) {
	for text, want := range map[string][]string{
		"[]": {"Input", "8×8×2", "Dense(3)", "387 parameters"},
		"[conv(16) batchnorm relu maxpool (skip + [conv(24) relu]) (& conv(8) [conv(4) tanh]) <relu skip conv none skip conv(0,1)> globalpool]": {
			"Conv(16, 3×3) · BatchNorm · ReLU", "MaxPool(2)", "∥", "Conv(24, 3×3) · ReLU", "Conv(12, 1×1)",
		},
		"[steps linear(8) positional transformer(2) last]": {"Transformer(heads 2)", "LastStep"},
	} {
		net, err := genome(t, text).Network(data.Shape{8, 8, 2}, 3)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := Draw(&b, net, data.Shape{8, 8, 2}); err != nil {
			t.Fatal(err)
		}
		d := xml.NewDecoder(strings.NewReader(b.String()))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		for _, not := range []string{"<style", "class="} { // they would hold for the page around
			if strings.Contains(b.String(), not) {
				t.Errorf("%s: the picture has a style sheet: %q", text, not)
			}
		}
		for _, w := range want {
			if !strings.Contains(b.String(), w) {
				t.Errorf("%s: %q is missing", text, w)
			}
		}
		if dir := os.Getenv("BUDWOOD_DRAW"); dir != "" {
			_ = os.WriteFile(dir+"/"+genome(t, text).Hash().String()+".svg", []byte(b.String()), 0o644)
		}
	}
	if err := Draw(io.Discard, engine.Seq{engine.Conv{Out: 3}}, data.Shape{4}); err == nil {
		t.Error("drew a network that does not fit its input")
	}
}
