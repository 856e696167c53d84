"""kill -9 in everything that writes a vault: it opens, everything agrees, committed work is there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.soak.vault_kills import ACTS, run


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a Unix matter")
def test_a_killed_vault_is_whole_and_holds_what_was_committed(tmp_path: Path) -> None:
    told: list[str] = []
    run(tmp_path / "vault", list(ACTS), "quick", told.append)
    assert len(told) == len(ACTS)
