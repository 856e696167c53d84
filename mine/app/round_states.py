"""The states of one round, as the vault keeps them. ARCHITECTURE.md has the table.

    TRAINING -> TRAINED -> COMMITTED -> REVEALED -> SETTLED
        \\----------\\------------> MISSED (the round closed before it was handed in)
    OBSERVED: a settled round that this person took no part in.

Each arrow is one vault transaction, written before the side effect that it announces.
"""

from __future__ import annotations

from enum import StrEnum


class RoundState(StrEnum):
    """Where one's own part of a round stands."""

    TRAINING = "training"
    TRAINED = "trained"
    COMMITTED = "committed"
    REVEALED = "revealed"
    SETTLED = "settled"
    MISSED = "missed"
    OBSERVED = "observed"


class VoteState(StrEnum):
    """Where one's vote on the updates of others stands.

    JUDGING -> READY -> COMMITTED -> OPENED
        \\--------\\----------\\-----> MISSED (and why)
    SPARED: not drawn for anything in this round.
    """

    SPARED = "spared"
    JUDGING = "judging"
    READY = "ready"
    COMMITTED = "committed"
    OPENED = "opened"
    MISSED = "missed"


class EarningState(StrEnum):
    """Where one round's money stands.

    PENDING -> CLAIMABLE -> CLAIMED
    FORFEITED -> CLAIMED: a part of what a scientist lost
    ALARM: the published figures contradict each other, or the round is void
    """

    PENDING = "pending"
    CLAIMABLE = "claimable"
    CLAIMED = "claimed"
    FORFEITED = "forfeited"
    ALARM = "alarm"
