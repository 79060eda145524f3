"""Bodies with half an emoji are read by another parser, which takes what the first one takes, and nothing else."""

from __future__ import annotations

import pytest

from sessionworker.errors import BodyNotAllowed
from sessionworker.json_members import members_of
from sessionworker.web.many_bodies import Keys, read_many

HALF = r'"\ud83d"'


@pytest.mark.parametrize("text", ['{"a":1{"b":2}', '{"a":1{"b":2,"c":3}', '{"a":1}"b":2}', '{"a":1,{"b":2}'])
def test_members_are_parted_by_commas_alone(text: str) -> None:
    with pytest.raises(ValueError, match="no "):
        members_of(text.encode())
    with pytest.raises(BodyNotAllowed):
        read_many(f'{{"half":{HALF},"changes":{text}}}'.encode())


@pytest.mark.parametrize("name", ["changes", "keys", "other"])
def test_nesting_of_any_depth_is_taken_or_refused(name: str) -> None:
    for depth in range(850, 1001):
        try:
            read_many(f'{{"list":"","half":{HALF},"{name}":{"[" * depth}{"]" * depth}}}'.encode())
        except BodyNotAllowed:
            continue


def test_other_fields_are_of_no_interest_whatever_they_hold() -> None:
    body = f'{{"half":{HALF},"other":{"1" * 5000},"keys":["a"]}}'
    assert read_many(body.encode()) == Keys(("a",))
