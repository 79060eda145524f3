"""Every link leads somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documents.reading import DOCUMENTS, anchor, anchors, file_of, links


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.name))
def test_every_link_leads_to_a_file_and_to_one_heading_that_exist(document: Path) -> None:
    for target in links(document.read_text()):
        if target.startswith("https://"):
            continue
        path, (_, _, heading) = file_of(str(document), target), target.partition("#")
        assert path.exists(), target
        if heading:
            assert anchors(path.read_text()).count(heading) == 1, target


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        (
            "Os `creds` estão corrompidos, e não resta nenhuma versão",
            "os-creds-estão-corrompidos-e-não-resta-nenhuma-versão",
        ),
        ("À É Î Ü Ą å ï ú", "à-é-î-ü-ą-å-ï-ú"),
        ("a\u0300 n\u0303", "a\u0300-n\u0303"),
        ("Профили пользователей", "профили-пользователей"),
        ("I ♥ unicode", "i--unicode"),
        ("heading with an _ underscore", "heading-with-an-_-underscore"),
        ("«a» (b): c", "a-b-c"),
        ("4 MiB²", "4-mib"),
    ],
)
def test_a_heading_is_called_in_links_as_github_calls_it(title: str, expected: str) -> None:
    assert anchor(title) == expected
