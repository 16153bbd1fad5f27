"""What every integration test stands on: topics of its own, daemons and feeders that end with it, a prepared log."""
import json
import os
import sys
import tempfile
import unittest
import uuid
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "broker"))

import kafka_wire  # noqa: E402
from kafka_cluster import Cluster  # noqa: E402
import kcat  # noqa: E402
from outrod import Outrod  # noqa: E402

OUTRO = Path(os.environ["OUTRO_PROGRAM"])
OUTROD = Path(os.environ["OUTROD_PROGRAM"])
PREPARED = Path(os.environ["OUTRO_PREPARED"])
PARTITIONS = 3
DRAIN_TIMEOUT_S = 120.0


def broker_address():
    """The broker of this run: OUTRO_TEST_BOOTSTRAP, or the one that ctest's fixture started."""
    return os.environ.get("OUTRO_TEST_BOOTSTRAP") or Cluster(os.environ["OUTRO_BROKER_DIR"]).bootstrap


def prepared_lines():
    """The prepared log as `outro events` writes it: one line of key TAB scrobble each, in event-time order."""
    return (PREPARED / "events").read_bytes().splitlines()


def partition_of(key, partitions=PARTITIONS):
    """Where a Java producer puts a key. Source: Kafka's Utils.murmur2 and BuiltInPartitioner."""
    mask, m, h = 0xFFFFFFFF, 0x5BD1E995, 0x9747B28C ^ len(key)
    whole = len(key) & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(key[i:i + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    if len(key) > whole:
        h = (h ^ int.from_bytes(key[whole:], "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return ((h ^ h >> 15) & 0x7FFFFFFF) % partitions


def one_key_a_partition(partitions=PARTITIONS):
    """[a user id that goes to partition 0, one for 1, ...]"""
    found, number = {}, 0
    while len(found) < partitions:
        key = f"closer_{number:03d}"
        found.setdefault(partition_of(key.encode(), partitions), key)
        number += 1
    return [found[p] for p in range(partitions)]


def scrobble_line(user, timestamp_ms, artist="an artist", track="a track", **more):
    """One line for a Feeder: the key, a tab, our own JSON form."""
    record = {"user_id": user, "timestamp": timestamp_ms, "artist": artist, "track": track, **more}
    return user.encode() + b"\t" + json.dumps(record, separators=(",", ":")).encode()


def scrobble_ids(lines):
    """How often each (user, timestamp) is in lines of a Feeder."""
    return Counter((r["user_id"], r["timestamp"]) for r in (json.loads(line.split(b"\t", 1)[1]) for line in lines))


def prediction_ids(records):
    """How often each (user, timestamp) was predicted."""
    return Counter((p["user_id"], p["timestamp"]) for p in (json.loads(r.value) for r in records))


class IntegrationTest(unittest.TestCase):
    """self.topics: names by role, made for this test alone; self.outrod() makes a daemon on them."""

    partitions = PARTITIONS

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="outro-integration-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.bootstrap = self.find_broker()
        self.run_id = uuid.uuid4().hex[:8]
        self.topics = {role: f"{role}-{self.run_id}" for role in ("scrobbles", "predictions", "sessions", "rejected")}
        self.addCleanup(lambda: kafka_wire.delete_topics(self.bootstrap, list(self.topics.values())))
        for name in self.topics.values():
            kafka_wire.create_topic(self.bootstrap, name, self.partitions)
        self.topics["state"] = f"state-{self.run_id}"
        kafka_wire.create_topic(self.bootstrap, self.topics["state"], self.partitions, config={"cleanup.policy": "compact"})
        self.group = f"group-{self.run_id}"

    def find_broker(self):
        return broker_address()

    def run(self, result=None):
        """A failed test shows what its daemons logged."""
        self.daemons = []
        before = len(result.failures) + len(result.errors) if result else 0
        super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            for daemon, tail in self.daemons:
                print(f"--- {self.id()}: the log of {daemon.name} ends\n{tail[0]}\n---", file=sys.stderr)

    def outrod(self, name="outrod", **overrides):
        """A daemon on this test's topics, not yet started. Overrides: keys with _ for . as in bundle_path."""
        config = {
            "kafka.bootstrap.servers": self.bootstrap,
            "kafka.group.id": self.group,
            "kafka.client.id": f"{name}-{self.run_id}",
            "topic.scrobbles": self.topics["scrobbles"],
            "topic.predictions": self.topics["predictions"],
            "topic.sessions": self.topics["sessions"],
            "topic.rejected": self.topics["rejected"],
            "topic.state": self.topics["state"],
            "bundle.path": PREPARED / "bundle-a",
            "bundle.poll.s": 1,
            "admin.listen": "127.0.0.1:0",
            "delivery": os.environ.get("OUTRO_TEST_DELIVERY", "exactly-once"),
            "transactional.id": f"{name}-{self.run_id}",
            "commit.interval.ms": 100,
            # Only scrobbles move time here, as in a replay; the idle rule has a test of its own.
            "time.idle.advance.ms": 0,
            # Brokers come back within a second or two here: looking for them every ten would only be waiting.
            "kafka.reconnect.backoff.max.ms": 500,
            "log.format": "json",
        }
        config.update({key.replace("_", "."): value for key, value in overrides.items()})
        daemon, tail = Outrod(OUTROD, self.folder, name, config), [""]

        def end():
            daemon.abandon()
            tail[0] = daemon.log_tail()

        self.daemons.append((daemon, tail))
        self.addCleanup(end)
        return daemon

    def await_ready(self, *daemons, timeout_s=60.0):
        """Until every one of them has a bundle and an assignment."""
        for daemon in daemons:
            kafka_wire.eventually(lambda d=daemon: d.get("/ready")[0] == 200, timeout_s, f"{daemon.name} is ready")

    def feeder(self):
        feeder = kcat.Feeder(self.bootstrap, self.topics["scrobbles"])
        self.addCleanup(feeder.abandon)
        return feeder

    def follow(self, role):
        follower = kcat.Follower(self.bootstrap, self.topics[role])
        self.addCleanup(follower.close)
        return follower

    def feed(self, lines):
        kcat.write_topic(self.bootstrap, self.topics["scrobbles"], lines)

    def read(self, role):
        return kcat.read_topic(self.bootstrap, self.topics[role])

    def await_drained(self, timeout_s=DRAIN_TIMEOUT_S):
        """Until the group has committed everything that is in the input now, and all outputs of it can be read: the
        commit of a transaction reaches the partitions one after another."""
        ends = kafka_wire.end_offsets(self.bootstrap, self.topics["scrobbles"])

        def committed():
            at = kafka_wire.committed_offsets(self.bootstrap, self.group, self.topics["scrobbles"], self.partitions)
            return all(at[p] >= end or end == 0 for p, end in ends.items())

        kafka_wire.eventually(committed, timeout_s, f"{self.group} committed {ends}")
        kafka_wire.eventually(self.no_transaction_open, timeout_s, "all transactions ended")
        return sum(ends.values())

    def no_transaction_open(self):
        """Whether read_committed readers see all that is in the outputs."""
        return all(kafka_wire.end_offsets(self.bootstrap, name, committed=True) == kafka_wire.end_offsets(self.bootstrap, name)
                   for role, name in self.topics.items() if role != "scrobbles")

    def await_swap(self, daemon):
        """Until its engine serves a second bundle."""
        kafka_wire.eventually(lambda: daemon.metrics().total("outro_bundle_swaps_total") >= 2, 60,
                              f"{daemon.name} serves another bundle")

    def settled_metrics(self, daemon, consumed):
        """The metrics once they show that many messages consumed and every record acknowledged; they are published a
        moment after the commit that await_drained sees."""
        def settled():
            metrics = daemon.metrics()
            done = metrics.total("outro_scrobbles_consumed_total") >= consumed
            return metrics if done and metrics.total("outro_records_in_flight") == 0 else None

        return kafka_wire.eventually(settled, 30, f"{daemon.name} has {consumed} messages in its metrics")
