#!/usr/bin/python3
"""`outrod --create-topics` makes what is missing and changes nothing that exists; what is wrong is refused by name."""
import subprocess
import unittest

import harness
import kafka_wire


class Topics(harness.IntegrationTest):
    partitions = 2

    def setUp(self):
        super().setUp()
        kafka_wire.delete_topics(self.bootstrap, [name for role, name in self.topics.items() if role != "scrobbles"])

    def create(self, state=None):
        daemon = self.outrod(topic_state=self.topics[state or "state"])
        daemon.write_config()
        return subprocess.run([harness.OUTROD, "-c", daemon.config_file, "--create-topics"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False)

    def partitions_of(self):
        topics = kafka_wire.metadata(self.bootstrap, list(self.topics.values()))["topics"]
        return {role: topics[name] for role, name in self.topics.items() if name in topics}

    def test_topics_are_made_once_and_a_daemon_runs_on_them(self):
        first = self.create()
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertEqual(first.stderr.count("topic-made"), 4)
        self.assertEqual({role: len(partitions) for role, partitions in self.partitions_of().items()},
                         dict.fromkeys(("scrobbles", "predictions", "sessions", "rejected", "state"), 2))
        again = self.create()
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual((again.stderr.count("topic-made"), again.stderr.count("topic-there")), (0, 4))

        daemon = self.outrod().start()
        self.feed([harness.scrobble_line("user", 1241478537000)])
        self.await_drained()
        self.assertEqual(len(self.read("predictions")), 1)
        self.assertEqual(daemon.stop(), 0)

    def test_topics_that_are_wrong_are_refused_with_what_to_change(self):
        cases = [("too few partitions", 1, {"cleanup.policy": "compact"}, "has 1 partitions"),
                 ("not compacted", 2, {"cleanup.policy": "delete"}, "set cleanup.policy=compact"),
                 ("compacted and deleted", 2, {"cleanup.policy": "compact,delete"}, "set cleanup.policy=compact")]
        for number, (what, partitions, config, says) in enumerate(cases):
            with self.subTest(what):
                self.topics[what] = f"state-{self.run_id}-{number}"
                kafka_wire.create_topic(self.bootstrap, self.topics[what], partitions, config=config)
                done = self.create(what)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(self.topics[what], done.stderr)
                self.assertIn(says, done.stderr)

    def test_topics_state_is_made_by_the_daemon_that_misses_it(self):
        self.assertEqual(self.create().returncode, 0)
        kafka_wire.delete_topics(self.bootstrap, [self.topics["state"]])
        daemon = self.outrod().start()
        self.feed([harness.scrobble_line("user", 1241478537000)])
        self.await_drained()
        self.assertEqual(len(self.read("predictions")), 1)
        self.assertEqual(len(self.partitions_of()["state"]), 2)
        self.assertEqual(daemon.stop(), 0)

    def test_topics_that_are_wrong_stop_a_daemon_at_its_start(self):
        self.assertEqual(self.create().returncode, 0)
        kafka_wire.delete_topics(self.bootstrap, [self.topics["sessions"]])
        daemon = self.outrod().start()
        self.assertEqual(daemon.wait_exit(60), 2)
        self.assertIn("--create-topics", daemon.log_tail())
        self.assertIn(self.topics["sessions"], daemon.log_tail())

    def test_topics_without_an_input_nothing_is_made(self):
        kafka_wire.delete_topics(self.bootstrap, [self.topics["scrobbles"]])
        kafka_wire.eventually(lambda: "scrobbles" not in self.partitions_of(), 30, "nobody shows the input any more")
        done = self.create()
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("topic.scrobbles", done.stderr)
        self.assertEqual(done.stderr.count("topic-made"), 0)


if __name__ == "__main__":
    unittest.main()
