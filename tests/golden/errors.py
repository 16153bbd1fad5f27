#!/usr/bin/env python3
"""Runs the golden tests of the nets and prints one table: every case with its largest relative error in float32 and in
double, and where that was in float32; the largest of each test first.
usage: errors.py BUILD    a build folder with the golden tests built (build/release)
Exit 1 when a test fails, skips a case, or prints no case."""
import pathlib
import re
import subprocess
import sys

TESTS = ("rnn", "keras_models", "curves", "dropout", "onnx", "import", "losses", "optimizers", "updates")
CASE = re.compile(r"^ *(\S+)(?: +\d+ files?)? +(\d\.\de[+-]\d\d)(?: +\((.*)\))?$")


def run(program):
    """{case: (error, where)}, and whether all of it ran and passed."""
    done = subprocess.run([program], capture_output=True, text=True)
    lines = (done.stdout + done.stderr).splitlines()
    cases = {m[1]: (m[2], m[3] or "") for m in map(CASE.match, lines) if m}
    return cases, done.returncode == 0 and bool(cases) and not any("SKIPPED" in line for line in lines)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder, bad = pathlib.Path(sys.argv[1]) / "tests" / "golden", []
    print(f"{'test':14}{'case':34}{'float32':>9}{'double':>9}  where")
    for test in TESTS:
        single, passed = run(folder / f"test_golden_{test}")
        double, double_passed = run(folder / f"test_golden_{test}_double")
        bad += [test] * (not passed) + [f"{test}_double"] * (not double_passed)
        for case, (error, where) in sorted(single.items(), key=lambda item: -float(item[1][0])):
            print(f"{test:14}{case:34}{error:>9}{double.get(case, ('-',))[0]:>9}  {where}".rstrip())
    sys.exit(f"failed or skipped: {', '.join(bad)}" if bad else 0)


if __name__ == "__main__":
    main()
