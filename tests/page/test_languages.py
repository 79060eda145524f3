"""Each text of the page is there in each language, with the same details in it, and none is left over."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import nodes
from markupsafe import Markup

from sessionworker.page import actions, facts, kinds, languages, reported, reporting, sampling, signing_in, troubles
from sessionworker.page.kinds import KINDS
from sessionworker.page.languages import LANGUAGES, Speaking, choose, messages
from sessionworker.page.problems import TRANSLATED, UNREADABLE
from sessionworker.page.rendering import _environment
from sessionworker.page.sampling import FIGURES
from sessionworker.web.metrics import COUNTS

OTHERS = [language for language in LANGUAGES if language != "en"]

MODULES = (actions, facts, kinds, languages, reported, reporting, sampling, signing_in, troubles)


def said_in_templates() -> set[str]:
    """What templates say: the texts that stand in a call of `_`, and those of lists and tables that are given to it."""
    found: set[str] = set()
    for name in _environment().list_templates():
        source = (Path(languages.__file__).parent / "templates" / name).read_text()
        tree = _environment().parse(source)
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "_" and call.args:
                found |= {one.value for one in call.args[0].find_all(nodes.Const) if isinstance(one.value, str)}
                if isinstance(call.args[0], nodes.Const):
                    found.add(call.args[0].value)
        for loop in tree.find_all(nodes.For):
            if isinstance(loop.iter, nodes.List):
                found |= {pair.items[-1].value for pair in loop.iter.items}  # type: ignore[attr-defined]
        for assigned in tree.find_all(nodes.Assign):
            if isinstance(assigned.node, nodes.Dict) and assigned.target.name == "words":  # type: ignore[attr-defined]
                found |= {pair.value.value for pair in assigned.node.items}  # type: ignore[attr-defined]
    return found - {"paired", "begun", "unpaired", "identity"}


def said_in_modules() -> set[str]:
    """What the modules give to templates."""
    found = {*KINDS.values(), *COUNTS.values(), *TRANSLATED, UNREADABLE} | {figure.title for figure in FIGURES}
    for module in MODULES:
        source = Path(str(module.__file__)).read_text()
        found |= {one for one in messages(OTHERS[0]) if re.sub(r"\s+", " ", one) in _joined(source)}
    return found


def _joined(source: str) -> str:
    """A source in which a text that stands on several lines stands on one."""
    return re.sub(r'"\s*\n\s*"', "", source)


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_there_in_every_language_and_none_is_left_over(language: str) -> None:
    said = said_in_templates() | said_in_modules()
    assert len(said) > 200
    assert sorted(said - messages(language).keys()) == []
    assert sorted(messages(language).keys() - said) == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_text_has_the_same_details_and_tags_in_every_language(language: str) -> None:
    for english, other in messages(language).items():
        for pattern in (r"\{\w+\}", r"</?\w+>"):
            assert sorted(re.findall(pattern, english)) == sorted(re.findall(pattern, other)), english


@pytest.mark.parametrize("event", KINDS)
def test_every_kind_of_event_that_is_shown_is_one(event: str) -> None:
    documented = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    assert f"`{event}`" in documented


@pytest.mark.parametrize(
    ("cookie", "accepted", "chosen"),
    [
        ("", "", "en"),
        ("pt-BR", "en", "pt-BR"),
        ("nonsense", "pt", "pt-BR"),
        ("", "pt-PT,pt;q=0.9,en;q=0.8", "pt-BR"),
        ("", "fr, PT-br;q=0.5", "pt-BR"),
        ("", "en-GB,pt;q=0.5", "en"),
        ("", "de,*;q=0.5", "en"),
    ],
)
def test_the_language_is_what_was_chosen_or_what_the_browser_asks_for(cookie: str, accepted: str, chosen: str) -> None:
    assert choose(cookie, accepted) == chosen


def test_details_are_escaped_and_numbers_are_written_as_people_do() -> None:
    english, portuguese = Speaking("en"), Speaking("pt-BR")
    assert english.say("Nothing matches <em>{text}</em>.", text="<b>") == Markup("Nothing matches <em>&lt;b&gt;</em>.")
    assert (english.number(1234567.8, 1), portuguese.number(1234567.8, 1)) == ("1,234,567.8", "1.234.567,8")
    assert [english.size(size) for size in (None, 0, 1023, 1024, 150 * 2**20, 2**50)] == [
        "\u2013",
        "0 B",
        "1,023 B",
        "1.0 KiB",
        "150 MiB",
        "1,024 TiB",
    ]
    assert [str(portuguese.age(ms)) for ms in (-5, 999, 1000, 61_000, 2 * 3_600_000, 86_400_000)] == [
        "menos de um segundo",
        "menos de um segundo",
        "1 segundo",
        "1 minuto",
        "2 horas",
        "1 dia",
    ]
