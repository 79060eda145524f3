"""All that every store promises, as one class."""

from __future__ import annotations

from tests.contract.batches import BatchesContract
from tests.contract.conditions import ConditionsContract
from tests.contract.creds import CredsContract
from tests.contract.drops import DropsContract
from tests.contract.events import EventsContract
from tests.contract.groups import GroupsContract
from tests.contract.instances import InstancesContract
from tests.contract.judging import JudgingContract
from tests.contract.labels import LabelsContract
from tests.contract.large_values import LargeValuesContract
from tests.contract.lifetime import LifetimeContract
from tests.contract.many import ManyKeysContract
from tests.contract.odd_creds import OddCredsContract
from tests.contract.overview import OverviewContract
from tests.contract.purges import PurgesContract
from tests.contract.refused_owners import RefusedOwnersContract
from tests.contract.replacements import ReplacementsContract
from tests.contract.restores import RestoresContract
from tests.contract.stories import StoryContract
from tests.contract.values import ValuesContract
from tests.contract.versions import VersionsContract


class ContentContract(
    ValuesContract,
    BatchesContract,
    JudgingContract,
    ConditionsContract,
    CredsContract,
    OddCredsContract,
    VersionsContract,
    LargeValuesContract,
    ManyKeysContract,
):
    """The promises of what an instance holds."""


class CatalogueContract(
    GroupsContract,
    InstancesContract,
    DropsContract,
    RestoresContract,
    ReplacementsContract,
    LabelsContract,
    PurgesContract,
    RefusedOwnersContract,
    OverviewContract,
    EventsContract,
    LifetimeContract,
    StoryContract,
):
    """The promises of which instances there are, who has them, and what is told of them."""


class StoreContract(ContentContract, CatalogueContract):
    """The promises of a store. Where they take long, the two halves are tested by themselves, at the same time."""
