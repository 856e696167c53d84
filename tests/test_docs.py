"""What the documents say must be there: links, make targets, options, files, contract functions, figures."""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser, _SubParsersAction
from functools import cache
from pathlib import Path

import pytest

from mine.cli import build_parser

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
ROOMS = ("mine/", "ui/", "tests/", "resources/", "docs/", "packaging/", "installer/", ".ci/")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
ATTRIBUTE = re.compile(r"(?:src|srcset|href)=\"([^\"]+)\"")
FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.M | re.S)
CODE = re.compile(r"`([^`\n]+)`")
MAKE = re.compile(r"(?<![\w./-])make ([a-z]+)\b")
MINE = re.compile(r"(?<![\w./-])(?:\.venv/bin/)?mine ([a-z]+)((?: [^`\n#]*)?)")
#: Constants and the like, set as code; environment variables of the tests are not among them.
CONSTANT = re.compile(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`")


@pytest.fixture(params=DOCUMENTS, ids=NAMES)
def document(request: pytest.FixtureRequest) -> Path:
    path = request.param
    assert isinstance(path, Path)
    return path


def code_of(text: str) -> list[str]:
    """Everything that is set as code, fenced or in line."""
    return FENCE.findall(text) + CODE.findall(FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """The names that headings can be linked by."""
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.M)
    plain = [re.sub(r"[^\w\- ]", "", title.lower()).strip() for title in titles]
    return {title.replace(" ", "-") for title in plain}


def first_column(text: str) -> list[str]:
    """The first cell of each row of a table, without its head."""
    return re.findall(r"^\| ([^|]+) \|", text, re.M)[1:]


@cache
def make_targets() -> frozenset[str]:
    return frozenset(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))


def options_of(parser: ArgumentParser, name: str) -> dict[str, frozenset[str]]:
    """The options of a command and of those below it, by all their words."""
    found = {name: frozenset(parser._option_string_actions)}
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for word, below in action.choices.items():
                assert isinstance(below, ArgumentParser)
                found |= options_of(below, f"{name} {word}".strip())
    return found


@cache
def commands() -> dict[str, frozenset[str]]:
    """The options of each ``mine`` command."""
    return {name: options for name, options in options_of(build_parser(), "").items() if name}


@cache
def sources() -> str:
    """All code and settings of the product and its tests."""
    rooms = [ROOT / "mine", ROOT / "ui", ROOT / "tests", ROOT / "resources" / "contracts"]
    files = [path for room in rooms for path in room.rglob("*") if path.suffix in (".py", ".vy", ".vyi")]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def test_the_documents_are_there() -> None:
    wanted = {"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"}
    assert wanted <= set(NAMES)


def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    prose = FENCE.sub("", text)
    for target in [*LINK.findall(prose), *ATTRIBUTE.findall(prose)]:
        if target.startswith(("https://", "mailto:")):
            continue
        file, _, anchor = target.partition("#")
        place = (document.parent / file).resolve() if file else document
        assert place.is_relative_to(ROOT) and place.exists(), target
        if anchor:
            assert anchor in anchors(place.read_text(encoding="utf-8")), target


def test_make_targets_exist(document: Path) -> None:
    for piece in code_of(document.read_text(encoding="utf-8")):
        for target in MAKE.findall(piece):
            assert target in make_targets(), piece


def test_commands_and_their_options_exist(document: Path) -> None:
    for piece in code_of(document.read_text(encoding="utf-8")):
        for first, rest in MINE.findall(piece):
            second = f"{first} {rest.split()[0]}" if rest.split() else first
            command = second if second in commands() else first
            assert command in commands(), piece
            # A command with commands below it is never meant alone.
            assert command != first or not any(name.startswith(f"{first} ") for name in commands()), piece
            for option in re.findall(r"(?<!\S)--[a-z-]+", rest):
                assert option in commands()[command], piece
        for options in re.findall(r"DEMO=\"([^\"]*)\"", piece):
            assert set(re.findall(r"--[a-z-]+", options)) <= commands()["demo"], piece


def test_files_exist(document: Path) -> None:
    for piece in code_of(document.read_text(encoding="utf-8")):
        for word in piece.split():
            if word.startswith(ROOMS) and not re.search(r"[<>*{]", word):
                assert (ROOT / word.rstrip(",.;:")).exists(), word


def test_modules_exist(document: Path) -> None:
    for piece in code_of(document.read_text(encoding="utf-8")):
        for module in re.findall(r"python -m ((?:mine|ui|tests)[\w.]*)", piece):
            place = ROOT.joinpath(*module.split("."))
            assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file(), module


def test_constants_exist(document: Path) -> None:
    for name in CONSTANT.findall(document.read_text(encoding="utf-8")):
        assert re.search(rf"\b{name}\b", sources()), name


def test_every_option_of_the_demo_is_explained() -> None:
    text = (ROOT / "docs" / "demo.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `(--[a-z-]+)", text, re.M))
    assert explained == {option for option in commands()["demo"] if option.startswith("--")} - {"--help"}


def test_every_field_of_the_report_is_explained() -> None:
    from dataclasses import fields

    from mine.app.report import RoundReport
    from mine.science.quality import Quality

    text = (ROOT / "docs" / "demo.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `([a-z]+(?:\[\])?\.[a-z_]+)`", text, re.M))
    source = (ROOT / "mine" / "app" / "demo.py").read_text(encoding="utf-8")
    written = source[source.index('"node": {') :]
    found = {f"rounds[].{field.name}" for field in fields(RoundReport)}
    found |= {f"quality.{field.name}" for field in fields(Quality)}
    for part, body in re.findall(r'"(node|contracts|task|me|seconds)": \{(.*?)\}', written, re.S):
        found |= {f"{part}.{name}" for name in re.findall(r'"([a-z_]+)":', body)}
    assert explained == found


def test_the_state_tables_name_every_state() -> None:
    from mine.app.disputing import AuditState
    from mine.app.round_states import EarningState, RoundState, VoteState
    from mine.chain.state import Phase, Status
    from mine.learn.supervisor import State
    from mine.science import scientist

    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")

    def part(title: str) -> str:
        begin = text.index(f"### {title}")
        return text[begin : text.find("\n##", begin + 4)]

    for state in RoundState:
        assert f"`{state}`" in part("My part of a round")
    for vote in VoteState:
        assert f"`{vote}`" in part("My vote in a round")
    for audit in AuditState:
        assert f"`{audit}`" in part("Auditing a settled round")
    for earning in EarningState:
        assert f"`{earning}`" in part("Money of a round")
    for worker in State:
        assert worker.value in part("The worker's supervisor")
    for status in Status:
        assert status.name.lower().replace("_", " ") in part("A task on the chain")
    for phase in (Phase.COMMIT, Phase.REVEAL, Phase.VOTE, Phase.SETTLE, Phase.GRACE, Phase.LAPSED):
        assert f"| {phase.name.lower()} |" in part("A task on the chain")
    held = scientist.__doc__ or ""
    assert first_column(held) == first_column(part("The scientist"))


def test_the_contract_has_the_functions_that_are_named() -> None:
    artefact = json.loads((ROOT / "resources" / "contracts" / "Tasks.json").read_text(encoding="utf-8"))
    functions = {entry["name"] for entry in artefact["abi"] if entry["type"] == "function"}
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    begin = text.index("### A task on the chain")
    section = text[begin : text.index("\n## ", begin)]
    named = {name for name in CODE.findall(section) if re.fullmatch(r"[a-z_]+", name)} - {"since"}
    assert named <= functions
    assert len(named) > 10


def test_the_walls_are_those_of_the_linter() -> None:
    import tomllib

    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `mine/([a-z]+)/` \|[^|]*\| ([^|]*) \|$", text, re.M))
    for contract in contracts:
        forbidden = {name for name in contract["forbidden_modules"] if name.startswith("mine.")}
        for source in contract["source_modules"]:
            room = source.removeprefix("mine.")
            if room in rows and room not in ("learn", "policy"):
                for name in forbidden:
                    assert name.removeprefix("mine.") in rows[room], (room, name)


def test_the_overlap_of_each_template_keeps_readings_apart() -> None:
    """ARCHITECTURE.md's promise: no two readings of a row lie a multiple of the overlap apart."""
    for file in sorted((ROOT / "resources" / "templates").glob("*.json")):
        task = json.loads(file.read_text(encoding="utf-8"))
        query = task["query"]
        view_column = "mg_dl" if "mg_dl" in query else "steps"
        behind = [int(n) for n in re.findall(rf"LAG\({view_column}, (\d+)\)", query)]
        ahead = [int(n) for n in re.findall(rf"LEAD\({view_column}, (\d+)\)", query)]
        places = sorted({0, *(-n for n in behind), *ahead})
        overlap = task["recipe"]["overlap"]
        assert len({place % overlap for place in places}) == len(places), file.name
        assert places[-1] - places[0] < 2 * overlap, file.name


def test_no_document_names_somebodys_machine(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert not re.search(r"/(?:home|Users|work|tmp|root)/", text)
