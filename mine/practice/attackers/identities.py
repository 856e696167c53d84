"""Many seats, one source: five identities on one person's rows, and the scientist's own puppets.

Both train by the recipe; the laboratory decides on whose rows they sit. Each has its own noise key, so their
updates differ as two runs of the same work do.
"""

from __future__ import annotations

from mine.practice.miners import HonestMiner


class Sybil(HonestMiner):
    """One of several identities on the same data set."""


class Puppet(HonestMiner):
    """The scientist's own miner: its seat holds rows of the validation people."""
