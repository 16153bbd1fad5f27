#!/usr/bin/python3
"""Makes what the integration tests share, in OUTRO_PREPARED: a log of invented scrobbles, the same as `outro events`
writes it, and bundles trained from it."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

OUTRO = os.environ["OUTRO_PROGRAM"]
ROWS, USERS = 20000, 50
# Two that differ, and one whose sessions end after two seconds of silence, for what must be waited for in real time.
BUNDLES = {"bundle-a": ["--seed", 1], "bundle-b": ["--seed", 2], "bundle-brisk": ["--session-gap", 2, "--epochs", 1]}


def run(*args, **more):
    done = subprocess.run([OUTRO, *map(str, args)], stdin=subprocess.DEVNULL, check=False, **more)
    if done.returncode != 0:
        sys.exit(f"outro {' '.join(map(str, args))}: exit status {done.returncode}")


def main():
    folder = Path(os.environ["OUTRO_PREPARED"])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with open(folder / "log", "wb") as log:
        run("synth", "--quiet", "--rows", ROWS, "--users", USERS, "--seed", 7, stdout=log)
    with open(folder / "events", "wb") as events:
        run("events", "--quiet", folder / "log", stdout=events)
    for name, options in BUNDLES.items():
        run("train", "--quiet", *options, "--out", folder / name, folder / "log")
        run("bundle", "check", folder / name)


if __name__ == "__main__":
    main()
