package pretrained

import (
	"fmt"

	"budwood/data"
	"budwood/engine"
)

// architecture builds a network for images of a shape, which it may change to the one that
// the tensors want.
type architecture func(m *maker, in data.Shape) (engine.Seq, data.Shape)

func architectures() map[string]architecture {
	return map[string]architecture{
		"resnet18": resnet(false, 2, 2, 2, 2), "resnet34": resnet(false, 3, 4, 6, 3), "resnet50": resnet(true, 3, 4, 6, 3),
		"mobilenet_v2": mobilenetV2, "mobilenet_v3_small": mobilenetV3(small), "mobilenet_v3_large": mobilenetV3(large),
		"vit": vit(0), "vit_2heads": vit(2), "vit_3heads": vit(3), "vit_4heads": vit(4), "vit_6heads": vit(6), "vit_8heads": vit(8), "vit_12heads": vit(12),
	}
}

var around1 = engine.Pad{Top: 1, Left: 1, Bottom: 1, Right: 1}

// resnet is He et al. 2016, with blocks of two layers or, with bottleneck, of three. The
// names are those of torchvision, which timm has too.
func resnet(bottleneck bool, blocks ...int) architecture {
	return func(m *maker, in data.Shape) (engine.Seq, data.Shape) {
		r := &row{maker: m}
		r.conv("conv1", in[2], engine.Conv{Out: 64, Kernel: 7, Stride: 2, NoBias: true})
		r.norm("bn1", 64, 0)
		r.add(engine.ReLU{}, engine.MaxPool{Size: 3, Stride: 2, Pad: around1})
		channels := 64
		for stage, count := range blocks {
			width := 64 << stage
			out := width
			if bottleneck {
				out = 4 * width
			}
			for b := range count {
				name, stride := fmt.Sprintf("layer%d.%d.", stage+1, b), 1
				if b == 0 && stage > 0 {
					stride = 2
				}
				body := func(r *row) {
					if bottleneck {
						r.conv(name+"conv1", channels, engine.Conv{Out: width, Kernel: 1, NoBias: true})
						r.norm(name+"bn1", width, 0)
						r.add(engine.ReLU{})
						r.conv(name+"conv2", width, engine.Conv{Out: width, Kernel: 3, Stride: stride, NoBias: true})
						r.norm(name+"bn2", width, 0)
						r.add(engine.ReLU{})
						r.conv(name+"conv3", width, engine.Conv{Out: out, Kernel: 1, NoBias: true})
						r.norm(name+"bn3", out, 0)
						return
					}
					r.conv(name+"conv1", channels, engine.Conv{Out: width, Kernel: 3, Stride: stride, NoBias: true})
					r.norm(name+"bn1", width, 0)
					r.add(engine.ReLU{})
					r.conv(name+"conv2", width, engine.Conv{Out: width, Kernel: 3, NoBias: true})
					r.norm(name+"bn2", width, 0)
				}
				if stride == 1 && channels == out {
					r.add(engine.Residual{Body: r.inner("body", body)})
				} else {
					long, short := r.inner("0", body), r.inner("1", func(r *row) {
						r.conv(name+"downsample.0", channels, engine.Conv{Out: out, Kernel: 1, Stride: stride, NoBias: true})
						r.norm(name+"downsample.1", out, 0)
					})
					r.add(engine.Par{Branches: []engine.Seq{long, short}})
				}
				r.add(engine.ReLU{})
				channels = out
			}
		}
		r.add(engine.GlobalAvgPool{})
		r.dense("fc", channels, m.shape(2, "fc.weight")[0])
		return r.layers, in
	}
}
