#!/usr/bin/python3
"""What operators see: health, readiness, metrics, configuration errors, reload."""
import json
import signal
import subprocess
import unittest

import harness
import kafka_wire


class Admin(harness.IntegrationTest):
    def test_health_and_counts_over_a_run(self):
        lines = harness.prepared_lines()[:5000]
        daemon = self.outrod().start()
        self.assertEqual(daemon.get("/live")[0], 200)
        self.await_ready(daemon)
        self.feed(lines + lines[:7] + [b"user\tno json"])
        total = self.await_drained()
        metrics = self.settled_metrics(daemon, total)
        self.assertEqual(metrics.total("outro_partition_lag"), 0)
        self.assertEqual(metrics.total("outro_scrobbles_consumed_total"), total)
        self.assertEqual(metrics.total("outro_outcomes_total"), total)
        self.assertEqual(metrics.total("outro_rejected_total"),
                         metrics.total("outro_outcomes_total", outcome="late")
                         + metrics.total("outro_outcomes_total", outcome="rejected"))
        self.assertEqual(metrics.total("outro_predictions_total"),
                         metrics.total("outro_outcomes_total", outcome="session"))
        self.assertEqual(metrics.total("outro_records_acknowledged_total"),
                         metrics.total("outro_records_produced_total"))
        self.assertEqual(metrics.total("outro_assigned_partitions"), self.partitions)
        self.assertEqual(daemon.get("/nothing-here")[0], 404)

    def test_ready_is_503_until_partitions_are_assigned(self):
        daemon = self.outrod(kafka_bootstrap_servers="127.0.0.1:1").start()
        status, body = daemon.get("/ready")
        self.assertEqual(status, 503)
        self.assertTrue(body.strip())
        self.assertEqual(daemon.get("/live")[0], 200)

    def check(self, text, *options):
        """(exit status, standard output, standard error) of outrod -n on a configuration."""
        path = self.folder / "outrod.conf"
        path.write_text(text)
        done = subprocess.run([harness.OUTROD, "-n", *options, "-c", str(path)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=30, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_configuration_errors_name_key_line_and_range(self):
        good = "kafka.bootstrap.servers = localhost:9092\nkafka.group.id = g\n"
        cases = [
            (good + "bundle.pol.s = 3\n", [":3", "bundle.pol.s", "bundle.poll.s"]),
            (good + "# a comment\nbundle.poll.s = 0\n", [":4", "bundle.poll.s", "1 .. 3600"]),
            (good + "bundle.poll.s = soon\n", [":3", "bundle.poll.s", "whole number"]),
            (good + "log.format = xml\n", [":3", "log.format", "text, json"]),
            (good + "kafka.no.such.property = 1\n", [":3", "no.such.property"]),
            (good + "just some words\n", [":3"]),
        ]
        for text, wanted in cases:
            with self.subTest(text.splitlines()[-1]):
                status, _, said = self.check(text)
                self.assertEqual(status, 2, said)
                for part in wanted:
                    self.assertIn(part, said)

    def test_check_prints_back_what_it_reads_again_and_shows_no_secret(self):
        text = ("kafka.bootstrap.servers = localhost:9092\nkafka.group.id = g\nkafka.sasl.password = hunter2\n"
                "bundle.poll.s = 17\n")
        status, printed, said = self.check(text, "--set", "log.level=debug")
        self.assertEqual(status, 0, said)
        self.assertIn("bundle.poll.s = 17", printed)
        self.assertIn("log.level = debug", printed)
        self.assertNotIn("hunter2", printed + said)
        again = self.check(printed)
        self.assertEqual(again[:2], (0, printed))

    def test_a_configuration_that_cannot_be_read_is_a_configuration_error(self):
        for path in (self.folder, self.folder / "none"):
            done = subprocess.run([harness.OUTROD, "-n", "-c", str(path)], capture_output=True, text=True,
                                  timeout=30, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(str(path), done.stderr)

    def test_what_cannot_be_printed_is_a_failure(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([harness.OUTROD, "--print-config"], stdout=full, stderr=subprocess.PIPE,
                                  text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("No space left on device", done.stderr)

    def test_a_failure_at_start_is_json_in_a_json_log(self):
        path = self.folder / "outrod.conf"
        path.write_text("kafka.bootstrap.servers = localhost:9092\nkafka.group.id = g\nbundle.path = b\n"
                        "durations.file = none\nlog.format = json\n")
        done = subprocess.run([harness.OUTROD, "-c", str(path)], capture_output=True, text=True, timeout=30,
                              check=False)
        self.assertEqual(done.returncode, 1)
        last = [json.loads(line) for line in done.stderr.splitlines()][-1]
        self.assertEqual((last["level"], last["event"]), ("error", "failed"))
        self.assertIn("durations.file", last["message"])

    def await_reloads(self, daemon, result):
        kafka_wire.eventually(lambda: daemon.metrics().total("outro_reloads_total", result=result) == 1, 30,
                              f"a reload that is {result}")

    def test_sighup_applies_what_may_change_and_keeps_running_on_a_bad_file(self):
        daemon = self.outrod(log_level="info").start()
        self.await_ready(daemon)
        daemon.config["commit.interval.ms"] = "not a number"
        daemon.write_config()
        mark = daemon.mark()
        daemon.signal(signal.SIGHUP)
        event = daemon.wait_event(lambda e: e["level"] == "error", 30, "refusal of the file", after=mark)
        self.assertIn("commit.interval.ms", event["message"])
        self.await_reloads(daemon, "failed")
        daemon.config["commit.interval.ms"] = 50
        daemon.write_config()
        daemon.signal(signal.SIGHUP)
        self.await_reloads(daemon, "ok")
        self.feed(harness.prepared_lines()[:10])
        self.await_drained()
        self.assertEqual(len(self.read("predictions")), 10)


if __name__ == "__main__":
    unittest.main()
