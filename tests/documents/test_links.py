"""Every link leads somewhere."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

from tests.documents.reading import DOCUMENTS, headings, without_blocks


def anchor(title: str) -> str:
    """What a heading is called in a link, as GitHub makes it: lower case, dashes for spaces, no punctuation."""
    kept = [letter for letter in title.lower() if letter in " -_" or unicodedata.category(letter)[0] in "LN"]
    return "".join(kept).replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.name))
def test_every_link_leads_to_a_file_and_a_heading_that_exist(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_blocks(document.read_text())):
        if target.startswith("https://"):
            continue
        name, _, heading = target.partition("#")
        path = document.parent / name if name else document
        assert path.exists(), target
        if heading:
            assert heading in {anchor(title) for _, title in headings(path.read_text())}, target
