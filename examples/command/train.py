"""A network with one hidden layer learns the sine. Plain Python, no package."""
import argparse
import json
import math
import os
import random

p = argparse.ArgumentParser()
p.add_argument("--lr", type=float, required=True)
p.add_argument("--hidden", type=int, required=True)
args = p.parse_args()

epochs = int(os.environ["BUDWOOD_EPOCHS"])
state_file = os.path.join(os.environ["BUDWOOD_CHECKPOINT"], "state.json")
report = os.fdopen(3, "w", buffering=1)
answers = os.fdopen(4)

if os.path.exists(state_file):  # the trial goes on
    with open(state_file) as f:
        state = json.load(f)
else:
    rng = random.Random(int(os.environ["BUDWOOD_SEED"]))
    state = {"epoch": 0, "w": [[rng.uniform(-2, 2), rng.uniform(-2, 2), rng.uniform(-1, 1)] for _ in range(args.hidden)], "b": 0.0}

points = [(x / 20, math.sin(x / 20)) for x in range(-60, 61)]
train, valid = points[::2], points[1::2]


def predict(x):
    return state["b"] + sum(c * math.tanh(a * x + b) for a, b, c in state["w"])


while state["epoch"] < epochs:
    for x, y in train:
        e = predict(x) - y
        state["b"] -= args.lr * e
        for unit in state["w"]:
            a, b, c = unit
            h = math.tanh(a * x + b)
            d = e * c * (1 - h * h)
            unit[0] -= args.lr * d * x
            unit[1] -= args.lr * d
            unit[2] -= args.lr * e * h
    state["epoch"] += 1
    with open(state_file + ".new", "w") as f:
        json.dump(state, f)
    os.replace(state_file + ".new", state_file)
    loss = sum((predict(x) - y) ** 2 for x, y in valid) / len(valid)
    print(json.dumps({"epoch": state["epoch"], "loss": loss, "checkpoint": True}), file=report)
    if "stop" in json.loads(answers.readline() or '{"stop": ""}'):
        break
