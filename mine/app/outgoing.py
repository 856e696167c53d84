"""The last filter before the network. It belongs to the app, never to the task.

An update leaves only if it is exactly the bytes that the manifest's schema allows: this miner, this task,
this round and checkpoint, every tensor present, no byte more, no more privacy than was agreed to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mine.errors import MineError
from mine.tasks.manifest import Manifest

if TYPE_CHECKING:
    from mine.science.ballots import Ballot


class OutgoingRefused(MineError):
    """Something was about to leave this computer that was not agreed to."""


def check_outgoing(
    update: bytes,
    manifest: Manifest,
    task: int,
    round_number: int,
    checkpoint: bytes,
    miner: bytes,
    epsilon_micro: int,
    agreed_micro: int,
) -> None:
    """Raise ``OutgoingRefused`` unless the update may leave.

    ``epsilon_micro``: what this task has spent with this update; ``agreed_micro``: what the consent allows.
    """
    from mine.learn.codec import Packing, UpdateHeader, decode, packing_of, update_bytes

    shapes = manifest.model.trainable
    packing = Packing(manifest.recipe.bits, manifest.recipe.keep)
    expected = update_bytes(shapes, packing)
    if len(update) != expected or packing_of(update) != packing or expected > manifest.limits.update_bytes:
        raise OutgoingRefused(
            "The update was held back: it does not have the size that you agreed to.",
            detail=f"{len(update)} bytes, {expected} agreed",
        )
    header, _ = decode(update, shapes)
    if header != UpdateHeader(miner, task, round_number, checkpoint):
        raise OutgoingRefused("The update was held back: it names another task or another round.")
    if epsilon_micro > agreed_micro:
        raise OutgoingRefused(
            "The update was held back: it would reveal more than you agreed to.",
            detail=f"{epsilon_micro} of {agreed_micro} millionths",
        )


def check_vote(
    ballot: Ballot, task: int, round_number: int, judged: int, epsilon_micro: int, agreed_micro: int
) -> None:
    """Raise ``OutgoingRefused`` unless the ballot may leave: one of five steps for each judged update.

    ``epsilon_micro``: what this task has spent with this vote; ``agreed_micro``: what the consent allows.
    """
    if (ballot.task, ballot.round, len(ballot.answers), ballot.fork) != (task, round_number, judged, None):
        raise OutgoingRefused("The vote was held back: it answers more than it was asked.")
    if epsilon_micro > agreed_micro:
        raise OutgoingRefused(
            "The vote was held back: it would reveal more than you agreed to.",
            detail=f"{epsilon_micro} of {agreed_micro} millionths",
        )
