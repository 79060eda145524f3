"""The report as a page: all that is in it is said, in both languages, and nothing in it is taken for the page's own."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from sessionworker.commands.importing import spoken
from sessionworker.migration.notes import Language, Note
from sessionworker.migration.pages import page_of
from sessionworker.migration.reports import Report, State, Told

HOSTILE = "<script>alert(1)</script>&amp;"


class Reader(HTMLParser):
    """What a page shows, and its tags."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.language = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "html":
            self.language = dict(attributes)["lang"] or ""

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


def report() -> Report:
    notes = [Note("another_identity_here"), Note("refused_by_worker", {"reason": HOSTILE})]
    accounts = [
        Told("codechat", HOSTILE, f"folder/{HOSTILE}", "Loja São", State.IMPORTED, 1234, 56789),
        Told("codechat", "last", "folder/last", "", State.LEFT_OUT, 3, 4, "", notes),
    ]
    return Report(f"a place {HOSTILE}", is_dry=False, accounts=accounts, notes=[Note("not_written", {"reason": "x"})])


@pytest.mark.parametrize("language", ["en", "pt-BR"])
def test_all_of_a_report_is_on_its_page(language: Language) -> None:
    found = Reader(page_of(report(), language))
    assert found.language == language
    for one in report().accounts:
        for said in (f"{one.group}/{one.instance}", one.origin, one.label, f"{one.keys:,}", f"{one.bytes:,}"):
            assert said in found.text
        assert all(note.text(language) in found.text for note in one.notes)
    assert report().notes[0].text(language) in found.text
    assert "--accept another-identity-here" in found.text
    assert "script" not in found.tags


def test_what_a_person_has_to_see_to_comes_first() -> None:
    text = Reader(page_of(report(), "en")).text
    assert text.index("codechat/last") < text.index(f"codechat/{HOSTILE}")


def test_every_state_and_level_has_a_word_in_each_language() -> None:
    for state in State:
        one = Report("", is_dry=True, accounts=[Told("g", "i", "", "", state)])
        texts = [Reader(page_of(one, "en")).text, Reader(page_of(one, "pt-BR")).text]
        assert "What would be imported" in texts[0]
        assert "O que seria importado" in texts[1]


def test_the_page_asks_for_nothing_else() -> None:
    page = page_of(report(), "en")
    assert b"src=" not in page
    assert b"href=" not in page
    assert b"http" not in page


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "en"),
        ({"LANG": "pt_BR.UTF-8"}, "pt-BR"),
        ({"LANG": "pt_BR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US", "LC_MESSAGES": "pt_PT"}, "pt-BR"),
        ({"LANG": "pt_BR", "LC_ALL": ""}, "pt-BR"),
    ],
)
def test_the_language_is_the_one_that_the_environment_asks_for(variables: dict[str, str], expected: str) -> None:
    assert spoken(variables) == expected
