"""A document as a program reads it: code blocks, headings and tables."""

from __future__ import annotations

import re

from tests.process import REPOSITORY

READMES = ("README.md", "README.pt-BR.md")

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
