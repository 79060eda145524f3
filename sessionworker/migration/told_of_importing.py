"""What a person is told of what stands in an account's place already."""

from __future__ import annotations

from collections.abc import Mapping

from sessionworker.migration.telling import Level, Told

OF_IMPORTING: Mapping[str, Told] = {
    "another_identity_here": Told(
        Level.QUESTION,
        "The worker has an instance of that name with another identity: it was paired again, or is another account. If "
        "it is to be replaced, it is dropped, and can be brought back.",
        "O worker tem uma instância com esse nome e outra identidade: foi pareada de novo, ou é outra conta. Se for "
        "substituída, ela é descartada e pode ser trazida de volta.",
    ),
    "newer_here": Told(
        Level.QUESTION,
        "The worker has newer creds of the same account: it was connected there since. What is here is old, and would "
        "take messages from it. If it is to be replaced, it is dropped, and can be brought back.",
        "O worker tem creds mais novas da mesma conta: ela já conectou por lá. O que está aqui é antigo e faria perder "
        "mensagens. Se for substituída, ela é descartada e pode ser trazida de volta.",
    ),
    "other_values_here": Told(
        Level.QUESTION,
        "The worker has other values of the same account. If it was connected there since, what is here is old. If it "
        "is to be replaced, it is dropped, and can be brought back.",
        "O worker tem outros valores da mesma conta. Se ela já conectou por lá, o que está aqui é antigo. Se for "
        "substituída, ela é descartada e pode ser trazida de volta.",
    ),
    "no_creds_here": Told(
        Level.INFORMATION,
        "The worker has an instance of that name without creds. It is dropped, and can be brought back.",
        "O worker tem uma instância com esse nome sem creds. Ela é descartada e pode ser trazida de volta.",
    ),
    "same_account_here": Told(
        Level.QUESTION,
        "The worker has the same account elsewhere: {others}. Two of one account throw each other out (error 440).",
        "O worker já tem a mesma conta em outro lugar: {others}. Duas da mesma conta se derrubam uma à outra (erro "
        "440).",
    ),
    "left_by_imports": Told(
        Level.WARNING,
        "In the group {group} are {count} accounts, dropped ones included, of imports that were cut off, or that run "
        "now. They hold credentials. If none runs, erase them: run that import again, or 'sessionworker drop --group "
        "{group}', and 'sessionworker purge' for each that 'sessionworker drops' lists of that group.",
        "No grupo {group} há {count} contas, contando as descartadas, de imports interrompidos ou em andamento. Elas "
        "têm credenciais. Se nenhum está rodando, elimine-as: rode aquele import de novo, ou 'sessionworker drop "
        "--group {group}', e 'sessionworker purge' para cada uma desse grupo que 'sessionworker drops' lista.",
    ),
    "map_not_used": Told(
        Level.WARNING,
        "The map has names that no account has there ({count}): {names}.",
        "O mapa tem nomes que nenhuma conta tem lá ({count}): {names}.",
    ),
    "same_new_name": Told(
        Level.FAILURE,
        "Its new name is that of another one, too: {others}.",
        "O nome novo dela é também o de outra: {others}.",
    ),
    "name_not_allowed": Told(
        Level.FAILURE,
        "Its name cannot be an instance's: {reason}",
        "O nome não pode ser o de uma instância: {reason}",
    ),
    "label_not_allowed": Told(
        Level.WARNING,
        "It is called {label} there, which cannot be its label here: that is one line of at most 100 characters, "
        "without control characters.",
        "Ela se chama {label} lá, o que não pode ser o rótulo dela aqui: ele é uma linha de até 100 caracteres, sem "
        "caracteres de controle.",
    ),
    "label_not_given": Told(
        Level.WARNING,
        "It has not got its label, {label}. {reason} Run the import again, or give it with 'sessionworker label'.",
        "Ela ficou sem o rótulo, {label}. {reason} Rode o import de novo, ou dê o rótulo com 'sessionworker label'.",
    ),
    "not_written": Told(
        Level.FAILURE,
        "It was not written: {reason}",
        "Não foi gravada: {reason}",
    ),
    "nothing_to_export": Told(
        Level.INFORMATION,
        "It has no creds: it was never paired, or was logged out. Another program has no use for it.",
        "Não tem creds: nunca foi pareada ou foi desconectada. Outro programa não teria o que fazer com ela.",
    ),
    "worker_too_busy": Told(
        Level.FAILURE,
        "The worker had too much to do, and still had after a while. Run the import again later: what is there already "
        "is left.",
        "O worker estava sobrecarregado e continuou assim por um bom tempo. Rode o import de novo mais tarde: o que já "
        "está lá não é tocado.",
    ),
    "refused_by_worker": Told(
        Level.FAILURE,
        "The worker refused it: {reason}",
        "O worker recusou: {reason}",
    ),
    "broken_in_worker": Told(
        Level.FAILURE,
        "Values that are broken in the worker's store, and missing here for that: {count}. The worker keeps what "
        "stands there for you to look at, and its log says more.",
        "Valores que estão corrompidos no armazenamento do worker e, por isso, faltam aqui: {count}. O worker guarda o "
        "que está lá para você olhar, e o log dele diz mais.",
    ),
}
"""By code. The curly parts are a note's details."""
