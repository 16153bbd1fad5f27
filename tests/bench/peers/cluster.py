#!/usr/bin/env python3
"""Clustering by scikit-learn beside ours in one run, both with the same number of threads, the same points and the
same number of starts: seconds, CPU seconds, peak memory, and what came out. No test needs this.
usage: cluster.py [--bench FILE] [--threads N] [--rounds N] [--task NAME] [--most N] [--few] [--together]

Ratios are scikit-learn's over ours: above 1 ours is faster; of wall clock and of CPU time, since a busy machine shows in
the first. Every run is a process of its own, so that its peak memory is its own; the best of the rounds counts.
--most leaves out tasks of more people; --few takes three k instead of 28 in k-means. The 100,000 points of spectral
clustering lie in 200 groups far apart: where all hang together, as the fewer points do, scikit-learn does not end within a
quarter of an hour (--together: those all the same)."""
import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time

TASKS = [("kmeans", 992), ("kmeans", 100_000), ("silhouette", 20_000), ("spectral", 992), ("spectral", 5_000),
         ("spectral", 20_000), ("spectral", 100_000)]
COLUMNS = 6
ASKED = {("kmeans", 992): 2, ("kmeans", 100_000): 3, ("silhouette", 20_000): 3, ("spectral", 100_000): 2}


def invent(n):
    """People of a few kinds with long tails, standardised: columns that go together, as those of listeners do."""
    import numpy as np

    drawn = np.random.default_rng(5)
    kind = drawn.integers(0, 4, n)[:, None]
    active, long = drawn.normal(0, .8, (n, 1)) + .5 * kind, drawn.normal(0, .7, (n, 1)) - .3 * kind
    x = np.exp(np.hstack([active, long, active + long, long, active, .3 * active]) + drawn.normal(0, .3, (n, COLUMNS)))
    return np.ascontiguousarray((x - x.mean(0)) / x.std(0))


def invent_apart(n):
    import numpy as np

    drawn = np.random.default_rng(5)
    x = drawn.normal(0, 3, (200, COLUMNS))[drawn.integers(0, 200, n)] + drawn.normal(0, .5, (n, COLUMNS))
    return np.ascontiguousarray((x - x.mean(0)) / x.std(0))


def by_sklearn(task, path, ks):
    """Prints what bench_cluster prints, without task and n."""
    import warnings

    import numpy as np
    from sklearn.cluster import KMeans, SpectralClustering
    from sklearn.metrics import silhouette_score

    warnings.simplefilter("ignore")
    x = np.fromfile(path).reshape(-1, COLUMNS)
    label = KMeans(ks[0], n_init=10, random_state=1).fit(x).labels_ if task == "silhouette" else None
    wall, cpu = time.perf_counter(), time.process_time()
    if task == "kmeans":
        out = sum(KMeans(k, n_init=10, random_state=1).fit(x).inertia_ for k in ks)
    elif task == "silhouette":
        out = silhouette_score(x, label)
    else:
        label = SpectralClustering(ks[0], affinity="nearest_neighbors", n_neighbors=10, assign_labels="kmeans",
                                   random_state=1).fit(x).labels_
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if task == "spectral":
        out = silhouette_score(x, label) if len(x) <= 20_000 else -1
    print(wall, cpu, peak, out)


def run(command, threads):
    env = dict(os.environ)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        env[name] = str(threads)
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    return [float(word) for word in done.stdout.split()[-4:]]


def pair(task, n, ks, path, options):
    ours = theirs = None
    for _ in range(options.rounds):
        parts = [run([options.bench, task, path, str(n), str(COLUMNS), str(options.threads), str(low), str(high)],
                     options.threads) for low, high in ks]
        mine = [sum(p[0] for p in parts), sum(p[1] for p in parts), max(p[2] for p in parts), sum(p[3] for p in parts)]
        every = ",".join(str(k) for low, high in ks for k in range(low, high + 1))
        other = run([sys.executable, __file__, "--one", task, path, every], options.threads)
        ours = min(ours or mine, mine)
        theirs = min(theirs or other, other)
    return ours, theirs


def show(task, n, ours, theirs):
    asked = ASKED.get((task, n), 1)
    print(f"{task:<10} {n:>7}  {theirs[0]:>9.3f} {ours[0]:>9.3f} {theirs[0] / ours[0]:>6.1f}x"
          f"  {theirs[1]:>9.3f} {ours[1]:>9.3f} {theirs[1] / ours[1]:>6.1f}x  (asked {asked}x)"
          f"  {theirs[2]:>7.0f} {ours[2]:>7.0f}  {theirs[3]:>14.9g} {ours[3]:>14.9g}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default="build/release/tests/bench/bench_cluster")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--task", choices=["kmeans", "silhouette", "spectral"])
    parser.add_argument("--most", type=int, default=10**9)
    parser.add_argument("--few", action="store_true")
    parser.add_argument("--together", action="store_true")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        task, path, ks = options.one
        by_sklearn(task, path, [int(k) for k in ks.split(",")])
        return
    import sklearn

    print(f"scikit-learn {sklearn.__version__} beside ours, {options.threads} thread(s), best of {options.rounds}")
    print(f"{'':<18}  {'wall s':>9} {'ours':>9} {'':>7}  {'CPU s':>9} {'ours':>9} {'':>7}  {'':<10}"
          f"  {'peak MB':>7} {'ours':>7}  {'result':>14} {'ours':>14}")
    for task, n in TASKS:
        if n > options.most or options.task not in (None, task):
            continue
        ks = {"kmeans": [(3, 3), (10, 10), (29, 29)] if options.few else [(2, 29)], "silhouette": [(5, 5)],
              "spectral": [(3, 3)]}[task]
        with tempfile.NamedTemporaryFile(suffix=".f64") as file:
            apart = task == "spectral" and n > 20_000 and not options.together
            (invent_apart if apart else invent)(n).tofile(file.name)
            show(task, n, *pair(task, n, ks, file.name, options))


if __name__ == "__main__":
    main()
