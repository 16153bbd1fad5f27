"""What must hold after a round, asked of the topics alone: no daemon is believed."""
import json
import subprocess
from collections import Counter

import harness
import kcat
import parity
from scene import Broken

TRUNCATED_BYTES = 65536  # daemon/producer_parts.h


def audit(scene):
    """`outrod audit`: every input in exactly one place, state and offsets in step. @return its head and its sums"""
    config = next(slot.daemon.config_file for slot in scene.slots if slot.daemon)
    done = subprocess.run([harness.OUTROD, "audit", "-c", config], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=300, check=False)
    (scene.folder / "audit.txt").write_text(done.stdout + done.stderr)
    if done.returncode != 0:
        raise Broken(f"outrod audit left with status {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    return "\n".join(line for line in done.stdout.splitlines() if line.startswith(("partition", "total")))


def split_input(scene):
    """(lines of a Feeder that can be used, Counter of the others) as they lie in the input, partition by partition."""
    good, bad = [], Counter()
    for record in kcat.read_topic(scene.bootstrap, scene.topics["scrobbles"], timeout_s=120):
        if (record.key, record.value) in scene.poison:
            bad[record.key, record.value] += 1
        else:
            good.append(record.key + b"\t" + record.value)
    return good, bad


def once(what, found, limit=5):
    doubled = [key for key, count in found.items() if count > 1]
    if doubled:
        raise Broken(f"{len(doubled)} {what} are there more than once, such as {doubled[:limit]}")


def same(what, live, offline, limit=5):
    """Two Counters."""
    more, less = live - offline, offline - live
    if more or less:
        raise Broken(f"{what}: {sum(more.values())} that the replay does not have, such as {list(more)[:limit]}; "
                     f"{sum(less.values())} missing, such as {list(less)[:limit]}")


def keys(predictions):
    return Counter((p["user_id"], p["session"], p["scrobble"], p["timestamp"]) for p in predictions)


def values(scene, role):
    return [r.value for r in kcat.read_topic(scene.bootstrap, scene.topics[role], timeout_s=120)]


def set_aside(scene, bad):
    """Counter of (key, value) of what the rejected topic has, but what came late; a cut one counts as what it was."""
    whole = {(key, value[:TRUNCATED_BYTES]): value for key, value in bad if value and len(value) > TRUNCATED_BYTES}
    records = [r for r in kcat.read_topic(scene.bootstrap, scene.topics["rejected"], timeout_s=120)
               if r.headers["reason"] != "late"]
    return Counter((r.key, whole.get((r.key, r.value), r.value) if "truncated.from" in r.headers else r.value)
                   for r in records)


def same_as_replay(scene):
    """Sessions byte for byte, every prediction once, everything unusable set aside as it came.
    @return how many messages the input has"""
    good, bad = split_input(scene)
    predictions, sessions = parity.replay(good, scene.folder, scene.bundles[0], scene.partitions)
    live = keys(json.loads(value) for value in values(scene, "predictions"))
    offline = keys(p for of_user in predictions.values() for p in of_user)
    if max(offline.values()) == 1:
        once("predictions", live)
    same("predictions", live, offline)
    same("sessions", Counter(parity.without_closers(values(scene, "sessions"))), Counter(parity.without_closers(sessions)))
    same("messages set aside", set_aside(scene, bad), bad)
    return len(good) + sum(bad.values())
