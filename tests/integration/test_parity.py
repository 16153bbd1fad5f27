#!/usr/bin/python3
"""The daemon and `outro replay` say the same of the same log: sessions byte for byte, predictions to 1e-5."""
import json
import unittest

import harness
import parity


class Parity(harness.IntegrationTest):
    def check_against(self, offline_predictions, offline_sessions, select=parity.without_closers):
        live = parity.by_user(record.value for record in self.read("predictions"))
        self.assertEqual(parity.differences(live, offline_predictions), [])
        sessions = self.read("sessions")
        self.assertEqual(select([record.value for record in sessions]), select(offline_sessions))
        for record in sessions:
            self.assertEqual(record.key.decode(), json.loads(record.value)["user_id"])

    def check_log(self, bundle, holidays=None):
        lines = harness.prepared_lines()
        lines += parity.closers(lines)
        daemon = self.outrod(bundle_path=bundle, **({"holidays_file": holidays} if holidays else {})).start()
        self.feed(lines)
        self.assertEqual(self.await_drained(), len(lines))
        metrics = self.settled_metrics(daemon, len(lines))
        self.assertEqual(daemon.stop(), 0)

        self.check_against(*parity.replay(lines, self.folder, bundle,
                                         options=["--holidays", holidays] if holidays else []))
        self.assertEqual(metrics.total("outro_scrobbles_consumed_total"), len(lines))
        self.assertEqual(metrics.total("outro_outcomes_total"), len(lines))
        self.assertEqual(metrics.total("outro_rejected_total"), len(self.read("rejected")))

    def test_parity_a_log_gives_what_its_replay_gives(self):
        self.check_log(harness.PREPARED / "bundle-a")

    def test_parity_with_every_feature_there_is(self):
        self.check_log(harness.PREPARED / "bundle-panel", holidays=harness.PREPARED / "holidays")

    def test_parity_a_silent_partition_closes_its_sessions_by_the_clock(self):
        bundle = harness.PREPARED / "bundle-brisk"
        lines = [harness.scrobble_line(f"user_{user}", 1241478537000 + 1000 * second)
                 for second in range(5) for user in range(20)]
        predictions, sessions = parity.replay(lines, self.folder, bundle)
        self.assertEqual(len(sessions), 20)
        self.outrod(bundle_path=bundle, session_gap_s=2, time_idle_advance_ms=300).start()
        follower = self.follow("sessions")
        self.feed(lines)
        follower.wait(lambda records: len(records) >= len(sessions), 60, "every session closed")
        self.await_drained()
        self.check_against(predictions, sessions, select=sorted)


if __name__ == "__main__":
    unittest.main()
