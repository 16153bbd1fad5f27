#!/usr/bin/python3
"""Each header compiles alone: whoever includes one needs to know nothing about another. Except *_body.h: such a file
is a template, included by one source more than once with other macros set.

usage: headers.py CC ROOT    CC may carry options; exits 1 after naming each header that does not
"""
import subprocess
import sys
from pathlib import Path


def main():
    compiler, root = sys.argv[1].split(), Path(sys.argv[2])
    failed = 0
    for path in sorted([*root.glob("model/*/*.h"), *root.glob("daemon/*.h")]):
        if path.name.endswith("_body.h"):
            continue
        done = subprocess.run(
            [*compiler, "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c",
             f"-I{root}/model", f"-I{root}", "-include", str(path), "/dev/null"],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            failed += 1
            print(f"{path.relative_to(root)} does not compile alone:\n{done.stderr}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
