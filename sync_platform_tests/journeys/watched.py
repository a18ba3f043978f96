"""A HubSpot that notes how its contacts are read, holds its breath at a call, and lives on."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import Pipe
from threading import Event

import orjson

from sync_platform.sandbox import HubSpot
from sync_platform.sandbox.calls import Call

CONTACTS = "/crm/v3/objects/contacts"
A_PAGE = 200  # contacts
GONE_A_PAGE = 100  # contacts that were archived


@dataclass(frozen=True)
class Step:
    """A page that was asked for: of rows, or of gone keys; what it comes after."""

    kind: str
    after: str = "0"


class WatchedHubSpot(HubSpot):
    """No limits; every call that needs a token is counted in `heard`, which a test may reset."""

    def __init__(self) -> None:
        super().__init__(burst=None, search_per_second=None)
        self.heard = 0
        self.steps: list[Step] = []
        self.reached, self._reach = Pipe(duplex=False)
        self._at: int | None = None
        self._free = Event()
        self._meanwhile: dict[int, Callable[[], None]] = {}

    def close(self) -> None:
        self.reached.close()
        self._reach.close()

    def forget(self) -> None:
        """Before another sync: nothing has been heard."""
        self.go_on()
        with self.lock:
            self.heard, self.steps, self._meanwhile = 0, [], {}
            self._at = None
        while self.reached.poll():
            self.reached.recv()

    def tell_at(self, call: int, *, hold: bool) -> None:
        """At that call, counted from 1, `reached` has something to say; hold the answer or not."""
        with self.lock:
            self._at = call
            self._free.clear() if hold else self._free.set()

    def go_on(self) -> None:
        """Answer the call that is held."""
        self._free.set()

    def after_calls(self, call: int, do: Callable[[], None]) -> None:
        """Do something at that call, before it is answered."""
        with self.lock:
            self._meanwhile[call] = do

    def check_token(self, call: Call) -> None:
        """Every call comes by here."""
        super().check_token(call)
        self.heard += 1
        if call.path == f"{CONTACTS}/search":
            bound = orjson.loads(call.body)["filterGroups"][0]["filters"][0]
            assert bound["propertyName"] == "hs_object_id"
            self.steps.append(Step("rows", str(bound["value"])))
        elif call.path == CONTACTS:
            self.steps.append(Step("gone", call.first("after", "0")))
        self._meanwhile.pop(self.heard, lambda: None)()
        if self.heard == self._at:
            self._reach.send("reached")
            self._free.wait(60)

    def fill(self, live: int, archived: int) -> None:
        """So many contacts, all edited just now, and so many more that were archived since."""
        ids = self.add_many("contacts", live + archived)
        for id in random.Random(1).sample(ids, archived):
            self.archive("contacts", id)

    def live_on(self, rng: random.Random, *, purges: bool) -> None:
        """Some contacts are created, edited, archived, restored; some purged without a trace."""
        with self.lock:
            creates, updates, archives = rng.randint(0, 40), rng.randint(0, 80), rng.randint(0, 9)
            self.change("contacts", creates=creates, updates=updates, archives=archives)
            binned = [str(id) for id in self.portal.records["contacts"].archived.ids]
            for id in rng.sample(binned, min(len(binned), rng.randint(0, 4))):
                self.restore("contacts", id)
            if purges:
                known = [*self.portal.records["contacts"].live.ids, *map(int, binned)]
                for number in set(rng.sample(known, rng.randint(0, 9))):
                    self.purge("contacts", str(number))

    def archived(self) -> dict[str, str]:
        """When each archived contact was archived, by id."""
        with self.lock:
            records = self.portal.records["contacts"].archived
            return {str(record.id): record.archived_at or "" for record in records}
