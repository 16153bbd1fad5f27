#!/usr/bin/python3
"""Makes what the integration tests share, in OUTRO_PREPARED: a log of invented scrobbles, the same as `outro events`
writes it, and bundles trained from it."""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

OUTRO = os.environ["OUTRO_PROGRAM"]
ROWS, USERS = 20000, 50
# Two that differ, and one whose sessions end after two seconds of silence, for what must be waited for in real time.
# One has every feature there is; `holidays` has the dates that it asks for.
BUNDLES = {"bundle-a": ["--seed", 1], "bundle-b": ["--seed", 2], "bundle-brisk": ["--session-gap", 2, "--epochs", 1],
           "bundle-panel": ["--features", "panel", "--shrink", 1]}


def run(*args, **more):
    done = subprocess.run([OUTRO, *map(str, args)], stdin=subprocess.DEVNULL, check=False, **more)
    if done.returncode != 0:
        sys.exit(f"outro {' '.join(map(str, args))}: exit status {done.returncode}")


def write_clusters(path, people, turn):
    """Three clusters by average length, all of people listed, by turns from `turn` on."""
    centroids = [[600.0], [2400.0], [7200.0]]
    path.write_text(json.dumps({
        "format": "outro-clusters", "format_version": 1, "method": "kmeans", "k": 3, "seed": 1, "inertia": 1.0,
        "columns": [{"name": "average_session_length", "mean": 0.0, "scale": 1.0}], "centroids": centroids,
        "members": [{"user_id": user, "cluster": (turn + i) % 3} for i, user in enumerate(people)]}))


def main():
    folder = Path(os.environ["OUTRO_PREPARED"])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with open(folder / "log", "wb") as log:
        run("synth", "--quiet", "--rows", ROWS, "--users", USERS, "--seed", 7, stdout=log)
    with open(folder / "events", "wb") as events:
        run("events", "--quiet", folder / "log", stdout=events)
    with open(folder / "holidays", "w", encoding="ascii") as dates:  # the log begins in 2010
        dates.writelines(f"2010-{month:02}-{day:02}\n" for month in range(1, 13) for day in range(1, 29, 3))
    for name, options in BUNDLES.items():
        run("train", "--quiet", *options, "--holidays", folder / "holidays", "--out", folder / name, folder / "log")
        run("bundle", "check", folder / name)
    with open(folder / "events", "rb") as events:
        people = sorted({json.loads(line.split(b"\t", 1)[1])["user_id"] for line in events})
    for name, (listed, turn) in {"clusters-some": (people[::2], 0), "clusters-a": (people, 0),
                                 "clusters-b": (people, 1)}.items():
        write_clusters(folder / f"{name}.json", listed, turn)
        run("train", "--quiet", "--seed", 3 + turn, "--epochs", 4, "--clusters", folder / f"{name}.json", "--min-users", 1,
            "--force", "--out", folder / name, folder / "log", stdout=subprocess.DEVNULL)
        run("bundle", "check", folder / name)


if __name__ == "__main__":
    main()
