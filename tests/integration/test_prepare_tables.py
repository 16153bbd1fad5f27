#!/usr/bin/env python3
"""outro prepare: the tables against `outro replay` and pandas, splits, filters, stages, damaged logs, kills.

usage: test_prepare_tables.py [--kills N] [--seed N] [unittest's options]    kills -9 in the test of them (default 6)
"""
import argparse
import fcntl
import gzip
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from collections import Counter
from pathlib import Path

import jsonschema
import pandas

HERE = Path(__file__).resolve().parent
OUTRO = Path(os.environ["OUTRO_PROGRAM"])
SCHEMA = json.loads((HERE.parents[1] / "schemas" / "prepared.json").read_text())
TABLES = ["artists", "countries", "scrobbles", "sessions", "tracks", "users"]
ROWS = 20000
settings = argparse.Namespace(kills=6, seed=1)


def outro(*arguments, status=0, **more):
    done = subprocess.run([OUTRO, *map(str, arguments)], capture_output=True, timeout=300, check=False, **more)
    if done.returncode != status:
        raise AssertionError(f"outro {arguments}: exit {done.returncode}: {done.stderr.decode()}")
    return done


def files(folder):
    """Every file of a folder but its manifest, by its path."""
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"}


def read(folder, table):
    """The line that the documentation gives."""
    return pandas.read_csv(folder / f"{table}.tsv", sep="\t", keep_default_na=False, na_values=[""])


class Prepare(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="outro-prepare-")
        cls.folder = Path(cls.scratch.name)
        cls.log, cls.profiles, cls.durations = (cls.folder / name for name in ("log.tsv", "profiles.tsv", "durations.tsv"))
        by_time = cls.folder / "by-time.tsv"
        outro("synth", "--quiet", "--rows", ROWS, "--users", 23, "--seed", 5, "--out", by_time,
              "--profiles", cls.profiles, "--durations", cls.durations)
        cls.by_time = by_time.read_text().splitlines(keepends=True)
        # As Last.fm-1K has it: by user, newest first. Every 50th row is there twice.
        rows = sorted(cls.by_time, key=lambda row: row.split("\t")[1], reverse=True)
        rows.sort(key=lambda row: row.split("\t")[0])
        cls.log.write_text("".join(row * (1 + (i % 50 == 0)) for i, row in enumerate(rows)))

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def prepare(self, name, *options, log=None, status=0, **more):
        out = self.folder / name
        done = outro("prepare", log or self.log, "--out", out, "--profiles", self.profiles,
                     "--durations", self.durations, *options, status=status, **more)
        if status == 0:
            jsonschema.validate(json.loads((out / "manifest.json").read_text()), SCHEMA)
        self.assertFalse(list(out.rglob("*.part")))
        return (out, done)

    def replayed(self, log):
        """user, session, start, end, scrobbles of every session, as `outro replay` has them."""
        bundle = self.folder / "bundle"
        if not bundle.exists():
            outro("train", self.log, "--quiet", "--epochs", 1, "--out", bundle)
        sessions = self.folder / "replayed.ndjson"
        outro("replay", log, "--quiet", "--bundle", bundle, "--durations", self.durations, "--sessions", sessions)
        records = map(json.loads, sessions.read_text().splitlines())
        return sorted((r["user_id"], r["session"], r["start"], r["end"], r["length_s"], r["scrobbles"]) for r in records)

    def test_prepare_tables_have_the_sessions_of_replay(self):
        out, _ = self.prepare("parity")
        table = read(out, "sessions")
        ours = sorted(zip(table.user_id, table.session, table.start_ms, table.end_ms, table.length_s, table.scrobbles))
        theirs = self.replayed(self.log)
        self.assertGreater(len(theirs), 500)
        self.assertEqual([row[:4] + row[5:] for row in ours], [row[:4] + row[5:] for row in theirs])
        for mine, other in zip(ours, theirs):
            self.assertAlmostEqual(mine[4], other[4], places=6)
        users = read(out, "users")
        self.assertEqual(users.duplicates.sum(), (ROWS + 49) // 50)

    def test_prepare_tables_agree_with_each_other_in_pandas(self):
        out, _ = self.prepare("pandas")
        table = {name: read(out, name) for name in TABLES}
        scrobbles, tracks, sessions, users = (table[name] for name in ("scrobbles", "tracks", "sessions", "users"))
        self.assertEqual(len(scrobbles), ROWS)
        self.assertEqual(list(tracks.track_id), list(range(1, len(tracks) + 1)))
        self.assertTrue(tracks.plays.is_monotonic_decreasing and table["artists"].plays.is_monotonic_decreasing)
        self.assertEqual(tracks.plays.sum(), ROWS + (ROWS + 49) // 50)
        joined = scrobbles.merge(tracks, on="track_id", suffixes=("", "_of_track"), validate="many_to_one")
        self.assertEqual(len(joined), ROWS)
        self.assertTrue((joined.artist_id == joined.artist_id_of_track).all())
        self.assertTrue((joined.duration_ms.fillna(0) == joined.duration_ms_of_track.fillna(0)).all())
        self.assertGreater(joined.duration_ms.notna().sum(), 100)
        by_session = scrobbles.groupby(["user_id", "session"]).agg(start_ms=("timestamp_ms", "min"), n=("scrobble", "max"))
        both = sessions.merge(by_session.reset_index(), on=["user_id", "session"], suffixes=("", "_rows"))
        self.assertEqual(len(both), len(sessions))
        self.assertTrue((both.start_ms == both.start_ms_rows).all() and (both.scrobbles == both.n).all())
        # What was known before each session, made again from the sessions.
        lengths = sessions.groupby("user_id").length_s
        self.assertTrue((sessions.previous_session_length_s.fillna(-1) == lengths.shift().fillna(-1)).all())
        mean = lengths.transform(lambda x: x.expanding().mean().shift())
        self.assertLess((sessions.average_session_length_s - mean).abs().max(), .00501)
        told = users.set_index("user_id")
        for what, column in (("mean", "mean_length_s"), ("median", "median_length_s"), ("max", "max_length_s")):
            self.assertLess((lengths.agg(what) - told[column]).abs().max(), .00501, what)
        self.assertEqual(set(users.gender.dropna()), {"m", "f"})

    def test_prepare_tables_take_any_name(self):
        log = self.folder / "names.tsv"
        names = [("David Bowie", '"Heroes"'), ("NA", "NULL"), ("İ", "ΟΔΟΣ"), ("  Sigur Rós ", "nan"), ("'", "a, b; c")]
        log.write_text("".join(f"u\t2020-01-01T00:0{i}:00Z\t\t{artist}\t\t{track}\n" for i, (artist, track) in enumerate(names)))
        out, _ = self.prepare("names", log=log)
        tracks = read(out, "tracks")
        self.assertEqual(list(zip(tracks.artist, tracks.track)),
                         [(artist.strip().lower(), track.strip().lower()) for artist, track in names])

    def test_prepare_tables_are_the_same_from_anywhere(self):
        expected = files(self.prepare("plain")[0])
        packed = self.folder / "log.tsv.gz"
        packed.write_bytes(gzip.compress(self.log.read_bytes(), 1))
        self.assertEqual(files(self.prepare("packed", log=packed)[0]), expected)
        with open(self.log, "rb") as log:
            piped, _ = self.prepare("piped", log="-", stdin=log)
            self.assertEqual(files(piped), expected)
        noted = json.loads((piped / "manifest.json").read_text())["inputs"]["log"]
        self.assertEqual((noted["path"], noted["size_bytes"], noted["sha256"]),
                         ("standard input", self.log.stat().st_size, hashlib.sha256(self.log.read_bytes()).hexdigest()))
        lines = self.log.read_text().splitlines(keepends=True)
        random.Random(1).shuffle(lines)
        shuffled = self.folder / "shuffled.tsv"
        shuffled.write_text("".join(lines))
        mixed = files(self.prepare("shuffled", log=shuffled)[0])
        for table in ("sessions", "users"):
            key = f"{table}.tsv"
            drop = slice(0, -2) if table == "users" else slice(None)  # which of equals is on top hangs on the order
            rows = [sorted(line.split(b"\t")[drop] for line in some[key].splitlines()) for some in (mixed, expected)]
            self.assertEqual(*rows)

    def test_prepare_tables_split(self):
        first, _ = self.prepare("half", "--test-users", ".2", "--validate-users", ".3", "--cut", ".75", "--seed", "9")
        again, _ = self.prepare("again", "--test-users", ".2", "--validate-users", ".3", "--cut", ".75", "--seed", "9")
        other, _ = self.prepare("other", "--test-users", ".2", "--validate-users", ".3", "--cut", ".75", "--seed", "10")
        self.assertEqual(files(first), files(again))
        self.assertNotEqual(files(first), files(other))
        mixed = self.folder / "mixed.tsv"
        mixed.write_text("".join(random.Random(3).sample(self.log.read_text().splitlines(keepends=True), k=ROWS + (ROWS + 49) // 50)))
        unsorted, _ = self.prepare("mixed", "--test-users", ".2", "--validate-users", ".3", "--seed", "9", log=mixed)
        inorder, _ = self.prepare("in-order", "--test-users", ".2", "--validate-users", ".3", "--seed", "9")
        drawn = [read(out, "sessions").set_index(["user_id", "session"]).split.sort_index() for out in (unsorted, inorder)]
        self.assertTrue((drawn[0] == drawn[1]).all())
        sessions = read(first, "sessions")
        users = {part: set(rows.user_id) for part, rows in sessions.groupby("split")}
        self.assertEqual((len(users["test"]), len(users["validate"]), len(users["train"])), (5, 7, 23))
        self.assertFalse(users["test"] & users["validate"])
        for _, mine in sessions[sessions.user_id.isin(users["test"])].groupby("user_id"):
            kept = -(-len(mine) * 3 // 4)  # session i, from 0, is later when i >= .75 n
            self.assertEqual(list(mine.split == "train"), [i < kept for i in range(len(mine))])
        named = self.folder / "named"
        named.write_text("user_000003\n\nuser_000004\n")
        out, _ = self.prepare("named-out", "--test-users", named, "--cut", "0")
        self.assertEqual(set(read(out, "sessions").query("split == 'test'").user_id), {"user_000003", "user_000004"})
        day = pandas.Timestamp(sessions.start_ms.median(), unit="ms").strftime("%Y-%m-%d")
        by_date = read(self.prepare("dated", "--split-date", day)[0], "sessions")
        after = by_date.start_ms >= pandas.Timestamp(day).value // 10**6
        self.assertTrue(0 < after.sum() < len(after) and ((by_date.split == "test") == after).all())
        named.write_text("nobody\n")
        done = self.prepare("nobody", "--test-users", named, status=1)[1]
        self.assertIn(b"user nobody is not in the log", done.stderr)

    def test_prepare_tables_filter(self):
        users = read(self.prepare("everybody")[0], "users")
        rows, count, mean = users.scrobbles.median(), users.sessions.median(), users.mean_length_s.median()
        out, _ = self.prepare("few", "--min-rows", int(rows), "--min-sessions", int(count), "--max-average-s", mean)
        kept = users[(users.scrobbles > rows) & (users.sessions > count) & (users.mean_length_s < mean)]
        self.assertTrue(0 < len(kept) < len(users))
        for table in ("users", "sessions", "scrobbles"):
            self.assertEqual(set(read(out, table).user_id), set(kept.user_id))

    def test_prepare_tables_stages_are_not_done_twice(self):
        out, _ = self.prepare("staged", "--only", "sessions")
        self.assertEqual(set(files(out)), {"sessions.tsv"})
        before = (out / "sessions.tsv").stat().st_mtime_ns
        self.prepare("staged")
        self.assertEqual((out / "sessions.tsv").stat().st_mtime_ns, before)
        whole = files(out)
        self.assertEqual(set(whole), {f"{table}.tsv" for table in TABLES})
        done = self.prepare("staged", "--json")[1]
        self.assertTrue(json.loads(done.stdout)["done_before"])
        (out / "scrobbles.tsv").write_bytes(whole["scrobbles.tsv"][:1000])  # as a power cut would leave it
        self.prepare("staged")
        self.assertEqual(files(out), whole)
        self.assertEqual((out / "sessions.tsv").stat().st_mtime_ns, before)
        refused = self.prepare("staged", "--seed", "2", status=1)[1]
        self.assertIn(b"other inputs or options", refused.stderr)
        (out / "manifest.json").unlink()
        self.assertIn(b"no manifest.json", self.prepare("staged", status=1)[1].stderr)

    def test_prepare_tables_say_what_they_refuse(self):
        lines = self.log.read_text().splitlines(keepends=True)[:500]
        lines[3], lines[200] = "u\tyesterday\t\tA\t\tT\n", "three\tfields\tonly\n"
        log = self.folder / "bad.tsv"
        log.write_text("".join(lines))
        out, done = self.prepare("bad", log=log)
        manifest = json.loads((out / "manifest.json").read_text())
        self.assertEqual([row["line"] for row in manifest["rejected"]], [4, 201])
        self.assertEqual((manifest["counts"]["rows"], manifest["counts"]["rejected"]), (498, 2))
        self.assertIn(b"bad.tsv:4: time \"yesterday\"", done.stderr)
        self.assertIn(b"bad.tsv:4:", self.prepare("strict", "--strict", log=log, status=1)[1].stderr)
        self.assertIn(b"--out DIR is missing", outro("prepare", log, status=2).stderr)
        listed = (out / "rejected.tsv").read_text().splitlines()
        self.assertEqual([row.split("\t")[0] for row in listed], ["line", "4", "201"])
        log.write_text("".join(lines + ["x\ty\n"] * 30000))
        out, done = self.prepare("worse", log=log)
        listed = read(out, "rejected")
        self.assertEqual(list(listed.line), [4, 201, *range(501, 30501)])
        self.assertTrue(listed.reason.str.contains("fields, not 6").sum() > 30000)
        self.assertIn(b"29982 more bad rows, all in rejected.tsv", done.stderr)
        self.assertIn(b"it names no stage", self.prepare("none", "--only", "", status=2)[1].stderr)

    def test_prepare_tables_begin_again_where_nothing_was_made(self):
        for name, wrong in (("fraction", ["--test-users", "2"]), ("many", ["--test-users", ".6", "--validate-users", ".6"])):
            self.prepare(name, *wrong, status=2)
            self.prepare(name)
        (self.folder / "few.tsv").write_text("".join(self.by_time[:50]) + "bad\n")
        self.prepare("strict-first", "--strict", log=self.folder / "few.tsv", status=1)
        self.prepare("strict-first")
        self.assertIn(b"what other inputs or options gave", self.prepare("strict-first", "--cut", ".7", status=1)[1].stderr)
        (self.folder / "strict-first" / "manifest.json").write_text("{half")
        self.assertIn(b"manifest.json:1: ", self.prepare("strict-first", status=1)[1].stderr)

    def test_prepare_tables_are_made_by_one_at_a_time(self):
        out, _ = self.prepare("taken")
        folder = os.open(out, os.O_RDONLY)
        fcntl.flock(folder, fcntl.LOCK_EX)
        self.assertIn(b"another outro prepare is at work", self.prepare("taken", status=1)[1].stderr)
        os.close(folder)
        self.prepare("taken")

    def killed(self, arguments, draw, longest):
        """One run that is killed, or was done before. @return 1 if it was killed"""
        with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                process.wait(timeout=draw.uniform(0, longest))
            except subprocess.TimeoutExpired:
                process.kill()
                return 1
        return 0

    def test_prepare_tables_killed_end_with_the_same_bytes(self):
        """And at no moment is there a file under its final name that is not whole."""
        draw, kills, runs = random.Random(settings.seed), 0, 0
        forms = ([], ["--seed-compat", "--test-users", ".3", "--validate-users", ".3", "--cut", ".75"])
        wanted = [files(self.prepare(f"undisturbed-{i}", *form)[0]) for i, form in enumerate(forms)]
        begun = time.monotonic()
        self.prepare("timed", *forms[0])
        longest = 1.1 * (time.monotonic() - begun)
        manifests = [json.loads((self.folder / f"undisturbed-{i}" / "manifest.json").read_text()) for i in range(2)]
        while kills < settings.kills:
            form, out = runs % 2, self.folder / f"killed-{runs}"
            arguments = [OUTRO, "prepare", self.log, "--quiet", "--out", out, "--profiles", self.profiles,
                         "--durations", self.durations, *forms[form]]
            for _ in range(draw.randint(1, 6)):
                kills += self.killed(arguments, draw, longest)
                for path, content in files(out).items() if out.exists() else ():
                    if not path.endswith(".part"):
                        self.assertEqual(content, wanted[form][path], path)
            self.prepare(out.name, *forms[form])
            self.assertEqual(files(out), wanted[form])
            manifest = json.loads((out / "manifest.json").read_text())
            self.assertEqual(Counter(map(str, manifest.pop("stages"))), Counter(map(str, manifests[form]["stages"])))
            self.assertEqual(manifest["inputs"], manifests[form]["inputs"])
            shutil.rmtree(out)
            runs += 1
        print(f"{kills} kills of {runs} folders, seed {settings.seed}", file=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    settings, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
