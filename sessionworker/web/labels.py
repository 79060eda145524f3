"""The part of the tree for operators that is about labels: what people call an instance."""

from __future__ import annotations

from klein import Klein
from twisted.internet.defer import Deferred

from sessionworker.http.answers import answer_nothing
from sessionworker.http.request import WorkerRequest
from sessionworker.names import check_name
from sessionworker.offload import Offload
from sessionworker.stores.changes import LabelInstance
from sessionworker.web.bodies import read_label


def add_labels(app: Klein, offload: Offload) -> None:
    """Add the route of an instance's label."""

    @app.route("/admin/groups/<group>/instances/<name>/label", methods=["PUT"])
    def label_instance(request: WorkerRequest, group: str, name: str) -> Deferred[bytes]:
        place = check_name("group", group), check_name("instance", name)
        done = offload.commit(LabelInstance(*place, read_label(request.body)))
        return done.addCallback(lambda _: answer_nothing(request))
