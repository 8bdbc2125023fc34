#!/usr/bin/env python3
"""Optuna's samplers for several objectives, for `bench -suite pareto`.

    python3 hpo/bench/optuna_pareto.py [SEEDS [TRIALS]] > optuna_pareto.json
    go run ./hpo/bench -suite pareto -optuna optuna_pareto.json

The tables are those in the folder bench/hpo of $BUDWOOD_DATA (docs/benchmarks/data.md).

The definitions are those of pareto.go. The result is, for each problem and
sampler, the share of the volume that is missed after each trial, one row a
seed. Needs optuna and numpy.
"""
import csv
import gzip
import itertools
import json
import math
import os
import sys

import numpy as np
import optuna

DIMS = 6
SAMPLERS = {
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "nsga2": lambda seed: optuna.samplers.NSGAIISampler(seed=seed, population_size=20),
}
TABLES = {
    "fcnet_protein_structure": ("hpolib_protein_structure", ["n_units_1", "n_units_2"], lambda m: m, [
        ("activation_fn_1", 2, True), ("activation_fn_2", 2, True), ("batch_size", 4, False), ("dropout_1", 3, False), ("dropout_2", 3, False),
        ("init_lr", 6, False), ("lr_schedule", 2, True), ("n_units_1", 6, False), ("n_units_2", 6, False)]),
    "hpobench_phoneme": ("hpobench_phoneme", ["depth", "width"], lambda m: 1 - m, [
        ("alpha", 10, False), ("batch_size", 10, False), ("depth", 3, False), ("learning_rate_init", 10, False), ("width", 10, False)]),
}


def volume(points, ref):
    """The dominated volume, by slices along the last coordinate."""
    points = [p for p in points if all(a < b for a, b in zip(p, ref))]
    if not points:
        return 0.0
    if len(ref) == 1:
        return ref[0] - min(p[0] for p in points)
    if len(ref) == 2:
        total, top = 0.0, ref[1]
        for a, b in sorted(points):
            if b < top:
                total += (ref[0] - a) * (top - b)
                top = b
        return total
    points.sort(key=lambda p: p[-1])
    ends = [p[-1] for p in points[1:]] + [ref[-1]]
    return sum((end - p[-1]) * volume([q[:-1] for q in points[:i + 1]], ref[:-1]) for i, (p, end) in enumerate(zip(points, ends)) if end > p[-1])


class Pareto:
    """The front so far, and what it misses."""

    def __init__(self, ref, most):
        self.ref, self.most, self.front, self.missed = ref, most, [], []

    def add(self, y):
        if not any(all(a <= b for a, b in zip(q, y)) for q in self.front):
            self.front = [q for q in self.front if not all(a <= b for a, b in zip(y, q))] + [tuple(y)]
            self.now = max(1 - volume(list(self.front), self.ref) / self.most, 0)
        self.missed.append(self.now)


def functions():
    def x(trial):
        return [trial.suggest_float(f"x{i}", 0, 1) for i in range(DIMS)]

    def zdt(h):
        def f(trial):
            v = x(trial)
            g = 1 + sum(9 * u / (DIMS - 1) for u in v[1:])
            return v[0], g * h(v[0], g)
        return f

    def dtlz2(trial):
        v = x(trial)
        g = sum((u - .5) ** 2 for u in v[2:])
        a, b = v[0] * math.pi / 2, v[1] * math.pi / 2
        return (1 + g) * math.cos(a) * math.cos(b), (1 + g) * math.cos(a) * math.sin(b), (1 + g) * math.sin(a)

    yield "zdt1", zdt(lambda f, g: 1 - math.sqrt(f / g)), [1.1, 5], 4 + 2 / 3 + .5
    yield "zdt2", zdt(lambda f, g: 1 - (f / g) ** 2), [1.1, 5], 4 + 1 / 3 + .5
    yield "dtlz2", dtlz2, [2.5] * 3, 2.5 ** 3 - math.pi / 6


def tables(folder):
    for name, (file, sizes, score, dims) in TABLES.items():
        values = {}
        with gzip.open(f"{folder}/{file}.csv.gz", "rt") as f:
            for row in itertools.islice(csv.reader(f), 1, None):
                values[row[0]] = score(sum(map(float, row[1:])) / (len(row) - 1))
        ordered = sorted(values.values())
        least, typical = ordered[0], (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
        names = [d[0] for d in dims]

        def losses(at):
            value = values["".join(str(at[k]) for k in names)]
            return (value - least) / (typical - least), sum(at[s] for s in sizes) / 10

        def f(trial):
            return losses({k: trial.suggest_categorical(k, list(range(n))) if cat else trial.suggest_int(k, 0, n - 1) for k, n, cat in dims})

        best = {}
        for place in itertools.product(*(range(d[1]) for d in dims)):
            y = losses(dict(zip(names, place)))
            best[y[1]] = min(best.get(y[1], math.inf), y[0])
        ref = [1, 2]
        yield name + "+size", f, ref, volume([(a, b) for b, a in best.items()], ref)


def tables_folder():
    """The folder of the tables of real trainings."""
    if "BUDWOOD_DATA" not in os.environ:
        sys.exit("BUDWOOD_DATA is not set; docs/benchmarks/data.md says which data it names and where they come from")
    return os.path.join(os.environ["BUDWOOD_DATA"], "bench", "hpo")


def main():
    folder = tables_folder()
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    trials = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    out = {}
    for name, f, ref, most in itertools.chain(functions(), tables(folder)):
        for sampler, make in SAMPLERS.items():
            runs = []
            for seed in range(seeds):
                seen = Pareto(ref, most)

                def objective(trial):
                    y = f(trial)
                    seen.add(y)
                    return y

                study = optuna.create_study(directions=["minimize"] * len(ref), sampler=make(seed))
                study.optimize(objective, n_trials=trials)
                runs.append(seen.missed)
            out.setdefault(name, {})[sampler] = runs
            print(name, sampler, float(np.median([r[-1] for r in runs])), file=sys.stderr)
    json.dump(out, sys.stdout)


if __name__ == "__main__":
    main()
