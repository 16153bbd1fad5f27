#!/usr/bin/python3
"""`outrod state` prints from the changelog what the published records say of the same users."""
import json
import os
import subprocess
import unittest

import harness


class State(harness.IntegrationTest):
    def state(self, daemon, *arguments):
        return subprocess.run([harness.OUTROD, "state", "-c", daemon.config_file, *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False)

    def test_state_says_of_every_user_what_was_published(self):
        lines = harness.prepared_lines()[:5000]
        daemon = self.outrod(delivery="exactly-once").start()
        self.feed(lines)
        self.await_drained()
        self.assertEqual(daemon.stop(), 0)

        done = self.state(daemon, "--all")
        self.assertEqual(done.returncode, 0, done.stderr)
        users = {user["user_id"]: user for user in map(json.loads, done.stdout.splitlines())}
        predictions = {}
        for record in self.read("predictions"):
            predictions[record.key.decode()] = json.loads(record.value)
        published = {}
        for record in self.read("sessions"):
            session = json.loads(record.value)
            published.setdefault(session["user_id"], {})[session["session"]] = session

        self.assertEqual(sorted(users), sorted(predictions))
        for name, user in users.items():
            with self.subTest(name):
                latest, last = user["latest"], predictions[name]
                self.assertEqual((latest["session"], latest["scrobbles"], latest["start"]),
                                 (last["session"], last["scrobble"], last["session_start"]))
                self.assertEqual((user["cluster"], user["clustering"]), (-1, None))
                self.assertEqual(user["partition"], harness.partition_of(name.encode()))
                sessions = published.get(name, {})
                self.assertEqual(latest["open"], latest["session"] not in sessions)
                if user["previous"]:
                    before = sessions[latest["session"] - 1]
                    self.assertEqual({k: user["previous"][k] for k in before if k != "user_id"},
                                     {k: v for k, v in before.items() if k != "user_id"})
                self.assertEqual(user["history"]["finished"], max(0, latest["session"] - 2))
                self.assertEqual(len(user["past"]), min(256, user["history"]["finished"]))

        name = sorted(users)[0]
        one = self.state(daemon, name)
        self.assertEqual((one.returncode, json.loads(one.stdout)), (0, users[name]))

        read, write = os.pipe()
        os.close(read)
        done = subprocess.run([harness.OUTROD, "state", "-c", daemon.config_file, "--all"], stdin=subprocess.DEVNULL,
                              stdout=write, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        os.close(write)
        self.assertEqual((done.returncode, done.stderr), (0, ""))  # a reader that has seen enough
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([harness.OUTROD, "state", "-c", daemon.config_file, "--all"], stdin=subprocess.DEVNULL,
                                  stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("No space left on device", done.stderr)
        self.assertNotIn("Success", done.stderr)

    def test_state_says_which_cluster_predictions_came_from(self):
        daemon = self.outrod(bundle_path=harness.PREPARED / "clusters-some", cluster_min_sessions=3).start()
        self.feed(harness.prepared_lines()[:5000])
        self.await_drained()
        self.assertEqual(daemon.stop(), 0)
        done = self.state(daemon, "--all")
        self.assertEqual(done.returncode, 0, done.stderr)
        users = [json.loads(line) for line in done.stdout.splitlines()]
        predictions = {record.key.decode(): json.loads(record.value) for record in self.read("predictions")}
        self.assertEqual({user["user_id"]: user["cluster"] for user in users},
                         {name: last["cluster"] for name, last in predictions.items()})
        self.assertGreater(len({user["cluster"] for user in users}), 2)
        self.assertEqual(len({user["clustering"] for user in users}), 1)
        self.assertGreater(users[0]["clustering"], 0)

    def test_state_of_nobody_and_of_two_is_refused(self):
        daemon = self.outrod(delivery="exactly-once")
        daemon.write_config()
        for arguments, status, says in ((["nobody"], 1, "nothing is known of nobody"), ([], 2, "name one user, or --all"),
                                        (["--all", "nobody"], 2, "name one user, or --all"),
                                        (["a", "b"], 2, 'what is "b"')):
            with self.subTest(arguments):
                done = self.state(daemon, *arguments)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(says, done.stderr)


if __name__ == "__main__":
    unittest.main()
