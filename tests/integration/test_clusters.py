#!/usr/bin/python3
"""A bundle with clusters: replay and daemon agree on every prediction and every move, through restarts and swaps."""
import json
import os
import unittest

import harness
import parity

SOON = {"cluster_min_sessions": 3, "cluster_recheck_sessions": 2}
SOON_OFFLINE = ("--cluster-min-sessions", 3, "--cluster-recheck-sessions", 2)
# Nobody moves, so that what a bundle says of a scrobble does not depend on when it came.
STAY = {"cluster_min_sessions": 0, "cluster_recheck_sessions": 0}
STAY_OFFLINE = ("--cluster-min-sessions", 0, "--cluster-recheck-sessions", 0)


def moves(predictions, bundle):
    """How often somebody whom the bundle does not list came into a cluster, or anybody from one into another."""
    listed = {member["user_id"]: member["cluster"] for member in json.loads((bundle / "clusters.json").read_text())["members"]}
    return sum(before != after for user, history in predictions.items()
               for before, after in zip([listed.get(user, -1)] + [p["cluster"] for p in history], [p["cluster"] for p in history]))


class Clusters(harness.IntegrationTest):
    def live(self):
        return parity.by_user(record.value for record in self.read("predictions"))

    def test_clusters_replay_and_daemon_agree_on_every_move(self):
        bundle = harness.PREPARED / "clusters-some"
        lines = harness.prepared_lines()
        half = len(lines) // 2
        total = 0
        for part in (lines[:half], lines[half:]):
            daemon = self.outrod(bundle_path=bundle, **SOON).start()
            self.feed(part)
            self.await_drained()
            total += self.settled_metrics(daemon, len(part)).total("outro_cluster_moves_total")
            self.assertEqual(daemon.stop(), 0)
        offline, _ = parity.replay(lines, self.folder, bundle, options=SOON_OFFLINE)
        live = self.live()
        self.assertEqual(parity.differences(live, offline), [])
        self.assertEqual(total, moves(live, bundle))
        self.assertEqual({p["cluster"] for history in live.values() for p in history}, {-1, 0, 1, 2})
        self.assertGreater(total, 60)  # 50 people, and some of them more than once

    def test_clusters_a_swap_changes_memberships_without_a_wrong_prediction(self):
        first, second = harness.PREPARED / "clusters-a", harness.PREPARED / "clusters-b"
        version = json.loads((second / "manifest.json").read_text())["version"]
        lines = harness.prepared_lines()
        half = len(lines) // 2
        current = self.folder / "current"
        current.symlink_to(first)
        daemon = self.outrod(bundle_path=current, **STAY).start()
        self.feed(lines[:half])
        self.await_drained()
        os.symlink(second, self.folder / "current.new")
        (self.folder / "current.new").rename(current)
        self.await_swap(daemon)
        self.feed(lines[half:])
        self.await_drained()
        offline = {bundle: parity.replay(lines, self.folder, bundle, options=STAY_OFFLINE)[0]
                   for bundle in (first, second)}
        live, moved = self.live(), 0
        for user, history in live.items():
            for i, prediction in enumerate(history):
                bundle = second if prediction["model"] == version else first
                self.assertEqual(parity.differences({user: [prediction]}, {user: [offline[bundle][user][i]]}), [])
            clusters = [p["cluster"] for p in history]
            moved += clusters[0] != clusters[-1]
        self.assertEqual(moved, len([h for h in live.values() if h[0]["model"] != h[-1]["model"]]))
        self.assertGreater(moved, 40)


if __name__ == "__main__":
    unittest.main()
