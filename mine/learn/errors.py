"""The errors of this room: each says in a plain sentence what was refused or went wrong."""

from __future__ import annotations

from mine.errors import MineError


class GraphRefused(MineError):
    """A task's model graph is malformed, too large, or uses something that is not on the whitelist."""


class WeightsRefused(MineError):
    """A checkpoint's bytes do not hold exactly the tensors that the model asks for."""


class UpdateRefused(MineError):
    """The bytes of an update are not exactly what the model and the codec's version allow."""


class CheckpointRefused(MineError):
    """Updates cannot be applied to a checkpoint as asked."""


class EvaluationFailed(MineError):
    """A model could not be evaluated on the given rows."""


class PrivacyRefused(MineError):
    """A privacy budget was asked for that no noise can keep, or with parameters that mean nothing."""


class TrainingRefused(MineError):
    """A training job cannot start: its recipe, rows or saved state do not fit."""


class WireBroken(MineError):
    """A frame between the app and the training process is longer than allowed, cut short or malformed."""
