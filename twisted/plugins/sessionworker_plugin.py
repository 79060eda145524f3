"""Gives `twistd` the command `sessionworker`."""

from twisted.application.service import ServiceMaker

sessionworker = ServiceMaker(
    "sessionworker",
    "sessionworker.service",
    "Stores the session files of WhatsApp API programs.",
    "sessionworker",
)
