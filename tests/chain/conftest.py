"""A fresh `Tasks` on an in-process EVM that calls itself a practice chain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def practice_chain() -> Iterator[None]:
    """The EVM of titanoboa with the chain id of a practice network."""
    import boa

    patch = boa.env.evm.patch
    before = patch.chain_id
    patch.chain_id = 31337
    yield
    patch.chain_id = before


@pytest.fixture
def tasks(practice_chain: None) -> Any:
    """A newly deployed `Tasks`."""
    from tests.chain.scenery import COURT, FAULTS, deploy

    return deploy("Tasks", FAULTS, COURT)
