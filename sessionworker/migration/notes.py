"""All that a person is told of what was found in a source: one table, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct, field

from sessionworker.migration.telling import Level, Told
from sessionworker.migration.told_of_files import OF_FILES
from sessionworker.migration.told_of_importing import OF_IMPORTING
from sessionworker.migration.told_of_servers import OF_SERVERS

__all__ = ["TOLD", "Language", "Level", "Note", "Told"]

Language: TypeAlias = Literal["en", "pt-BR"]


class Note(Struct, frozen=True):
    """Something that was found, by its code in `TOLD`, and what fits into its text. Never a value."""

    code: str
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def level(self) -> Level:
        """What it means."""
        return TOLD[self.code].level

    def text(self, language: Language = "en") -> str:
        """Say it."""
        told = TOLD[self.code]
        return (told.portuguese if language == "pt-BR" else told.english).format(**self.details)


TOLD: Mapping[str, Told] = {
    # Whether it is an account
    "creds_missing": Told(
        Level.FAILURE,
        "There are no creds, and {count} other values alone are no account.",
        "Não há creds, e {count} outros valores sozinhos não são uma conta.",
    ),
    "creds_unreadable": Told(
        Level.FAILURE,
        "Its creds cannot be read: they are empty, cut off, or no JSON object.",
        "As creds não podem ser lidas: estão vazias, cortadas ou não são um objeto JSON.",
    ),
    "creds_not_whole": Told(
        Level.FAILURE,
        "Its creds are not whole; missing: {names}.",
        "As creds estão incompletas; falta: {names}.",
    ),
    "not_paired": Told(
        Level.QUESTION,
        "It is not paired: no phone has scanned its QR code, so there is nothing to keep.",
        "Não está pareada: nenhum celular leu o QR code, então não há o que guardar.",
    ),
    "pairing_under_way": Told(
        Level.QUESTION,
        "It is not paired: a pairing code was asked for and never typed into the phone.",
        "Não está pareada: um código de pareamento foi pedido e nunca digitado no celular.",
    ),
    # Whether all of it is of one moment
    "creds_older_than_keys": Told(
        Level.WARNING,
        "Its creds are older than its keys: pre-key {highest} exists, and the creds say that {next} comes next. It was "
        "copied while the API ran, or a write of its creds failed. Expect messages that cannot be read.",
        "As creds são mais antigas que as chaves: a pre-key {highest} existe, e as creds dizem que a próxima é a "
        "{next}. A cópia foi feita com a API rodando, ou uma gravação das creds falhou. Pode haver mensagens que não "
        "podem ser lidas.",
    ),
    "app_state_key_missing": Told(
        Level.WARNING,
        "The key app-state-sync-key-{id}, which its creds name, is not there. The phone will be asked for it again.",
        "A chave app-state-sync-key-{id}, citada pelas creds, não está lá. Ela será pedida de novo ao celular.",
    ),
    "keys_missing": Told(
        Level.WARNING,
        "There are creds and no other key. It will connect, and every chat has to agree on new keys: some messages "
        "that come first cannot be read.",
        "Há creds e nenhuma outra chave. Ela vai conectar, e cada conversa precisa combinar chaves novas: algumas das "
        "primeiras mensagens não poderão ser lidas.",
    ),
    "same_account": Told(
        Level.QUESTION,
        "It is the same account as {others}. Two of one account throw each other out (error 440).",
        "É a mesma conta que {others}. Duas da mesma conta se derrubam uma à outra (erro 440).",
    ),
    # What is not taken
    "skipped_empty": Told(
        Level.WARNING, "Empty, not taken ({count}): {names}.", "Vazios, não importados ({count}): {names}."
    ),
    "skipped_unreadable": Told(
        Level.WARNING,
        "Cut off or no JSON, not taken ({count}): {names}.",
        "Cortados ou que não são JSON, não importados ({count}): {names}.",
    ),
    "skipped_null": Told(
        Level.INFORMATION,
        "They hold null, that is nothing, and are not taken ({count}): {names}.",
        "Contêm null, ou seja, nada, e não são importados ({count}): {names}.",
    ),
    "skipped_foreign": Told(
        Level.INFORMATION,
        "No session files, not taken ({count}): {names}.",
        "Não são arquivos de sessão, não importados ({count}): {names}.",
    ),
    "skipped_unfinished": Told(
        Level.INFORMATION,
        "Left by writes that never ended, not taken ({count}): {names}.",
        "Restos de gravações que nunca terminaram, não importados ({count}): {names}.",
    ),
    "skipped_name": Told(
        Level.WARNING,
        "Their names are not allowed for a key, not taken ({count}): {names}.",
        "Os nomes não são permitidos para uma chave, não importados ({count}): {names}.",
    ),
    "unknown_type": Told(
        Level.WARNING,
        "Of a type that this version does not know, taken under the names that they have there, which may stand for "
        "others ({count}): {names}.",
        "De um tipo que esta versão não conhece, importados com os nomes que têm lá, que podem significar outros "
        "({count}): {names}.",
    ),
    "buffers_rewritten": Told(
        Level.INFORMATION,
        "Its buffers were arrays of numbers, which Baileys 7 does not read; they are base64 now.",
        "Os buffers eram listas de números, que o Baileys 7 não lê; agora estão em base64.",
    ),
    "skipped_double": Told(
        Level.QUESTION,
        "They stand for a key that another one stands for, too, and are not taken ({count}): {names}.",
        "Representam uma chave que outro já representa, e não são importados ({count}): {names}.",
    ),
    "skipped_forbidden": Told(
        Level.QUESTION,
        "The system did not let them be read, not taken ({count}): {names}. Run this as a user who may.",
        "O sistema não permitiu a leitura, não importados ({count}): {names}. Rode isto com um usuário que possa.",
    ),
    "same_name": Told(
        Level.QUESTION,
        "{others} would have the same name, {name}; {newest} was written last. Only one of them can be imported.",
        "{others} ficaria com o mesmo nome, {name}; {newest} foi o último gravado. Só um deles pode ser importado.",
    ),
    **OF_FILES,
    **OF_SERVERS,
    **OF_IMPORTING,
}
"""By code. The curly parts are a note's details."""
