"""PyTorch's side of the comparison.

Each line of standard input, "MODEL SECONDS", is answered by a line
"SAMPLES CPU_SECONDS": training steps (forward, loss, backward, Adam) on
batches that rotate through 64 random ones, on one thread.
"""
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)


class Transformer(nn.Module):
    """Encoder over 32 tokens of 64 features; mean over the tokens, 10 classes."""

    def __init__(self):
        super().__init__()
        block = nn.TransformerEncoderLayer(64, nhead=4, dim_feedforward=256, dropout=0.0, batch_first=True)
        self.blocks = nn.TransformerEncoder(block, num_layers=2)
        self.classes = nn.Linear(64, 10)

    def forward(self, tokens):
        return self.classes(self.blocks(tokens).mean(dim=1))


class Recurrent(nn.Module):
    """GRU over 32 steps of 64 features; its last state, 10 classes."""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(64, 128, batch_first=True)
        self.classes = nn.Linear(128, 10)

    def forward(self, steps):
        return self.classes(self.gru(steps)[0][:, -1])


def dense(*sizes):
    layers = [nn.Linear(sizes[0], sizes[1])]
    for before, after in zip(sizes[1:], sizes[2:]):
        layers += [nn.ReLU(), nn.Linear(before, after)]
    return nn.Sequential(*layers)


def stage(before, after):
    return [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]


def cnn():
    return nn.Sequential(*stage(1, 16), *stage(16, 32), nn.Flatten(), nn.Linear(7 * 7 * 32, 10))


BUILD = {
    "a": (lambda: dense(784, 256, 128, 10), 128, (784,)),
    "b": (lambda: dense(64, 64, 64, 10), 32, (64,)),
    "c": (cnn, 64, (1, 28, 28)),
    "d": (Transformer, 32, (32, 64)),
    "e": (Recurrent, 32, (32, 64)),
}


class Training:
    def __init__(self, name):
        torch.manual_seed(1)
        make, self.rows, shape = BUILD[name]
        self.model = make()
        self.adam = torch.optim.Adam(self.model.parameters(), lr=1e-3)
        self.x = torch.randn(64, self.rows, *shape)
        self.y = torch.randint(10, (64, self.rows))
        self.at = 0

    def step(self):
        self.adam.zero_grad()
        F.cross_entropy(self.model(self.x[self.at]), self.y[self.at]).backward()
        self.adam.step()
        self.at = (self.at + 1) % 64


def main():
    trainings = {}
    for line in sys.stdin:
        name, seconds = line.split()
        if name not in trainings:
            trainings[name] = Training(name)
        t = trainings[name]
        for _ in range(3):
            t.step()
        steps, start = 0, time.process_time()
        while time.process_time() - start < float(seconds):
            for _ in range(4):
                t.step()
            steps += 4
        print(steps * t.rows, time.process_time() - start, flush=True)


if __name__ == "__main__":
    main()
