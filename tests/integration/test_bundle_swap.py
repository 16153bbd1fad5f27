#!/usr/bin/python3
"""Another bundle while scrobbles flow: no gap, no error; a bad one is refused and the old one goes on."""
import json
import os
import shutil
import signal
import unittest

import harness
import kafka_wire
import parity


def manifest(bundle):
    return json.loads((bundle / "manifest.json").read_text())


class BundleSwap(harness.IntegrationTest):
    def setUp(self):
        super().setUp()
        self.current = self.folder / "current"
        self.point_at(harness.PREPARED / "bundle-a")
        self.version_a = manifest(harness.PREPARED / "bundle-a")["version"]
        self.version_b = manifest(harness.PREPARED / "bundle-b")["version"]
        self.assertNotEqual(self.version_a, self.version_b)

    def point_at(self, bundle):
        """As bundles are published: the link is made beside and renamed over."""
        beside = self.folder / "current.new"
        os.symlink(bundle, beside)
        beside.rename(self.current)

    def test_swap_under_load_changes_the_model_without_a_gap(self):
        lines = harness.prepared_lines()
        daemon = self.outrod(bundle_path=self.current).start()
        self.await_ready(daemon)
        feeder, follower = self.feeder(), self.follow("predictions")
        third = len(lines) // 3
        feeder.write(lines[:third])
        follower.wait(lambda records: records, 60, "a first prediction")
        mark = daemon.mark()
        self.point_at(harness.PREPARED / "bundle-b")
        feeder.write(lines[third:2 * third])
        daemon.wait_event(lambda e: self.version_b in e["message"], 60, f"word of {self.version_b}", after=mark)
        self.await_swap(daemon)
        feeder.write(lines[2 * third:])
        feeder.close()
        self.await_drained()

        predictions = [json.loads(record.value) for record in self.read("predictions")]
        self.assertEqual(len(predictions), len(lines))
        self.assertEqual({p["model"] for p in predictions}, {self.version_a, self.version_b})
        for partition in range(self.partitions):
            models = [json.loads(r.value)["model"] for r in follower.records if r.partition == partition]
            self.assertEqual(models, sorted(models, key=[self.version_a, self.version_b].index))
        self.assertEqual(daemon.metrics().total("outro_bundle_loads_total", result="failed"), 0)
        self.assertEqual([e for e in daemon.events if e["level"] in ("error", "raw")], [])
        self.assertEqual(daemon.stop(), 0)

    def test_a_prediction_after_the_swap_is_that_of_the_new_bundle_alone(self):
        """Hidden states are made again from history: as if the new bundle had seen all of it."""
        lines = harness.prepared_lines()
        half = len(lines) // 2
        daemon = self.outrod(bundle_path=self.current).start()
        self.feed(lines[:half])
        self.await_drained()
        self.point_at(harness.PREPARED / "bundle-b")
        self.await_swap(daemon)
        self.feed(lines[half:])
        self.await_drained()
        offline, _ = parity.replay(lines, self.folder, harness.PREPARED / "bundle-b")
        live = parity.by_user(r.value for r in self.read("predictions"))
        for user, predictions in live.items():
            later = [i for i, p in enumerate(predictions) if p["model"] == self.version_b]
            live[user] = [predictions[i] for i in later]
            offline[user] = [offline[user][i] for i in later]
        self.assertGreater(sum(map(len, live.values())), 0)
        self.assertEqual(parity.differences(live, offline), [])

    def spoil(self, how):
        bad = self.folder / f"bad-{how.__name__}"
        shutil.copytree(harness.PREPARED / "bundle-b", bad)
        how(bad)
        return bad

    def test_a_bad_bundle_is_refused_and_the_old_one_goes_on(self):
        def one_bit(bundle):
            path = bundle / "global.safetensors"
            data = bytearray(path.read_bytes())
            data[-1] ^= 1
            path.write_bytes(data)

        def half_a_file(bundle):
            path = bundle / "global.safetensors"
            path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])

        def no_manifest(bundle):
            (bundle / "manifest.json").unlink()

        def half_a_manifest(bundle):
            text = (bundle / "manifest.json").read_text()
            (bundle / "manifest.json").write_text(text[:len(text) // 2])

        daemon = self.outrod(bundle_path=self.current).start()
        self.await_ready(daemon)
        for number, how in enumerate([one_bit, half_a_file, no_manifest, half_a_manifest]):
            with self.subTest(how.__name__):
                mark = daemon.mark()
                self.point_at(self.spoil(how))
                event = daemon.wait_event(lambda e: e["event"] == "bundle-refused", 30, "refusal", after=mark)
                self.assertTrue(event["message"])
                self.feed([harness.scrobble_line("user", 1241478537000 + number * 60_000)])
                self.await_drained()
                self.assertEqual(daemon.get("/ready")[0], 200)
        self.assertEqual({json.loads(r.value)["model"] for r in self.read("predictions")}, {self.version_a})
        self.point_at(harness.PREPARED / "bundle-b")
        self.await_swap(daemon)
        self.assertEqual(daemon.metrics().total("outro_bundle_bad"), 0)

    def test_without_a_bundle_nothing_is_consumed_until_one_comes(self):
        self.current.unlink()
        daemon = self.outrod(bundle_path=self.current).start()
        self.feed(harness.prepared_lines()[:100])
        daemon.wait_event(lambda e: e["event"] == "bundle-refused", 30, "word of the missing bundle")
        self.assertEqual(daemon.get("/ready")[0], 503)
        self.assertEqual(daemon.metrics().total("outro_scrobbles_consumed_total"), 0)
        self.point_at(harness.PREPARED / "bundle-a")
        self.await_ready(daemon)
        self.await_drained()
        self.assertEqual(len(self.read("predictions")), 100)

    def test_a_bundle_with_holidays_waits_for_their_dates(self):
        daemon = self.outrod(bundle_path=self.current).start()
        self.await_ready(daemon)
        self.point_at(harness.PREPARED / "bundle-panel")
        event = daemon.wait_event(lambda e: e["event"] == "bundle-refused", 30, "refusal")
        self.assertIn("has the feature holiday, but holidays.file", event["message"])
        self.assertEqual(daemon.get("/ready")[0], 200)

        daemon.config["holidays.file"] = harness.PREPARED / "holidays"
        daemon.write_config()
        daemon.signal(signal.SIGHUP)
        self.await_swap(daemon)
        self.assertEqual(daemon.metrics().total("outro_holidays"), 120)

        daemon.config["holidays.file"] = ""
        daemon.write_config()
        mark = daemon.mark()
        daemon.signal(signal.SIGHUP)
        event = daemon.wait_event(lambda e: e["event"] == "reload-refused", 30, "refusal", after=mark)
        self.assertIn("the bundle that serves has the feature holiday", event["message"])
        self.feed([harness.scrobble_line("user", 1241478537000)])
        self.await_drained()
        self.assertEqual({json.loads(r.value)["model"] for r in self.read("predictions")},
                         {manifest(harness.PREPARED / "bundle-panel")["version"]})

    def test_sighup_takes_a_new_bundle_at_once(self):
        daemon = self.outrod(bundle_path=self.current, bundle_poll_s=3600).start()
        self.await_ready(daemon)
        self.point_at(harness.PREPARED / "bundle-b")
        daemon.signal(signal.SIGHUP)
        self.await_swap(daemon)

    def test_a_storm_of_sighup_changes_nothing(self):
        lines = harness.prepared_lines()
        daemon = self.outrod(bundle_path=self.current).start()
        self.await_ready(daemon)
        feeder, part = self.feeder(), len(lines) // 50
        for turn in range(50):
            feeder.write(lines[turn * part:(turn + 1) * part])
            daemon.signal(signal.SIGHUP)
        feeder.close()
        self.await_drained()
        kafka_wire.eventually(lambda: daemon.metrics().total("outro_reloads_total", result="ok") >= 1, 30, "a reload")
        offline, _ = parity.replay(lines[:50 * part], self.folder, self.current)
        live = parity.by_user(r.value for r in self.read("predictions"))
        self.assertEqual(parity.differences(live, offline), [])
        self.assertEqual(daemon.metrics().total("outro_reloads_total", result="failed"), 0)
        self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    unittest.main()
