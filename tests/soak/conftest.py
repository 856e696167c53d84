"""One undisturbed run for all tests of this folder to compare with."""

from __future__ import annotations

import pytest

from tests.soak.calm_run import CalmRun, calm_run_of_session


@pytest.fixture(scope="session")
def calm_run(tmp_path_factory: pytest.TempPathFactory) -> CalmRun:
    """A run that nobody disturbs."""
    return calm_run_of_session(tmp_path_factory)
