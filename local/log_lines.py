"""One line of any part's log: when it was written, how bad it is, and what it says on one line."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

LONGEST = 1_000

# Colours, and whatever else could steer a terminal.
_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

_POSTGRES = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) UTC (.*)")
_POSTGREST = re.compile(r"(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}): (.*)")
_MOTO = re.compile(r"\S+ - - \[(\d\d/\w{3}/\d{4} \d\d:\d\d:\d\d)\] (.*)")
_LEVEL = re.compile(r"\b(WARNING|ERROR|CRITICAL|FATAL|PANIC)\b:")
# serverless-offline's own: its table of routes, and calls that the function has a line of.
_NOISE = re.compile(r"[┌│└]|\(λ: \w+\) RequestId: |(GET|POST|PUT|PATCH|DELETE) \S+ \(λ: \w+\)$")

# Every line of a function has these. What they tell is in the line's own form, or of no use to a reader.
_UNSAID = {"level", "message", "timestamp", "service", "function", "lambda_request_id", "cold_start"}
_OF_REQUEST = {"method", "route", "status", "duration_ms", "request_id"}


@dataclass(frozen=True)
class Line:
    """A line, ready to be shown."""

    part: str
    time: datetime | None
    level: str
    text: str

    def __str__(self) -> str:
        """As it is printed: time in UTC, part, message."""
        shown = f"{self.time:%H:%M:%S}.{self.time.microsecond // 1000:03}" if self.time else "--:--:--.---"
        return f"{shown}  {self.part:<9}  {self.text}"


def read_line(part: str, text: str, otherwise: datetime | None) -> Line | None:
    """The line, with the time `otherwise` where it tells none. None for one that says nothing."""
    text = _CONTROL.sub("?", _ESCAPE.sub("", text.rstrip("\r\n")).replace("\t", "  "))
    if not text.strip() or _NOISE.match(text):
        return None
    said = _read_json(text)
    if said is not None:
        return Line(part, _read_time(said) or otherwise, str(said.get("level", "INFO")), _cut(_tell(said)))
    time, rest = _split(text)
    found = _LEVEL.search(rest)
    level = "INFO" if found is None else "ERROR" if found[1] in {"FATAL", "PANIC"} else found[1]
    return Line(part, time or otherwise, level, _cut(rest))


def _split(text: str) -> tuple[datetime | None, str]:
    """The time that a part has put before its line, and the rest."""
    if found := _POSTGRES.fullmatch(text):
        return datetime.strptime(found[1] + " +0000", "%Y-%m-%d %H:%M:%S.%f %z"), found[2]
    if found := _POSTGREST.fullmatch(text):
        return datetime.strptime(found[1], "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC), found[2]
    if found := _MOTO.fullmatch(text):
        # In the machine's own time zone, without saying so.
        return datetime.strptime(found[1], "%d/%b/%Y %H:%M:%S").astimezone(UTC), found[2]
    return None, text


def _read_json(text: str) -> dict[str, Any] | None:
    """A line of a function, if it is one."""
    if not text.startswith("{"):
        return None
    try:
        said = json.loads(text)
    except ValueError:
        return None
    return said if isinstance(said, dict) and "message" in said and "timestamp" in said else None


def _read_time(said: dict[str, Any]) -> datetime | None:
    try:
        time = datetime.fromisoformat(str(said["timestamp"]))
    except ValueError:
        return None
    return time.astimezone(UTC)


def _tell(said: dict[str, Any]) -> str:
    """`products: GET /api/products 200 in 12.1 ms user_id=…`, or an event's name with its fields."""
    about, unsaid = str(said["message"]), _UNSAID
    if about == "request":
        about = (
            f"{said.get('method')} {said.get('route')} {said.get('status')} in {said.get('duration_ms')} ms"
        )
        unsaid = _UNSAID | _OF_REQUEST
    fields = [f"{name}={_show(value)}" for name, value in said.items() if name not in unsaid]
    return " ".join([f"{said.get('function', said.get('service'))}: {about}", *fields])


def _show(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
