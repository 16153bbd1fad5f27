#!/usr/bin/python3
"""outro crawl against a stand-in for Last.fm: what it writes, how it asks, what it does when things go wrong.

usage: test_crawl.py [--kills N] [--seed N] [unittest's options]    kills -9 in the test of them (default 8)
"""
import argparse
import copy
import json
import os
import pty
import random
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from collections import namedtuple
from pathlib import Path

import lastfm_stand_in as lastfm
from lastfm_stand_in import StandIn

OUTRO = os.environ["OUTRO_PROGRAM"]
KEY = "0123456789abcdef0123456789abcdef"
WAIT_S = 60
FILES = ("durations.tsv", "tags.tsv", "failed.tsv")
settings = argparse.Namespace(kills=8, seed=1)


class Crawl(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.tracks = self.folder / "tracks"

    def stand_in(self, *args, **more):
        made = StandIn(*args, **more)
        self.addCleanup(made.close)
        return made

    def write_tracks(self, *names):
        self.tracks.write_text("artist\ttrack\n" + "".join(f"an artist\t{name}\n" for name in names))

    def start(self, service, *options, out="out", tracks=None, env=None, **more):
        """A crawl without pauses, unless options say otherwise."""
        command = [OUTRO, "crawl", str(tracks or self.tracks), "--out", str(self.folder / out),
                   "--base-url", service.url, "--rate", "1000000", "--backoff", "0.001", *options]
        clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        clean.update({"LASTFM_API_KEY": KEY} if env is None else env)
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        process = subprocess.Popen(command, env=clean, **pipes)
        self.addCleanup(process.kill)
        return process

    def crawled(self, *args, status=0, says="", **more):
        """Standard output of a crawl that ends by itself."""
        process = self.start(*args, **more)
        out, err = [text.decode() for text in process.communicate(timeout=WAIT_S)]
        self.assertIn(process.returncode, status if isinstance(status, set) else {status}, out + err)
        self.assertIn(says, out + err)
        return out

    def files(self, out="out"):
        return {name: (self.folder / out / name).read_bytes() for name in FILES}

    def done(self, out="out"):
        """Tracks that the journal has."""
        journal = self.folder / out / "crawl.journal"
        lines = journal.read_bytes().split(b"\n")[1:-1] if journal.exists() else []
        return {json.loads(line[9:])["track"] for line in lines}

    def rows(self, name, out="out"):
        """Of a file of results: the rows, as lists, without artist and header."""
        lines = (self.folder / out / name).read_text().splitlines()[1:]
        return [line.split("\t")[1:] for line in lines]


Case = namedtuple("Case", "answer duration tags reason asked", defaults=(None, (), None, 1))
BAD_GATEWAY = lastfm.body(b"<html>bad gateway</html>", 502)
LOST_TRACK = lastfm.body(b"", 302, [("Location", "http://127.0.0.2:1/")])
CASES = {  # track: what it is answered with; its row of durations.tsv, its tags, its reason in failed.tsv, requests
    "a list of tags": Case(lastfm.track(duration="240000", toptags=lastfm.tags("pop", "été", " a\tb\n")), "240000",
                           ("pop", "été", "a b")),
    "counted tags": Case(lastfm.track(duration=1, toptags={"tag": [{"name": "x", "count": 97},
                                                                   {"name": "y", "count": "3"}]}),
                         "1", ("x 97", "y 3")),
    "one tag": Case(lastfm.track(duration=241000, toptags={"tag": {"name": "rock", "url": ""}}), "241000", ("rock",)),
    "no tags": Case(lastfm.track(duration="1", toptags=""), "1"),
    "duration 0": Case(lastfm.track(duration="0", toptags=lastfm.tags("x")), "0", ("x",)),
    "no duration": Case(lastfm.track(), "0"),
    "corrected": Case(lastfm.track(name="Corrected", artist={"name": "Other"}, duration="5000"), "5000"),
    "ü & + 100% = a/b?": Case(lastfm.track(duration="5"), "5"),
    "not found": Case(lastfm.error(6), "0"),
    "not found, 404": Case(lastfm.error(6, 404), "0"),
    "invalid": Case(lastfm.error(7, 400), reason="Last.fm error 7: invalid resource"),
    "new error": Case(lastfm.error(77), reason="Last.fm error 77"),
    "forbidden": Case(lastfm.body(b"no", 403), reason="HTTP status 403"),
    "moved": Case(LOST_TRACK, reason="HTTP status 302: redirections are not followed"),
    "down": Case(BAD_GATEWAY, reason="HTTP status 502 (3 tries)", asked=3),
    "garbage": Case(lastfm.body(b"\xff\0{"), reason="the answer is not what track.getInfo answers (3 tries)", asked=3),
    "huge": Case(lastfm.body(b'{"track":{"duration":"1"}}' + b" " * (2 << 20)),
                 reason="the answer is larger than any of track.getInfo (3 tries)", asked=3),
    "breaks off": Case(lastfm.reset_in_body(), reason="the connection broke off (3 tries)", asked=3),
    "offline": Case(lastfm.error(11, 503), reason="Last.fm error 11: service offline (3 tries)", asked=3),
    "back again": Case([lastfm.error(8, 500), BAD_GATEWAY, lastfm.track(duration="1")], "1", asked=3),
    "mended": Case([lastfm.reset_in_body(), lastfm.body(b"{"), lastfm.track(duration="2")], "2", asked=3),
    "slower": Case([lastfm.body(b"", 429), lastfm.error(16), lastfm.track(duration="3")], "3", asked=3),
    "29 with 429": Case([lastfm.error(29, 429), lastfm.track(duration="4")], "4", asked=2),
}


class Answers(Crawl):
    def test_crawl_each_form_of_answer(self):
        service = self.stand_in({name: copy.copy(case.answer) for name, case in CASES.items()})
        self.write_tracks(*CASES)
        out = self.crawled(service, "--tries", "3", "--json", "--parallel", "24")
        self.assertEqual(self.rows("durations.tsv"),
                         [[name, case.duration] for name, case in CASES.items() if case.duration])
        self.assertEqual([[row[0], " ".join(row[1:]).strip()] for row in self.rows("tags.tsv")],
                         [[name, tag] for name, case in CASES.items() for tag in case.tags])
        self.assertEqual(self.rows("failed.tsv"), [[name, case.reason] for name, case in CASES.items() if case.reason])
        self.assertEqual(service.times_asked(), {name: case.asked for name, case in CASES.items()})
        for query in service.queries:
            self.assertEqual(query, {"method": "track.getInfo", "format": "json", "autocorrect": "1", "api_key": KEY})
        summary = json.loads(out)
        self.assertEqual((summary["complete"], summary["tracks"], summary["failed"], summary["not_found"],
                          summary["requests"]), (True, len(CASES), len(self.rows("failed.tsv")), 2, len(service.seen)))

    def test_crawl_no_answer_at_all(self):
        service = self.stand_in(default=lastfm.silence())
        self.write_tracks("a")
        self.crawled(service, "--tries", "3", "--timeout", ".2", status=1, says="every track that was asked for has failed")
        self.assertEqual(self.rows("failed.tsv"), [["a", "no answer in time (3 tries)"]])

    def test_crawl_the_forms_of_input(self):
        wanted = [("A", "One"), ("Ä", 'Say "two"'), ("A", "Three")]
        log = "".join(f"user\t2009-05-0{day}T00:00:00Z\t\t{artist}\t\t{name}\n" for day, (artist, name) in
                      enumerate([*wanted, (" a ", "one"), ("ä", 'say "TWO"')], 1))
        forms = {
            "a log": log.encode(),
            "our own JSON": "".join(json.dumps({"user_id": "u", "timestamp": 1241478537000 + i, "artist": a,
                                                "track": t}) + "\n" for i, (a, t) in enumerate(wanted)).encode(),
            "tracks.tsv": ("track_id\tartist\tplays\ttrack\n" +
                           "".join(f"7\t{a}\t1\t{t}\n" for a, t in wanted)).encode(),
            "tracks.csv": "".join('"","{}","{}",182\r\n'.format(a, t.replace('"', '""')) for a, t in wanted).encode(),
        }
        for form, data in forms.items():
            with self.subTest(form):
                path = self.folder / "input"
                path.write_bytes(data)
                service = self.stand_in()
                self.crawled(service, "--parallel", "1", out=form, tracks=path)
                self.assertEqual(service.seen, wanted)
                if "track" in form:
                    continue
                with path.open("rb") as stdin:
                    again = self.stand_in()
                    self.crawled(again, "--parallel", "1", out=form + " by stdin", tracks="-", stdin=stdin)
                self.assertEqual(again.seen, wanted)
        bad = self.folder / "bad"
        bad.write_bytes(b"artist\ttrack\nA\n\tB\nA\t\xff\nA\tgood\n")
        for sentence in ("bad:2: it has 1 tab-separated field", "bad:3: artist is empty",
                         "bad:4: track is not valid UTF-8"):
            service = self.stand_in()
            self.crawled(service, tracks=bad, out=sentence.split(":")[1], says=sentence)
            self.assertEqual(service.seen, [("A", "good")])
        self.crawled(service, "--strict", tracks=bad, out="strict", status=1, says="bad:2: it has 1 tab-separated field")
        self.crawled(service, "--format", "json", tracks=bad, out="json", status=1, says="no scrobble in")
        history = [{"ts": "2023-01-01T00:00:00Z", "ms_played": 1000, "master_metadata_track_name": "T",
                    "master_metadata_album_artist_name": "A"}]
        (self.folder / "spotify.json").write_text(json.dumps(history))
        service.forget()
        self.crawled(service, "--user", "me", tracks=self.folder / "spotify.json", out="spotify")
        self.assertEqual(service.seen, [("A", "T")])
        self.write_tracks()
        self.crawled(service, out="empty")
        self.assertEqual(self.files("empty")["durations.tsv"], b"artist\ttrack\tduration_ms\n")
        for nothing in (b"", b"\n", b"[]\n"):
            bad.write_bytes(nothing)
            self.crawled(service, tracks=bad, out="nothing", status=1, says=f"no scrobble in {bad}")
        self.assertFalse((self.folder / "nothing").exists())

    def test_crawl_what_prepare_writes(self):
        log = self.folder / "log.tsv"
        names = [("b", "x"), ("a", 'say "y", z'), ("b", "y")]
        log.write_text("".join(f"user\t2009-05-0{i}T00:00:00Z\t\t{artist.upper()}\t\t{name.upper()}\n"
                               for i, (artist, name) in enumerate(names, 1)))
        for form, option in (("tracks.tsv", ()), ("tracks.csv", ("--seed-compat",))):
            prepared = self.folder / form
            subprocess.run([OUTRO, "prepare", str(log), "--out", str(prepared), "--quiet", *option], check=True)
            service = self.stand_in()
            self.crawled(service, tracks=prepared / form, out=f"out-{form}")
            self.assertEqual(set(service.seen), set(names), form)

    def test_crawl_durations_are_what_other_commands_read(self):
        service = self.stand_in({"t": lastfm.track(duration="215000")})
        log = self.folder / "log.tsv"
        log.write_text("user\t2009-05-01T00:00:00Z\t\tA\t\tt\n")
        self.crawled(service, tracks=log)
        events = subprocess.run([OUTRO, "events", "--durations", str(self.folder / "out" / "durations.tsv"), str(log)],
                                check=True, capture_output=True).stdout
        self.assertIn(b'"duration_ms":215000', events)


class Again(Crawl):
    def test_crawl_asks_for_nothing_twice(self):
        service = self.stand_in({"lost": lastfm.error(6), "bad": [lastfm.error(7), lastfm.track(duration="9")]})
        self.write_tracks("plain", "lost", "bad")
        self.crawled(service)
        before = self.files()
        service.forget()
        out = self.crawled(service, "--json")
        self.assertEqual((service.seen, self.files(), json.loads(out)["known_before"]), ([], before, 3))
        self.write_tracks("new", "plain", "lost", "bad")
        self.crawled(service)
        self.assertEqual(service.times_asked(), {"new": 1})
        self.assertEqual([row[0] for row in self.rows("durations.tsv")], ["new", "plain", "lost"])
        service.forget()
        self.crawled(service, "--retry-failed")
        self.assertEqual(service.times_asked(), {"bad": 1})
        self.assertEqual(self.rows("durations.tsv")[-1], ["bad", "9"])
        self.assertEqual(self.rows("failed.tsv"), [])

    def test_crawl_what_was_damaged_is_asked_again(self):
        service = self.stand_in()
        self.write_tracks(*"abcdef")
        self.crawled(service)
        before, journal = self.files(), self.folder / "out" / "crawl.journal"
        lines = journal.read_bytes().splitlines(keepends=True)
        damaged = lines[2].replace(b"1000", b"2000")
        journal.write_bytes(b"".join([*lines[:2], damaged, *lines[3:-1], lines[-1][:-5]]))
        service.forget()
        self.crawled(service, says="1 damaged line of crawl.journal left out")
        self.assertEqual((len(service.seen), self.files()), (2, before))
        journal.write_text("something else\n")
        self.crawled(service, status=1, says="is not a journal that this version reads")
        self.assertEqual(self.files(), before)

    def test_crawl_stops_where_last_fm_says_so(self):
        cases = {10: "check LASTFM_API_KEY", 26: "suspended this API key", 29: "with a lower --rate"}
        for code, sentence in cases.items():
            with self.subTest(code=code):
                out = f"out-{code}"
                service = self.stand_in({"c": [lastfm.error(code, 403), lastfm.track(duration="3")]})
                self.write_tracks(*"abcde")
                self.crawled(service, "--parallel", "1", out=out, status=1, says=sentence)
                self.assertEqual([name for _, name in service.seen], ["a", "b", "c"])
                self.assertEqual([row[0] for row in self.rows("durations.tsv", out)], ["a", "b"])
                self.crawled(service, out=out)
                self.assertEqual(service.times_asked(), {"a": 1, "b": 1, "c": 2, "d": 1, "e": 1})

    def test_crawl_a_long_pause_is_asked_for(self):
        for wish in ("100000", lastfm.http_date(100000)):
            with self.subTest(wish):
                service = self.stand_in({"a": lastfm.body(b"", 503, [("Retry-After", wish)])})
                self.write_tracks("a", "b")
                self.crawled(service, "--parallel", "1", status=1, says="Last.fm asks for a pause of ")
                self.assertEqual(len(service.seen), 1)

    def test_crawl_a_short_pause_is_kept(self):
        """Ten minutes, for all tracks: nothing comes after the two requests that were under way."""
        answered = threading.Event()

        def first(handler):
            service.await_seen(2)  # both are under way
            lastfm.body(b"", 429, [("Retry-After", "600")])(handler)
            answered.set()

        def second(handler):
            answered.wait(WAIT_S)
            lastfm.track(duration="1")(handler)
        service = self.stand_in({"a": first, "b": second})
        self.write_tracks(*"abcdef")
        process = self.start(service, "--parallel", "2")
        deadline = time.monotonic() + WAIT_S
        while self.done() != {"b"} and time.monotonic() < deadline:
            pass
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=WAIT_S)
        self.assertEqual([name for _, name in sorted(service.seen)], ["a", "b"])
        short = self.stand_in({"a": [lastfm.body(b"", 503, [("Retry-After", "1")]), lastfm.track(duration="3")]})
        self.crawled(short)
        self.assertEqual(short.times_asked()["a"], 2)

    def test_crawl_ends_when_nothing_works(self):
        service = self.stand_in()
        service.close()  # nobody listens there any more
        self.write_tracks(*(f"track {i}" for i in range(60)))
        self.crawled(service, "--tries", "2", "--parallel", "1", status=1, says="20 tracks in a row have failed")
        self.assertEqual(len(self.rows("failed.tsv")), 20)


    def test_crawl_fails_when_every_track_did(self):
        """Of this crawl: what is known from before neither helps nor harms."""
        service = self.stand_in({name: lastfm.error(7, 400) for name in ("bad", "worse")})
        self.write_tracks("good")
        self.crawled(service)
        self.write_tracks("good", "bad", "worse")
        says = f"every track that was asked for has failed (2; {self.folder}/out/failed.tsv says why)"
        self.crawled(service, "--quiet", status=1, says=says)
        self.assertEqual([row[0] for row in self.rows("failed.tsv")], ["bad", "worse"])
        self.crawled(service)  # asks for nothing
        self.crawled(service, "--retry-failed", status=1, says=says)
        self.write_tracks("good", "bad", "worse", "new")
        self.crawled(service, "--retry-failed")


class Asking(Crawl):
    def test_crawl_so_many_at_once(self):
        service = self.stand_in()
        service.hold()
        self.write_tracks(*(f"track {i}" for i in range(40)))
        process = self.start(service, "--parallel", "7")
        service.await_seen(7)  # nobody has an answer yet
        service.release()
        process.communicate(timeout=WAIT_S)
        self.assertEqual((process.returncode, service.most_in_flight, len(service.seen)), (0, 7, 40))

    def test_crawl_no_faster_than_it_may(self):
        """One request in a thousand seconds: of the many that could be under way there is one, ever."""
        service = self.stand_in()
        answered = service.changed
        self.write_tracks(*(f"track {i}" for i in range(40)))
        process = self.start(service, "--parallel", "8", "--rate", ".001")
        service.await_seen(1)
        with answered:
            answered.wait_for(lambda: service.in_flight == 0, WAIT_S)
        process.send_signal(signal.SIGINT)
        out = process.communicate(timeout=WAIT_S)[0].decode()
        self.assertEqual((process.returncode, len(service.seen)), (1, 1), out)

    def test_crawl_ctrl_c_waits_for_what_is_under_way(self):
        service = self.stand_in()
        service.hold()
        self.write_tracks(*(f"track {i}" for i in range(40)))
        process = self.start(service, "--parallel", "5")
        service.await_seen(5)
        process.send_signal(signal.SIGINT)
        service.release()
        err = process.communicate(timeout=WAIT_S)[1].decode()
        self.assertEqual(process.returncode, 1)
        self.assertIn("the same command goes on from here", err)
        self.assertEqual((len(service.seen), len(self.rows("durations.tsv"))), (5, 5))
        self.crawled(service)
        self.assertEqual(set(service.times_asked().values()), {1})

    def test_crawl_a_second_signal_does_not_wait(self):
        service = self.stand_in()
        service.hold()
        self.write_tracks(*(f"track {i}" for i in range(40)))
        process = self.start(service, "--parallel", "5", "--timeout", "3600")
        service.await_seen(5)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=WAIT_S)
        self.assertEqual((process.returncode, self.rows("durations.tsv")), (1, []))

    def test_crawl_one_at_a_time_in_a_folder(self):
        service = self.stand_in()
        service.hold()
        self.write_tracks("a")
        first = self.start(service)
        service.await_seen(1)
        self.crawled(service, status=1, says="another crawl is at work in this folder")
        service.release()
        first.communicate(timeout=WAIT_S)
        self.assertEqual((first.returncode, len(service.seen)), (0, 1))


class Key(Crawl):
    def assert_hidden(self, *texts):
        for text in texts:
            self.assertNotIn(KEY.encode(), text)
        for path in self.folder.rglob("*"):
            if path.is_file() and path.name != "key":
                self.assertNotIn(KEY.encode(), path.read_bytes(), path)

    def test_crawl_the_key_is_nowhere(self):
        names = ("echoed", "as a tag", "fine", "refused", "moved")
        echoed = {"echoed": lastfm.echo(), "as a tag": lastfm.echo_as_tag(), "refused": lastfm.echo(400),
                  "moved": lambda handler: lastfm.body(b"", 301, [("Location", handler.path)])(handler)}
        self.write_tracks(*names)
        for options in ((), ("--json",), ("--quiet",), ("--parallel", "1")):
            with self.subTest(options):
                service = self.stand_in(dict(echoed))
                command_lines = []
                service.before = lambda number, lines=command_lines: lines.append(
                    Path(f"/proc/{process.pid}/cmdline").read_bytes())
                service.hold()
                process = self.start(service, "--tries", "2", *options, out="-".join(options) or "out")
                service.await_seen(1)
                service.release()
                outputs = process.communicate(timeout=WAIT_S)
                self.assertEqual(process.returncode, 0, outputs)
                self.assertGreaterEqual(len(command_lines), len(names))
                self.assert_hidden(*outputs, *command_lines)
        self.assertIn("api_key=" + "x" * len(KEY), self.rows("tags.tsv")[0][1])

    def test_crawl_the_key_is_in_no_progress_line_and_no_last_word(self):
        service = self.stand_in({"b": lastfm.error(10, 403, "no such key: " + KEY)})
        self.write_tracks("a", "b", "c")
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        service.hold()
        process = self.start(service, "--parallel", "1", stderr=theirs)
        os.close(theirs)
        terminal = os.read(ours, 65536)  # the line is drawn while the first answer is waited for
        self.assertIn(b"asking Last.fm", terminal)
        service.release()
        out = process.communicate(timeout=WAIT_S)[0]
        self.assertEqual(process.returncode, 1)
        try:
            while True:
                terminal += os.read(ours, 65536)
        except OSError:  # nobody writes there any more
            pass
        self.assertIn(b"does not know this API key", terminal)
        self.assert_hidden(out, terminal)

    @unittest.skipUnless(shutil.which("openssl"), "openssl makes the certificate")
    def test_crawl_nothing_is_sent_to_a_certificate_that_does_not_hold(self):
        key, certificate = self.folder / "server.key", self.folder / "server.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out",
                        str(certificate), "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                        "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        service = self.stand_in(context=context)
        self.write_tracks("a", "b")
        self.crawled(service, status=1, says="look at --base-url, at this machine's clock and at its certificates")
        self.assertEqual((service.seen, self.rows("failed.tsv")), ([], []))

    def test_crawl_the_key_file(self):
        service = self.stand_in()
        self.write_tracks("a")
        key = self.folder / "key"
        cases = [  # mode, content, status, what is said
            (0o600, KEY + "\n", 0, "requests"),
            (0o400, KEY, 0, "requests"),
            (0o640, KEY, 2, f"is open to others (mode 640): run chmod 600 {key}"),
            (0o604, KEY, 2, f"run chmod 600 {key}"),
            (0o600, "", 1, "what is there is no API key"),
            (0o600, KEY + " " + KEY, 1, "what is there is no API key"),
            (0o600, "k" * 4096, 1, "what is there is no API key"),
        ]
        for mode, content, status, says in cases:
            with self.subTest(mode=oct(mode), content=content[:50]):
                key.write_text(content)
                key.chmod(mode)
                out = self.crawled(service, "--key-file", str(key), env={}, status=status, says=says)
                self.assert_hidden(out.encode())
                key.chmod(0o600)
        self.crawled(service, "--key-file", str(self.folder), env={}, status=2, says="is not a regular file")
        self.crawled(service, "--key-file", "/nonexistent", env={}, status=1, says="cannot open /nonexistent")
        self.crawled(service, env={}, status=2, says="no API key: set LASTFM_API_KEY")
        self.crawled(service, env={"LASTFM_API_KEY": "not/a key"}, status=1, says="LASTFM_API_KEY: what is there is no")
        self.crawled(service, "--api-key=" + KEY, status=2, says="unknown option --api-key;")
        for url in ("ftp://x/", "127.0.0.1", "http://x/?a=b", "https://user@x/"):
            self.crawled(service, "--base-url", url, status=2, says="--base-url: an address that begins with")


class Kills(Crawl):
    """A crawl that is killed again and again, anywhere, ends with the bytes of one that was left alone."""

    tracks_count = 120
    options = ("--tries", "2", "--parallel", "6")

    def service(self):
        answers = {}
        for i in range(self.tracks_count):
            name = f"track {i}"
            answers[name] = [
                lastfm.track(duration=str(1000 + i), toptags=lastfm.tags(f"tag {i}", "x" * (i % 50 + 1))),
                lastfm.track(duration=i, toptags=""), lastfm.error(6), lastfm.error(7), lastfm.body(b"no", 500),
                lastfm.track(), lastfm.body(b"{" * i)][i * 7 % 13 % 7]
        return self.stand_in(answers)

    def killed(self, service, out, draw):
        """Kills a crawl somewhere. True: it was not over by then."""
        left = self.tracks_count - len(self.done(out))
        moment = draw.choice(["answer", "answer", "later", "later", "start", "files"] if left else ["start", "files"])
        at, spin_s = draw.randint(1, max(1, left)), draw.random() ** 3 * .05

        def kill(number):
            if number == at:
                end = time.perf_counter() + (spin_s if moment == "later" else 0)
                while time.perf_counter() < end:
                    pass
                process.kill()
        service.before, service.after = kill if moment == "answer" else None, kill if moment == "later" else None
        process = self.start(service, *self.options, out=out)
        if moment == "start":
            end = time.perf_counter() + draw.random() * .1
            while time.perf_counter() < end:
                pass
            process.kill()
        elif moment == "files":  # as soon as the one drawn is there
            name = draw.choice([".durations.tsv.new", ".failed.tsv.new", "durations.tsv", "tags.tsv"])
            (self.folder / out / name).unlink(missing_ok=True)
            while process.poll() is None and not (self.folder / out / name).exists():
                pass
            process.kill()
        process.communicate(timeout=WAIT_S)
        service.before = service.after = None
        return process.returncode == -signal.SIGKILL

    def test_crawl_killed_ends_with_the_same_bytes(self):
        self.write_tracks(*(f"track {i}" for i in range(self.tracks_count)))
        self.crawled(self.service(), *self.options, out="undisturbed")
        draw, kills, crawls = random.Random(settings.seed), 0, 0
        while kills < settings.kills:
            out, service, wanted = f"out-{crawls}", self.service(), kills + draw.randint(1, 12)
            while kills < min(wanted, settings.kills):
                before = self.done(out)
                service.forget()
                kills += self.killed(service, out, draw)
                self.assertFalse(before & set(service.times_asked()), "asked although the answer was there")
            before = self.done(out)
            service.forget()
            self.crawled(service, *self.options, out=out, status={0, 1})  # all that was left may fail
            self.assertFalse(before & set(service.times_asked()), "asked although the answer was there")
            self.assertEqual(self.files(out), self.files("undisturbed"), f"seed {settings.seed}, crawl {crawls}")
            self.assertEqual({path.name for path in (self.folder / out).iterdir()}, {*FILES, "crawl.journal"})
            crawls += 1
        print(f"{kills} kills of {crawls} crawls, seed {settings.seed}", file=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    settings, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
