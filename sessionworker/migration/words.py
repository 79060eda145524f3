"""What reports call things, in both languages, and what of them comes first."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from sessionworker.migration.notes import Language, Level
from sessionworker.migration.reports import State

Words: TypeAlias = Mapping[str, str]
"""Those of one language."""

_ENGLISH: Words = MappingProxyType(
    {
        "title": "What was imported",
        "dry": "What would be imported",
        "from": "From",
        "instance": "Instance",
        "state": "State",
        "keys": "Keys",
        "bytes": "Bytes",
        "origin": "Where it lies",
        "source": "Of the source as a whole",
        "accounts": "Accounts",
        "accept": "If it is meant:",
        State.IMPORTED.name: "imported",
        State.EQUAL.name: "there already, equal",
        State.MADE_EMPTY.name: "made empty",
        State.EXPORTED.name: "exported",
        State.NOT_PAIRED.name: "not paired",
        State.READY.name: "ready",
        State.LEFT_OUT.name: "left out",
        State.FAILED.name: "failed",
        Level.FAILURE.name: "Failure",
        Level.QUESTION.name: "Question",
        Level.WARNING.name: "Warning",
        Level.INFORMATION.name: "Note",
    }
)

_PORTUGUESE: Words = MappingProxyType(
    {
        "title": "O que foi importado",
        "dry": "O que seria importado",
        "from": "De",
        "instance": "Instância",
        "state": "Situação",
        "keys": "Chaves",
        "bytes": "Bytes",
        "origin": "Onde está",
        "source": "Sobre a origem como um todo",
        "accounts": "Contas",
        "accept": "Se for isso mesmo:",
        State.IMPORTED.name: "importada",
        State.EQUAL.name: "já estava lá, igual",
        State.MADE_EMPTY.name: "criada vazia",
        State.EXPORTED.name: "exportada",
        State.NOT_PAIRED.name: "não pareada",
        State.READY.name: "pronta",
        State.LEFT_OUT.name: "deixada de fora",
        State.FAILED.name: "falhou",
        Level.FAILURE.name: "Falha",
        Level.QUESTION.name: "Pergunta",
        Level.WARNING.name: "Aviso",
        Level.INFORMATION.name: "Nota",
    }
)

WORDS: Mapping[Language, Words] = MappingProxyType({"en": _ENGLISH, "pt-BR": _PORTUGUESE})
"""By language: what stands around a report, its states and the levels of its notes, those by their names."""

_ORDER = (State.FAILED, State.LEFT_OUT)


def place_in_order(state: State, group: str, instance: str) -> tuple[int, str, str]:
    """Return what accounts are sorted by: those that a person has to see to come first."""
    return _ORDER.index(state) if state in _ORDER else len(_ORDER), group, instance
