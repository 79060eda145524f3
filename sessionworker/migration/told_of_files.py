"""What is told of accounts that lie in files, beside what is told of all."""

from __future__ import annotations

from collections.abc import Mapping

from sessionworker.migration.telling import Level, Told

OF_FILES: Mapping[str, Told] = {
    "archive_damaged": Told(
        Level.FAILURE,
        "What the archive holds of it is damaged: it is not what was written.",
        "O que o arquivo de backup tem dela está danificado: não é o que foi gravado.",
    ),
    "label_damaged": Told(
        Level.WARNING,
        "The label that the archive holds of it is damaged. It comes without one.",
        "O rótulo que o arquivo de backup tem dela está danificado. Ela vem sem rótulo.",
    ),
    "folder_not_read": Told(
        Level.FAILURE,
        "Its folder cannot be read: {reason}.",
        "A pasta não pode ser lida: {reason}.",
    ),
    "database_not_read": Told(
        Level.FAILURE,
        "Its database cannot be read: {reason}",
        "O banco de dados não pode ser lido: {reason}",
    ),
    # Whose names these are
    "looks_raw": Told(
        Level.QUESTION,
        "The names of its files hold colons, which Baileys never writes. They look like those of unoapi, or of "
        "session-manager's first releases: say that it is one of these.",
        "Os nomes dos arquivos têm dois-pontos, que o Baileys nunca grava. Parecem ser do unoapi, ou das primeiras "
        "versões do session-manager: diga que é um desses.",
    ),
    "looks_fixed": Told(
        Level.QUESTION,
        "The names of its files look like those that Baileys itself makes, with dashes in the place of colons. If they "
        "are, its keys would come out wrong: say that it is a folder of Baileys.",
        "Os nomes dos arquivos parecem os que o próprio Baileys cria, com hifens no lugar de dois-pontos. Se forem, as "
        "chaves sairiam erradas: diga que é uma pasta do Baileys.",
    ),
    # Backups
    "creds_from_backup": Told(
        Level.WARNING,
        "Its creds were missing or cut off; their backup is taken, which is one write older.",
        "As creds faltavam ou estavam cortadas; foi usado o backup, que é de uma gravação antes.",
    ),
    "skipped_backup": Told(
        Level.WARNING,
        "Only a backup is left of them, which may be of a key that was deleted long ago, so they are not taken "
        "({count}): {names}. --use-bak takes them.",
        "Só resta um backup deles, que pode ser de uma chave apagada há muito tempo, e por isso não são importados "
        "({count}): {names}. --use-bak os importa.",
    ),
    "backup_taken": Told(
        Level.WARNING,
        "Only a backup was left of them, and was taken as you wished ({count}): {names}.",
        "Só restava um backup deles, que foi importado como você pediu ({count}): {names}.",
    ),
    # Whole folders
    "instance_is_empty": Told(
        Level.INFORMATION,
        "It has no session files. The instance is made, empty, so that its API still finds it.",
        "Não tem arquivos de sessão. A instância é criada, vazia, para que a API ainda a encontre.",
    ),
    "name_never_stored": Told(
        Level.WARNING,
        "session-manager does not find names with {characters} again, so nothing was ever stored for it. It has to be "
        "paired anew.",
        "O session-manager não reencontra nomes com {characters}, então nada foi gravado para ela. É preciso parear de "
        "novo.",
    ),
    "folders_left": Told(
        Level.INFORMATION,
        "Folders without an account, left out ({count}): {names}.",
        "Pastas sem nenhuma conta, deixadas de fora ({count}): {names}.",
    ),
    "folders_beside_left": Told(
        Level.WARNING,
        "The folder is an account itself, and has folders that are accounts, too, which are left out ({count}): "
        "{names}. Import them by their own paths.",
        "A própria pasta é uma conta, e tem pastas que também são contas, deixadas de fora ({count}): {names}. "
        "Importe-as pelos próprios caminhos.",
    ),
    "names_left": Told(
        Level.WARNING,
        "Their names are not allowed for an instance or a group, left out ({count}): {names}.",
        "Os nomes não são permitidos para uma instância ou um grupo, deixados de fora ({count}): {names}.",
    ),
    "files_left": Told(
        Level.INFORMATION,
        "Files where only folders belong, left out ({count}): {names}.",
        "Arquivos onde só deveria haver pastas, deixados de fora ({count}): {names}.",
    ),
    "other_integrations_left": Told(
        Level.INFORMATION,
        "Instances of another integration, which keep no session files, left out ({count}): {names}. Make them anew "
        "in the API.",
        "Instâncias de outra integração, que não têm arquivos de sessão, deixadas de fora ({count}): {names}. "
        "Crie-as de novo na API.",
    ),
    "other_engines_left": Told(
        Level.WARNING,
        "Sessions of WAHA's other engines, which are not Baileys and cannot be imported ({count}): {names}. Their "
        "numbers have to be paired anew.",
        "Sessões dos outros motores do WAHA, que não são Baileys e não podem ser importadas ({count}): {names}. "
        "É preciso parear os números de novo.",
    ),
    "old_place": Told(
        Level.WARNING,
        "It lies where openclaw kept it in its first releases, among the files of other channels; only what is "
        "surely a key of Baileys is taken.",
        "Está onde o openclaw a guardava nas primeiras versões, entre arquivos de outros canais; só é importado o que "
        "com certeza é uma chave do Baileys.",
    ),
    "old_place_left": Told(
        Level.INFORMATION,
        "There are older creds in {path}, where openclaw kept them in its first releases; they are left out.",
        "Há creds mais antigas em {path}, onde o openclaw as guardava nas primeiras versões; ficam de fora.",
    ),
    # Databases
    "older_creds_taken": Told(
        Level.WARNING,
        "Its newest creds are not paired. session-manager read old values after a restart, so its API may have begun "
        "a new identity; taken are the newest creds that are paired, {count} writes older.",
        "As creds mais novas não estão pareadas. O session-manager lia valores antigos depois de reiniciar, e a API "
        "pode ter começado uma identidade nova; foram usadas as mais novas que estão pareadas, {count} gravações "
        "antes.",
    ),
    "same_in_other_groups": Told(
        Level.WARNING,
        "There are databases of this name in other groups, too: {others}. session-manager mixed up such instances, so "
        "what one of them stored may lie in the other's.",
        "Há bancos de dados com este nome também em outros grupos: {others}. O session-manager confundia essas "
        "instâncias, então o que uma gravou pode estar no da outra.",
    ),
    "phantoms_left": Told(
        Level.INFORMATION,
        "Databases without a value, as session-manager made them for each name that it was asked for, left out "
        "({count}): {names}.",
        "Bancos de dados sem nenhum valor, que o session-manager criava para cada nome consultado, deixados de fora "
        "({count}): {names}.",
    ),
    "databases_left": Told(
        Level.WARNING,
        "Not databases of this program, or not readable, left out ({count}): {names}.",
        "Não são bancos de dados deste programa, ou não podem ser lidos, deixados de fora ({count}): {names}.",
    ),
    "skipped_migration_error": Told(
        Level.INFORMATION,
        "Copies under a wrong type, left by a mistake of Baileys' own migration, not taken ({count}): {names}.",
        "Cópias com o tipo errado, deixadas por um erro da migração do próprio Baileys, não importadas ({count}): "
        "{names}.",
    ),
    # Ways out
    "left_out_slashes": Told(
        Level.WARNING,
        "session-manager can serve no key with a slash, so these are left out ({count}): {names}. The phone will be "
        "asked for them again.",
        "O session-manager não serve chaves com barra, por isso estas ficam de fora ({count}): {names}. Elas serão "
        "pedidas de novo ao celular.",
    ),
    "left_out_names": Told(
        Level.WARNING,
        "Their names make no file name of their own there, so they are left out ({count}): {names}.",
        "Os nomes não formam um nome de arquivo próprio lá, por isso ficam de fora ({count}): {names}.",
    ),
    "not_objects": Told(
        Level.WARNING,
        "session-manager gives back null for what is no JSON object: {count} keys that Baileys 7 wrote, {names}.",
        "O session-manager devolve null para o que não é um objeto JSON: {count} chaves que o Baileys 7 gravou, "
        "{names}.",
    ),
    "left_out_types": Told(
        Level.WARNING,
        "Baileys has no type for these keys, so they are left out ({count}): {names}.",
        "O Baileys não tem um tipo para estas chaves, por isso ficam de fora ({count}): {names}.",
    ),
}
"""By code. The curly parts are a note's details."""
