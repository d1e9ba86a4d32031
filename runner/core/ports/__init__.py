"""Where the rooms meet: every contract between them, with its obligations.

The rooms in the middle (manifest, providers, engine, store, transfer, media, report, sandbox) do not know one another. `cli`
makes their objects and hands them to the engine as these protocols. All values that cross are plain data from `core`.
"""

from runner.core.ports.delivery import (
    Delivery,
    FetchProblem,
    NotDelivered,
    Order,
)
from runner.core.ports.provider import (
    InstalledProvider,
    ListedTask,
    ListPage,
    Operation,
    OwnIds,
    Provider,
    ProviderDefaults,
    TaskList,
    Traits,
    UnusableProvider,
    Voice,
    Wire,
)
from runner.core.ports.store import (
    Charge,
    Move,
    Store,
)
from runner.core.ports.surroundings import (
    Clock,
    Observer,
)

__all__ = [
    "Charge",
    "Clock",
    "Delivery",
    "FetchProblem",
    "InstalledProvider",
    "ListPage",
    "ListedTask",
    "Move",
    "NotDelivered",
    "Observer",
    "Operation",
    "Order",
    "OwnIds",
    "Provider",
    "ProviderDefaults",
    "Store",
    "TaskList",
    "Traits",
    "UnusableProvider",
    "Voice",
    "Wire",
]
