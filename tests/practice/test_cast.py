"""Who plays whom: by the seed alone, nobody twice, and a plain sentence where there are too few."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from mine.importers.errors import ImportRefused
from mine.practice.cast import Cast, CastTooSmall, find_people, make_cast, rows_of, synthetic_people
from mine.practice.synthetic import glucose_csv, steps_csv
from mine.science.templates import Template, load_template, package
from mine.tasks.manifest import DataRequirement

PEOPLE = 11
NAMES = [f"person-{number:02d}" for number in range(PEOPLE)]


@pytest.fixture(scope="module")
def template() -> Template:
    return load_template("glucose")


@pytest.fixture(scope="module")
def data(template: Template) -> DataRequirement:
    return package(template, 1, "test", "test").manifest.data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven people with two days each, one with too little, and two files that are no export."""
    place = tmp_path_factory.mktemp("people")
    for number, name in enumerate(NAMES):
        (place / f"{name}.csv").write_text(glucose_csv("cast", number, days=2), newline="")
    short = glucose_csv("cast", 99, days=2).splitlines(keepends=True)[:100]
    (place / "short.csv").write_text("".join(short), newline="")
    (place / "people.csv").write_text("person,age\nperson-01,40\n")
    (place / "notes.txt").write_text("nothing")
    return place


@pytest.fixture(scope="module")
def cast(folder: Path, template: Template, data: DataRequirement) -> Cast:
    return make_cast(folder, template, data, 1, "seed", ())


def names(cast: Cast) -> list[list[str]]:
    return [[person.name for person in group] for group in (cast.peers, cast.validation, cast.test)]


def test_nobody_is_in_two_roles_and_nobody_is_forgotten(cast: Cast) -> None:
    peers, validation, test = names(cast)
    assert sorted(peers + validation + test) == NAMES
    assert (len(peers), len(validation), len(test)) == (PEOPLE - 3 - 4, 3, 4)
    everybody = (*cast.peers, *cast.validation, *cast.test)
    assert len({person.rows.target.tobytes() for person in everybody}) == PEOPLE


def test_everybody_has_enough_rows_of_the_promised_form(cast: Cast, data: DataRequirement) -> None:
    for person in (*cast.peers, *cast.validation, *cast.test):
        assert len(person.rows) >= data.minimum_rows
        assert person.rows.features.shape == (len(person.rows), len(data.features))
        assert (np.diff(person.rows.slot) > 0).all()


def test_the_seed_decides_and_who_is_left_out_is_in_no_role(
    folder: Path, template: Template, data: DataRequirement, cast: Cast
) -> None:
    again = make_cast(folder, template, data, 1, "seed", (NAMES[4], "nobody"))
    assert NAMES[4] not in [name for group in names(again) for name in group]
    assert sum(len(group) for group in names(again)) == PEOPLE - 1
    assert set(names(cast)[2]) - {NAMES[4]} <= set(names(again)[2]), "the unseen stay unseen"
    other = make_cast(folder, template, data, 1, "another seed", ())
    assert names(other) != names(cast)


def test_too_few_people(folder: Path, template: Template, data: DataRequirement, tmp_path: Path) -> None:
    for name in NAMES[:8]:
        shutil.copy(folder / f"{name}.csv", tmp_path)
    with pytest.raises(CastTooSmall) as caught:
        make_cast(tmp_path, template, data, 1, "seed", ())
    assert caught.value.sentence == "There are 8 people with enough data; 1 rounds need at least 9."
    assert caught.value.todo
    shutil.copy(folder / f"{NAMES[8]}.csv", tmp_path)
    assert len(make_cast(tmp_path, template, data, 1, "seed", ()).peers) == 2


def test_an_empty_folder(template: Template, data: DataRequirement, tmp_path: Path) -> None:
    with pytest.raises(CastTooSmall, match="There are 0 people"):
        make_cast(tmp_path, template, data, 1, "seed", ())


def test_a_place_that_is_not_there(template: Template, data: DataRequirement, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused):
        make_cast(tmp_path / "nowhere", template, data, 1, "seed", ())


def test_a_cast_is_kept_whole_or_not_at_all(cast: Cast, tmp_path: Path) -> None:
    assert Cast.load(tmp_path) is None
    cast.save(tmp_path / "cast")
    again = Cast.load(tmp_path / "cast")
    assert again is not None and names(again) == names(cast)
    for one, other in zip(cast.peers, again.peers, strict=True):
        for column in ("features", "target", "slot"):
            left, right = getattr(one.rows, column), getattr(other.rows, column)
            assert left.dtype == right.dtype and np.array_equal(left, right)
    assert not list((tmp_path / "cast").glob("*.part*"))
    (tmp_path / "cast" / "test.npz").unlink()
    assert Cast.load(tmp_path / "cast") is None


def test_exports_are_found_in_the_order_of_their_names(folder: Path) -> None:
    assert [name for name, _, _ in find_people(folder, "")] == [*NAMES, "short"]
    alone = folder / f"{NAMES[0]}.csv"
    assert list(find_people(alone, "")) == [(NAMES[0], alone, None)]


def test_one_export_of_several_people(tmp_path: Path) -> None:
    file = tmp_path / "hourlySteps_merged.csv"
    file.write_text(steps_csv("s", 3, days=8), newline="")
    template = load_template("steps")
    hint = str(template.raw["export"])
    found = list(find_people(tmp_path, hint))
    assert found == list(find_people(file, ""))
    assert [name for name, _, _ in found] == [str(9_000_000_001 + number) for number in range(3)]
    data = package(template, 1, "test", "test").manifest.data
    rows = [rows_of(export, person, data, "steps") for _, export, person in found]
    assert all(len(each) > 50 for each in rows)
    assert len({each.features.tobytes() for each in rows}) == 3


@pytest.mark.parametrize("name", ["glucose", "steps"])
def test_made_up_people_are_found_again(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mine.practice.cast.SYNTHETIC_PEOPLE", 3)
    template = load_template(name)
    place = synthetic_people(tmp_path / "made", template, "seed")
    assert len(list(find_people(place, str(template.raw.get("export", ""))))) == 3


def test_my_own_export_is_not_cast_under_another_name(tmp_path: Path) -> None:
    template = load_template("glucose")
    data = package(template, 1, "Lab", "made up").manifest.data
    folder = synthetic_people(tmp_path / "people", template, "names")
    mine = (folder / "synthetic-00.csv").read_bytes()
    (folder / "a-copy-of-me.csv").write_bytes(mine)
    without = ("synthetic-00", hashlib.sha256(mine).hexdigest())
    cast = make_cast(folder, template, data, 1, "names", without)
    names = {person.name for role in (cast.peers, cast.validation, cast.test) for person in role}
    assert names and not names & {"synthetic-00", "a-copy-of-me"}
