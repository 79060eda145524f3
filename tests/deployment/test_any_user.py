"""The worker runs as whichever user it is started as, of whom the system need not have heard."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

import pytest

from sessionworker.keys import make_key
from tests.daemon.certificates import make_certificate, write
from tests.daemon.test_tls import TlsWorker
from tests.daemon.twistd import SALES, ask
from tests.tools import require, require_root

pytestmark = pytest.mark.slow

NOBODYS = 54321
IMAGES = 5656


@pytest.mark.parametrize(("owner", "group"), [(IMAGES, 0), (NOBODYS, NOBODYS)])
def test_a_user_without_a_name_serves_encrypts_and_speaks_tls(tmp_path: Path, owner: int, group: int) -> None:
    require_root()
    with pytest.raises(KeyError):
        pwd.getpwuid(NOBODYS)
    store = tmp_path / "store"
    # As the image makes it, for whoever is in its group; and as somebody makes it who wants a user of his own.
    store.mkdir()
    os.chown(store, owner, 0 if owner == IMAGES else group)
    store.chmod(0o770 if owner == IMAGES else 0o700)
    write(tmp_path, *make_certificate())
    make_key(tmp_path / "key")
    worker = TlsWorker(tmp_path, "--encryption-key-file", str(tmp_path / "key"))
    worker.before = [
        *(require("setpriv"), f"--reuid={NOBODYS}", f"--regid={group}", "--clear-groups", "--no-new-privs"),
        # It may do nothing but read the programs: in a test Python may be in a folder that others cannot enter.
        *(f"--{which}-caps=-all,+dac_read_search" for which in ("inh", "ambient")),
        "--bounding-set=-all,+dac_read_search",
    ]
    with worker:
        status = Path(f"/proc/{worker.pid}/status").read_text()
        assert f"Uid:\t{NOBODYS}\t{NOBODYS}\t{NOBODYS}\t{NOBODYS}" in status
        for _ in range(2):
            assert ask(worker, "POST", "/session/codechat", {"instance": "sales"}).status == 204
            assert ask(worker, "POST", f"{SALES}/creds", {"data": '{"me":1}'}).status == 204
            assert ask(worker, "POST", f"{SALES}/large", {"data": '"' + "x" * 2**21 + '"'}).status == 204
            assert ask(worker, "POST", "/admin/checkpoint").status == 204
            assert b"process_open_fds" in ask(worker, "GET", "/metrics").body
            with worker.connect() as connection:
                assert connection.version() == "TLSv1.3"
            assert worker.terminate() == 0
            worker.start()
            worker.wait_until_ready()
            assert ask(worker, "GET", f"{SALES}/creds").body == b'{"me":1}'
            assert ask(worker, "DELETE", SALES).status == 200
        worker.terminate()
        assert worker.failures == []
    made = list(store.rglob("*"))
    assert len(made) > 15
    for path in made:
        status_of = path.stat()
        assert status_of.st_uid == NOBODYS, path
        assert stat.S_IMODE(status_of.st_mode) == (0o700 if path.is_dir() else 0o600), path
