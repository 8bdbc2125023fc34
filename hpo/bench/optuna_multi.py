#!/usr/bin/env python3
"""Optuna's samplers with its Hyperband on the curves, for `bench -suite multi`.

    python3 hpo/bench/optuna_multi.py [SEEDS [UNITS]] > optuna_multi.json
    go run ./hpo/bench -suite multi -optuna optuna_multi.json

The tables are those in the folder bench/hpo of $BUDWOOD_DATA (docs/benchmarks/data.md).

The definitions are those of curves.go: a trial is the nearest row that was not
used, its loss is reported after every epoch, and a study ends when the epochs
of UNITS full trainings are spent. The result is, for each task and sampler, the
regret after each unit, one row a seed. Needs optuna and numpy.
"""
import gzip
import json
import math
import os
import sys

import numpy as np
import optuna

EPOCHS = 51
TASKS = ["patch32_GRU64_avg_bs128", "patch32_IRNN64_relu_last_bs128", "patch32_LSTM128_bs128",
         "patch32_VRNN64_relu_avg_bs128", "patch128_LSTM128_embed128_bs64"]
NAMES = ["learning_rate", "beta1", "beta2", "epsilon", "l1", "l2", "linear_decay", "exponential_decay"]
SAMPLERS = {
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}


class Curves:
    """The loss after each epoch of a thousand configurations."""

    def __init__(self, tables, task):
        name = f"{tables}/taskset/FixedTextRNNClassification_imdb_{task}.json.gz"
        with gzip.open(name, "rt") as f:
            rows = json.load(f)
        u = np.array([[1 - r["hp"][k] if k.startswith("beta") else r["hp"][k] for k in NAMES] for r in rows])
        u = np.log10(np.maximum(u, 1e-12))
        self.u = (u - u.min(0)) / (u.max(0) - u.min(0))
        losses = [[math.nan if x is None else x for x in r["valid"]["loss"]] for r in rows]
        losses = np.array(losses, dtype=float)
        losses[~np.isfinite(losses)] = math.nan
        limit = 2 * np.nanmedian(losses[:, 0])
        losses = np.minimum(np.where(np.isnan(losses), limit, losses), limit)
        self.losses = losses
        self.least, self.typical = losses.min(), np.median(losses.min(axis=1))


class Spent(Exception):
    """The budget of the study is spent."""


def run(curves, sampler, seed, units):
    """One study: the regret after each unit."""
    pruner = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=EPOCHS, reduction_factor=3)
    study = optuna.create_study(sampler=SAMPLERS[sampler](seed), pruner=pruner, study_name=f"s{seed}")
    used = np.zeros(len(curves.u), dtype=bool)
    trace, spent, best = [], 0, math.inf

    def objective(trial):
        nonlocal spent, best
        x = np.array([trial.suggest_float(k, 0, 1) for k in NAMES])
        d = ((curves.u - x) ** 2).sum(1)
        d[used] = math.inf
        row = int(d.argmin())
        used[row] = True
        for epoch in range(EPOCHS):
            if spent == units * EPOCHS:
                raise Spent
            loss = float(curves.losses[row, epoch])
            spent, best = spent + 1, min(best, loss)
            if spent % EPOCHS == 0:
                trace.append(best)
            trial.report(loss, epoch + 1)
            if trial.should_prune():
                raise optuna.TrialPruned()
        return loss

    try:
        study.optimize(objective, n_trials=len(curves.u))
    except Spent:
        pass
    trace += [best] * (units - len(trace))
    return [(b - curves.least) / (curves.typical - curves.least) for b in trace]


def tables_folder():
    """The folder of the tables of real trainings."""
    if "BUDWOOD_DATA" not in os.environ:
        sys.exit("BUDWOOD_DATA is not set; docs/benchmarks/data.md says which data it names and where they come from")
    return os.path.join(os.environ["BUDWOOD_DATA"], "bench", "hpo")


def main(tables, seeds=30, units=50):
    """Print the results as JSON."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    out = {"optuna": optuna.__version__, "pruner": "hyperband", "runs": {}}
    for task in TASKS:
        curves = Curves(tables, task)
        for sampler in SAMPLERS:
            runs = [run(curves, sampler, seed, units) for seed in range(seeds)]
            out["runs"].setdefault(f"taskset_{task}", {})[sampler] = runs
    json.dump(out, sys.stdout)


if __name__ == "__main__":
    main(tables_folder(), *map(int, sys.argv[1:]))
