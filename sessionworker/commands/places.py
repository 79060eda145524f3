"""Which of a worker's instances a command is about."""

from __future__ import annotations

from collections.abc import Iterable

from sessionworker.client import Client, NotFound
from sessionworker.commands.showing import Place, read_name, spelled
from sessionworker.wire import InstanceSummary


async def find_places(operator: Client, names: Iterable[str]) -> tuple[dict[Place, InstanceSummary], list[str]]:
    """Return the instances that names mean, or all, with what is told of each; and what is the matter with groups.

    A name is GROUP or GROUP/INSTANCE, as commands print it. Raises ClientError.
    """
    names = tuple(names)
    attention = (await operator.overview()).store.attention
    wanted: dict[str, set[str]] = {}
    for name in names or await operator.groups():
        group, _, instance = map(read_name, name.partition("/")) if names else (name, "", "")
        wanted.setdefault(group, set()).add(instance)
    problems = [f"{spelled(one.group)}: {one.problem}" for one in attention if not one.instance and one.group in wanted]
    places: dict[Place, InstanceSummary] = {}
    for group, instances in wanted.items():
        try:
            found = await operator.describe(group)
        except NotFound:  # dropped meanwhile, where nobody named it
            problems += [f"{spelled(group)}: there is no such group."] if names else []
            continue
        for one in found:
            if "" in instances or one.instance in instances:
                places[Place(group, one.instance)] = one
                instances.discard(one.instance)
        problems += [f"{spelled(group, name)}: there is no such instance." for name in sorted(instances - {""})]
    return places, problems
