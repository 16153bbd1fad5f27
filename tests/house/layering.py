#!/usr/bin/python3
"""Holds the tree to the rule of the house: arrows between rooms, what model/ may not touch, sizes, READMEs.

usage: layering.py [ROOT]    prints one line a breach; exits 1 when there is any
"""
import re
import sys
from pathlib import Path

# Which rooms each room may include: dependencies point one way.
ARROWS = {
    "core": {"core"},
    "nn": {"core", "nn"},
    "cluster": {"core", "cluster"},
    "data": {"core", "data"},
    "bundle": {"core", "nn", "cluster", "data", "bundle"},
    "stream": {"core", "nn", "cluster", "data", "bundle", "stream"},
    "crawl": {"core", "data", "crawl"},
    "prepare": {"core", "data", "stream", "prepare"},
    "seed": {"core", "nn", "cluster", "data", "stream", "prepare", "seed"},
    "cli": {"core", "nn", "cluster", "data", "bundle", "stream", "crawl", "prepare", "seed", "cli"},
    "daemon": {"core", "nn", "cluster", "data", "bundle", "stream", "daemon"},
}
MAX_LINES = 600
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
# What a library of model/ must leave to its caller. The commands (cli/) may touch files, clocks and the terminal.
CALLS = {
    "reads a clock": r"clock_gettime|gettimeofday|time|clock",
    "opens a socket": r"socket|connect|accept|bind|listen|getaddrinfo",
    "prints": r"printf|puts|putchar|perror|vprintf",
    "ends the process": r"exit|_exit|quick_exit|abort",
    "sleeps": r"sleep|usleep|nanosleep",
}
STDERR = re.compile(r"\b(?:v?fprintf|fputs|fputc|fwrite)\s*\([^;]*\bstd(?:err|out)\b")
TOKENS = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code_only(text):
    """The text without comments, and with its strings emptied; line breaks stay, so line numbers do too."""
    def blank(match):
        token = match.group(0)
        return '""' if token[0] == '"' else " " + "\n" * token.count("\n")
    return TOKENS.sub(blank, text)


def rooms(root):
    """(room name, folder) of each that is there."""
    found = [(name, root / "model" / name) for name in ARROWS if name != "daemon"]
    return [(name, folder) for name, folder in found + [("daemon", root / "daemon")] if folder.is_dir()]


def sources(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in (".c", ".h"))


def included_room(name, own, folder):
    """The room that an include of ours points into, or None for a system header's name."""
    first = name.split("/", 1)[0]
    if "/" not in name:
        return own if (folder / name).exists() else None
    return first if first in ARROWS else None


def check_includes(root, path, room, folder):
    text = path.read_text()
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        where, name = f"{path.relative_to(root)}:{line}", match.group(2)
        target = included_room(name, room, folder) if match.group(1) == '"' else None
        if target and target not in ARROWS[room]:
            yield f"{where}: {room} must not include {name}"
        if room != "daemon" and re.match(r"librdkafka/|event2?/|event\.h|evhttp", name):
            yield f"{where}: model/ runs without a broker and without an event loop, yet includes {name}"
        if re.fullmatch(r"cblas.*\.h|openblas.*\.h", name) and path.relative_to(root) != Path("model/nn/tensor.c"):
            yield f"{where}: only model/nn/tensor.c includes {name}"


def check_calls(root, path):
    code = code_only(path.read_text())
    for what, names in CALLS.items():
        # A call: not a member, not part of a longer name, and not a prototype's own name in a pointer type.
        for match in re.finditer(rf"(?<![\w.>])(?:{names})\s*\(", code):
            yield f"{path.relative_to(root)}:{code.count(chr(10), 0, match.start()) + 1}: a library {what}"
    for match in STDERR.finditer(code):
        yield f"{path.relative_to(root)}:{code.count(chr(10), 0, match.start()) + 1}: a library prints"


def check_sizes(root):
    for folder in ("model", "daemon", "tests"):
        for path in sources(root / folder):
            lines = path.read_text().count("\n")
            if lines > MAX_LINES:
                yield f"{path.relative_to(root)}: {lines} lines, more than {MAX_LINES}: does it hold more than one idea?"


def check_readmes(root):
    wanted = [folder for _, folder in rooms(root)] + [root / "model", root / "schemas", root / "tests"]
    wanted += [folder for folder in (root / "tests").iterdir() if folder.is_dir() and folder.name != "__pycache__"]
    for folder in sorted(set(wanted)):
        if folder.is_dir() and any(folder.iterdir()) and not (folder / "README.md").is_file():
            yield f"{folder.relative_to(root)}: no README.md"


def breaches(root):
    for room, folder in rooms(root):
        for path in sources(folder):
            yield from check_includes(root, path, room, folder)
            if room not in ("cli", "daemon"):
                yield from check_calls(root, path)
    yield from check_sizes(root)
    yield from check_readmes(root)


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[2])
    found = list(breaches(root))
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
