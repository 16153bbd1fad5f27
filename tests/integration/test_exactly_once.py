#!/usr/bin/python3
"""delivery = exactly-once: whatever dies when, read_committed readers see what one replay of the log gives, once."""
import json
import os
import signal
import unittest
from collections import Counter

import harness
import kafka_wire
import kcat
import parity

# The group waits this long for a dead member before its partitions are given out again.
SHORT = {"kafka_session_timeout_ms": 3000, "kafka_heartbeat_interval_ms": 500}


def prediction_keys(records):
    """How often each prediction is there, by what makes it one."""
    return Counter((p["user_id"], p["session"], p["scrobble"], p["timestamp"])
                   for p in (json.loads(r.value) for r in records))


class ExactlyOnce(harness.IntegrationTest):
    def outrod(self, name="outrod", **overrides):
        return super().outrod(name, **{"delivery": "exactly-once", **SHORT, **overrides})

    def predicted(self):
        """Offsets written to the predictions, markers and aborted records included: that work is going on."""
        return sum(kafka_wire.end_offsets(self.bootstrap, self.topics["predictions"]).values())

    def await_predicted(self, wanted):
        kafka_wire.eventually(lambda: self.predicted() >= wanted, 90, f"{wanted} predictions")

    def check_same_as_replay(self, lines):
        """Every prediction once and as in the replay; sessions byte for byte; nothing rejected."""
        predictions, sessions = parity.replay(lines, self.folder, harness.PREPARED / "bundle-a", self.partitions)
        records = self.read("predictions")
        doubled = [key for key, count in prediction_keys(records).items() if count > 1]
        self.assertEqual(doubled[:5], [])
        self.assertEqual(harness.prediction_ids(records), harness.scrobble_ids(lines))
        self.assertEqual(parity.differences(parity.by_user(r.value for r in records), predictions), [])
        self.assertEqual(parity.without_closers([record.value for record in self.read("sessions")]),
                         parity.without_closers(sessions))

    def test_exactly_once_killed_again_and_again_it_gives_what_one_replay_gives(self):
        self.kill_again_and_again()

    def test_exactly_once_a_static_member_killed_again_and_again(self):
        self.kill_again_and_again(kafka_group_instance_id=f"one-{self.run_id}", transactional_id="")

    def kill_again_and_again(self, **overrides):
        lines = harness.prepared_lines()
        lines += parity.closers(lines)
        kills = 4
        daemon, feeder = self.outrod(**overrides), self.feeder()
        for turn in range(kills):
            daemon.start()
            before = self.predicted()
            feeder.write(lines[turn * len(lines) // kills:(turn + 1) * len(lines) // kills])
            self.await_predicted(before + len(lines) // kills // 2)
            daemon.kill()
        feeder.close()
        daemon.start()
        self.await_drained()
        self.assertGreater(daemon.metrics().total("outro_restored_partitions_total"), 0)
        self.assertEqual(daemon.stop(), 0)
        self.check_same_as_replay(lines)

    def test_exactly_once_instances_come_and_go_under_load(self):
        self.come_and_go("range")

    def test_exactly_once_instances_come_and_go_cooperatively(self):
        self.come_and_go("cooperative-sticky")

    def come_and_go(self, strategy):
        lines = harness.prepared_lines()
        lines += parity.closers(lines)
        third = len(lines) // 3
        strategy = {"kafka_partition_assignment_strategy": strategy}
        first, second = self.outrod("first", **strategy).start(), self.outrod("second", **strategy)
        self.await_ready(first)
        feeder = self.feeder()
        feeder.write(lines[:third])
        self.await_predicted(third // 2)
        second.start()
        feeder.write(lines[third:2 * third])
        self.await_ready(second)
        self.await_predicted(third + third // 2)
        self.assertEqual(first.stop(), 0)
        feeder.write(lines[2 * third:])
        feeder.close()
        self.await_drained()
        self.assertEqual(second.stop(), 0)
        self.check_same_as_replay(lines)

    def test_exactly_once_an_aborted_transaction_leaves_no_trace(self):
        """A rejected message that the broker takes only cut: the transaction that tried it whole is taken back."""
        small = f"small-{self.run_id}"
        kafka_wire.create_topic(self.bootstrap, small, 1, config={"max.message.bytes": 100_000})
        self.addCleanup(lambda: kafka_wire.delete_topics(self.bootstrap, [small]))
        lines = harness.prepared_lines()
        lines += parity.closers(lines)
        half = len(lines) // 2
        value = os.urandom(300_000).hex().encode()  # does not compress below the limit
        daemon = self.outrod(topic_rejected=small, commit_interval_ms=500).start()
        self.await_ready(daemon)
        self.feed(lines[:half])
        kcat.write_message(self.bootstrap, self.topics["scrobbles"], "user", value, 0)
        self.feed(lines[half:])
        self.await_drained()
        metrics = daemon.metrics()
        self.assertGreater(metrics.total("outro_transactions_aborted_total"), 0)
        self.assertGreater(metrics.total("outro_records_discarded_total"), 0)
        self.assertEqual(daemon.stop(), 0)
        self.check_same_as_replay(lines)
        (record,) = kcat.read_topic(self.bootstrap, small)
        self.assertEqual(record.value, value[:65536])
        self.assertEqual(record.headers["truncated.from"], str(len(value)))

    def test_exactly_once_a_second_process_of_one_name_fences_the_first(self):
        lines = harness.prepared_lines()
        lines += parity.closers(lines)
        half = len(lines) // 2
        first, second = [self.outrod(name, transactional_id=f"one-{self.run_id}") for name in ("first", "second")]
        first.start()
        self.feed(lines[:half])
        self.await_predicted(half // 2)
        second.start()
        self.await_ready(second)  # both have a share, and the first finds out when it commits its next
        self.feed(lines[half:])
        event = first.wait_event(lambda e: e["event"] == "stopped", 60, "end")
        self.assertIn("fenced", event["message"])
        self.assertIn(f"one-{self.run_id}", event["message"])
        self.assertEqual(first.wait_exit(30), 1)
        self.await_drained()
        self.assertEqual(second.stop(), 0)
        self.check_same_as_replay(lines)

    def test_exactly_once_an_instance_that_stalls_loses_its_partitions_and_comes_back(self):
        lines = harness.prepared_lines()
        lines += parity.closers(lines)
        half = len(lines) // 2
        stalled, other = pair = [self.outrod(name).start() for name in ("stalled", "other")]
        self.await_ready(*pair)
        feeder = self.feeder()
        feeder.write(lines[:half])
        self.await_predicted(half // 2)
        before = other.mark()
        stalled.signal(signal.SIGSTOP)
        feeder.write(lines[half:])
        other.wait_event(lambda e: e["event"] == "partitions-assigned" and e["message"].startswith("3 "), 60, "all", before)
        before = stalled.mark()
        stalled.signal(signal.SIGCONT)  # its transaction is not over yet, but no commit of its will be taken
        stalled.wait_event(lambda e: e["event"] == "partitions-lost", 60, "loss", before)
        feeder.close()
        self.await_drained()
        self.await_ready(*pair)
        self.assertEqual([daemon.stop() for daemon in pair], [0, 0])
        self.check_same_as_replay(lines)

    def open_transaction_in_state(self):
        """A writer that dies with a record of its in the state topic, its transaction open: an outrod of another job
        whose rejected messages go there."""
        roles = ("scrobbles", "predictions", "sessions", "state")
        own = {role: f"stranger-{role}-{self.run_id}" for role in roles}
        self.addCleanup(lambda: kafka_wire.delete_topics(self.bootstrap, list(own.values())))
        for role, name in own.items():
            compact = {"cleanup.policy": "compact"} if role == "state" else {}
            kafka_wire.create_topic(self.bootstrap, name, self.partitions, config=compact)
        stranger = self.outrod("stranger", kafka_group_id=f"stranger-{self.run_id}", topic_rejected=self.topics["state"],
                               transaction_timeout_ms=6000, commit_interval_ms=2000,
                               **{f"topic_{role}": name for role, name in own.items()}).start()
        self.await_ready(stranger)
        before = kafka_wire.end_offsets(self.bootstrap, self.topics["state"])
        user = harness.one_key_a_partition(self.partitions)[0]
        kcat.write_message(self.bootstrap, own["scrobbles"], user, b"no scrobble", 0)
        kafka_wire.eventually(lambda: kafka_wire.end_offsets(self.bootstrap, self.topics["state"]) != before, 10, "a record")
        stranger.kill()
        self.assertFalse(self.no_transaction_open())

    def test_exactly_once_a_restore_waits_for_a_transaction_left_open(self):
        lines = harness.prepared_lines()
        lines += parity.closers(lines)
        half = len(lines) // 2
        daemon = self.outrod().start()
        self.feed(lines[:half])
        self.await_drained()
        self.assertEqual(daemon.stop(), 0)
        self.open_transaction_in_state()
        daemon.start()
        daemon.wait_event(lambda e: e["event"] == "restore-stalled", 30, "stall")
        status, body = kafka_wire.eventually(lambda: (lambda a: a if "open transaction" in a[1] else None)(daemon.get("/ready")),
                                       10, "the stall in /ready")
        self.assertEqual(status, 503)
        self.assertRegex(body, "restoring state: [1-3] partitions to go")
        self.feed(lines[half:])
        self.await_drained()
        self.assertEqual(daemon.get("/ready"), (200, "ready\n"))
        self.assertEqual(daemon.stop(), 0)
        self.check_same_as_replay(lines)

    def test_exactly_once_a_transaction_ends_when_it_is_large_enough(self):
        lines = harness.prepared_lines()
        daemon = self.outrod(commit_interval_ms=5000, commit_max_messages=1000, batch_messages=100).start()
        self.await_ready(daemon)
        self.feed(lines)
        self.await_drained()
        self.assertGreaterEqual(daemon.metrics().total("outro_commits_total", result="ok"), len(lines) // 1100)

    def test_exactly_once_users_silent_for_long_are_forgotten_with_tombstones(self):
        silent = harness.one_key_a_partition(self.partitions)[0]
        heard = next(key for key in (f"heard_{n}" for n in range(100))
                     if harness.partition_of(key.encode(), self.partitions) == 0)
        start = 1241478537000
        daemon = self.outrod(state_ttl_days=2).start()
        self.feed([harness.scrobble_line(silent, start), harness.scrobble_line(heard, start + 3 * 86400 * 1000)])
        kafka_wire.eventually(lambda: daemon.metrics().total("outro_users_evicted_total") == 1, 30, "one is forgotten")

        def tombstones():
            last = {record.key: record.value for record in self.read("state")}
            return [last.get(kind + silent.encode(), b"") for kind in (b"o:", b"h:")] == [None, None]

        kafka_wire.eventually(tombstones, 30, "tombstones for both records", every_s=0.5)
        self.assertEqual(daemon.stop(), 0)
        daemon.start()
        self.await_ready(daemon)
        self.assertEqual(daemon.metrics().total("outro_users"), 1)

    def test_exactly_once_state_and_offsets_that_disagree_are_refused(self):
        lines = harness.prepared_lines()
        daemon = self.outrod().start()
        self.feed(lines)
        self.await_drained()
        self.assertEqual(daemon.stop(), 0)
        other = f"other-{self.run_id}"
        empty = f"empty-{self.run_id}"
        self.addCleanup(lambda: kafka_wire.delete_topics(self.bootstrap, [empty]))
        kafka_wire.create_topic(self.bootstrap, empty, self.partitions, config={"cleanup.policy": "compact"})
        for name, overrides, said in (("no-offset", {"kafka_group_id": other}, "the group has committed no offset"),
                                      ("no-state", {"topic_state": empty}, "has no state for it")):
            with self.subTest(name):
                daemon = self.outrod(name, **overrides).start()
                event = daemon.wait_event(lambda e: e["event"] == "engine-failed", 30, "reason")
                self.assertIn(said, event["message"])
                self.assertEqual(daemon.wait_exit(30), 1)


if __name__ == "__main__":
    unittest.main()
