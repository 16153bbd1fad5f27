"""The log of a round: invented scrobbles, and among them what does not come in order, in time, once, or at all right."""
import json
import subprocess
import time

import harness

DAY_MS = 86400 * 1000
GAP_MS = 1800 * 1000


def invented(rng, rows, users, later_ms):
    """Scrobbles as dicts, in the order of time, the same from the same rng; later ones are of other users."""
    done = subprocess.run(
        [harness.OUTRO, "synth", "--quiet", "--format", "json", "--rows", str(rows), "--users", str(users),
         "--seed", str(rng.randrange(1, 1 << 30))], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    scrobbles = [json.loads(line) for line in done.stdout.splitlines()]
    for scrobble in scrobbles if later_ms else ():
        scrobble["user_id"] += "_later"
        scrobble["timestamp"] += later_ms
    return scrobbles


def line_of(scrobble):
    return scrobble["user_id"].encode() + b"\t" + json.dumps(scrobble, separators=(",", ":")).encode()


# What else comes where a scrobble stands: each takes (rng, scrobble) and gives scrobbles.

def again(_rng, scrobble):
    return [scrobble]


def same_stamp(_rng, scrobble):
    return [{**scrobble, "track": scrobble["track"] + " (live)"}]


def one_gap_later(_rng, scrobble):
    return [{**scrobble, "timestamp": scrobble["timestamp"] + GAP_MS}]


def a_little_late(rng, scrobble):
    return [{**scrobble, "timestamp": scrobble["timestamp"] - rng.randrange(1, 12 * 3600) * 1000, "track": "late"}]


def too_late(rng, scrobble):
    return [{**scrobble, "timestamp": scrobble["timestamp"] - rng.randrange(2, 40) * DAY_MS}]


def bulk_of_yesterday(rng, scrobble):
    start = scrobble["timestamp"] - DAY_MS + 3600 * 1000
    return [{**scrobble, "timestamp": start + n * 240 * 1000, "track": f"upload {n}"} for n in range(rng.randrange(5, 40))]


def of_1970(_rng, scrobble):
    return [{**scrobble, "timestamp": 1000}]


# What can never be used: each gives the line of a Feeder.

def ahead_of_the_clock(_rng, scrobble):
    return line_of({**scrobble, "timestamp": int(time.time() * 1000) + 30 * DAY_MS})


def next_century(_rng, scrobble):
    return line_of({**scrobble, "timestamp": 4133980800000})


def negative(_rng, scrobble):
    return line_of({**scrobble, "timestamp": -1})


def no_json(rng, scrobble):
    line = line_of(scrobble)
    return line[:rng.randrange(line.index(b"\t") + 2, len(line) - 1)]


def cut_utf8(_rng, scrobble):
    return line_of(scrobble).replace(b'"track":"', b'"track":"\xc3')


def huge_number(_rng, scrobble):
    return line_of(scrobble).replace(str(scrobble["timestamp"]).encode(), b"9" * 400)


def somebody_elses(_rng, scrobble):
    return b"x" + line_of(scrobble)


def deep(_rng, scrobble):
    return line_of(scrobble)[:-1] + b',"more":' + b"[" * 300 + b"]" * 300 + b"}"


def megabyte(_rng, scrobble):
    return line_of({**scrobble, "artist": "x" * 900_000})


ODD = (again, again, same_stamp, one_gap_later, a_little_late, a_little_late, too_late, bulk_of_yesterday, of_1970)
POISON = (ahead_of_the_clock, next_century, negative, no_json, cut_utf8, huge_number, somebody_elses, deep)
# Written as messages of their own: no line can carry them. (key, value)
UNLINED = ((None, b"{}"), ("user", None), ("user", b"a\0b"), ("user", b"two\nlines"))


def upload(user, count):
    """Lines of somebody nobody has heard of: sessions of twenty scrobbles of some year long ago."""
    return [line_of({"user_id": user, "timestamp": 1230768000000 + n * 240 * 1000 + n // 20 * 2 * GAP_MS,
                     "artist": "an artist", "track": f"track {n}"}) for n in range(count)]


def lines(rng, rows, users, poison, later_ms=0):
    """The lines of a round, in the order they are written; those that can never be used go into the set poison."""
    mixed = []
    for number, scrobble in enumerate(invented(rng, rows, users, later_ms)):
        mixed.append(line_of(scrobble))
        chance = rng.random()
        if chance < 0.02:
            mixed += map(line_of, rng.choice(ODD)(rng, scrobble))
        elif chance < 0.03 or number == rows // 2:
            bad = (megabyte if number == rows // 2 else rng.choice(POISON))(rng, scrobble)
            poison.add(tuple(bad.split(b"\t", 1)))
            mixed.append(bad)
        if chance > 0.98:  # it has overtaken others on its way
            mixed.insert(max(0, len(mixed) - rng.randrange(2, 200)), mixed.pop())
    return mixed


def lines_of_file(path):
    """Those of a log that people have left, in event-time order."""
    done = subprocess.run([harness.OUTRO, "events", "--quiet", path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          check=True)
    return done.stdout.splitlines()
