"""The faults, one function each. It is called on a running scene and leaves one with at least one instance running."""
import hashlib
import json
import math
import signal
import struct
from functools import partial

import kafka_wire
import kcat
from mixed_log import UNLINED
from scene import ALARM, FAILPOINT, REJECTED_MAX_BYTES, STEP_TIMEOUT_S

CHUNK = 400


def kill_at_random(scene):
    slot = scene.rng.choice(scene.running())
    scene.flow(CHUNK)
    scene.end(slot, signal.SIGKILL)
    if scene.running() and scene.rng.random() < 0.5:
        scene.flow(CHUNK)  # the others take over first
    scene.start(slot)


def kill_at_failpoint(scene, name, most):
    """The instance comes back to die at the named place, and once more to live."""
    slot = scene.rng.choice(scene.running())
    scene.flow(CHUNK)
    scene.end(slot, scene.rng.choice((signal.SIGTERM, signal.SIGKILL)))
    where = f"{name}:{scene.rng.randrange(1, most + 1)}"
    if name == "inside-commit":
        where += f":{scene.rng.randrange(100, 8000)}"
    scene.start(slot, where)
    if name == "mid-bundle-swap":
        daemon = slot.daemon
        scene.until(lambda: daemon.log_ended or any(e["event"] == "bundle-serving" for e in daemon.events),
                    STEP_TIMEOUT_S, "a bundle")
        scene.point_at(scene.rng.choice(scene.bundles))
    status = scene.await_death(slot)
    if status is None:
        scene.faults[f"({name} not reached)"] += 1
        scene.end(slot, signal.SIGKILL)
    else:
        scene.note_exit(slot.daemon, status, expected=(FAILPOINT, ALARM))
    scene.start(slot)


def kill_and_forget(scene):
    """Its open transaction stays until the brokers end it: who comes next has another name."""
    slot = scene.rng.choice(scene.running())
    scene.flow(CHUNK)
    scene.end(slot, signal.SIGKILL, new_name=True)
    scene.start(slot)
    scene.flow(CHUNK)


def members(scene):
    return kafka_wire.describe_group(scene.bootstrap, scene.group)["members"]


def stall(scene):
    """SIGSTOP until the group has given it up, SIGCONT: it finds itself without partitions, perhaps fenced."""
    slot = scene.rng.choice(scene.running())
    scene.flow(CHUNK)
    slot.daemon.signal(signal.SIGSTOP)
    try:
        scene.until(lambda: slot.daemon.name not in members(scene), STEP_TIMEOUT_S, f"{slot.daemon.name} is given up")
        if len(scene.running()) > 1 and scene.rng.random() < 0.5:
            scene.flow(CHUNK)  # others work on its partitions before it wakes
        else:
            scene.write(CHUNK)
    finally:
        slot.daemon.signal(signal.SIGCONT)
    scene.flow(CHUNK)


def twin(scene):
    """A second process with the same transactional.id: the first is fenced and leaves."""
    slot = scene.rng.choice(scene.running())
    first = slot.daemon
    scene.flow(CHUNK)
    slot.generation += 1
    second = scene.daemon(slot.name, **{"transactional.id": first.config["transactional.id"],
                                        "kafka.group.instance.id": None})
    second.start()
    slot.doomed = True
    status = scene.await_death(slot, 2 * STEP_TIMEOUT_S)
    if status is None:
        scene.faults["(twin without a fight)"] += 1  # the second got no partition, or is idle
        status = scene.end(slot, signal.SIGKILL)
    else:
        scene.note_exit(first, status)
    slot.daemon, slot.doomed = second, False


def add(scene):
    free = scene.free()
    if free:
        scene.write(CHUNK)
        scene.start(scene.rng.choice(free))
    scene.flow(CHUNK)


def remove(scene):
    running = scene.running()
    scene.flow(CHUNK)
    if len(running) > 1:
        scene.end(scene.rng.choice(running), signal.SIGTERM)
    scene.flow(CHUNK)


def come_and_go(scene):
    """Members every moment: rebalances within rebalances."""
    for _ in range(3):
        free, running = scene.free(), scene.running()
        if free and (len(running) < 2 or scene.rng.random() < 0.5):
            scene.start(scene.rng.choice(free))
        else:
            scene.end(scene.rng.choice(running), signal.SIGTERM)
            if not scene.running():
                scene.start(scene.rng.choice(scene.free()))
        scene.write(CHUNK // 4)
    scene.flow(CHUNK)


def swap(scene):
    scene.write(CHUNK)
    scene.point_at(scene.rng.choice(scene.bundles))
    if scene.rng.random() < 0.5:
        for slot in scene.running():
            slot.daemon.signal(signal.SIGHUP)
    scene.flow(CHUNK)


def hang_up_storm(scene):
    for _ in range(40):
        scene.write(CHUNK // 100)
        for slot in scene.running():
            slot.daemon.signal(signal.SIGHUP)
    scene.flow(CHUNK)


def one_bit(bundle):
    path = bundle / "global.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def half_written(bundle):
    path = bundle / "global.safetensors"
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])


def half_a_manifest(bundle):
    text = (bundle / "manifest.json").read_text()
    (bundle / "manifest.json").write_text(text[:len(text) // 2])


def poisoned(bundle):
    """A weight that is no number, and every hash as it should be."""
    path, manifest = bundle / "global.safetensors", json.loads((bundle / "manifest.json").read_text())
    path.write_bytes(path.read_bytes()[:-4] + struct.pack("<f", math.nan))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest["files"]["global.safetensors"]["sha256"] = sha256
    manifest["version"] = manifest["version"].split("-")[0] + "-" + sha256[:8]
    (bundle / "manifest.json").write_text(json.dumps(manifest))


def bad_bundle(scene, how):
    """Refused by whoever looks, and the one before goes on serving."""
    slot = scene.rng.choice(scene.running())
    daemon, version = slot.daemon, json.loads((scene.bundle / "manifest.json").read_text())["version"]
    scene.until(lambda: any(e["event"] == "bundle-serving" and version in e["message"] for e in daemon.events[-20:]),
                STEP_TIMEOUT_S, f"{daemon.name} serves {version}")
    mark = daemon.mark()
    scene.point_at(scene.spoiled(how))
    scene.write(CHUNK)
    scene.until(lambda: daemon.child is None or any(e["event"] == "bundle-refused" for e in daemon.events[mark:]),
                STEP_TIMEOUT_S, f"{daemon.name} refuses a bundle with {how.__name__}")
    scene.point_at(scene.rng.choice(scene.bundles))
    scene.flow(CHUNK)


def broker(scene, kill):
    """One node away and back on its data: with one, all of Kafka; with three, leaders and coordinators move."""
    cluster = scene.cluster
    node = scene.rng.choice(cluster.node_ids())
    scene.write(2 * CHUNK)
    (cluster.node_kill if kill else cluster.node_stop)(node)
    try:
        if len(cluster.node_ids()) > 1:
            scene.flow(CHUNK)
    finally:
        cluster.node_start(node)
    scene.until(lambda: in_sync(scene), STEP_TIMEOUT_S, "brokers have caught up")
    scene.flow(CHUNK)


def in_sync(scene):
    found = kafka_wire.metadata(scene.bootstrap, list(scene.topics.values()))["topics"]
    return all(len(p["isr"]) == len(p["replicas"]) for partitions in found.values() for p in partitions.values())


def no_broker_at_start(scene):
    """Everything is down when an instance begins, and comes back then."""
    slot = scene.rng.choice(scene.running())
    nodes = scene.cluster.node_ids()
    scene.write(CHUNK)
    for node in nodes:
        scene.cluster.node_kill(node)
    try:
        scene.end(slot, signal.SIGKILL)
        scene.start(slot)
    finally:
        scene.cluster.node_start(*nodes)
    scene.until(lambda: in_sync(scene), 2 * STEP_TIMEOUT_S, "brokers have caught up")
    scene.flow(CHUNK)


def poison(scene):
    for key, value in UNLINED:
        partition = scene.rng.randrange(scene.partitions)
        scene.until(lambda k=key, v=value, p=partition: put(scene, k, v, p), STEP_TIMEOUT_S, "a message is written")
        scene.poison.add((key and key.encode(), value))
    scene.flow(CHUNK)


def refused_record(scene):
    """What the rejected topic does not take whole costs its transaction, in the middle of others' work."""
    value = scene.rng.randbytes(2 * REJECTED_MAX_BYTES).hex().encode()  # does not compress below the limit
    partition = scene.rng.randrange(scene.partitions)
    scene.write(CHUNK // 2)
    scene.until(lambda: put(scene, "user", value, partition), STEP_TIMEOUT_S, "a message is written")
    scene.poison.add((b"user", value))
    scene.flow(CHUNK)


def put(scene, key, value, partition):
    try:
        kcat.write_message(scene.bootstrap, scene.topics["scrobbles"], key, value, partition)
        return True
    except RuntimeError as error:
        raise ConnectionError(str(error)) from error


# What a round draws from: name, function. Every one comes once before any comes twice.
FAULTS = {
    "kill -9": kill_at_random,
    **{f"kill at {name}": partial(kill_at_failpoint, name=name, most=most) for name, most in (
        ("before-produce", 300), ("after-produce", 5), ("after-send-offsets", 5), ("inside-commit", 5),
        ("after-commit", 5), ("mid-restore", 25), ("mid-bundle-swap", 2))},
    "kill and forget": kill_and_forget,
    "stall": stall,
    "twin": twin,
    "add": add,
    "remove": remove,
    "come and go": come_and_go,
    "bundle swap": swap,
    "SIGHUP storm": hang_up_storm,
    **{f"bundle with {how.__name__}": partial(bad_bundle, how=how)
       for how in (one_bit, half_written, half_a_manifest, poisoned)},
    "broker kill": partial(broker, kill=True),
    "broker stop": partial(broker, kill=False),
    "no broker at start": no_broker_at_start,
    "unlined poison": poison,
    "refused record": refused_record,
}
