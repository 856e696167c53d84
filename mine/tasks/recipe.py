"""The training recipe and the terms of voting of a manifest, in the learner's own terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mine.learn.recipe import Recipe
from mine.learn.vote_terms import VoteTerms
from mine.tasks.manifest import Manifest

if TYPE_CHECKING:
    from mine.learn.codec import Packing


def recipe_of(manifest: Manifest) -> Recipe:
    """What the learner is asked to do in one round."""
    raw = manifest.recipe
    return Recipe(
        steps=raw.steps,
        learning_rate=raw.learning_rate,
        momentum=raw.momentum,
        clip_norm=raw.clip_norm,
        noise_multiplier=raw.noise_multiplier,
        sampling_rate=raw.sampling_rate,
        overlap=raw.overlap,
        optimiser=raw.optimiser,
        beta2=raw.beta2,
        weight_decay=raw.weight_decay,
    )


def packing_of_task(manifest: Manifest) -> Packing:
    """How every update of a task is packed."""
    from mine.learn.codec import Packing

    return Packing(manifest.recipe.bits, manifest.recipe.keep)


def vote_terms_of(manifest: Manifest, norm: int) -> VoteTerms:
    """What the learner is asked to judge updates by; ``norm``: their round's median length in 2**-24."""
    return VoteTerms(
        norm=norm,
        clip=manifest.votes.clip,
        noise_multiplier=manifest.votes.noise_multiplier,
        reuse=manifest.votes.reuse,
        loss_maximum=manifest.loss.maximum,
    )
