#!/usr/bin/python3
"""Durations and profiles from compacted topics: the same sessions as from a file and offline, and what changes is followed."""
import json
import subprocess
import unittest

import harness
import kafka_wire
import parity

MINUTE_MS = 60000
FIRST_MS = 1241478537000


def duration_record(artist, track, duration_ms):
    """(key, value) as schemas/track-duration.json has it."""
    return (f"{artist.strip().lower()}\t{track.strip().lower()}",
            json.dumps({"artist": artist, "track": track, "duration_ms": duration_ms}))


class SideInputs(harness.IntegrationTest):
    def setUp(self):
        super().setUp()
        for role in ("track-durations", "profiles"):
            self.topics[role] = f"{role}-{self.run_id}"
        self.made = {"topic_track-durations": self.topics["track-durations"], "topic_profiles": self.topics["profiles"]}

    def create_topics(self, **overrides):
        daemon = self.outrod(**self.made, **overrides)
        daemon.write_config()
        return subprocess.run([harness.OUTROD, "-c", daemon.config_file, "--create-topics"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False)

    def write(self, role, *records):
        """Records of (key, value), None for no value."""
        text = "".join(f"{key}\t\t{value or ''}\n" for key, value in records)
        subprocess.run(["kcat", "-b", self.bootstrap, "-P", "-t", self.topics[role], "-p", "0", "-K", "\t\t", "-Z"],
                       input=text.encode(), stdout=subprocess.DEVNULL, timeout=60, check=True)

    def await_known(self, daemon, count):
        kafka_wire.eventually(lambda: daemon.metrics().total("outro_durations") == count, 60, f"{count} durations known")

    def sessions_of(self, daemon, user, gap_minutes):
        """The sessions that two plays of the one track count in, so many minutes apart."""
        self.feed([harness.scrobble_line(user, FIRST_MS, "An Artist", "A Track"),
                   harness.scrobble_line(user, FIRST_MS + gap_minutes * MINUTE_MS, "An Artist", "A Track")])
        self.await_drained()
        return [json.loads(r.value)["session"] for r in self.read("predictions") if r.key.decode() == user]

    def audit(self, daemon):
        done = subprocess.run([harness.OUTROD, "audit", "-c", daemon.config_file], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout + done.stderr

    def check_parity(self, durations, **settings):
        lines = harness.prepared_lines()
        lines += parity.closers(lines)
        bundle = harness.PREPARED / "bundle-a"
        predictions, sessions = parity.replay(lines, self.folder, bundle, durations=durations)
        self.assertNotEqual(sessions, parity.replay(lines, self.folder, bundle)[1])  # else nothing is shown
        daemon = self.outrod(**settings).start()
        self.feed(lines)
        self.await_drained()
        self.assertEqual(daemon.stop(), 0)
        live = parity.by_user(record.value for record in self.read("predictions"))
        self.assertEqual(parity.differences(live, predictions), [])
        self.assertEqual(parity.without_closers(r.value for r in self.read("sessions")), parity.without_closers(sessions))
        status, text = self.audit(daemon)
        self.assertEqual(status, 0, text)
        self.assertNotIn("not compared", text)
        self.assertIn("users whose state was compared", text)

    def durations_file(self):
        """Durations of a fifth of the prepared log's tracks."""
        path = self.folder / "durations.tsv"
        subprocess.run([harness.OUTRO, "synth", "--quiet", "--rows", "20000", "--users", "50", "--seed", "7",
                        "--durations", str(path)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
        return path

    def test_side_inputs_durations_of_a_file_give_what_the_replay_gives(self):
        self.assertEqual(self.create_topics().returncode, 0)
        path = self.durations_file()
        self.check_parity(path, durations_file=path)

    def test_side_inputs_durations_of_a_topic_give_what_the_replay_gives(self):
        self.assertEqual(self.create_topics().returncode, 0)
        path = self.durations_file()
        rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
        self.assertGreater(len(rows), 100)
        # twice, and wrong at first: the last of a key counts
        self.write("track-durations", *(duration_record(artist, track, 1) for artist, track, _ in rows),
                   *(duration_record(artist, track, int(ms)) for artist, track, ms in rows))
        self.check_parity(path, **self.made)

    def test_side_inputs_are_followed(self):
        self.assertEqual(self.create_topics().returncode, 0)
        self.write("track-durations", duration_record("An Artist", "A Track", 10 * MINUTE_MS),
                   duration_record("Another", "Lasting", 10 * MINUTE_MS))
        self.write("profiles", ("ann", '{"user_id":"ann","age":22}'), ("bob", '{"user_id":"bob"}'))
        daemon = self.outrod(**self.made).start()
        self.await_known(daemon, 2)
        self.assertEqual(daemon.metrics().total("outro_profiles"), 2)
        self.assertEqual(self.sessions_of(daemon, "before", 35), [1, 1])
        self.feed([harness.scrobble_line("steady", FIRST_MS + minutes * MINUTE_MS, "Another", "Lasting") for minutes in (0, 35)])

        # records of a partition are applied in order: when the second is known, the first is
        self.write("track-durations", duration_record("An Artist", "A Track", MINUTE_MS), duration_record("Third", "T", 5000))
        self.await_known(daemon, 3)
        self.assertEqual(self.sessions_of(daemon, "updated", 35), [1, 2])
        self.assertEqual(self.sessions_of(daemon, "still-known", 31), [1, 1])

        self.write("track-durations", (duration_record("An Artist", "A Track", 0)[0], None))
        self.await_known(daemon, 2)
        self.assertEqual(self.sessions_of(daemon, "unknown-again", 31), [1, 2])

        # an abrupt end and a new reading: what is known is the same
        daemon.kill()
        daemon.start()
        self.assertEqual(self.sessions_of(daemon, "after", 31), [1, 2])
        self.await_known(daemon, 2)
        self.write("profiles", ("ann", None))
        kafka_wire.eventually(lambda: daemon.metrics().total("outro_profiles") == 1, 60, "a profile was taken out")
        self.assertEqual(daemon.stop(), 0)
        # who played what changed cannot be audited any more, and the audit says so; everybody else is
        status, text = self.audit(daemon)
        self.assertEqual(status, 0, text)
        self.assertIn("users of tracks whose durations changed, not compared: 5\n", text)
        self.assertIn("users whose state was compared: 1\n", text)

    def test_side_inputs_bad_records_are_named_and_passed_over(self):
        self.assertEqual(self.create_topics().returncode, 0)
        good = duration_record("An Artist", "A Track", 10 * MINUTE_MS)
        bad = [(good[0], "no json"), ("An Artist\tA Track", good[1]), (good[0], '{"artist":"An Artist","track":"A Track"}'),
               ("nothing", None), (good[0], "[" * 5000)]
        self.write("track-durations", good, *bad)
        self.write("profiles", ("ann", '{"user_id":"bob"}'))
        daemon = self.outrod(**self.made).start()
        self.assertEqual(self.sessions_of(daemon, "user", 35), [1, 1])
        metrics = daemon.metrics()
        self.assertEqual(metrics.total("outro_side_input_records_total", input="track-durations"), 6)
        self.assertEqual(metrics.total("outro_side_input_bad_total", input="track-durations"), 5)
        self.assertEqual(metrics.total("outro_side_input_bad_total", input="profiles"), 1)
        for offset in range(1, 6):
            daemon.wait_event(lambda e, o=offset: e["event"] == "side-input-bad" and
                              f"topic {self.topics['track-durations']} partition 0 offset {o}: " in e["message"], 10, offset)
        self.write("track-durations", *bad[:2])
        kafka_wire.eventually(
            lambda: daemon.metrics().total("outro_side_input_bad_total", input="track-durations") == 7, 60, "two more")
        self.assertEqual(daemon.stop(), 0)

    def test_side_inputs_nothing_is_consumed_before_they_are_read(self):
        daemon = self.outrod(**self.made, kafka_bootstrap_servers="127.0.0.1:1").start()
        kafka_wire.eventually(lambda: daemon.get("/ready") == (503, "reading side inputs: 0 of 0 offsets read\n"), 60,
                              "it says what it does")
        self.assertEqual(daemon.get("/live")[0], 200)
        daemon.kill()

    def test_side_inputs_topics_are_made_compacted_and_missed_by_name(self):
        daemon = self.outrod(**self.made).start()
        self.assertEqual(daemon.wait_exit(60), 2)
        self.assertRegex(daemon.log_tail(), rf"{self.topics['profiles']} \(topic.profiles\) does not exist.*--create-topics")
        done = self.create_topics()
        self.assertEqual((done.returncode, done.stderr.count("topic-made")), (0, 2), done.stderr)
        found = kafka_wire.metadata(self.bootstrap, list(self.topics.values()))["topics"]
        self.assertEqual([len(found[self.topics[role]]) for role in ("track-durations", "profiles", "scrobbles")], [1, 1, 3])
        self.topics["wrong"] = f"wrong-{self.run_id}"
        kafka_wire.create_topic(self.bootstrap, self.topics["wrong"], 1, config={"cleanup.policy": "delete"})
        self.made["topic_profiles"] = self.topics["wrong"]
        done = self.create_topics()
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("set cleanup.policy=compact", done.stderr)


if __name__ == "__main__":
    unittest.main()
