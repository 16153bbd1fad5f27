#!/usr/bin/python3
"""The table of event time through `outro replay` and through outrod on the broker, straight on and killed in the middle of
each case: the same outcome of every scrobble, the same sessions with the same revisions (unit.event_time is the third)."""
import dataclasses
import json
import re
import subprocess
import tempfile
import time
import unittest
from collections import Counter

import event_time
import harness
import kafka_wire
import kcat

CASES = event_time.read_cases()
MINUTES, BRISK = ([case for case in CASES if (case.gap_s == 2) == brisk] for brisk in (False, True))


KEPT = ("session", "previous", "duplicate")  # not in the rejected topic


def by_user(records):
    """Each user's own in order; between users there is none."""
    found = {}
    for record in records:
        found.setdefault(record[0], []).append(record)
    return found


class Replay(unittest.TestCase):
    """Needs no broker. What a replay cannot show is skipped by name."""

    def test_event_time_a_replay_says_what_the_table_says(self):
        for case in CASES:
            with self.subTest(case.name):
                if "replay" in case.absent:
                    self.skipTest(f"a replay cannot show it: {case.absent['replay']}")
                self.check(case)

    def check(self, case):
        lines = [json.dumps(event_time.scrobble(play, 0)) for play in case.plays()]
        with tempfile.TemporaryDirectory(prefix="outro-event-time-") as folder:
            log, predictions, sessions = (f"{folder}/{name}" for name in ("log", "predictions", "sessions"))
            with open(log, "w", encoding="utf-8") as file:
                file.write("".join(f"{line}\n" for line in lines))
            done = subprocess.run([harness.OUTRO, "replay", "--bundle", harness.PREPARED / "bundle-a", "--partitions", "1",
                                   "--predictions", predictions, "--sessions", sessions, log], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(predictions, encoding="utf-8") as file:
                predicted = [(p["user_id"], p["timestamp"]) for p in map(json.loads, file)]
            with open(sessions, encoding="utf-8") as file:
                published = [event_time.session_of(json.loads(line)) for line in file]
        wanted = Counter(play.outcome for play in case.plays())
        counts = {name: int(re.search(rf"^ *{name} +(\d+)", done.stdout, re.M).group(1))
                  for name in ("in sessions", "duplicates", "late", "rejected")}
        self.assertEqual(counts, {"in sessions": wanted["session"] + wanted["previous"], "duplicates": wanted["duplicate"],
                                  "late": wanted["late"], "rejected": wanted["time-out-of-range"]})
        self.assertEqual(by_user(predicted), by_user(event_time.expected_predictions(case, 0)))
        # with the log the last sessions end, the closer's among them
        expected = by_user(event_time.expected_sessions(case, 0, True))
        self.assertEqual({user: found[:len(expected.get(user, []))] if user == "end" else found
                          for user, found in by_user(published).items() if user != "end" or user in expected}, expected)


def alone(case, number):
    """The case with users of its own."""
    def named(step):
        return step if isinstance(step, int) else dataclasses.replace(step, user=f"{step.user}.{number}")

    return dataclasses.replace(case, steps=[named(step) for step in case.steps])


class Broker(harness.IntegrationTest):
    """Cases of one gap at once, each in a partition of its own, which has a stream time of its own."""

    cases, settings = (), {}

    def setUp(self):
        self.partitions = len(self.cases)
        self.cases = [alone(case, number) for number, case in enumerate(self.cases)]
        super().setUp()

    def run_cases(self, middle):
        self.now_ms = int(time.time() * 1000)
        self.daemon = self.outrod(kafka_group_instance_id="one", **self.settings).start()
        last = max(len(case.steps) for case in self.cases)
        for at in range(last):
            self.feed_step(at)
            if middle and any(at == len(case.steps) // 2 for case in self.cases):
                self.await_drained()
                self.daemon.kill()
                self.daemon.start()
        self.await_drained()
        self.await_sessions(last)
        self.assertEqual(self.daemon.stop(), 0)

    def feed_step(self, at):
        """The step `at` of every case that has one."""
        for partition, case in enumerate(self.cases):
            step = case.steps[at] if at < len(case.steps) else None
            if isinstance(step, event_time.Play):
                value = json.dumps(event_time.scrobble(step, self.now_ms)).encode()
                kcat.write_message(self.bootstrap, self.topics["scrobbles"], step.user, value, partition)
            elif isinstance(step, int):
                self.await_sessions(at)

    def await_sessions(self, at):
        """Until everything is published that the table has before step `at`: silence takes its time."""
        wanted = sum(isinstance(step, event_time.Session) and not step.open for case in self.cases for step in case.steps[:at])
        kafka_wire.eventually(lambda: len(self.read("sessions")) >= wanted, 60, f"{wanted} sessions published")

    def check(self):
        predictions = [json.loads(r.value) for r in self.read("predictions")]
        sessions = [json.loads(r.value) for r in self.read("sessions")]
        aside = {(int(r.headers["source.partition"]), int(r.headers["source.offset"])): r.headers["reason"]
                 for r in self.read("rejected")}
        places = sorted((r.partition, r.offset) for r in self.read("scrobbles"))
        for partition, case in enumerate(self.cases):
            with self.subTest(case.name):
                plays = case.plays()
                users = {play.user for play in plays}
                self.assertEqual([aside.get(place, "kept") for place in places if place[0] == partition],
                                 ["kept" if play.outcome in KEPT else play.outcome for play in plays])
                predicted = [(p["user_id"], p["timestamp"]) for p in predictions if p["user_id"] in users]
                self.assertEqual(by_user(predicted), by_user(event_time.expected_predictions(case, self.now_ms)))
                published = [event_time.session_of(s) for s in sessions if s["user_id"] in users]
                self.assertEqual(by_user(published), by_user(event_time.expected_sessions(case, self.now_ms, False)))
        self.check_audit()

    def check_audit(self):
        """It is clean, and its sums are the table's."""
        done = subprocess.run([harness.OUTROD, "audit", "-c", self.daemon.config_file], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        wanted = Counter(play.outcome for case in self.cases for play in case.plays())
        total = list(map(int, re.search(r"(?m)^total +(.*)$", done.stdout).group(1).split()))
        kept_and_late = {"session", "previous", "duplicate", "late"}
        self.assertEqual(total[:5], [sum(wanted.values()), wanted["session"] + wanted["previous"], wanted["duplicate"],
                                     wanted["late"], sum(n for outcome, n in wanted.items() if outcome not in kept_and_late)])


class Minutes(Broker):
    cases = MINUTES

    def test_event_time_outrod_says_what_the_table_says(self):
        self.run_cases(middle=False)
        self.check()

    def test_event_time_outrod_killed_in_the_middle_of_each_case_says_the_same(self):
        self.run_cases(middle=True)
        self.check()


class Brisk(Broker):
    """Whose silences are waited for in real time."""

    cases, settings = BRISK, {"bundle_path": harness.PREPARED / "bundle-brisk", "session_gap_s": 2, "time_idle_advance_ms": 300}

    def test_event_time_the_clock_closes_what_the_table_says(self):
        self.run_cases(middle=False)
        self.check()

    def test_event_time_the_clock_closes_the_same_after_a_kill(self):
        self.run_cases(middle=True)
        self.check()


if __name__ == "__main__":
    unittest.main()
