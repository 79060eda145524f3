"""What is the matter with an instance is told in the language of whoever looks, with what to do about just that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

import sessionworker.stores.files
from sessionworker.errors import NoSpace, StoreUnavailable
from sessionworker.page.looking import MANY
from sessionworker.page.problems import PROBLEMS, SYSTEM, UNREADABLE, Remedy, explain
from sessionworker.stores.changes import CreateGroup
from sessionworker.wire import InstanceSummary, Problem
from tests.migration.examples import paired_creds
from tests.page.served import minutes_ago
from tests.page.test_pages import text_of_page
from tests.page.whole import Whole, operator, whole_page

CREDS_PATH = "sessionworker import archive BACKUP"

KNOWN = {**PROBLEMS, **{UNREADABLE.format(reason=reason): remedy for reason, remedy in SYSTEM.items()}}

WHAT_TO_DO = {
    Remedy.CREDS: (CREDS_PATH, "Se você tem um backup"),
    Remedy.FOLDER: ("Put the folder back where it was", "Devolva a pasta ao lugar dela"),
    Remedy.TWO_FOLDERS: ("move the one elsewhere that is not to be used", "mova para outro lugar a que não deve"),
    Remedy.RESTART: ("Start the worker again.", "Reinicie o worker."),
    Remedy.ROOM: ("Make room on the disk", "Libere espaço no disco"),
    Remedy.LOG: ("The worker's log says more.", "O log do worker diz mais."),
}


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Whole]:
    with whole_page(tmp_path / "store") as whole:
        yield whole


@pytest.mark.parametrize("problem", [*KNOWN, "its disk is on fire"])
def test_each_problem_has_its_own_remedy_in_both_languages(
    page: Whole, monkeypatch: pytest.MonkeyPatch, problem: str
) -> None:
    page.make("codechat", "sales")
    summary = InstanceSummary("sales", None, None, None, {}, problem)
    monkeypatch.setattr(page.store, "describe", lambda _: [summary])
    remedy = KNOWN.get(problem, Remedy.LOG)
    for place, language in enumerate(("en", "pt-BR")):
        body = operator(page, language).visit("/ui/instances/codechat/sales").body
        why, _, what = body.partition('id="what"')[2].partition("</section>")[0].partition("</strong>")
        assert ('lang="en"' in why) == (problem not in KNOWN)
        assert [one for one in WHAT_TO_DO if WHAT_TO_DO[one][place] in what.replace("&#39;", "'")] == [remedy]
        assert ("on purpose" in what or "de propósito" in what) == (remedy is not Remedy.ROOM)


@pytest.mark.parametrize(
    ("language", "why", "what"),
    [
        ("en", "codechat its folder cannot be read: Permission denied. If it is a group,", "move it elsewhere"),
        ("pt-BR", "codechat não foi possível ler a pasta: Permissão negada. Se for um grupo,", "mova a pasta"),
    ],
)
def test_a_group_that_cannot_be_read_says_why_and_what_to_do(
    page: Whole, monkeypatch: pytest.MonkeyPatch, language: str, why: str, what: str
) -> None:
    page.do(CreateGroup("codechat"))
    problem = Problem("codechat", "", UNREADABLE.format(reason="Permission denied"))
    seen = replace(page.store.overview(), attention=[problem])
    monkeypatch.setattr(page.store, "overview", lambda: seen)
    said = text_of_page(operator(page, language).visit("/ui/").body)
    assert why in said
    assert what in said


@pytest.mark.parametrize(("language", "told"), [("en", "5 identities changed"), ("pt-BR", "5 identidades mudaram")])
def test_many_identities_that_change_at_once_have_one_cause(page: Whole, language: str, told: str) -> None:
    browser = operator(page, language)
    for number in range(MANY):
        name = f"n{number}"
        page.make("codechat", name)
        with minutes_ago(60 if number == 0 else 0):
            page.write("codechat", name, creds=paired_creds(f"another {name}"))
    assert told[2:] not in text_of_page(browser.visit("/ui/").body)
    page.make("codechat", "sales")
    page.write("codechat", "sales", creds=paired_creds("another"))
    assert f"{told} " in text_of_page(browser.visit("/ui/").body)


def test_the_systems_own_words_are_kept_where_there_are_no_others() -> None:
    told = explain(UNREADABLE.format(reason="Structure needs cleaning"))
    assert (told.text, told.reason, told.remedy) == (UNREADABLE, "Structure needs cleaning", Remedy.FOLDER)


def test_a_folder_that_was_replaced_asks_for_the_folder_and_not_for_creds(page: Whole) -> None:
    page.make("codechat", "sales")
    page.do(CreateGroup("other"))
    page.replace_folder("codechat", "sales")
    browser = operator(page)
    first = text_of_page(browser.visit("/ui/").body)
    assert "Needs attention (1) ✖ needs a person sales codechat its folder cannot be read: Not a directory" in first
    said = text_of_page(browser.visit("/ui/instances/codechat/sales").body)
    assert WHAT_TO_DO[Remedy.FOLDER][0] in said
    assert CREDS_PATH not in said
    assert "They cannot be read now." in said


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "Reads that the disk refused. read_errors 1"), ("pt-BR", "Leituras que o disco recusou. read_errors 1")],
)
def test_what_was_odd_is_told_in_sentences(page: Whole, tmp_path: Path, language: str, said: str) -> None:
    page.make("codechat", "sales")
    page.store.checkpoint()
    (tmp_path / "store" / "codechat" / "sales").rename(tmp_path / "elsewhere")
    with pytest.raises(StoreUnavailable):
        page.store.names("codechat", "sales", beginning="", after="", most=10)
    page.clock.advance(60)
    assert said in text_of_page(operator(page, language).visit("/ui/health").body)


def test_what_is_refused_is_told_in_ones_own_language(page: Whole) -> None:
    page.make("codechat", "sales")
    browser = operator(page, "pt-BR")
    path = "/ui/instances/codechat/sales"
    answer = browser.hand_in(f"{path}/label", csrf=browser.visit(path).hidden("csrf"), label="x" * 101)
    assert answer.status == 400
    assert "Um rótulo é uma linha de no máximo 100 caracteres" in text_of_page(answer.body)
    assert 'lang="en"' not in answer.body.partition("<main")[2]


def test_all_that_the_files_say_of_an_instance_is_known_here() -> None:
    """What copying alone says is shown by no page, nor what a name is refused for."""
    said = {NoSpace.message}
    for module in Path(sessionworker.stores.files.__path__[0]).glob("*.py"):
        source = module.read_text()
        said |= set(re.findall(r'\.problem = "([^"]+)"', source))
        if module.name != "source.py":
            said |= set(re.findall(r'NotItsFolder\("([^"]+)"\)', source))
    said -= {"the background's work has ended"}  # of the worker itself
    assert len(said) >= 8
    assert sorted(said - PROBLEMS.keys()) == []
