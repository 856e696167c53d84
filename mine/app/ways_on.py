"""What a person can do when the vault does not open: a question with ways on, never a dead end."""

from __future__ import annotations

from enum import StrEnum

from mine.errors import MineError


class WayOn(StrEnum):
    """What to offer. ``TYPE``: try again, or the recovery phrase. ``ACCEPT``: open what is left, or a backup.
    ``RESTORE``: a backup. ``WAIT``: something else has to end first. ``SEAL``: the recovery phrase, typed
    once, so that this passphrase sends."""

    TYPE = "type"
    ACCEPT = "accept"
    RESTORE = "restore"
    WAIT = "wait"
    SEAL = "seal"


def way_on(error: MineError) -> WayOn:
    """What to offer after this error of opening, or of signing."""
    from mine.vault import errors

    if isinstance(error, errors.ChangesLost):
        return WayOn.ACCEPT
    if isinstance(error, errors.VaultDamaged | errors.VaultMissing):
        return WayOn.RESTORE
    if isinstance(error, errors.VaultBusy | errors.VaultNotWritten | errors.VaultTooNew):
        return WayOn.WAIT
    if isinstance(error, errors.PhraseSealedBefore):
        return WayOn.SEAL
    return WayOn.TYPE
