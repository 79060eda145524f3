"""The worker's log: one line for each event, in UTC, as text or as JSON.

It has what this package says, where each event has a name, and what others (Twisted, Python) say at `warn` and above.
A line of text begins with what one searches for:

    2026-11-26T17:00:00.123Z warn  [token_refused] A client at 10.0.0.7 was refused: ...

The text of an exception that nobody foresaw is not shown, for it may hold keys and values: its type and its place are.
The calls that led there stand at the end of the same line. On lines of their own they would be mixed up with those of
other threads, and torn from what failed by whoever searches; and a line that was copied into a report is the whole.
"""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from string import Formatter
from threading import RLock
from typing import Any

from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent
from twisted.python.failure import Failure
from twisted.python.logfile import LogFile
from zope.interface import implementer

PACKAGE = "sessionworker"

OTHER = "other"
"""The name of each event that is not this package's."""

MOST_CALLS = 30
"""Calls that are shown of a failure, the innermost ones: an endless recursion has a thousand."""

_ANNOUNCEMENT = "Unhandled error in Deferred:"
"""What Twisted says in an event of its own, before the one with the failure."""

_FOLDER = f"{Path(__file__).parents[1]}/"
_folder_of_others = re.compile(r".*/(?:(?:site|dist)-packages|python3\.\d+)/")


def read_event(event: LogEvent) -> dict[str, Any] | None:
    """Return what the log says of an event, field by field, or None if that is nothing.

    Of this package's events all fields are kept but those that are None, and `text`, which is the whole message of an
    event that is logged as "{text}". Of other events no field is: nobody knows what they hold.
    """
    is_ours = "event" in event and str(event.get("log_namespace")).startswith(f"{PACKAGE}.")
    level = event.get("log_level") or LogLevel.info
    if not is_ours and (level < LogLevel.warn or event.get("log_format") == _ANNOUNCEMENT):
        return None
    failure = event.get("log_failure") or event.get("failure")  # the second one is twisted.python.log's
    of_failure = _read_failure(failure) if isinstance(failure, Failure) else {}
    message = _without_values(event) if of_failure and not is_ours else formatEvent(event)
    if of_failure:
        message += ": " + " at ".join(of_failure[name] for name in ("error", "place") if name in of_failure)
    if not message:
        return None
    time = datetime.fromtimestamp(event["log_time"], UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    entry = {"time": time, "level": level.name, "event": event["event"] if is_ours else OTHER, "message": message}
    if is_ours:
        unsaid = {name: value for name, value in event.items() if name not in entry and name != "text"}
        entry |= {name: value for name, value in unsaid.items() if value is not None and not name.startswith("log_")}
    return entry | of_failure


def _without_values(event: LogEvent) -> str:
    """Return the text of an event with an ellipsis for each of its values: one of them may be the exception."""
    if event.get("log_namespace") == "log_legacy":  # its text has the whole exception
        return str(event.get("why") or "Something failed")
    text = ""
    with suppress(ValueError):  # a text with a brace that is none of a field's
        for part, name, *_ in Formatter().parse(str(event.get("log_format") or "")):
            text += part if name is None else f"{part}…"
    return text or "Something failed"


def _read_failure(failure: Failure) -> dict[str, Any]:
    """Return an exception's type, its place in this package and the calls that led to it, innermost first."""
    kind = type(failure.value)
    error = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    code = errno.errorcode.get(failure.value.errno or 0) if isinstance(failure.value, OSError) else None
    found = {"error": f"{error} ({code})" if code else error}
    frames = [(_short(file), line, function) for function, file, line, *_ in reversed(failure.frames)]
    if not frames:
        return found
    file, line, _ = next((frame for frame in frames if frame[0].startswith(f"{PACKAGE}/")), frames[0])
    calls = [f"{file}:{line} {function}" for file, line, function in frames[:MOST_CALLS]]
    return {**found, "place": f"{file}:{line}", "calls": calls}


def _short(file: str) -> str:
    """Return the name of a source file without the folder that its package is in: that differs between machines."""
    return _folder_of_others.sub("", file.removeprefix(_FOLDER))


def as_text(entry: Mapping[str, Any]) -> str:
    """Return a line for people. What is not printable is escaped: nobody can begin a line that looks like another."""
    line = f"{entry['time']} {entry['level']:<5} [{entry['event']}] {entry['message']}"
    return _escape(f"{line} ({' < '.join(entry['calls'])})" if "calls" in entry else line)


def as_json(entry: Mapping[str, Any]) -> str:
    """Return a line for programs: one JSON object. Letters of all languages stand there as they are."""
    return _escape(json.dumps(entry, ensure_ascii=False, default=str))


def _escape(line: str) -> str:
    """Write what is not printable as JSON writes it in a string."""
    if line.isprintable():
        return line
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in line)


FORMATS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {"text": as_text, "json": as_json}


@implementer(ILogObserver)
class Lines:
    """Writes a line for each event that the log has something to say of. May be called in any thread."""

    def __init__(self, form: str, write: Callable[[bytes], object]) -> None:
        """Give each line, as `FORMATS[form]` makes it, to `write`."""
        self._line_of = FORMATS[form]
        self._write = write

    def __call__(self, event: LogEvent) -> None:
        """Take an event of Twisted's log."""
        entry = read_event(event)
        if entry is not None:
            self._write(f"{self._line_of(entry)}\n".encode())


class WholeLines:
    """Writes lines, each whole, where `write` takes as much of some bytes as it can. May be called in any thread.

    Whoever logs waits for a slow reader, as with twistd's own log. A reader who is gone, or a full disk, is no matter:
    the line is lost.
    """

    def __init__(self, write: Callable[[bytes], int]) -> None:
        """Have `write` return how many bytes it took, or raise OSError, or ValueError for a file that is closed."""
        self._write = write
        self._lock = RLock()  # the collector may log in the midst of anything: an exception that nobody looked at
        self._rest = b""

    def __call__(self, line: bytes) -> None:
        """Write a line that ends with its line end."""
        with self._lock:
            self._rest += line
            try:
                while self._rest:
                    self._rest = self._rest[self._write(self._rest) :]
            except (OSError, ValueError):
                if len(self._rest) >= len(line):  # else it was begun, and goes on before the next one
                    self._rest = self._rest.removesuffix(line)


class RotatedFile(LogFile):
    """twistd's kind of log file: it is rotated when it has grown to 1 MB, and on SIGUSR1.

    LogFile's own `write` does not tell how much it wrote: its private `_file` does. Any thread may call what is here.
    """

    _turn = RLock()

    def write_some(self, data: bytes) -> int:
        """Write as much of some bytes as the disk takes. Raises OSError, or ValueError if it could not be reopened."""
        with self._turn:
            if self.shouldRotate():
                self.rotate()
            written = int(self._file.write(data))
            self.size += written
            return written

    def rotate_if_possible(self) -> None:
        """Begin a new file; where that cannot be, the next line is written where it can."""
        with self._turn, suppress(OSError, ValueError):
            self.rotate()


def open_log(twistd: Mapping[str, Any] | None, form: str, reactor: Any) -> Lines | None:
    """Return what logs where twistd's options say, or None where twistd's own log is asked for. Raises OSError."""
    if twistd is None or twistd["logger"] or twistd["syslog"]:
        return None
    name = twistd["logfile"]
    if name == "-" and not twistd["nodaemon"]:
        return None  # twistd refuses that
    if name == "-" or (twistd["nodaemon"] and not name):
        # Without a standard output its number is another file's.
        return Lines(form, WholeLines(partial(os.write, sys.stdout.fileno())) if sys.stdout else lambda _: None)
    path = Path(name or "twistd.log")
    # It names groups, instances and addresses. One that is there already keeps its mode.
    file = RotatedFile.fromFullPath(str(path), defaultMode=None if path.exists() else 0o600)
    if signal.getsignal(signal.SIGUSR1) in {None, signal.SIG_DFL}:
        signal.signal(signal.SIGUSR1, lambda *_: reactor.callFromThread(file.rotate_if_possible))
    return Lines(form, WholeLines(file.write_some))
