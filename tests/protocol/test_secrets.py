"""Nothing secret is in an answer to somebody else, or in the log."""

from __future__ import annotations

import json

from tests.memory import Worker, request
from tests.protocol.words import SALES


def test_no_token_no_key_and_no_value_is_ever_in_an_error_or_in_the_log(worker: Worker) -> None:
    secret_key, secret_value, wrong_token = "session-5511987654321", "s3cret-value", "wr0ng-token"
    path = f"{SALES}/{secret_key}"
    bodies = [
        {"data": json.dumps(secret_value)},
        {"data": secret_value},
        {"data": {"x": secret_value}},
        {secret_value: 1},
        secret_value.encode(),
        f'{{"group": "{secret_value}/{secret_key}", "instance": "../{secret_value}"}}'.encode(),
    ]
    paths = [
        path,
        f"{path}?{secret_value}",
        f"{path}/..",
        f"{path}%00",
        f"{path}%FF",
        f"{path}\xa3",
        f"{path}{'x' * 300}",
        f"/{path}",
        f"/session/nowhere/nobody/{secret_key}",
        f"/session%2Fcodechat%2Fsales%2F{secret_key}",
        f"/session/codechat%2Fsales/{secret_key}",
        f"/%73ession/codechat/sales/{secret_key}",
        f"http://worker{path}",
        "/session",
        "/session/codechat",
    ]
    for token in (worker.token, wrong_token):
        for odd_path in paths:
            for body in bodies:
                for method in ("POST", "GET", "PUT", "DELETE"):
                    answer = worker.ask(method, odd_path, body, token=token)
                    if answer.status >= 400:
                        for secret in (secret_key, secret_value, wrong_token, worker.token):
                            assert secret not in repr(answer)
    for data in (
        f"GET {path}\r\n\r\n".encode(),
        request("POST", path, b"", headers=[("Content-Length", "9")]) + secret_value.encode(),
        request("POST", path, headers=[("Transfer-Encoding", "chunked")]) + f"{secret_value}\r\n".encode(),
        request("GET", path, headers=[(secret_key, ""), (f"bad {secret_value}", "")]),
        request("GET", path + "x" * 20_000),
    ):
        assert secret_key not in repr(worker.raw(data))
    log = "\n".join(worker.log)
    assert "POST /session/codechat/sales/... 204" in log
    for secret in (secret_key, secret_value, wrong_token, worker.token):
        assert secret not in log
