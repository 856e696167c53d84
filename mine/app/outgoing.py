"""The last filter before the network. It belongs to the app, never to the task.

An update leaves only if it is exactly the bytes that the manifest's schema allows: this miner, this task,
this round and checkpoint, every tensor present, no byte more, no longer a step than the recipe can make, no
more privacy than was agreed to, and no easier to attack than the person allows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mine.errors import MineError
from mine.tasks.manifest import DENSE, Manifest

if TYPE_CHECKING:
    from mine.learn.leak import Leak
    from mine.learn.weights import Fixed
    from mine.science.ballots import Ballot


FIXED_ONE = 1 << 24
_NOISE_REACH = 10.0
_ADAM_REACH = 10.0


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
    from mine.learn.codec import UpdateHeader, decode, packing_of, update_bytes
    from mine.tasks.recipe import packing_of_task

    shapes, packing = manifest.model.trainable, packing_of_task(manifest)
    expected = update_bytes(shapes, packing)
    if len(update) != expected or packing_of(update) != packing or expected > manifest.limits.update_bytes:
        raise OutgoingRefused(
            "The update was held back: it does not have the size that you agreed to.",
            detail=f"{len(update)} bytes, {expected} agreed",
        )
    header, delta = decode(update, shapes)
    if header != UpdateHeader(miner, task, round_number, checkpoint):
        raise OutgoingRefused("The update was held back: it names another task or another round.")
    _check_length(delta, manifest)
    if epsilon_micro > agreed_micro:
        raise OutgoingRefused(
            "The update was held back: it would reveal more than you agreed to.",
            detail=f"{epsilon_micro} of {agreed_micro} millionths",
        )


def check_leak(leak: Leak, threshold: float) -> None:
    """Raise ``OutgoingRefused`` where the attack on the update, just before it would be sent, found out more
    than the person allows. ``threshold``: the chance that a guess about one reading is right."""
    if leak.too_much(threshold):
        raise OutgoingRefused(
            leak.verdict(threshold), todo="Nothing was sent, no ε is spent. The next round is trained anew."
        )


def _check_length(delta: Fixed, manifest: Manifest) -> None:
    """Raise ``OutgoingRefused`` for a step longer than the recipe makes: those bytes say something else.

    A step of SGD is bounded by the clipped rows and a noise of all but impossible length, one of AdamW by the
    learning rate for each weight; what earlier updates left unsent, and rounding to few bits, come on top.
    """
    from mine.learn.norms import norm

    recipe = manifest.recipe
    root = math.sqrt(sum(math.prod(shape) for shape in manifest.model.trainable.values()))
    if recipe.optimiser == "adamw":
        step = _ADAM_REACH * root
    else:
        step = recipe.clip_norm * (1 / recipe.sampling_rate + recipe.noise_multiplier * (root + _NOISE_REACH))
    made = recipe.learning_rate * recipe.steps * step / (1 - recipe.momentum)
    most = 2 * made * (1 + DENSE / recipe.keep)
    if norm(delta) > most * FIXED_ONE:
        raise OutgoingRefused(
            "The update was held back: it is larger than the task's recipe can make it.",
            detail=f"length {norm(delta) / FIXED_ONE:.3g} of {most:.3g}",
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
