#!/usr/bin/env python3
"""The work of `outro prepare` by DuckDB and Polars, as far as they are installed, side by side with ours in one run: a
log in the Last.fm-1K form to sessions, scrobbles with ids, tracks, artists and users as TSV. No test needs this.
usage: prepare.py LOG [--outro PROGRAM] [--rounds N] [--only NAME]

Every round runs each once, one behind the other, in a process of its own: wall time, CPU time of all its threads, peak
memory; the best round counts. The peers write the same tables with all cores and as much memory as they like; white
space is what they take for it, and there is no SHA-256 of LOG in their time. LOG is read once before, so that it lies in
the page cache."""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

GAP_S = 1800


def by_duckdb(log, out):
    import duckdb
    run = duckdb.connect().execute
    run(f"""CREATE TEMP TABLE plays AS
        SELECT user_id, epoch_ms(time) AS ms, artist_mbid, lower(trim(artist)) AS artist, lower(trim(track)) AS track,
               row_number() OVER () AS n
        FROM read_csv('{log}', delim='\t', header=false, quote='', escape='', columns={{'user_id': 'VARCHAR', 'time': 'TIMESTAMP',
             'artist_mbid': 'VARCHAR', 'artist': 'VARCHAR', 'track_mbid': 'VARCHAR', 'track': 'VARCHAR'}})""")
    run("""CREATE TEMP TABLE tracks AS
        SELECT row_number() OVER (ORDER BY plays DESC, first) AS track_id, artist, track, plays, artist_mbid
        FROM (SELECT artist, track, count(*) AS plays, min(n) AS first,
                     arg_min(artist_mbid, n) FILTER (artist_mbid <> '') AS artist_mbid
              FROM plays GROUP BY artist, track)""")
    run("""CREATE TEMP TABLE artists AS
        SELECT row_number() OVER (ORDER BY plays DESC) AS artist_id, artist, tracks, plays
        FROM (SELECT artist, count(*) AS tracks, sum(plays) AS plays FROM tracks GROUP BY artist)""")
    run(f"""CREATE TEMP TABLE numbered AS
        SELECT user_id, ms, n, track_id, artist_id, sum(opens) OVER (PARTITION BY user_id ORDER BY ms, n) AS session
        FROM (SELECT *, CASE WHEN ms - lag(ms) OVER (PARTITION BY user_id ORDER BY ms, n) <= {GAP_S * 1000}
                        THEN 0 ELSE 1 END AS opens
              FROM (SELECT user_id, ms, track_id, any_value(artist_id) AS artist_id, min(n) AS n
                    FROM plays JOIN tracks USING (artist, track) JOIN artists USING (artist) GROUP BY user_id, ms, track_id))""")
    run("""CREATE TEMP TABLE sessions AS
        SELECT user_id, session, min(ms) AS start_ms, max(ms) AS end_ms, (max(ms) - min(ms)) / 1000 AS length_s, count(*) AS scrobbles
        FROM numbered GROUP BY user_id, session""")
    form = "(HEADER, DELIMITER '\t')"
    run(f"""COPY (SELECT *, lag(length_s) OVER w AS previous_session_length_s,
                  avg(length_s) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS average_session_length_s
             FROM sessions WINDOW w AS (PARTITION BY user_id ORDER BY session) ORDER BY user_id, session)
             TO '{out}/sessions.tsv' {form}""")
    run(f"""COPY (SELECT user_id, session, row_number() OVER (PARTITION BY user_id, session ORDER BY ms, n) AS scrobble, ms,
             track_id, artist_id FROM numbered ORDER BY user_id, ms, n) TO '{out}/scrobbles.tsv' {form}""")
    run(f"""COPY (SELECT * FROM (SELECT user_id, count(*) AS scrobbles, min(ms) AS first_ms, max(ms) AS last_ms,
             mode(artist_id) AS top_artist_id, mode(track_id) AS top_track_id FROM numbered GROUP BY user_id)
             JOIN (SELECT user_id, count(*) AS sessions, avg(length_s) AS mean_length_s, median(length_s) AS median_length_s,
             max(length_s) AS max_length_s FROM sessions GROUP BY user_id) USING (user_id) ORDER BY user_id)
             TO '{out}/users.tsv' {form}""")
    run(f"COPY (SELECT * FROM tracks ORDER BY track_id) TO '{out}/tracks.tsv' {form}")
    run(f"COPY (SELECT * FROM artists ORDER BY artist_id) TO '{out}/artists.tsv' {form}")


def by_polars(log, out):
    import polars as pl
    columns = ["user_id", "time", "artist_mbid", "artist", "track_mbid", "track"]
    clean = [pl.col(name).str.strip_chars().str.to_lowercase() for name in ("artist", "track")]
    plays = pl.scan_csv(log, separator="\t", has_header=False, quote_char=None, new_columns=columns,
                        schema_overrides=[pl.String] * 6).select(
        "user_id", pl.col("time").str.to_datetime("%Y-%m-%dT%H:%M:%SZ").dt.epoch("ms").alias("ms"), "artist_mbid", *clean).collect()
    tracks = (plays.lazy().group_by("artist", "track", maintain_order=True).agg(pl.len().alias("plays"), pl.col("artist_mbid").filter(pl.col("artist_mbid") != "").first())
              .sort("plays", descending=True, maintain_order=True).with_row_index("track_id", 1).collect())
    artists = (tracks.lazy().group_by("artist").agg(pl.len().alias("tracks"), pl.col("plays").sum())
               .sort("plays", descending=True).with_row_index("artist_id", 1).collect())
    ids = tracks.lazy().join(artists.lazy().select("artist", "artist_id"), on="artist").select("artist", "track", "track_id", "artist_id")
    gap = pl.col("ms") - pl.col("ms").shift().over("user_id")
    scrobbles = (plays.lazy().drop("artist_mbid").join(ids, on=["artist", "track"], maintain_order="left").drop("artist", "track")
                 .sort("user_id", "ms", maintain_order=True).unique(["user_id", "ms", "track_id"], keep="first", maintain_order=True)
                 .with_columns((gap.is_null() | (gap > GAP_S * 1000)).cum_sum().over("user_id").alias("session"))
                 .with_columns(pl.int_range(1, pl.len() + 1).over("user_id", "session").alias("scrobble")).collect())
    del plays
    sessions = (scrobbles.lazy().group_by("user_id", "session", maintain_order=True)
                .agg(pl.col("ms").min().alias("start_ms"), pl.col("ms").max().alias("end_ms"), pl.len().alias("scrobbles"))
                .with_columns(((pl.col("end_ms") - pl.col("start_ms")) / 1000).alias("length_s"))
                .with_columns(pl.col("length_s").shift().over("user_id").alias("previous_session_length_s"),
                              (pl.col("length_s").cum_sum().shift() / pl.col("length_s").cum_count().shift()).over("user_id")
                              .alias("average_session_length_s")).collect())
    length = pl.col("length_s")
    users = (scrobbles.lazy().group_by("user_id", maintain_order=True)
             .agg(pl.len().alias("scrobbles"), pl.col("ms").min().alias("first_ms"), pl.col("ms").max().alias("last_ms"),
                  pl.col("artist_id").mode().first().alias("top_artist_id"), pl.col("track_id").mode().first().alias("top_track_id"))
             .join(sessions.lazy().group_by("user_id").agg(
                 pl.len().alias("sessions"), length.mean().alias("mean_length_s"), length.median().alias("median_length_s"),
                 length.max().alias("max_length_s")), on="user_id").collect())
    for name, table in (("scrobbles", scrobbles), ("sessions", sessions), ("tracks", tracks), ("artists", artists), ("users", users)):
        table.write_csv(f"{out}/{name}.tsv", separator="\t")


PEERS = {"duckdb": by_duckdb, "polars": by_polars}


def measure(command):
    """(wall s, CPU s, peak MB) of a process; None where it fails."""
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        return None
    return time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def installed(name):
    try:
        __import__(name)
        return True
    except ImportError:
        return False


def rows_of(out):
    with open(f"{out}/sessions.tsv", "rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")) - 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("log")
    parser.add_argument("--outro", default="build/release/model/cli/outro")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", action="append")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer:
        PEERS[args.peer](args.log, args.out)
        return
    wanted = [name for name in ("outro", *PEERS) if not args.only or name in args.only]
    wanted = [name for name in wanted if name == "outro" or installed(name)]
    with open(args.log, "rb") as file:
        while file.read(1 << 24):
            pass
    best = {}
    for _ in range(args.rounds):
        for name in wanted:
            out = tempfile.mkdtemp(prefix="outro-peers-", dir=os.environ.get("TMPDIR"))
            command = ([args.outro, "prepare", args.log, "--quiet", "--out", out] if name == "outro" else
                       [sys.executable, os.path.abspath(__file__), args.log, "--peer", name, "--out", out])
            got = measure(command)
            print(f"{name:8}", f"{got[0]:8.1f} s wall {got[1]:8.1f} s CPU {got[2]:8.0f} MB   {rows_of(out)} sessions" if got else "failed", flush=True)
            shutil.rmtree(out)
            if got:
                best[name] = [min(pair) for pair in zip(got, best.get(name, got))]
    ours = best.get("outro")
    for name in wanted:
        if ours and name in best and name != "outro":
            print(f"{name:8}" + "".join(f"{theirs / mine:9.1f} x {what}" for what, theirs, mine in
                                        zip(("wall", "CPU", "memory"), best[name], ours)))


if __name__ == "__main__":
    main()
