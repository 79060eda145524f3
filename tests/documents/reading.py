"""A document as a program reads it: code blocks, headings and tables."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from tests.process import REPOSITORY

READMES = ("README.md", "README.pt-BR.md")

OPERATIONS = ("docs/operations.md", "docs/operations.pt-BR.md")

SECURITY = ("docs/security.md", "docs/security.pt-BR.md")

PATCHES = ("docs/patches.md", "docs/patches.pt-BR.md")

SCALING = ("docs/scaling.md", "docs/scaling.pt-BR.md")

MOVING = ("docs/moving.md", "docs/moving.pt-BR.md")

PAGE = ("docs/page.md", "docs/page.pt-BR.md")

PAIRS = (READMES, OPERATIONS, SECURITY, PATCHES, SCALING, MOVING, PAGE)
"""The documents that are there in English and in Portuguese."""

DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")])


def read(name: str) -> str:
    return (REPOSITORY / name).read_text()


def blocks(text: str, *languages: str) -> list[str]:
    """The code blocks of a document that are of one of the languages, or all of them."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [body for language, body in found if not languages or language in languages]


def without_blocks(text: str) -> str:
    return re.sub(r"^```\w+\n.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def headings(text: str) -> list[tuple[int, str]]:
    """The headings of a document, each with its level."""
    return [(len(marks), title) for marks, title in re.findall(r"^(#+) (.*)$", without_blocks(text), re.MULTILINE)]


def rows(text: str) -> list[list[str]]:
    """The rows of a document's tables, cell by cell, without the marks of code."""
    lines = re.findall(r"^\| (.*) \|$", text, re.MULTILINE)
    return [[cell.strip().replace("`", "") for cell in re.split(r"(?<!\\)\|", line)] for line in lines]


def links(text: str) -> list[str]:
    """Where the links of a document lead, as they stand there."""
    return re.findall(r"\]\(([^)\s]+)\)", without_blocks(text))


def file_of(name: str, target: str) -> Path:
    """The file to which a link of a document leads."""
    path = REPOSITORY / name
    return (path.parent / target.partition("#")[0]).resolve() if not target.startswith("#") else path


def anchors(text: str) -> list[str]:
    """What the headings of a document are called in links."""
    return [anchor(title) for _, title in headings(text)]


def anchor(title: str) -> str:
    """What a heading is called in a link, as GitHub makes it: lower case, dashes for spaces, no punctuation."""
    kept = [letter for letter in title.lower() if letter in " -" or category_of(letter) in KEPT_IN_ANCHORS]
    return "".join(kept).replace(" ", "-")


KEPT_IN_ANCHORS = {"L", "M", "Nd", "Nl", "Pc"}
"""Letters and their accents, digits, underscores. Numbers of other kinds (`²`) are dropped."""


def category_of(letter: str) -> str:
    category = unicodedata.category(letter)
    return category[0] if category[0] in KEPT_IN_ANCHORS else category
