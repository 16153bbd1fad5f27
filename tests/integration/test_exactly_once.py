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
    def setUp(self):
        super().setUp()
        name = f"state-{self.run_id}"
        self.topics["state"] = name
        kafka_wire.create_topic(self.bootstrap, name, self.partitions, config={"cleanup.policy": "compact"})

    def outrod(self, name="outrod", **overrides):
        return super().outrod(name, **{"delivery": "exactly-once", "topic_state": self.topics["state"],
                                       "transactional_id": f"{name}-{self.run_id}", **SHORT, **overrides})

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
        self.assertEqual(self.read("rejected"), [])

    def test_exactly_once_killed_again_and_again_it_gives_what_one_replay_gives(self):
        lines = harness.prepared_lines()
        lines += parity.closers(lines)
        kills = 4
        daemon, feeder = self.outrod(), self.feeder()
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
        lines = harness.prepared_lines()
        lines += parity.closers(lines)
        third = len(lines) // 3
        first, second = self.outrod("first").start(), self.outrod("second")
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


if __name__ == "__main__":
    unittest.main()
