"""What the input itself may be: unusable, old, silent for years, deleted. Called on a running scene."""
import signal

import kafka_wire
import kcat
from mixed_log import UNLINED, upload
from scene import END_TIMEOUT_S, REJECTED_MAX_BYTES, STEP_TIMEOUT_S, Broken

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


def deleted_input(scene):
    """Retention takes messages before they are read: the daemon says which, and does the rest. On topics of its own,
    because an audit needs the whole input."""
    name = f"aside-{sum(scene.faults.values())}"
    topics = {role: f"{name}-{topic}" for role, topic in scene.topics.items()}
    for role, topic in topics.items():
        config = {"cleanup.policy": "compact"} if role == "state" else {}
        kafka_wire.create_topic(scene.bootstrap, topic, 1, config=config)
    daemon = scene.daemon(name, **{"kafka.group.id": f"{name}-{scene.group}",
                                   **{f"topic.{role}": topic for role, topic in topics.items()}})

    def answered(count):
        scene.until(lambda: sum(kafka_wire.end_offsets(scene.bootstrap, topics["predictions"], committed=True).values())
                    >= count, END_TIMEOUT_S, f"{count} predictions of {name}", must=True)

    try:
        lines = upload(name, 300)
        kcat.write_topic(scene.bootstrap, topics["scrobbles"], lines[:200])
        daemon.start()
        answered(200)
        daemon.stop()
        kcat.write_topic(scene.bootstrap, topics["scrobbles"], lines[200:])
        kafka_wire.delete_records(scene.bootstrap, topics["scrobbles"], 0, 250)
        daemon.start()
        event = daemon.wait_event(lambda e: e["event"] == "input-deleted", STEP_TIMEOUT_S, "word of what is deleted")
        answered(250)
        if "offsets 200 to 249" not in event["message"] or daemon.stop() != 0:
            raise Broken(f"{name}: {event['message']}: see {daemon.log_file}")
        found = len(kcat.read_topic(scene.bootstrap, topics["predictions"]))
        if found != 250:
            raise Broken(f"{name}: {found} predictions instead of 250")
    except AssertionError as error:
        raise Broken(str(error)) from error
    finally:
        daemon.abandon()
    kafka_wire.delete_topics(scene.bootstrap, list(topics.values()))
    scene.flow(scene.chunk)


def put(scene, key, value, partition):
    try:
        kcat.write_message(scene.bootstrap, scene.topics["scrobbles"], key, value, partition)
        return True
    except RuntimeError as error:
        raise ConnectionError(str(error)) from error
