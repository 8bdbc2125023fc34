"""Models for the tests of engine/onnx/reader: models.py FOLDER.

torchvision's architectures with random weights after two passes in training mode, so that
the statistics of their norms are not those of the start: NAME.onnx, NAME.safetensors with
torchvision's names, NAME.x.npy and what PyTorch computes of it, NAME.y.npy. The head of a
fresh ViT is zeros, so it gets one. Then inputs for models that others made.
"""
import json, math, os, struct, sys
import numpy as np
import torch, torchvision
from torch import nn

folder = sys.argv[1]
torch.manual_seed(0)


def path(name):
    return os.path.join(folder, name)


def save(name, model, shape, opset=13, classes=None):
    model.train()
    for _ in range(2):
        model(torch.randn(8, *shape))
    model.eval()
    x = torch.randn(2, *shape)
    with torch.no_grad():
        y = model(x)
    np.save(path(name + ".x.npy"), x.numpy())
    np.save(path(name + ".y.npy"), y.numpy())
    torch.onnx.export(model, x, path(name + ".onnx"), input_names=["input"], output_names=["output"],
                      dynamic_axes={"input": {0: "n"}, "output": {0: "n"}}, opset_version=opset)
    head, body = {}, b""
    for k, v in model.state_dict().items():
        a = v.contiguous().numpy()
        b = a.tobytes()
        head[k] = {"dtype": {"float32": "F32", "int64": "I64"}[str(a.dtype)], "shape": list(a.shape), "data_offsets": [len(body), len(body) + len(b)]}
        body += b
    head = json.dumps(head).encode()
    head += b" " * (-len(head) % 8)
    with open(path(name + ".safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(head)) + head + body)


class Attention(nn.Module):
    """As timm writes it."""

    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.scale = heads, (dim // heads) ** -0.5
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x):
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        a = ((q * self.scale) @ k.transpose(-2, -1)).softmax(dim=-1)
        return self.proj((a @ v).transpose(1, 2).reshape(b, n, c))


class Mlp(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.fc1, self.act, self.fc2 = nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(dim, eps=1e-6), Attention(dim, heads)
        self.norm2, self.mlp = nn.LayerNorm(dim, eps=1e-6), Mlp(dim, 2 * dim)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, size, dim):
        super().__init__()
        self.proj = nn.Conv2d(3, dim, size, size)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class ViT(nn.Module):
    """With timm's names."""

    def __init__(self, dim=48, heads=3, depth=2, image=32, patch=8, classes=7):
        super().__init__()
        self.patch_embed = PatchEmbed(patch, dim)
        self.cls_token = nn.Parameter(0.1 * torch.randn(1, 1, dim))
        self.pos_embed = nn.Parameter(0.1 * torch.randn(1, (image // patch) ** 2 + 1, dim))
        self.blocks = nn.Sequential(*[Block(dim, heads) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(dim, eps=1e-6), nn.Linear(dim, classes)

    def forward(self, x):
        x = self.patch_embed(x)
        x = torch.cat((self.cls_token.expand(x.shape[0], -1, -1), x), dim=1) + self.pos_embed
        return self.head(self.norm(self.blocks(x))[:, 0])


m = torchvision.models
image = (3, 64, 64)
save("resnet18", m.resnet18(num_classes=10), image)
save("resnet34", m.resnet34(num_classes=10), image, opset=9)
save("resnet50", m.resnet50(num_classes=10), image, opset=16)
save("mobilenet_v2", m.mobilenet_v2(num_classes=10), image, opset=11)
save("mobilenet_v3_small", m.mobilenet_v3_small(num_classes=10), image)
save("mobilenet_v3_large", m.mobilenet_v3_large(num_classes=10), (3, 65, 71), opset=14)
v = m.VisionTransformer(image_size=32, patch_size=8, num_layers=2, num_heads=4, hidden_dim=64, mlp_dim=128, num_classes=10)
nn.init.normal_(v.heads.head.weight)
nn.init.normal_(v.encoder.pos_embedding, std=0.1)
nn.init.normal_(v.class_token, std=0.1)
save("vit", v, (3, 32, 32))
save("timm_vit", ViT(), (3, 32, 32), opset=14)
save("dilated", nn.Sequential(
    nn.Conv2d(3, 8, (3, 5), stride=(2, 1), padding=(0, 3), dilation=(1, 2), bias=False), nn.BatchNorm2d(8, eps=1e-3), nn.ReLU6(),
    nn.Conv2d(8, 8, 2, padding=1, dilation=3, groups=4), nn.Hardswish(), nn.MaxPool2d((3, 2), (2, 1), (1, 0)), nn.LeakyReLU(0.3),
    nn.Flatten(), nn.Linear(8 * 5 * 28, 6), nn.LayerNorm(6), nn.SiLU(), nn.Linear(6, 2)), (3, 30, 24))


def sklearn_mlp():
    """As skl2onnx writes a scaler and an MLPClassifier."""
    import onnx
    from onnx import TensorProto as T, helper as h, numpy_helper as nh
    r = np.random.RandomState(0)
    sizes = [5, 8, 8, 3]
    mean, scale = r.randn(5).astype(np.float32), (1 + r.rand(5)).astype(np.float32)
    nodes = [h.make_node("Sub", ["X", "mean"], ["centred"]), h.make_node("Div", ["centred", "scale"], ["variable"]), h.make_node("Cast", ["variable"], ["h0"], to=T.FLOAT)]
    init = [nh.from_array(mean, "mean"), nh.from_array(scale, "scale"), nh.from_array(np.array([0, 1, 2], np.int64), "classes"), nh.from_array(np.array([-1], np.int64), "shape")]
    x = r.randn(4, 5).astype(np.float32)
    y = (x - mean) / scale
    for i in range(3):
        w, b = r.randn(sizes[i], sizes[i + 1]).astype(np.float32), r.randn(1, sizes[i + 1]).astype(np.float32)
        init += [nh.from_array(w, "w%d" % i), nh.from_array(b, "b%d" % i)]
        act = "Relu" if i < 2 else "Softmax"
        nodes += [h.make_node("MatMul", ["h%d" % i, "w%d" % i], ["m%d" % i]), h.make_node("Add", ["m%d" % i, "b%d" % i], ["a%d" % i]), h.make_node(act, ["a%d" % i], ["h%d" % (i + 1)])]
        y = y @ w + b
        y = np.maximum(y, 0) if i < 2 else np.exp(y) / np.exp(y).sum(1, keepdims=True)
    nodes += [h.make_node("ArgMax", ["h3"], ["argmax"], axis=1), h.make_node("ArrayFeatureExtractor", ["classes", "argmax"], ["features"], domain="ai.onnx.ml"),
              h.make_node("Reshape", ["features", "shape"], ["flat"]), h.make_node("Cast", ["flat"], ["output_label"], to=T.INT64),
              h.make_node("ZipMap", ["h3"], ["output_probability"], domain="ai.onnx.ml", classlabels_int64s=[0, 1, 2])]
    prob = onnx.ValueInfoProto(name="output_probability")
    each = prob.type.sequence_type.elem_type.map_type
    each.key_type, each.value_type.tensor_type.elem_type = T.INT64, T.FLOAT
    g = h.make_graph(nodes, "mlp", [h.make_tensor_value_info("X", T.FLOAT, [None, 5])], [h.make_tensor_value_info("output_label", T.INT64, [None]), prob], init)
    onnx.save(h.make_model(g, opset_imports=[h.make_opsetid("", 15), h.make_opsetid("ai.onnx.ml", 1)]), path("sklearn_mlp.onnx"))
    np.save(path("sklearn_mlp.x.npy"), x)
    np.save(path("sklearn_mlp.y.npy"), y.astype(np.float32))


sklearn_mlp()
for name, shape in {"alexa_v0.1": (1, 16, 96), "hey_mycroft_v0.1": (1, 16, 96), "hey_rhasspy_v0.1": (1, 16, 96), "weather_v0.1": (1, 22, 96), "timer_v0.1": (1, 34, 96),
                    "embedding_model": (2, 76, 32, 1), "cls": (2, 3, 48, 192)}.items():
    np.save(path(name + ".x.npy"), np.sin(0.01 * np.arange(math.prod(shape))).astype(np.float32).reshape(shape))
