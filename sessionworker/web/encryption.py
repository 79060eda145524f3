"""The part of the tree for operators that is about keys: with which all is encrypted, and getting to one alone."""

from __future__ import annotations

from functools import partial

from klein import Klein
from twisted.internet.defer import Deferred

from sessionworker.http.answers import answer, answer_json, answer_nothing
from sessionworker.http.request import WorkerRequest
from sessionworker.offload import Offload


def add_encryption(app: Klein, offload: Offload) -> None:
    """Add the routes below `/admin/encryption`."""
    store = offload.store

    @app.route("/admin/encryption", methods=["GET"])
    def encryption(request: WorkerRequest) -> Deferred[bytes]:
        return offload.ask(store.encryption).addCallback(lambda found: answer_json(request, found))

    @app.route("/admin/encryption/rewrite", methods=["POST"])
    def rewrite(request: WorkerRequest) -> Deferred[bytes]:
        return offload.ask(partial(store.rewrite, is_wanted=True)).addCallback(lambda _: answer_nothing(request))

    @app.route("/admin/encryption/rewrite", methods=["DELETE"])
    def stop_rewriting(request: WorkerRequest) -> Deferred[bytes]:
        done = offload.ask(partial(store.rewrite, is_wanted=False))
        return done.addCallback(lambda _: answer(request, b"null"))
