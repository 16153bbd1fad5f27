#!/usr/bin/python3
"""Brokers that go away and come back: the stream goes on where it stood, and nothing is missing."""
import tempfile
import unittest

import harness
import kafka_wire
import kcat
from kafka_cluster import Cluster


class OwnCluster(harness.IntegrationTest):
    """A cluster of its own: stopping the shared one would end the other tests' topics."""

    brokers = 1

    def find_broker(self):
        folder = tempfile.TemporaryDirectory(prefix="outro-broker-")
        self.addCleanup(folder.cleanup)
        self.cluster = Cluster(folder.name + "/cluster")
        self.addCleanup(self.cluster.stop)
        self.cluster.start(self.brokers)
        return self.cluster.bootstrap

    def check_complete(self, lines):
        self.await_drained()
        wanted, got = harness.scrobble_ids(lines), harness.prediction_ids(self.read("predictions"))
        self.assertEqual(set(wanted) - set(got), set(), "scrobbles without a prediction")
        self.assertEqual(set(got) - set(wanted), set(), "predictions of nothing that was sent")


class OneBroker(OwnCluster):
    def test_restart_of_the_only_broker_loses_nothing(self):
        lines = harness.prepared_lines()
        half = len(lines) // 2
        daemon = self.outrod().start()
        self.await_ready(daemon)
        self.feed(lines[:half])
        self.cluster.node_stop(1)
        self.assertEqual(daemon.get("/live")[0], 200)
        self.cluster.node_start(1)
        self.feed(lines[half:])
        self.check_complete(lines)
        self.assertEqual(daemon.stop(), 0)

    def test_a_broker_that_is_killed_loses_nothing(self):
        lines = harness.prepared_lines()
        half = len(lines) // 2
        daemon = self.outrod().start()
        self.await_ready(daemon)
        self.feed(lines[:half])
        self.await_drained()
        self.cluster.node_kill(1)
        self.cluster.node_start(1)
        self.feed(lines[half:])
        self.check_complete(lines)

    def test_a_daemon_waits_for_a_broker_that_is_not_there_yet(self):
        lines = harness.prepared_lines()[:1000]
        self.feed(lines)
        self.cluster.node_stop(1)
        daemon = self.outrod().start()
        self.assertEqual(daemon.get("/live")[0], 200)
        self.assertEqual(daemon.get("/ready")[0], 503)
        self.cluster.node_start(1)
        self.await_ready(daemon)
        self.check_complete(lines)

    def test_health_answers_while_a_commit_is_held(self):
        """A frozen broker holds a commit, and /live itself says that the engine has been in that one call for long:
        whatever was answered until then was answered beside it."""
        lines = harness.prepared_lines()
        daemon = self.outrod(delivery="exactly-once", commit_interval_ms=20, watchdog_timeout_ms=10_000).start()
        self.await_ready(daemon)
        feeder = self.feeder()
        feeder.write(lines)
        kafka_wire.eventually(lambda: daemon.metrics().total("outro_commits_total", result="ok") > 0, 30, "a commit")
        self.cluster.node_freeze(1)
        self.addCleanup(self.cluster.node_thaw, 1)
        answers = []

        def held():
            answers.append(daemon.get("/live")[0])
            return answers[-1] == 503

        kafka_wire.eventually(held, 30, "a commit that does not end")
        self.assertIn(200, answers)
        self.assertEqual(daemon.get("/ready")[0], 200)
        before = daemon.metrics().total("outro_commits_total")
        self.assertEqual(daemon.get("/live")[0], 503)
        self.assertEqual(daemon.metrics().total("outro_commits_total"), before)  # still the same
        self.cluster.node_thaw(1)
        kafka_wire.eventually(lambda: daemon.get("/live")[0] == 200, 30, "the end of the commit")
        kafka_wire.eventually(lambda: daemon.metrics().total("outro_commits_total", result="ok") > before, 30, "a commit")
        feeder.close()
        self.check_complete(lines)
        self.assertEqual(daemon.stop(), 0)

    def test_a_wait_that_does_not_end_turns_health_red_and_ends_the_process(self):
        daemon = self.outrod(delivery="exactly-once", commit_interval_ms=50, watchdog_timeout_ms=4000).start()
        self.await_ready(daemon)
        feeder = self.feeder()
        feeder.write(harness.prepared_lines())
        kafka_wire.eventually(lambda: daemon.metrics().total("outro_predictions_total") > 0, 30, "work")
        self.cluster.node_kill(1)
        self.addCleanup(self.cluster.node_start, 1)
        feeder.abandon()
        kafka_wire.eventually(lambda: daemon.get("/live")[0] == 503, 30, "red health")
        event = daemon.wait_event(lambda e: e["event"] == "engine-stuck", 30, "reason")
        self.assertRegex(event["message"], "waited [0-9]+ ms for (commit_transaction|send_offsets_to_transaction|abort_transaction)")
        self.assertEqual(daemon.wait_exit(10), 1)


class ThreeBrokers(OwnCluster):
    """Each is restarted in turn while scrobbles flow, so leaders and coordinators move."""

    brokers = 3

    def in_sync(self):
        topics = kafka_wire.metadata(self.bootstrap, list(self.topics.values()))["topics"]
        return all(len(p["isr"]) == self.brokers for partitions in topics.values() for p in partitions.values())

    def test_a_rolling_restart_loses_nothing(self):
        lines = harness.prepared_lines()
        part = len(lines) // 6
        daemon = self.outrod().start()
        self.await_ready(daemon)
        feeder = self.feeder()
        for turn, node in enumerate(self.cluster.node_ids()):
            feeder.write(lines[2 * turn * part:(2 * turn + 1) * part])
            self.cluster.node_stop(node)
            feeder.write(lines[(2 * turn + 1) * part:(2 * turn + 2) * part])
            self.cluster.node_start(node)
            kafka_wire.eventually(self.in_sync, 60, f"broker {node} has caught up")
        feeder.write(lines[6 * part:])
        feeder.close()
        self.check_complete(lines)
        self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    unittest.main()
