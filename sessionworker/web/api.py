"""The Klein tree: which URL means which call to the store. `docs/protocol.md` is the same in words."""

from __future__ import annotations

from functools import partial

from klein import Klein
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import MethodNotAllowed as WerkzeugMethodNotAllowed
from werkzeug.routing import BaseConverter

from sessionworker.access import Grant
from sessionworker.errors import MethodNotAllowed, NameNotAllowed, NotFound, RequestNotAllowed, StoreUnavailable
from sessionworker.http.answers import TEXT, answer, answer_error, answer_failure, answer_json, answer_nothing, in_turn
from sessionworker.http.request import WorkerRequest
from sessionworker.names import check_name
from sessionworker.offload import Offload
from sessionworker.stores.changes import CreateGroup, CreateInstance, DropInstance, ReleaseInstance
from sessionworker.web.admin import add_admin
from sessionworker.web.bodies import read_group, read_opening
from sessionworker.web.many_keys import ManyKeys
from sessionworker.web.metrics import CONTENT_TYPE, Metrics
from sessionworker.web.overview import Overview
from sessionworker.web.owners import answer_done, owner_of
from sessionworker.web.session_files import SessionFiles
from sessionworker.web.watching import host_of
from sessionworker.wire import PONG, WELL, WellForm

CREATE_SECONDS = 5.0
"""How long the creation of an instance may take, its creds' check included; a disk that takes longer is as good as
broken."""


NO_GROUP = (
    "An API asked for a group and gave no name: PROVIDER_PREFIX is not set there. It will use the group 'undefined', "
    "and so will every other one of which that is true. Set PROVIDER_PREFIX in the API before it has accounts."
)

RELEASED_BY_NOBODY = "Who lets an instance go is said in the header 'owner'."

FROM_PREFIX = "An API takes the name from its variable PROVIDER_PREFIX."

_log = Logger()


class _KeyConverter(BaseConverter):
    """Everything after the instance is the key: slashes, double and trailing ones included."""

    regex = "(?s:.*)"
    part_isolating = False


def build_api(
    reactor: IReactorTime,
    offload: Offload,
    session_files: SessionFiles,
    many_keys: ManyKeys,
    overview: Overview,
    metrics: Metrics,
) -> Klein:
    """Build the tree over a store, with its leaves for session files.

    In the routes an instance is called `name`: Klein has a parameter called `instance` of its own.
    """
    app = Klein()
    app.url_map.merge_slashes = False  # '//' belongs to keys
    app.url_map.converters["key"] = _KeyConverter

    @app.route("/ping", methods=["OPTIONS"])
    def ping(request: WorkerRequest) -> bytes:
        return answer(request, PONG, TEXT)

    @app.route("/health", methods=["GET"])
    def is_well(request: WorkerRequest) -> Deferred[bytes]:
        return overview.health.check().addCallback(lambda _: answer_json(request, WellForm(WELL)))

    @app.route("/metrics", methods=["GET"])
    def show_metrics(request: WorkerRequest) -> bytes:
        return answer(request, metrics.text(), CONTENT_TYPE)

    @app.route("/session", methods=["POST"])
    def create_group(request: WorkerRequest) -> Deferred[bytes] | bytes:
        group = read_group(request.body)
        if group is None:  # whatsapp-api without that variable; any error here, and it ends itself
            _log.warn(NO_GROUP, event="group_not_named")
            return answer_nothing(request)
        grant: Grant = request.known
        grant.check_group(group)
        try:
            change = CreateGroup(check_name("group", group))
        except NameNotAllowed as error:
            raise NameNotAllowed(f"{error.message} {FROM_PREFIX}") from None
        return offload.commit(change).addCallback(lambda _: answer_nothing(request))

    @app.route("/session/<group>", methods=["POST"])
    def create_instance(request: WorkerRequest, group: str) -> Deferred[bytes]:
        return _create_or_release(reactor, offload, request, check_name("group", group))

    @app.route("/session/<group>/list-instances", methods=["GET"])
    def list_instances(request: WorkerRequest, group: str) -> Deferred[bytes]:
        group = check_name("group", group)
        ask = partial(offload.ask, offload.store.instances, group)
        return in_turn(lambda: ask().addCallback(lambda names: answer_json(request, names)), request)

    @app.route("/session/<group>/<name>", methods=["DELETE"])
    def drop_instance(request: WorkerRequest, group: str, name: str) -> Deferred[bytes]:
        place = check_name("group", group), check_name("instance", name)
        change = DropInstance(*place, by=host_of(request), owner=owner_of(request))
        return offload.commit(change).addCallback(lambda _: answer(request, b"null"))

    @app.route("/session/<group>/<name>", methods=["POST"])
    def many(_request: WorkerRequest, **_path: str) -> ManyKeys:
        return many_keys

    @app.route("/session/<group>/<name>/<key:key>", branch=True)
    def files(_request: WorkerRequest, **_path: str) -> SessionFiles:
        return session_files

    add_admin(app, offload, overview)

    @app.handle_errors(HTTPException)  # type: ignore[arg-type]  # its types want IRequest where it gives ours
    def not_routed(request: WorkerRequest, failure: Failure) -> bytes:
        if isinstance(failure.value, WerkzeugMethodNotAllowed):
            return answer_error(request, MethodNotAllowed(", ".join(sorted(failure.value.valid_methods or ()))))
        return answer_error(request, NotFound())

    @app.handle_errors(Exception)  # type: ignore[arg-type]
    def failed(request: WorkerRequest, failure: Failure) -> bytes:
        return answer_failure(failure, request)

    return app


def _create_or_release(reactor: IReactorTime, offload: Offload, request: WorkerRequest, group: str) -> Deferred[bytes]:
    instance, is_release = read_opening(request.body)
    place, owner = (group, check_name("instance", instance)), owner_of(request)
    if is_release:
        if not owner:
            raise RequestNotAllowed(RELEASED_BY_NOBODY)
        return offload.commit(ReleaseInstance(*place, owner)).addCallback(lambda _: answer_nothing(request))
    done = offload.commit(CreateInstance(*place, owner))
    # The client asks for creds next, and takes any error there for a reason to make a new identity. Here it stops.
    done.addCallback(lambda lease: offload.ask(offload.store.check_creds, *place).addCallback(lambda _: lease))
    done.addTimeout(CREATE_SECONDS, reactor)
    done.addErrback(does_not_answer)
    return done.addCallback(answer_done, request)


def does_not_answer(failure: Failure) -> Failure:
    """Say what it means that the store took too long."""
    if failure.check(TimeoutError, DeferredTimeoutError):
        return Failure(StoreUnavailable("The store did not answer in time. Try again in a moment."))
    return failure
