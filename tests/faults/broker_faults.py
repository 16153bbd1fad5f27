"""Brokers that go and come back. Called on a running scene."""
import signal

import kafka_wire
from scene import STEP_TIMEOUT_S


def broker(scene, kill):
    """One node away and back on its data: with one, all of Kafka; with three, leaders and coordinators move."""
    cluster = scene.cluster
    node = scene.rng.choice(cluster.node_ids())
    scene.write(2 * scene.chunk)
    (cluster.node_kill if kill else cluster.node_stop)(node)
    try:
        if len(cluster.node_ids()) > 1:
            scene.flow(scene.chunk)
    finally:
        cluster.node_start(node)
    scene.until(lambda: in_sync(scene), STEP_TIMEOUT_S, "brokers have caught up")
    scene.flow(scene.chunk)


def in_sync(scene):
    found = kafka_wire.metadata(scene.bootstrap, list(scene.topics.values()))["topics"]
    return all(len(p["isr"]) == len(p["replicas"]) for partitions in found.values() for p in partitions.values())


def no_broker_at_start(scene):
    """Everything is down when an instance begins, and comes back then."""
    slot = scene.rng.choice(scene.running())
    nodes = scene.cluster.node_ids()
    scene.write(scene.chunk)
    for node in nodes:
        scene.cluster.node_kill(node)
    try:
        scene.end(slot, signal.SIGKILL)
        scene.start(slot)
    finally:
        scene.cluster.node_start(*nodes)
    scene.until(lambda: in_sync(scene), 2 * STEP_TIMEOUT_S, "brokers have caught up")
    scene.flow(scene.chunk)
