"""What is told of accounts that lie in servers, beside what is told of all."""

from __future__ import annotations

from collections.abc import Mapping

from sessionworker.migration.telling import Level, Told

OF_SERVERS: Mapping[str, Told] = {
    "same_name_there": Told(
        Level.QUESTION,
        "{others} would have the same name, {name}. Only one of them can be imported.",
        "{others} ficaria com o mesmo nome, {name}. Só um deles pode ser importado.",
    ),
    "no_new_name": Told(
        Level.QUESTION,
        "The map has no new name for it. Under its old one, an Evolution 2 does not know it.",
        "O mapa não tem um nome novo para ela. Com o nome antigo, um Evolution 2 não a conhece.",
    ),
    # MongoDB
    "old_documents_left": Told(
        Level.INFORMATION,
        "Its keys are in files, as Evolution 1.8.2 and later keep them. {count} documents in MongoDB are older, "
        "and not taken.",
        "As chaves estão em arquivos, como no Evolution 1.8.2 e posteriores. {count} documentos no MongoDB são mais "
        "antigos e não são importados.",
    ),
    "keys_in_files": Told(
        Level.QUESTION,
        "MongoDB has its creds alone. Evolution 1.8.2 and later keep the keys in their folder instances: give that by "
        "--instances.",
        "O MongoDB só tem as creds. O Evolution 1.8.2 e posteriores guardam as chaves na pasta instances: informe-a "
        "com --instances.",
    ),
    # Tables
    "names_without_case": Told(
        Level.WARNING,
        "Its table takes names that differ in case alone for one ({collation}), so of such keys the one that was "
        "written last is left. The phone is asked for missing ones again.",
        "A tabela trata nomes que só diferem em maiúsculas e minúsculas como um só ({collation}); dessas chaves só "
        "restou a última gravada. As que faltam serão pedidas de novo ao celular.",
    ),
    "mappings_quoted": Told(
        Level.INFORMATION,
        "Numbers of contacts were stored without quotes ({count}); they are texts now, as Baileys 7 wants them.",
        "Números de contatos foram gravados sem aspas ({count}); agora são textos, como o Baileys 7 espera.",
    ),
    # Evolution 2
    "other_integration": Told(
        Level.INFORMATION,
        "It is of another integration, {integration}, which has no session files. Its instance is made, empty, so that "
        "the API still finds it.",
        "É de outra integração, {integration}, que não tem arquivos de sessão. A instância é criada, vazia, para que a "
        "API ainda a encontre.",
    ),
    "made_empty": Told(
        Level.INFORMATION,
        "It is not paired, so there is nothing to keep. Its instance is made, empty, so that the API still finds it.",
        "Não está pareada, então não há o que guardar. A instância é criada, vazia, para que a API ainda a encontre.",
    ),
    "no_row": Told(
        Level.QUESTION,
        "No row of the table Instance has this id: the instance was deleted, or is another installation's. Evolution "
        "logs an error for it at each start.",
        "Nenhuma linha da tabela Instance tem este id: a instância foi apagada, ou é de outra instalação. O Evolution "
        "registra um erro por causa dela a cada início.",
    ),
    "keys_without_row": Told(
        Level.INFORMATION,
        "Keys whose instances are not in the table Instance, left out ({count}): {names}.",
        "Chaves cujas instâncias não estão na tabela Instance, deixadas de fora ({count}): {names}.",
    ),
    "keys_in_two_places": Told(
        Level.QUESTION,
        "It has keys in Redis and in files, and one of them is old. Those in {taken} are taken, as the settings say; "
        "--keys redis or --keys files says it for sure.",
        "Há chaves no Redis e em arquivos, e um dos dois é antigo. São usadas as de {taken}, como dizem as "
        "configurações; --keys redis ou --keys files confirma qual.",
    ),
    "keys_elsewhere": Told(
        Level.QUESTION,
        "Its settings say that its keys are in {said}, where it has none. There are some in {found}, which are not "
        "taken: --keys redis or --keys files says which it used last.",
        "As configurações dizem que as chaves estão em {said}, onde não há nenhuma. Há algumas em {found}, que não são "
        "importadas: --keys redis ou --keys files diz quais foram usadas por último.",
    ),
    "creds_in_two_places": Told(
        Level.INFORMATION,
        "Its creds are in the database and in Redis; those in {taken} are taken, for the others are no newer.",
        "As creds estão no banco de dados e no Redis; são usadas as do {taken}, pois as outras não são mais novas.",
    ),
    "creds_of_two_accounts": Told(
        Level.QUESTION,
        "Its creds in the database and in Redis are of two different pairings. Those in {taken} would be "
        "taken; the others are lost with the move.",
        "As creds no banco de dados e no Redis são de dois pareamentos diferentes. Seriam usadas as do "
        "{taken}; as outras se perdem na mudança.",
    ),
    "creds_elsewhere": Told(
        Level.QUESTION,
        "Its settings say that creds are in {said}, where it has none that can be read. Those in {taken} are taken, "
        "which may be old.",
        "As configurações dizem que as creds estão no {said}, onde ela não tem nenhuma que possa ser lida. São usadas "
        "as do {taken}, que podem ser antigas.",
    ),
    "creds_cut_off": Told(
        Level.FAILURE,
        "Its creds were cut off by the database: a column TEXT of MySQL ends at 65,535 bytes. It has to be paired "
        "anew.",
        "As creds foram cortadas pelo banco de dados: uma coluna TEXT do MySQL termina em 65.535 bytes. É preciso "
        "parear de novo.",
    ),
    "owner_differs": Told(
        Level.QUESTION,
        "The table Instance says that it is the number {owner}, and its creds are of {number}: they may be old.",
        "A tabela Instance diz que ela é do número {owner}, e as creds são de {number}: podem ser antigas.",
    ),
    "status_closed": Told(
        Level.INFORMATION,
        "Its connection was closed. Evolution 2.3.7 and later do not connect it at a start; /instance/connect/{name} "
        "does.",
        "A conexão estava fechada. O Evolution 2.3.7 e posteriores não a conectam ao iniciar; "
        "/instance/connect/{name} conecta.",
    ),
    # Ticketz
    "connections_left": Told(
        Level.INFORMATION,
        "Connections without a session, left out ({count}): {names}.",
        "Conexões sem sessão, deixadas de fora ({count}): {names}.",
    ),
    "keys_in_old_form": Told(
        Level.INFORMATION,
        "Its keys are in the column session, as old forks of Whaticket keep them.",
        "As chaves estão na coluna session, como em forks antigos do Whaticket.",
    ),
}
"""By code. The curly parts are a note's details."""
