"""What drops are called, and until when each is kept."""

from __future__ import annotations

from sessionworker.stores.rules.drops import REPLACED_KEPT, drop_name, is_drop, is_due, is_replaced, kept_until, when_of

NOW = 1_800_000_000_000


def test_a_name_tells_when_and_whether_another_took_the_place() -> None:
    for replaced in (False, True):
        name = drop_name(NOW, "c0ffee", is_replaced=replaced)
        assert (is_drop(name), when_of(name), is_replaced(name)) == (True, NOW, replaced)
    for older in ("1700000000000-0", "1700000000000-group", "1700000000000-ffffffff"):
        assert (is_drop(older), is_replaced(older)) == (True, False)
    for none in ("", "0", "r", "-r", "1700000000000-", "1700000000000-R", "../1700000000000-0", "٣" * 13 + "-0"):
        assert not is_drop(none)


def test_what_was_replaced_is_kept_for_a_day_at_least() -> None:
    plain, replaced = drop_name(NOW, "0"), drop_name(NOW, "0", is_replaced=True)
    assert [is_due(name, NOW + 1, NOW + 1) for name in (plain, replaced)] == [True, False]
    assert [is_due(name, NOW, NOW + 2 * REPLACED_KEPT) for name in (plain, replaced)] == [False, False]
    assert is_due(replaced, NOW + 1, NOW + REPLACED_KEPT + 1)
    assert not is_due(replaced, NOW + 1, NOW + REPLACED_KEPT)
    assert [kept_until(name, 0) - NOW for name in (plain, replaced)] == [0, REPLACED_KEPT]
    assert [kept_until(name, 7 * REPLACED_KEPT) - NOW for name in (plain, replaced)] == [7 * REPLACED_KEPT] * 2
