"""What a store may tell of itself in a given state."""

from __future__ import annotations

from tests.simulation.records import Excuses, Kind, Read, Seen
from tests.simulation.state import CREDS, Account, State, learn_drops
from tests.simulation.subject import Holds, Refusal, VersionSeen

Problem = tuple[Kind, str, str]


def explain_read(state: State, read: Read, excuses: Excuses) -> Problem | None:
    """Say why a read cannot have had its result in this state, or None if it can."""
    result = None if read.what == "check" else read.result
    if isinstance(read.result, Refusal):
        result = read.result
    account = state.find(read.group, read.instance)
    has_creds = account is not None and CREDS in account.values
    may_refuse = read.what != "read after check" or not has_creds  # a check makes sure of what there is
    key = CREDS if read.what == "check" else read.key
    return _explain(state, read.what, (read.group, read.instance, key), result, excuses, may_refuse=may_refuse)


def _explain(
    state: State,
    what: str,
    place: tuple[str, str, str],
    result: bytes | Refusal | None,
    excuses: Excuses,
    *,
    may_refuse: bool = True,
) -> Problem | None:
    group, instance, key = place
    where = f"{what} of {group}/{instance}/{key}"
    account = state.find(group, instance)
    if account is None:
        if result is Refusal.MISSING or (isinstance(result, Refusal) and excuses.cover(group, instance)):
            return None
        return (
            ("stopped" if isinstance(result, Refusal) else "lost"),
            "there is no such instance",
            f"{where}: {result!r}",
        )
    if isinstance(result, Refusal):
        is_hurt = account.is_gone or key in account.broken
        if result is Refusal.MISSING:
            return None if account.is_gone else ("lost", "an instance is missing", where)
        if is_hurt or (may_refuse and excuses.cover(group, instance)):
            return None
        return "stopped", "a read was refused without a reason", f"{where}: {result.value}"
    if what == "check" or result == account.values.get(key):
        return None
    return _explain_other(account, where, key, result, is_away=(group, instance) in excuses.away)


def _explain_other(account: Account, where: str, key: str, result: bytes | None, *, is_away: bool) -> Problem | None:
    """Say why a key that should hold something else cannot hold this."""
    wanted = account.values.get(key)
    if key == CREDS:
        if result is None:
            # Of a folder that was copied in nobody need know that it had creds, once they are removed.
            return None if account.is_copied and CREDS in account.broken else _nothing(where)
        if (CREDS in account.broken or account.is_gone) and result in account.creds_after_damage():
            return None
    elif result is None and (key in account.broken or is_away or account.is_gone):
        return None
    known = {version.value for version in account.versions} | {wanted}
    if result is None:
        return "lost", "a value is missing", f"{where}: nothing, not {_short(wanted)}"
    rule = "older creds came back" if key == CREDS and result in known else "another value"
    return "lost", rule, f"{where}: {_short(result)}, not {_short(wanted)}"


def _nothing(where: str) -> Problem:
    return "lost", "creds hold nothing", where


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 60 else f"{text[:50]}... ({len(value) if isinstance(value, bytes) else '?'} bytes)"


# All at once


def explain_seen(state: State, seen: Seen, excuses: Excuses) -> tuple[State, Problem | None, int]:
    """Say why a store cannot tell this of itself in this state, or return the state with what was learned by it.

    The number says how far it was believed: where no state is possible, that with the largest is the likeliest.
    """
    looks = (_explain_groups, _explain_reads, _explain_checks, _explain_drops, _explain_versions, _explain_counts)
    for stage, look in enumerate(looks):
        state, problem = look(state, seen, excuses)
        if problem is not None:
            return state, problem, stage
    return state, None, len(looks)


def _explain_reads(state: State, seen: Seen, excuses: Excuses) -> tuple[State, Problem | None]:
    for group, instance, key, result in seen.reads:
        problem = _explain(state, "read", (group, instance, key), result, excuses)
        if problem is not None:
            return state, problem
    return state, None


def _explain_checks(state: State, seen: Seen, excuses: Excuses) -> tuple[State, Problem | None]:
    for group, instance, refusal in seen.checks:
        problem = _explain(state, "check", (group, instance, CREDS), refusal, excuses)
        if problem is not None:
            return state, problem
    return state, None


def _explain_versions(state: State, seen: Seen, excuses: Excuses) -> tuple[State, Problem | None]:
    for group, instance, listed in seen.versions:
        problem = _explain_versions_of(state, group, instance, listed, excuses)
        if problem is not None:
            return state, problem
    return state, None


def _explain_counts(state: State, seen: Seen, excuses: Excuses) -> tuple[State, Problem | None]:
    for group, counts in seen.counts:
        problem = _explain_counts_of(state, group, counts, excuses)
        if problem is not None:
            return state, problem
    return state, None


def _explain_groups(state: State, seen: Seen, excuses: Excuses) -> tuple[State, Problem | None]:
    groups = seen.groups
    if groups is None:
        return state, None
    if isinstance(groups, Refusal):
        if excuses.are_any:
            return state, None
        return state, ("stopped", "the list of instances was refused without a reason", groups.value)
    if extra := groups.keys() - state.groups.keys():
        return state, ("lost", "a group is there that should not be", ", ".join(sorted(extra)))
    if missing := state.groups.keys() - groups.keys():
        hurt = all(all(a.is_gone for a in state.groups[group].values()) and state.groups[group] for group in missing)
        if not hurt:
            return state, ("lost", "a group is missing", ", ".join(sorted(missing)))
    for group in sorted(state.groups):
        names = set(groups.get(group, ()))
        if extra := names - state.groups[group].keys():
            return state, ("lost", "an instance is there that should not be", f"{group}: {', '.join(sorted(extra))}")
        for instance in sorted(state.groups[group].keys() - names):
            if not state.groups[group][instance].is_gone:
                return state, ("lost", "an instance is missing", f"{group}/{instance}")
            state = state.without(group, instance)
        if group not in groups:
            state = state._replace(groups={name: of for name, of in state.groups.items() if name != group})
    return state, None


def _explain_drops(state: State, seen: Seen, excuses: Excuses) -> tuple[State, Problem | None]:
    listed = seen.drops
    if listed is None:
        return state, None
    if isinstance(listed, Refusal):
        if excuses.are_any:
            return state, None
        return state, ("stopped", "the list of drops was refused without a reason", listed.value)
    if excuses.drops and len(listed) < len(state.drops):
        return state, None  # what cannot be read hides nothing else, and is not listed itself
    state = learn_drops(state, listed, all_are_listed=True)
    holds = {(each.group, each.instance, each.drop): each.holds for each in listed}
    names = list(holds)
    for dropped in state.drops:
        name = dropped.group, dropped.name, dropped.drop
        if name in names:
            names.remove((dropped.group, dropped.name, dropped.drop or ""))
            account = dropped.account
            if not (excuses.are_any or account.is_hurt) and holds[name] != account.holds:
                return state, ("lost", "a drop is described wrongly", f"{name}: {holds[name]}, not {account.holds}")
        elif not dropped.may_be_gone and not dropped.account.is_gone:
            return state, ("lost", "a drop is not listed", f"{dropped.group}/{dropped.name}")
    if names:
        return state, ("lost", "a drop is listed that should not be", " ".join(names[0]))
    return state, None


def _explain_versions_of(
    state: State,
    group: str,
    instance: str,
    listed: list[tuple[VersionSeen, bytes | Refusal | None]] | Refusal,
    excuses: Excuses,
) -> Problem | None:
    account = state.find(group, instance)
    where = f"{group}/{instance}"
    if account is None:
        return None if listed is Refusal.MISSING else ("lost", "there is no such instance", f"versions of {where}")
    is_excused = excuses.are_any or account.is_gone  # the newest may not be where it stays yet
    if isinstance(listed, Refusal):
        return None if is_excused else ("stopped", "versions were refused without a reason", f"{where}: {listed.value}")
    values = {value for _, value in listed if isinstance(value, bytes)}
    refused = any(isinstance(value, Refusal) for _, value in listed)
    if refused and not is_excused and not account.spoiled:
        return "stopped", "a version was refused without a reason", where
    sent = {version.value for version in account.versions}
    if values - sent:
        return "lost", "a version was never sent", f"{where}: {_short(next(iter(values - sent)))}"
    if is_excused or account.spoiled or account.is_copied:
        return None
    newest = {version.identity: version.value for version in account.versions if version.value is not None}
    for value in newest.values():
        if value not in values:
            return "lost", "the newest version of an identity is not kept", f"{where}: {_short(value)}"
    return None if CREDS in account.broken else _explain_newest(account, where, listed)


def _explain_newest(
    account: Account, where: str, listed: list[tuple[VersionSeen, bytes | Refusal | None]]
) -> Problem | None:
    wanted = account.values.get(CREDS)
    if not listed:
        return ("lost", "there are no versions", where) if account.versions else None
    current = [seen.is_current for seen, _ in listed]
    if current != [True] + [False] * (len(listed) - 1):
        return "lost", "the newest version is not the current one", f"{where}: {current}"
    seen, value = listed[0]
    if seen.is_deletion != (wanted is None) or (wanted is not None and value != wanted):
        return "lost", "the newest version is another", f"{where}: {_short(value)}, not {_short(wanted)}"
    return None


def _explain_counts_of(
    state: State, group: str, counts: dict[str, Holds] | Refusal, excuses: Excuses
) -> Problem | None:
    accounts = state.groups.get(group)
    if accounts is None:
        return None if counts is Refusal.MISSING else ("lost", "there is no such group", group)
    is_hurt = any(account.is_hurt for account in accounts.values())
    if isinstance(counts, Refusal):
        return None if excuses.are_any or is_hurt else ("stopped", "a description was refused without a reason", group)
    if excuses.are_any or is_hurt:
        return None
    wanted = {name: account.holds for name, account in accounts.items()}
    return None if counts == wanted else ("lost", "a description is wrong", f"{group}: {counts}, not {wanted}")
