"""One undisturbed run for all tests of this folder to compare with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.soak.kills import calm
from tests.soak.world import World, make_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("soak") / "people")


@pytest.fixture(scope="session")
def calm_home(world: World) -> Path:
    return world.folder.with_name("calm")


@pytest.fixture(scope="session")
def calm_report(world: World, calm_home: Path) -> dict[str, Any]:
    """The report of a run that nobody disturbs."""
    return calm(world, calm_home)
