"""Which older `creds` stay: the newest, the last of each hour and day for a while, and the last of each identity."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sessionworker.stores.rules.versions import DAY, HOUR, Keep, Version, pinned, to_keep

IDENTITY, OTHER = "0123456789ab", "ba9876543210"
NOON = 20_000 * DAY + 12 * HOUR


def every(step: int, count: int, identity: str = IDENTITY) -> list[Version]:
    """Versions so far apart, oldest first, the newest of them at noon."""
    return [Version(NOON - (count - 1 - number) * step, 0, identity, number) for number in range(count)]


def test_as_many_of_the_newest_as_asked_for_stay() -> None:
    versions = every(1000, 30)
    assert to_keep(versions, Keep(newest=4, hours=0, days=0)) == set(versions[-4:])
    assert to_keep(versions, Keep(newest=0, hours=0, days=0)) == {versions[-1]}


def test_the_last_of_each_hour_stays_for_so_many_hours() -> None:
    versions = every(HOUR // 4, 40)
    kept = to_keep(versions, Keep(newest=1, hours=5, days=0))
    hours = {one.when // HOUR for one in versions if one.when > NOON - 5 * HOUR}
    assert kept == {max(one for one in versions if one.when // HOUR == hour) for hour in hours}
    assert len(kept) == 6


def test_the_last_of_each_day_stays_for_so_many_days() -> None:
    versions = every(6 * HOUR, 40)
    kept = to_keep(versions, Keep(newest=1, hours=0, days=3))
    days = {one.when // DAY for one in versions if one.when > NOON - 3 * DAY}
    assert kept == {max(one for one in versions if one.when // DAY == day) for day in days}
    assert len(kept) == 4


def test_the_last_of_each_identity_stays_for_good() -> None:
    versions = [*every(DAY, 3, OTHER), *(one._replace(when=one.when + 400 * DAY) for one in every(DAY, 50))]
    assert max(every(DAY, 3, OTHER)) in to_keep(versions, Keep(newest=1, hours=0, days=0))


@given(
    st.lists(
        st.builds(
            Version,
            st.integers(0, 10 * DAY),
            st.integers(0, 3),
            st.sampled_from([IDENTITY, OTHER, "deleted"]),
            st.integers(0, 9),
        ),
        min_size=1,
    ),
    st.builds(Keep, st.integers(0, 5), st.integers(0, 30), st.integers(0, 12)),
)
def test_what_stays_is_some_of_them_and_letting_go_once_more_changes_nothing(
    versions: list[Version], keep: Keep
) -> None:
    kept = to_keep(versions, keep)
    assert kept <= set(versions)
    assert max(versions) in kept
    assert pinned(versions) <= kept
    assert to_keep(sorted(kept), keep) == kept
