#!/usr/bin/python3
"""Instances of one consumer group share the partitions, and together they miss nothing."""
import signal
import unittest

import harness
import kafka_wire
import parity


class Group(harness.IntegrationTest):
    def partitions_of(self, daemon):
        return {int(dict(labels)["partition"]) for (name, labels) in daemon.metrics()
                if name == "outro_partition_next_offset"}

    def await_shared(self, daemons):
        """Until each has a share and the shares make the whole."""
        def shared():
            shares = [self.partitions_of(d) for d in daemons]
            return all(shares) and sorted(p for s in shares for p in s) == list(range(self.partitions))

        kafka_wire.eventually(shared, 60, "the partitions are shared out")

    def consumed(self, daemons, total):
        """How many messages each has consumed, once that makes the total."""
        counts = [daemon.metrics().total("outro_scrobbles_consumed_total") for daemon in daemons]
        return counts if sum(counts) == total else None

    def test_group_two_instances_give_together_what_one_replay_gives(self):
        lines = harness.prepared_lines()
        lines += parity.closers(lines)
        pair = [self.outrod("first").start(), self.outrod("second").start()]
        self.await_ready(*pair)
        self.await_shared(pair)
        self.feed(lines)
        self.await_drained()

        predictions, sessions = parity.replay(lines, self.folder, harness.PREPARED / "bundle-a")
        live = parity.by_user(record.value for record in self.read("predictions"))
        self.assertEqual(parity.differences(live, predictions), [])
        self.assertEqual(parity.without_closers([record.value for record in self.read("sessions")]),
                         parity.without_closers(sessions))
        consumed = kafka_wire.eventually(lambda: self.consumed(pair, len(lines)), 30, f"both consumed {len(lines)}")
        self.assertGreater(min(consumed), 0)

    def test_group_nothing_is_missed_when_instances_come_and_go(self):
        lines = harness.prepared_lines()
        half = len(lines) // 2
        first = self.outrod("first").start()
        self.await_ready(first)
        feeder = self.feeder()
        feeder.write(lines[:half])
        second = self.outrod("second").start()
        self.await_shared([first, second])
        feeder.write(lines[half:half + half // 2])
        self.assertEqual(first.stop(), 0)
        feeder.write(lines[half + half // 2:])
        feeder.close()
        self.await_drained()
        self.await_shared([second])

        wanted, got = harness.scrobble_ids(lines), harness.prediction_ids(self.read("predictions"))
        # What was not committed when partitions moved is done again, so some records may come twice; none may be missing.
        self.assertEqual(set(got), set(wanted))

    def test_group_an_instance_that_stalls_is_replaced_and_comes_back(self):
        lines = harness.prepared_lines()
        half = len(lines) // 2
        short = {"kafka_session_timeout_ms": 3000, "kafka_heartbeat_interval_ms": 500}
        stalled, other = pair = [self.outrod(name, **short).start() for name in ("stalled", "other")]
        self.await_shared(pair)
        feeder = self.feeder()
        feeder.write(lines[:half])
        stalled.signal(signal.SIGSTOP)
        feeder.write(lines[half:])
        feeder.close()
        self.await_drained()
        self.assertEqual(self.partitions_of(other), set(range(self.partitions)))
        stalled.signal(signal.SIGCONT)
        self.await_shared(pair)
        self.assertEqual([daemon.stop() for daemon in pair], [0, 0])

        wanted, got = harness.scrobble_ids(lines), harness.prediction_ids(self.read("predictions"))
        self.assertEqual(set(got), set(wanted))


if __name__ == "__main__":
    unittest.main()
