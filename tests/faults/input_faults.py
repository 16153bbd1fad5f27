"""What the input itself may be: unusable, old, silent for years, deleted. Called on a running scene."""
import signal

import kcat
from mixed_log import UNLINED, upload
from scene import REJECTED_MAX_BYTES, STEP_TIMEOUT_S

OLD_SCROBBLES = 10_000


def poison(scene):
    for key, value in UNLINED:
        partition = scene.rng.randrange(scene.partitions)
        scene.until(lambda k=key, v=value, p=partition: put(scene, k, v, p), STEP_TIMEOUT_S, "a message is written")
        scene.poison.add((key and key.encode(), value))
    scene.flow(scene.chunk)


def refused_record(scene):
    """What the rejected topic does not take whole costs its transaction, in the middle of others' work."""
    value = scene.rng.randbytes(2 * REJECTED_MAX_BYTES).hex().encode()  # does not compress below the limit
    partition = scene.rng.randrange(scene.partitions)
    scene.write(scene.chunk // 2)
    scene.until(lambda: put(scene, "user", value, partition), STEP_TIMEOUT_S, "a message is written")
    scene.poison.add((b"user", value))
    scene.flow(scene.chunk)


def bulk_upload(scene):
    """An offline player comes home: ten thousand old scrobbles of one user at once."""
    scene.insert(upload(f"uploader_{sum(scene.faults.values())}", OLD_SCROBBLES))
    scene.write(OLD_SCROBBLES)
    scene.flow(scene.chunk)


def years_pass(scene):
    """Stream time leaps, all who were heard of before are forgotten, and tombstones take their state away while an
    instance dies. That none is left is looked at when the round ends."""
    if scene.written < scene.years_pass:  # they do so once a round
        scene.write(scene.years_pass - scene.written)
        scene.write(scene.chunk)
        scene.until(lambda: any(slot.daemon.metrics().total("outro_users_evicted_total") for slot in scene.running()),
                    STEP_TIMEOUT_S, "somebody is forgotten")
    slot = scene.rng.choice(scene.running())
    scene.end(slot, signal.SIGKILL)
    scene.start(slot)
    scene.flow(scene.chunk)


def put(scene, key, value, partition):
    try:
        kcat.write_message(scene.bootstrap, scene.topics["scrobbles"], key, value, partition)
        return True
    except RuntimeError as error:
        raise ConnectionError(str(error)) from error
