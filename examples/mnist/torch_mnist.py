#!/usr/bin/env python3
"""The recipes of main.go in PyTorch: same networks, initial weights, data, schedule.

Usage: torch_mnist.py --net mlp|cnn [--seeds 3] [--epochs N] [--data DIRECTORY]
One thread. The images of a seed's validation part are other ones than in Go, as
many, and unused here.
"""
import argparse
import gzip
import math
import os
import statistics
import time

import numpy
import torch
from torch import nn


def idx(path):
    with gzip.open(path) as f:
        b = f.read()
    dims = [int.from_bytes(b[4 + 4 * i:8 + 4 * i], "big") for i in range(b[3])]
    return torch.from_numpy(numpy.frombuffer(b, numpy.uint8, offset=4 + 4 * b[3]).reshape(dims).copy())


def mlp():
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 256), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(256, 128), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(128, 10))


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.3), nn.Linear(32 * 7 * 7, 10))


RECIPES = {  # network, batch, epochs, highest learning rate
    "mlp": (mlp, 128, 12, 0.002),
    "cnn": (cnn, 64, 15, 0.005),
}


def start(net):
    """Kaiming's initial weights before a ReLU, 1/fan-in at the end, no bias."""
    layers = [m for m in net.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
    for m in layers:
        fan = m.weight[0].numel()
        nn.init.normal_(m.weight, 0, math.sqrt((1 if m is layers[-1] else 2) / fan))
        if m.bias is not None:
            nn.init.zeros_(m.bias)


def train(name, epochs, seed, x, y, tx, ty):
    make, batch, default, rate = RECIPES[name]
    epochs = epochs or default
    torch.manual_seed(seed)
    rows = torch.randperm(len(x))[:55000]
    x, y = x[rows], y[rows]
    net = make()
    start(net)
    opt = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=0.01)
    steps = math.ceil(len(x) / batch)
    total = epochs * steps
    warm = round(0.05 * total)

    def factor(s):
        return (s + 1) / warm if s < warm else (1 + math.cos(math.pi * min((s - warm) / (total - warm), 1))) / 2

    schedule = torch.optim.lr_scheduler.LambdaLR(opt, factor)
    loss = nn.CrossEntropyLoss()
    for _ in range(epochs):
        net.train()
        for rows in torch.randperm(len(x)).split(batch):
            opt.zero_grad(set_to_none=False)
            loss(net(x[rows]), y[rows]).backward()
            opt.step()
            schedule.step()
    net.eval()
    with torch.no_grad():
        return epochs, (net(tx).argmax(1) == ty).float().mean().item()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--data", default=os.path.join(os.environ.get("BUDWOOD_DATA", ""), "data", "mnist"))
    ap.add_argument("--net", choices=sorted(RECIPES), default="mlp")
    ap.add_argument("--epochs", type=int, default=0)
    ap.add_argument("--seeds", type=int, default=1)
    args = ap.parse_args()
    torch.set_num_threads(1)
    x, y, tx, ty = (idx(os.path.join(args.data, f + ".idx.gz")) for f in
                    ("train-images", "train-labels", "test-images", "test-labels"))
    mean, std = x.float().mean(), x.float().std(unbiased=False)
    x, tx = (((t.float() - mean) / std).unsqueeze(1) for t in (x, tx))
    y, ty = y.long(), ty.long()
    got = []
    for seed in range(1, args.seeds + 1):
        begin = time.time()
        epochs, accuracy = train(args.net, args.epochs, seed, x, y, tx, ty)
        got.append(accuracy)
        print(f"{args.net} seed {seed}: test accuracy {accuracy:.4f} after {epochs} epochs in {time.time() - begin:.1f} s", flush=True)
    print(f"{args.net}: mean {statistics.mean(got):.4f}, standard deviation {statistics.stdev(got) if len(got) > 1 else 0:.4f} over {len(got)} seeds")


if __name__ == "__main__":
    main()
