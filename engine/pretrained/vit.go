package pretrained

import (
	"fmt"
	"math"

	"budwood/data"
	"budwood/engine"
)

// vit is a vision transformer (Dosovitskiy et al. 2021) with torchvision's names or timm's.
// All sizes come from the tensors, but the number of heads: heads, or one for each 64
// features if that is 0. ε of the norms is 1e-6.
func vit(heads int) architecture {
	return func(m *maker, in data.Shape) (engine.Seq, data.Shape) {
		_, timm := m.has("patch_embed.proj.weight")
		patches, token, positions, last, head := "conv_proj", "class_token", "encoder.pos_embedding", "encoder.ln", "heads.head"
		if timm {
			patches, token, positions, last, head = "patch_embed.proj", "cls_token", "pos_embed", "norm", "head"
		}
		w := m.shape(4, patches+".weight")
		dim, patch, steps := w[0], w[2], m.shape(3, positions)[1]-1
		side := int(math.Round(math.Sqrt(float64(steps))))
		heads := heads
		if heads == 0 {
			heads = max(dim/64, 1)
		}
		if dim < 1 || patch < 1 || patch > 1<<10 || steps < 1 || side*side != steps || dim%heads != 0 {
			if m.err == nil {
				m.err = fmt.Errorf("patches of %v and %d positions: %w; images are square, and %d heads divide the features", w, steps, errNoSize, heads)
			}
			return nil, in
		}
		in = data.Shape{side * patch, side * patch, w[1]}
		r := &row{maker: m}
		r.conv(patches, w[1], engine.Conv{Out: dim, Kernel: patch, Stride: patch, Valid: true})
		r.add(engine.Reshape{To: data.Shape{steps, dim}})
		r.put("weight", r.take(token, 1, 1, dim))
		r.add(engine.ClassToken{})
		table := r.take(positions, 1, steps+1, dim)
		if len(table) > 0 { // the token is the last step here
			table = append(append([]float32(nil), table[dim:]...), table[:dim]...)
		}
		r.put("weight", table)
		r.add(engine.Positional{Learned: true})
		for b := 0; ; b++ {
			p := fmt.Sprintf("encoder.layers.encoder_layer_%d.", b)
			norm1, norm2, qkv, qkvBias, out := "ln_1", "ln_2", "self_attention.in_proj_weight", "self_attention.in_proj_bias", "self_attention.out_proj"
			first, second := "mlp.0", "mlp.3"
			if timm {
				p = fmt.Sprintf("blocks.%d.", b)
				norm1, norm2, qkv, qkvBias, out, first, second = "norm1", "norm2", "attn.qkv.weight", "attn.qkv.bias", "attn.proj", "mlp.fc1", "mlp.fc2"
			} else if _, old := m.has(p + "mlp.linear_1.weight"); old {
				first, second = "mlp.linear_1", "mlp.linear_2"
			}
			if _, ok := m.has(p + norm1 + ".weight"); !ok {
				break
			}
			hidden := m.shape(2, p+first+".weight")[0]
			norm := func(part, name string) {
				r.put(part+"weight", r.take(p+name+".weight", dim))
				r.put(part+"bias", r.take(p+name+".bias", dim))
			}
			linear := func(part, name string, in, out int) {
				r.put(part+"weight", turned(r.take(p+name+".weight", out, in), out, in))
				r.put(part+"bias", r.take(p+name+".bias", out))
			}
			norm("0.body.0.", norm1)
			r.put("0.body.1.qkv.weight", turned(r.take(p+qkv, 3*dim, dim), 3*dim, dim))
			r.put("0.body.1.qkv.bias", r.take(p+qkvBias, 3*dim))
			linear("0.body.1.out.", out, dim, dim)
			norm("1.body.0.", norm2)
			linear("1.body.1.", first, dim, hidden)
			linear("1.body.3.", second, hidden, dim)
			r.add(engine.Transformer{Heads: heads, Hidden: hidden, Eps: 1e-6})
		}
		r.put("weight", r.take(last+".weight", dim))
		r.put("bias", r.take(last+".bias", dim))
		r.add(engine.LayerNorm{Eps: 1e-6}, engine.LastStep{})
		r.dense(head, dim, m.shape(2, head+".weight")[0])
		return r.layers, in
	}
}
