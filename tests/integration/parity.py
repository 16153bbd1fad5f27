"""What makes a live run and an offline replay of the same log comparable."""
import json
import math
import subprocess
from collections import defaultdict

import harness

QUANTILES = ("p10_s", "p50_s", "p90_s")
TOLERANCE = 1e-5


def closers(lines, partitions=harness.PARTITIONS):
    """A scrobble for each partition, by a user of its own, two days past the last of lines: it closes every session."""
    last = max(json.loads(line.split(b"\t", 1)[1])["timestamp"] for line in lines)
    return [harness.scrobble_line(user, last + 2 * 86400 * 1000) for user in harness.one_key_a_partition(partitions)]


def replay(lines, folder, bundle, partitions=harness.PARTITIONS, durations=None, options=()):
    """(predictions by user, sessions) that `outro replay` writes for lines of a Feeder, as the daemon's values."""
    log = folder / "replay.log"
    log.write_bytes(b"".join(line.split(b"\t", 1)[1] + b"\n" for line in lines))
    predictions, sessions = folder / "replay.predictions", folder / "replay.sessions"
    subprocess.run(
        [harness.OUTRO, "replay", "--quiet", "--bundle", str(bundle), "--partitions", str(partitions),
         "--predictions", str(predictions), "--sessions", str(sessions),
         *(["--durations", str(durations)] if durations else []), *map(str, options), str(log)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    return by_user(predictions.read_bytes().splitlines()), sessions.read_bytes().splitlines()


def by_user(values):
    """{user: [prediction, ...] in the order they came}; a user's records keep their order, live and offline."""
    found = defaultdict(list)
    for value in values:
        prediction = json.loads(value)
        found[prediction["user_id"]].append(prediction)
    return dict(found)


def without_closers(sessions):
    """Sorted; the closers' own sessions end only where the log does."""
    return sorted(value for value in sessions if not json.loads(value)["user_id"].startswith("closer_"))


def differences(live, offline, limit=5):
    """The first few sentences on where two by_user() differ: quantiles by more than TOLERANCE, the rest at all."""
    said = []
    for user in sorted(live.keys() | offline.keys()):
        ours, theirs = live.get(user, []), offline.get(user, [])
        if len(ours) != len(theirs):
            said.append(f"{user}: {len(ours)} predictions live, {len(theirs)} in the replay")
        for a, b in zip(ours, theirs):
            rest_a = {k: v for k, v in a.items() if k not in QUANTILES}
            rest_b = {k: v for k, v in b.items() if k not in QUANTILES}
            near = all(math.isclose(a[q], b[q], rel_tol=TOLERANCE, abs_tol=1e-3) for q in QUANTILES)
            if rest_a != rest_b or not near:
                said.append(f"live {a}\n  replay {b}")
        if len(said) >= limit:
            break
    return said[:limit]
