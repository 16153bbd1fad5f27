"""The table tests/fixtures/event-time/cases.txt: its cases, and the records they are made of."""
from dataclasses import dataclass, field
from pathlib import Path

TABLE = Path(__file__).resolve().parents[1] / "fixtures" / "event-time" / "cases.txt"
FIRST_MS = 1241478000000


@dataclass
class Play:
    user: str
    time: str
    track: str
    duration_s: int
    outcome: str


@dataclass
class Session:
    user: str
    number: str  # NUMBER.REVISION
    start: str
    end: str
    scrobbles: int
    open: bool


@dataclass
class Case:
    name: str
    gap_s: int
    absent: dict  # {who cannot show it: why}
    steps: list = field(default_factory=list)  # Play, Session or milliseconds of silence

    def plays(self):
        return [step for step in self.steps if isinstance(step, Play)]

    def sessions(self, to_the_end):
        """What is published in all, in order; to_the_end: open ones too, as a replay does."""
        return [step for step in self.steps if isinstance(step, Session) and (to_the_end or not step.open)]


def milliseconds(text, now_ms):
    """A TIME of the table as UTC epoch milliseconds."""
    if text.startswith("@"):
        return int(text[1:])
    if text.startswith("now"):
        return now_ms + int(text[3:])
    hours, minutes, seconds = text.split(":")
    return FIRST_MS + (int(hours) * 60 + int(minutes)) * 60000 + round(float(seconds) * 1000)


def read_cases():
    cases = []
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        word, *rest = line.split() or [""]
        if word == "case":
            settings = dict(setting.split("=", 1) for setting in rest[1:])
            absent = [settings["absent"].split(":", 1)] if "absent" in settings else []
            cases.append(Case(rest[0], int(settings.get("gap", 1800)), dict(absent)))
        elif word == "play":
            cases[-1].steps.append(Play(*rest[:3], int(rest[3]), rest[4]))
        elif word == "idle":
            cases[-1].steps.append(int(rest[0]))
        elif word == "session":
            cases[-1].steps.append(Session(*rest[:4], int(rest[4]), rest[5:] == ["open"]))
        elif word and not word.startswith("#"):
            raise ValueError(f"{TABLE.name}: {line!r}")
    return cases


def scrobble(play, now_ms):
    record = {"user_id": play.user, "timestamp": milliseconds(play.time, now_ms), "artist": "a", "track": play.track}
    return {**record, "duration_ms": play.duration_s * 1000} if play.duration_s else record


def expected_predictions(case, now_ms):
    """[(user, time), ...] in the order in which the plays arrive."""
    return [(play.user, milliseconds(play.time, now_ms)) for play in case.plays() if play.outcome == "session"]


def expected_sessions(case, now_ms, to_the_end):
    """[(user, number.revision, start, end, scrobbles), ...] in the order of publication."""
    return [(s.user, s.number, milliseconds(s.start, now_ms), milliseconds(s.end, now_ms), s.scrobbles)
            for s in case.sessions(to_the_end)]


def session_of(record):
    return (record["user_id"], f"{record['session']}.{record['revision']}", record["start"], record["end"], record["scrobbles"])
