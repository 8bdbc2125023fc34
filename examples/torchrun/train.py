"""Softmax regression on the handwritten digits, with the rows of each batch shared out
among the processes of a gang. What torchrun sets, budwood has set: RANK, WORLD_SIZE,
LOCAL_RANK, MASTER_ADDR and MASTER_PORT."""
import argparse
import csv
import gzip
import json
import os

import torch
import torch.distributed as dist

args = argparse.ArgumentParser()
args.add_argument("--lr", type=float)
lr = args.parse_args().lr

dist.init_process_group("gloo")  # env://
rank, ranks = dist.get_rank(), dist.get_world_size()
torch.set_num_threads(1)
torch.manual_seed(int(os.environ["BUDWOOD_SEED"]))  # the same order and weights everywhere
if rank == 0:
    report, answers = os.fdopen(3, "w", buffering=1), os.fdopen(4)

with gzip.open("../digits/digits.csv.gz", "rt") as f:
    rows = list(csv.DictReader(f))
y = torch.tensor([int(r.pop("digit")) for r in rows])
x = torch.tensor([[float(v) for v in r.values()] for r in rows]) / 16
train = torch.arange(len(y)) % 5 != 0

net = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(64, 10))
opt = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
file = os.path.join(os.environ["BUDWOOD_CHECKPOINT"], "state.pt")
epoch = 0
if os.path.exists(file):  # every rank has the checkpoint; what rank 0 writes is kept
    epoch, weights, moments = torch.load(file)
    net.load_state_dict(weights)
    opt.load_state_dict(moments)

stop = torch.zeros(1)
while epoch < int(os.environ["BUDWOOD_EPOCHS"]) and not stop:
    order = torch.randperm(int(train.sum()), generator=torch.Generator().manual_seed(epoch))
    for batch in order.split(64):
        mine = batch[rank::ranks]
        opt.zero_grad()
        torch.nn.functional.cross_entropy(net(x[train][mine]), y[train][mine]).backward()
        opt.step()
    epoch += 1
    if rank == 0:
        torch.save((epoch, net.state_dict(), opt.state_dict()), file + ".new")
        os.replace(file + ".new", file)
        with torch.no_grad():
            accuracy = (net.module(x[~train]).argmax(1) == y[~train]).float().mean().item()
        print(json.dumps({"epoch": epoch, "accuracy": accuracy, "checkpoint": True}), file=report)
        stop[0] = "stop" in json.loads(answers.readline() or '{"stop": ""}')
    dist.broadcast(stop, 0)  # all end after the same epoch
print(f"rank {rank} of {ranks} ends after epoch {epoch}")
dist.destroy_process_group()
