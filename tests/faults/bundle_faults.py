"""Bundles that change, and some that nobody may serve; the signal that makes outrod look. Called on a running scene."""
import hashlib
import json
import math
import signal
import struct

from scene import STEP_TIMEOUT_S


def swap(scene):
    scene.write(scene.chunk)
    scene.point_at(scene.other_bundle())
    if scene.rng.random() < 0.5:
        for slot in scene.running():
            slot.daemon.signal(signal.SIGHUP)
    scene.flow(scene.chunk)


def hang_up_storm(scene):
    for _ in range(40):
        scene.write(scene.chunk // 100)
        for slot in scene.running():
            slot.daemon.signal(signal.SIGHUP)
    scene.flow(scene.chunk)


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
    scene.write(scene.chunk)
    scene.until(lambda: daemon.child is None or any(e["event"] == "bundle-refused" for e in daemon.events[mark:]),
                STEP_TIMEOUT_S, f"{daemon.name} refuses a bundle with {how.__name__}")
    scene.point_at(scene.rng.choice(scene.bundles))
    scene.flow(scene.chunk)
