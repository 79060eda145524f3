"""A client of the worker for Python programs on Twisted: the verbs of the wire as `async` methods.

    async with Client("http://127.0.0.1:5656", token) as client:
        await client.create_instance("codechat", "sales")
        await client.write("codechat", "sales", "creds", '{"registered":true}')
        value = await client.read("codechat", "sales", "creds")

What an operator may ask is here too: what is stored and what needs somebody, what happened lately, older versions of
`creds`, instances that were dropped, and the keys of an encrypted store.

A program that wants to be alone with its instances gives the client an `owner`: nobody else can change one for 30 s
after each call that changes it, or makes sure that it exists. Who comes while another has it gets a `HeldElsewhere`.

A call that the worker refused raises a `Refused`, and one that brought no answer a `NoAnswer`. None of them holds the
token, or the value of a session file.
"""

from sessionworker.client.answers import Whole
from sessionworker.client.errors import (
    BodyTooLarge,
    ClientError,
    Conflict,
    ConnectionFailed,
    HeldElsewhere,
    NameTaken,
    NoAnswer,
    NoSpace,
    NoSuchDrop,
    NoSuchGroup,
    NoSuchInstance,
    NoSuchKey,
    NoSuchVersion,
    NotAllowed,
    NotFound,
    Overloaded,
    Refused,
    TimedOut,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
)
from sessionworker.client.verbs import Client
from sessionworker.wire import (
    DropSummary,
    EncryptionSummary,
    EventSummary,
    InstanceSummary,
    Problem,
    StoreOverview,
    VersionSummary,
    WorkerOverview,
)

__all__ = [
    "BodyTooLarge",
    "Client",
    "ClientError",
    "Conflict",
    "ConnectionFailed",
    "DropSummary",
    "EncryptionSummary",
    "EventSummary",
    "HeldElsewhere",
    "InstanceSummary",
    "NameTaken",
    "NoAnswer",
    "NoSpace",
    "NoSuchDrop",
    "NoSuchGroup",
    "NoSuchInstance",
    "NoSuchKey",
    "NoSuchVersion",
    "NotAllowed",
    "NotFound",
    "Overloaded",
    "Problem",
    "Refused",
    "StoreOverview",
    "TimedOut",
    "Unauthorized",
    "Unavailable",
    "UnexpectedAnswer",
    "VersionSummary",
    "Whole",
    "WorkerOverview",
]
