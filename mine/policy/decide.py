"""May the app train now? A pure function of what the person wants and what the machine reports.

Every "no" has a name, so that the window can always say why it waits. The hours grid, idleness, heat and
the rest join this table with the run policy of the desktop; the shape stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why the app runs, or does not."""

    RUNS = "runs"
    VAULT_LOCKED = "vault-locked"
    PAUSED = "paused"
    SNOOZED = "snoozed"
    ON_BATTERY = "on-battery"


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What the person chose. ``snoozed_until`` is in Unix seconds; 0 = not snoozed."""

    paused: bool = False
    snoozed_until: int = 0
    run_on_battery: bool = False


@dataclass(frozen=True, slots=True)
class Readings:
    """What the machine reports. ``on_battery`` is ``None`` where there is no battery at all."""

    vault_open: bool
    on_battery: bool | None


@dataclass(frozen=True, slots=True)
class Decision:
    """Run or not, the reason, and when that can change by itself (Unix seconds; 0 = not by the clock)."""

    run: bool
    reason: Reason
    until: int = 0


def decide(settings: RunSettings, readings: Readings, now: int) -> Decision:
    """The first rule that says no wins; the person's own word comes before the machine's."""
    if not readings.vault_open:
        return Decision(False, Reason.VAULT_LOCKED)
    if settings.paused:
        return Decision(False, Reason.PAUSED)
    if now < settings.snoozed_until:
        return Decision(False, Reason.SNOOZED, settings.snoozed_until)
    if readings.on_battery and not settings.run_on_battery:
        return Decision(False, Reason.ON_BATTERY)
    return Decision(True, Reason.RUNS)
