"""What is there in two languages says the same in both: structure, code, names, numbers, and where its links lead."""

from __future__ import annotations

import re

import pytest

from tests.documents.reading import (
    OPERATIONS,
    PAIRS,
    READMES,
    anchors,
    blocks,
    file_of,
    headings,
    links,
    read,
    rows,
    without_blocks,
)
from tests.process import REPOSITORY

VERSIONS = {
    "0.1.0",
    "1.2",
    "1.3",
    "1.8",
    "1.3.1",
    "1.7.3",
    "1.18",
    "1.22",
    "2.3.7",
    "2.6",
    "2.11",
    "3.7",
    "3.11",
    "5.8",
    "6.7",
    "6.17",
    "22.04",
    "24.04",
}
"""Numbers with a dot that are versions of programs: they are written alike in both languages."""

both_languages = pytest.mark.parametrize(("english", "portuguese"), PAIRS)


@both_languages
def test_each_document_names_the_other_one_below_its_title_and_no_other_link_leaves_its_language(
    english: str, portuguese: str
) -> None:
    for name, other, language, others in (
        (english, portuguese, "Português do Brasil", [portuguese for _, portuguese in PAIRS]),
        (portuguese, english, "English", [english for english, _ in PAIRS]),
    ):
        assert read(name).splitlines()[1:4] == ["", f"[{language}]({(REPOSITORY / other).name})", ""]
        found = [
            str(file_of(name, target).relative_to(REPOSITORY)) for target in links(read(name)) if ":" not in target
        ]
        assert [path for path in found if path in others] == [other]


@both_languages
def test_both_have_the_same_headings_one_below_the_other(english: str, portuguese: str) -> None:
    levels = [[level for level, _ in headings(read(name))] for name in (english, portuguese)]
    assert levels[0] == levels[1]


@both_languages
def test_both_have_the_same_code_but_for_what_is_said_beside_the_names_in_the_folder(
    english: str, portuguese: str
) -> None:
    code = [[names_of_the_folder(block) for block in blocks(read(name))] for name in (english, portuguese)]
    assert code[0] == code[1]


def names_of_the_folder(block: str) -> str:
    """The picture of the store's folder without what is said of each name; any other block as it is."""
    return re.sub(r"(?<=\S) {2,}.*", "", block) if block.startswith("instances/ ") else block


@both_languages
def test_the_rows_of_both_begin_with_the_same_names(english: str, portuguese: str) -> None:
    names = [first_names(name) for name in (english, portuguese)]
    assert names[0] == names[1]


def first_names(name: str) -> list[str]:
    """What stands as code, and alone, in the first cells of a document's tables."""
    return re.findall(r"^\| (`[^|]*`) \|", read(name), re.MULTILINE)


@both_languages
def test_the_rows_of_both_have_the_same_levels_and_the_same_numbers(english: str, portuguese: str) -> None:
    cells = [levels_and_numbers(name) for name in (english, portuguese)]
    assert [[re.sub(r"(?<=\d),", ".", cell) for cell in row] for row in cells[0]] == cells[1]


def levels_and_numbers(name: str) -> list[list[str]]:
    """The cells of each row of a document's tables that are the level of an event, or a number."""
    pattern = r"(info|warn|error|critical)(, (error|critical))*|(\d+|\d[.,]\d{3})( MiB)?"
    return [[cell for cell in row if re.fullmatch(pattern, cell)] for row in rows(read(name))]


def test_there_are_names_levels_and_numbers_to_be_compared() -> None:
    for name, _ in (READMES, OPERATIONS):
        assert len(first_names(name)) > 10
        assert sum(map(len, levels_and_numbers(name))) > 5


@both_languages
def test_each_section_of_both_has_the_same_words_of_code(english: str, portuguese: str) -> None:
    for section, other in zip(sections(english), sections(portuguese), strict=True):
        words = [{" ".join(word.split()) for word in re.findall(r"`([^`]+)`", text)} for text in (section, other)]
        assert words[0] == words[1]


@both_languages
def test_each_section_of_both_has_the_same_numbers_with_the_separators_of_its_language(
    english: str, portuguese: str
) -> None:
    for section, other in zip(sections(english), sections(portuguese), strict=True):
        assert sorted(map(in_portuguese, numbers(section))) == sorted(numbers(other))


def numbers(text: str) -> list[str]:
    """The numbers of a text, those in code and in links left out."""
    return re.findall(r"\d(?:[\d.,]*\d)?", re.sub(r"`[^`]*`|\]\([^)]*\)", "", text))


def in_portuguese(number: str) -> str:
    return number if number in VERSIONS else number.translate(str.maketrans(".,", ",."))


@both_languages
def test_the_links_of_each_section_of_both_lead_to_the_same_places(english: str, portuguese: str) -> None:
    for section, other in zip(sections(english), sections(portuguese), strict=True):
        found = [
            sorted(place(name, target) for target in links(text))
            for name, text in ((english, section), (portuguese, other))
        ]
        assert found[0] == found[1]


def place(name: str, target: str) -> tuple[str, int]:
    """Where a link leads in either language: the file, and which of its headings; -1 for the file itself."""
    if target.startswith("https://"):
        return target, -1
    path, (_, _, heading) = file_of(name, target), target.partition("#")
    if path.suffix == ".png":  # a picture in each language
        return str(path).replace("-pt-BR.png", "-en.png"), -1
    return str(path).replace(".pt-BR", ""), anchors(path.read_text()).index(heading) if heading else -1


def sections(name: str) -> list[str]:
    """What stands between the headings of a document, without its blocks of code."""
    return re.split(r"^#+ .*$", without_blocks(read(name)), flags=re.MULTILINE)
