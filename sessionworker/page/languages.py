"""What the page says, in the language of whoever looks: English is the text itself, others are files of `messages`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files

from markupsafe import Markup, escape

LANGUAGES: Mapping[str, str] = {"en": "English", "pt-BR": "Português"}
"""By their tags (RFC 5646), each in its own words."""

DEFAULT = "en"

_POINTS = {"en": (",", "."), "pt-BR": (".", ",")}
"""What stands between thousands, and before a fraction."""

UNKNOWN = "\u2013"
"""What stands for a number that is not known."""

SHORT = 100
"""A number below has a digit behind the point, if it may have one."""

_STEP = 1024
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def choose(cookie: str, accepted: str) -> str:
    """Return the language that was chosen once, or the first known one of a header Accept-Language, or English."""
    if cookie in LANGUAGES:
        return cookie
    for part in accepted.split(","):
        tag = part.partition(";")[0].strip().casefold()
        for language in LANGUAGES:
            if tag and tag.split("-")[0] == language.casefold().split("-")[0]:
                return language
    return DEFAULT


@cache
def messages(language: str) -> Mapping[str, str]:
    """Return the texts of a language by the English ones."""
    if language == DEFAULT:
        return {}
    found: dict[str, str] = json.loads(files(__package__).joinpath(f"messages/{language}.json").read_text("utf-8"))
    return found


@lru_cache(maxsize=1000)  # a list says the same few words for each of its rows
def _text(language: str, english: str) -> Markup:
    return Markup(messages(language).get(english, english))  # noqa: S704 - it stands in our files


class Speaking:
    """Says things in one language."""

    def __init__(self, language: str) -> None:
        """Speak one of LANGUAGES."""
        self.language = language

    def say(self, english: str, **details: object) -> Markup:
        """Return a text of the page, with its details in place, which are escaped; the text itself may hold tags."""
        text = _text(self.language, english)
        return text.format(**details) if details else text

    def number(self, number: float, digits: int = 0) -> str:
        """Return a number as people write it."""
        thousands, point = _POINTS[self.language]
        written = f"{number:,.{digits}f}"
        return written.translate({ord(","): thousands, ord("."): point})

    def size(self, size: float | None) -> str:
        """Return bytes as people write them; a dash where they are not known."""
        if size is None:
            return UNKNOWN
        unit = 0
        while size >= _STEP and unit < len(_UNITS) - 1:
            size, unit = size / _STEP, unit + 1
        return f"{self.number(size, 1 if unit and size < SHORT else 0)} {_UNITS[unit]}"

    def age(self, milliseconds: float) -> Markup:
        """Return how long ago something was, or how long it lasts, in its largest unit."""
        seconds = max(0, int(milliseconds / 1000))
        for span, one, many in _SPANS:
            if seconds >= span:
                count = seconds // span
                return self.say(one if count == 1 else many, count=escape(self.number(count)))
        return self.say("less than a second")


_SPANS = (
    (86_400, "{count} day", "{count} days"),
    (3_600, "{count} hour", "{count} hours"),
    (60, "{count} minute", "{count} minutes"),
    (1, "{count} second", "{count} seconds"),
)
"""Units of time, in seconds."""
