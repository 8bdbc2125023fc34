"""An MLP on the handwritten digits (UCI, CC BY 4.0, in examples/digits)."""
import csv
import gzip
import json
import os
import sys

import torch

with open(sys.argv[1]) as f:
    params = json.load(f)
torch.manual_seed(int(os.environ["BUDWOOD_SEED"]))
report, answers = os.fdopen(3, "w", buffering=1), os.fdopen(4)

with gzip.open("../digits/digits.csv.gz", "rt") as f:
    rows = list(csv.DictReader(f))
y = torch.tensor([int(r.pop("digit")) for r in rows])
x = torch.tensor([[float(v) for v in r.values()] for r in rows]) / 16
train = torch.arange(len(y)) % 5 != 0

net = torch.nn.Sequential(torch.nn.Linear(64, int(params["width"])), getattr(torch.nn, params["act"])(), torch.nn.Linear(int(params["width"]), 10))
opt = torch.optim.Adam(net.parameters(), lr=params["lr"])
file = os.path.join(os.environ["BUDWOOD_CHECKPOINT"], "state.pt")
epoch = 0
if os.path.exists(file):
    epoch, weights, moments = torch.load(file)
    net.load_state_dict(weights)
    opt.load_state_dict(moments)

while epoch < int(os.environ["BUDWOOD_EPOCHS"]):
    order = torch.randperm(int(train.sum()))
    for batch in order.split(32):
        opt.zero_grad()
        torch.nn.functional.cross_entropy(net(x[train][batch]), y[train][batch]).backward()
        opt.step()
    epoch += 1
    torch.save((epoch, net.state_dict(), opt.state_dict()), file + ".new")
    os.replace(file + ".new", file)
    with torch.no_grad():
        accuracy = (net(x[~train]).argmax(1) == y[~train]).float().mean().item()
    print(json.dumps({"epoch": epoch, "accuracy": accuracy, "checkpoint": True}), file=report)
    if "stop" in json.loads(answers.readline() or '{"stop": ""}'):
        break
