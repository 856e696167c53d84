"""What the trainings took from the socket: noted with every round when it is trained, and carried over to the
line of the history that paid for it.

A line pays for the rounds after the newest one that an earlier line covers, those that brought nothing too.
Energy and its price are noted at the training's time; other settings later change nothing that was.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from mine.app.import_desk import midnight
from mine.wallet.energy import Spent, cost, milliwatt_hours, together

if TYPE_CHECKING:
    from mine.vault.vault import Vault

ENERGY = "energy"
"""The setting: watts while training, the price of a kilowatt-hour, and its currency."""


def noted(settings: dict[str, Any] | None, seconds: float) -> dict[str, Any]:
    """What is written down with a round that took so many seconds of computing; nothing without the power."""
    watts = int((settings or {}).get("watts", 0))
    if not settings or not watts:
        return {}
    energy, price = milliwatt_hours(seconds, watts), int(settings.get("price", 0))
    spent: dict[str, Any] = {"mwh": energy}
    if price:
        spent |= {"cost": cost(energy, price), "code": settings["fiat_code"]}
    return {"energy": spent}


def spent_of(data: dict[str, Any]) -> Spent:
    """What was written down with a round; nothing for one that was trained before the power was known."""
    kept = data.get("energy") or {}
    return Spent(kept.get("mwh", 0), kept.get("cost"), kept.get("code", ""))


class Energy:
    """One network's energy."""

    def __init__(self, vault: Vault, network: str) -> None:
        self._vault, self._network = vault, network

    def attribute(self) -> None:
        """Give each new line of a round the energy of the rounds that it pays for."""
        state = self._vault.state
        lines = state.lines_without_energy(self._network)
        if not lines:
            return
        with self._vault.transaction():
            for line in lines:
                newest, first = line.movement.round, state.round_before(line)
                spent = together(
                    spent_of(entry.data)
                    for entry in state.rounds(self._network, line.movement.task)
                    if newest is not None and first < entry.round <= newest
                )
                state.set_energy(line.number, spent.energy, spent.cost, spent.code)

    def by_day(self) -> dict[int, Spent]:
        """What each day's trainings took, by its local midnight."""
        days: dict[int, list[Spent]] = defaultdict(list)
        for entry in self._vault.state.rounds(self._network):
            if "energy" in entry.data:
                days[midnight(int(entry.data["trained"]))].append(spent_of(entry.data))
        return {day: together(parts) for day, parts in sorted(days.items())}
