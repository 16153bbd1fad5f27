"""What can become of the files in state.dir: the changelog is read instead, and nothing shows. Called on a running scene."""
import signal

import harness
from scene import FAILPOINT, STEP_TIMEOUT_S


def stopped(scene):
    """An instance that has worked and has left its snapshots. @return its slot"""
    slot = scene.rng.choice(scene.running())
    scene.flow(scene.chunk)
    scene.end(slot, signal.SIGTERM)
    return slot


def at_work(scene, slot):
    """Until it has what it will leave snapshots of, and has worked on it."""
    scene.until(lambda: slot.daemon.child is None or slot.daemon.get("/ready")[0] == 200, STEP_TIMEOUT_S, "ready")
    scene.flow(scene.chunk)


def kill_mid_snapshot(scene):
    """It dies while it leaves: half a file lies beside the one of before."""
    slot = stopped(scene)
    scene.start(slot, f"mid-snapshot:{scene.rng.randrange(1, 5)}")
    at_work(scene, slot)
    status = slot.daemon.stop()
    scene.note_exit(slot.daemon, status, expected=(FAILPOINT, 0))
    if status != FAILPOINT:
        scene.faults["(mid-snapshot not reached)"] += 1
    scene.start(slot)


def full_disk(scene):
    """No file of it may grow past a few hundred bytes, as on a disk that is full."""
    slot = stopped(scene)
    wrapper = scene.folder / "on-a-full-disk"
    wrapper.write_text(f"#!/bin/sh\ntrap '' XFSZ\nulimit -f 1\nexec {harness.OUTROD} \"$@\"\n")
    wrapper.chmod(0o755)
    program, slot.daemon.program = slot.daemon.program, str(wrapper)
    scene.start(slot)
    slot.daemon.program = program
    at_work(scene, slot)
    scene.end(slot, signal.SIGTERM)
    expect(scene, slot, "snapshot-failed")
    scene.start(slot)


def half(path):
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])


def flipped(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def empty(path):
    path.write_bytes(b"")


def damaged(scene, how):
    slot = stopped(scene)
    for path in scene.state_dir(slot.name).glob("*.snapshot"):
        how(path)
    scene.start(slot)
    at_work(scene, slot)
    expect(scene, slot, "snapshot-ignored")


def old(scene):
    """A disk that comes back from before: the tail of the changelog is longer, that is all."""
    slot = stopped(scene)
    kept = {path: path.read_bytes() for path in scene.state_dir(slot.name).glob("*.snapshot")}
    scene.start(slot)
    scene.flow(scene.chunk)
    scene.end(slot, signal.SIGTERM)
    for path, data in kept.items():
        path.write_bytes(data)
    scene.start(slot)
    scene.flow(scene.chunk)


def expect(scene, slot, event):
    """A partition that it had before may have gone to another: then there is nothing to say."""
    with slot.daemon.changed:
        if not any(e["event"] == event for e in slot.daemon.events):
            scene.faults[f"({event} not said)"] += 1
