"""Whatever values an account has, each program is given them so that they are read back byte for byte."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessionworker.migration.found import Source
from sessionworker.migration.sources.baileys import open_baileys
from sessionworker.migration.sources.baileys_sqlite import open_baileys_sqlite
from sessionworker.migration.sources.session_manager import open_session_manager
from sessionworker.migration.targets.baileys_folder import open_baileys_target
from sessionworker.migration.targets.baileys_sqlite import open_baileys_sqlite_target
from sessionworker.migration.targets.session_manager_folder import open_session_manager_target
from sessionworker.migration.targets.target import Target
from tests.migration.evolution import ONE, TWO, Evolution, keys_alone
from tests.migration.examples import keys_of, paired_creds, text_of
from tests.migration.going_back import PLACES, held, write
from tests.migration.places import differing
from tests.migration.reading import Values, all_closed
from tests.migration.test_encodings import LEAVES

DOCUMENTS = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4)


def texts(document: object) -> st.SearchStrategy[bytes]:
    """A document as several writers would write it: with and without escapes, and room between its parts."""
    return st.sampled_from(
        [
            json.dumps(document).encode(),
            text_of(document),
            json.dumps(document, indent="\t", ensure_ascii=False).encode(),
        ]
    )


VALUES = st.builds(
    lambda creds, others: {"creds": creds, **others},
    st.dictionaries(st.text(), DOCUMENTS, max_size=2).flatmap(lambda more: texts({**more, **paired_creds()})),
    st.dictionaries(
        st.sampled_from(sorted(keys_of())),
        DOCUMENTS.filter(lambda one: one is not None).flatmap(texts) | st.just(b' \r\n{"half":"\\ud83d"}'),
        max_size=4,
    ),
)


@pytest.mark.parametrize(
    ("open_target", "open_source"),
    [
        (open_baileys_target, open_baileys),
        (open_baileys_sqlite_target, open_baileys_sqlite),
        (open_session_manager_target, open_session_manager),
    ],
)
def test_in_files(open_target: Callable[[Path], Target], open_source: Callable[[Path], Source]) -> None:
    @given(VALUES)
    @settings(deadline=None, max_examples=25)
    def check(values: Values) -> None:
        with TemporaryDirectory() as folder:
            open_target(Path(folder)).write("one", "group", values)
            source = open_source(Path(folder))
            [one] = source.accounts()
            has_slashes = open_target is not open_session_manager_target
            expected = {key: value for key, value in values.items() if has_slashes or "/" not in key}
            assert differing(source.read(one).values, expected) == []

    check()


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with all_closed(monkeypatch):
        yield


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("made", ["evolution", "on_mysql"])
def test_in_evolution(request: pytest.FixtureRequest, closed: None, made: str, place: dict[str, str]) -> None:
    evolution: Evolution = request.getfixturevalue(made)
    evolution.instance(ONE, "one")
    evolution.hash(TWO, keys_alone())  # without any, its Redis looks like a wrong one
    env = evolution.env(**place)

    @given(VALUES)
    @settings(deadline=None, max_examples=8, suppress_health_check=list(HealthCheck))
    def check(values: Values) -> None:
        write(env, ONE, values, replace=True)
        assert differing(held(env)[ONE], values) == []

    check()
