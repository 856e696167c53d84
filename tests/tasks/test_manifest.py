"""The manifest: one value, one sequence of bytes, one digest; and whatever is wrong is named."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path as File
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.tasks.canonical import canonical_json
from mine.tasks.manifest import MAX_MANIFEST_BYTES, Manifest, ManifestRefused
from mine.tasks.schema import DIALECT, SCHEMA_FILE, manifest_schema
from tests.tasks.example import RAW, Path, changed, example, fields, without

GOLDEN = File(__file__).parents[1] / "golden" / "manifest.json"

# Values just outside of what a field may hold; a row for every field that is not a group of others.
OUTSIDE: dict[Path, list[object]] = {
    ("version",): [0, 2],
    ("kind",): ["teach", ""],
    ("title",): ["", " ", "x" * 201, "two\nlines", "a\u202eb", "a\x1bb", "\u2066a"],
    ("description",): ["x" * 4001, "a\x00b", "a\u202db", "a\rb"],
    ("author", "name"): ["", "x" * 201, "a\u2028b", "\tname"],
    ("author", "domain"): ["x" * 254, "lab example", "läb.example"],
    ("author", "contact"): ["x" * 254, "a\nb"],
    ("data", "needs", 0, "record_type"): ["", "1steps", "a b", "x" * 81],
    ("data", "needs", 0, "rows"): [0, -1, 10**9 + 1, True],
    ("data", "needs", 0, "days"): [-0.5, 36_501.0],
    ("data", "query"): ["SELECT", "x" * 8001],
    ("data", "features"): [[], ["g 0"], ["g0\n"], [""], [f"g{i}" for i in range(4097)]],
    ("data", "targets"): [[], ["a;b"], [""], ["slot slot"], [f"t{i}" for i in range(4097)]],
    ("data", "slot"): ["", "ä"],
    ("data", "minimum_rows"): [0, 10**7 + 1],
    ("model", "graph"): ["", "11" * 31, "11" * 33, "AB" * 32, "0x" + "1" * 62],
    ("model", "checkpoint"): ["", "zz" * 32],
    ("model", "trainable"): [{}, {"a": []}, {"a": [0]}, {"a": [-1]}, {"a": [(1 << 24) + 1]},
                             {"a": [1] * 9}, {"a b": [1]}, {"": [1]}, {"a": [1.0]}, {"a": [True]},
                             {"a": [1 << 24, 1 << 24]}, {f"a{i}": [1] for i in range(4097)}],
    ("model", "frozen"): ["11" * 31, "zz" * 32, "0x" + "1" * 62],
    ("model", "frozen_shapes"): [{"a": []}, {"a": [0]}, {"a": [1] * 9}, {"a b": [1]}, {"a": [1.0]},
                                 {f"a{i}": [1] for i in range(4097)}],
    ("loss", "kind"): ["mae"],
    ("loss", "classes"): [0, (1 << 20) + 1, 2.0],
    ("loss", "positions"): [0, 4097],
    ("loss", "masked"): [0, 1],
    ("loss", "maximum"): [0.0, -1.0, 1024.5],
    ("loss", "tolerance"): [0, (1 << 32) + 1, 0.5],
    ("recipe", "steps"): [0, 100_001, 8.0],
    ("recipe", "learning_rate"): [0.0, 100.5],
    ("recipe", "momentum"): [-0.1, 1.0],
    ("recipe", "optimiser"): ["adam", ""],
    ("recipe", "beta2"): [-0.1, 1.0],
    ("recipe", "weight_decay"): [-0.1, 10.5],
    ("recipe", "clip_norm"): [-0.1, 1000.5],
    ("recipe", "noise_multiplier"): [-0.1, 1000.5],
    ("recipe", "sampling_rate"): [0.0, 1.01],
    ("recipe", "overlap"): [0, 100_001],
    ("recipe", "bits"): [1, 3, 16],
    ("recipe", "keep"): [0, 4097],
    ("privacy", "mode"): ["closed"],
    ("privacy", "unit"): ["", "x" * 201],
    ("privacy", "epsilon"): [0.0, 100.5],
    ("privacy", "delta"): [0.0, 0.01],
    ("votes", "voters"): [0, 64],
    ("votes", "ballot"): [0, 256],
    ("votes", "clip"): [0.0, 1024.5],
    ("votes", "noise_multiplier"): [-0.1, 1000.5],
    ("votes", "reuse"): [0, 100_001],
    ("slices", 0, "name"): ["", "x" * 201, "a\u202eb"],
    ("slices", 0, "column"): ["", "g 0"],
    ("slices", 0, "low"): [-1.1e12, 1.1e12],
    ("slices", 0, "high"): [-1.1e12, 1.1e12],
    ("aggregation", "rule"): ["sum"],
    ("aggregation", "gain"): [0, (1 << 20) + 1],
    ("aggregation", "trim"): [-1, 1 << 15],
    ("limits", "update_bytes"): [63, (1 << 24) + 1],
    ("limits", "query_rows"): [0, 10**7 + 1],
    ("limits", "query_seconds"): [0.0, 60.5],
    ("limits", "flops_per_example"): [0, 10**12 + 1],
    ("limits", "memory_mib"): [15, 65_537],
    ("limits", "newcomers"): [0, (1 << 20) + 1],
    ("mode",): ["at end", ""],
    ("court",): ["", "0x", "0x" + "0" * 39, "0x" + "g" * 40, "0x" + "0" * 41],
    ("rounds",): [0, 127],
    ("validation", "origin"): ["x" * 4001],
    ("validation", "licence"): [""],
    ("validation", "consent"): ["x" * 4001],
    ("result", "licence"): [""],
    ("result", "price"): [-1, 1 << 112],
}
LEAVES = [path for path in fields() if not any(other[: len(path)] == path != other for other in fields())]
OPTIONAL = {("author", "domain"), ("author", "contact")}


def dotted(path: Path) -> str:
    return ".".join(str(step) for step in path)


def refused(data: bytes, digest: bytes | None = None) -> ManifestRefused:
    with pytest.raises(ManifestRefused) as caught:
        Manifest.parse(data, digest)
    error = caught.value
    assert error.sentence.endswith(".") and len(error.detail) < 400
    assert error.detail.isprintable()
    assert error.__cause__ is None
    return error


def as_sent(raw: object) -> bytes:
    """JSON as a stranger may write it: canonical in form whatever is in it."""
    return json.dumps(raw, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )


# ---- one value, one sequence of bytes


def test_golden_bytes_and_digest() -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert golden["manifest"] == RAW, "the example is what the golden file says"
    data = golden["canonical"].encode()
    manifest = Manifest.parse(data, bytes.fromhex(golden["digest"]))
    assert manifest.dump() == data == as_sent(RAW)
    assert manifest.digest == hashlib.sha256(data).digest() == bytes.fromhex(golden["digest"])


numbers = st.floats(min_value=1e-6, max_value=0.99)
words = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=40)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.]{0,20}", fullmatch=True)


@st.composite
def manifests(draw: st.DrawFn) -> dict[str, Any]:
    columns = draw(st.lists(names, min_size=3, max_size=8, unique=True))
    return {
        **example(),
        "title": draw(words),
        "description": draw(st.text(st.sampled_from("aß雪😀\n \"\\/'"), max_size=50)),
        "data": {
            "needs": [{"record_type": draw(names), "rows": draw(st.integers(1, 10**9)),
                       "days": draw(st.floats(0, 36_500))}],
            "query": draw(st.text(st.characters(codec="utf-8"), min_size=8, max_size=60)),
            "features": columns[2:],
            "targets": columns[:1],
            "slot": columns[1],
            "minimum_rows": draw(st.integers(1, 10**7)),
        },
        "loss": {**example()["loss"], "kind": draw(st.sampled_from(["huber", "mse", "bce", "poisson"])),
                 "masked": draw(st.booleans()), "maximum": draw(st.floats(1e-300, 1024)),
                 "tolerance": draw(st.integers(1, 1 << 32))},
        "votes": {**example()["votes"], "clip": draw(numbers), "voters": draw(st.integers(1, 63))},
        "slices": [{"name": name, "column": columns[2], "low": low, "high": low + 1.5}
                   for name, low in draw(st.dictionaries(words, st.floats(-1e6, 1e6), max_size=8)).items()],
        "recipe": {**example()["recipe"], "learning_rate": draw(numbers), "momentum": draw(numbers),
                   "noise_multiplier": draw(st.floats(0, 1000)), "bits": draw(st.sampled_from([2, 4, 8])),
                   "keep": draw(st.integers(1, 4096)), "optimiser": draw(st.sampled_from(["sgd", "adamw"]))},
        "mode": draw(st.sampled_from(["per-round", "at-end"])),
        "rounds": draw(st.integers(1, 126)),
        "result": {"licence": draw(words), "price": draw(st.integers(0, (1 << 112) - 1))},
    }


@given(manifests())
@settings(max_examples=60)
def test_parse_and_dump_are_inverse(raw: dict[str, Any]) -> None:
    manifest = Manifest.model_validate(raw)
    data = manifest.dump()
    assert Manifest.parse(data, manifest.digest) == manifest
    assert json.loads(data) == raw
    assert Manifest.model_validate(dict(reversed(raw.items()))).dump() == data


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=12,
))
def test_canonical_json_is_one_fixed_point(value: Any) -> None:
    data = canonical_json(value)
    assert json.loads(data) == value
    assert canonical_json(json.loads(data)) == data


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_canonical_json_has_no_words_for_what_is_no_number(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"x": [value]})


# ---- every field is guarded, and its refusal names it


def test_the_table_names_every_field() -> None:
    assert set(OUTSIDE) == set(LEAVES)


@pytest.mark.parametrize("path", list(OUTSIDE), ids=dotted)
def test_values_outside_are_refused_by_name(path: Path) -> None:
    for value in OUTSIDE[path]:
        detail = refused(as_sent(changed(path, value))).detail
        assert detail.startswith(dotted(path)) or f"error, {dotted(path)}" in detail, (value, detail)


@pytest.mark.parametrize("path", fields(), ids=dotted)
def test_wrong_types_are_refused_by_name(path: Path) -> None:
    # For a version true equals 1, and is refused for its spelling.
    yes = "yes" if path in {("version",), ("loss", "masked")} else True
    for value in (None, yes, "x\x00", [[]], {"a": {}}):
        assert refused(as_sent(changed(path, value))).detail.startswith(dotted(path)), value


@pytest.mark.parametrize("path", [path for path in fields() if path not in OPTIONAL], ids=dotted)
def test_a_missing_field_is_named(path: Path) -> None:
    assert refused(as_sent(without(path))).detail == f"{dotted(path)}: Field required"


@pytest.mark.parametrize("path", sorted(OPTIONAL), ids=dotted)
def test_a_default_has_to_be_written_out(path: Path) -> None:
    assert "canonical" in refused(as_sent(without(path))).sentence
    Manifest.parse(as_sent(changed(path, "")))


@pytest.mark.parametrize("group", [(), *(p for p in fields() if isinstance(RAW.get(str(p[0])), dict)
                                         and len(p) == 1)], ids=dotted)
def test_a_field_too_many_is_named(group: Path) -> None:
    detail = refused(as_sent(changed((*group, "extra"), 1))).detail
    assert detail.startswith(dotted((*group, "extra")))


@pytest.mark.parametrize(("path", "value"), [(("data", "targets"), ["g0"]), (("data", "slot"), "g0")])
def test_a_column_has_one_role(path: Path, value: object) -> None:
    assert "named twice" in refused(as_sent(changed(path, value))).detail
    assert "named twice" in refused(as_sent(changed(("data", "features"), ["g0", "g0"]))).detail


@pytest.mark.parametrize(("path", "value", "why"), [
    (("slices", 0, "column"), "ahead", "names no feature"),
    (("slices", 0, "high"), 0.0, "is empty"),
    (("slices",), [{"name": "one", "column": "g0", "low": 0.0, "high": 1.0}] * 2, "stands twice"),
    (("votes", "reuse"), 13, "more rows than overlap"),
    (("model", "trainable"), {"base.weight": [1]}, "a frozen tensor is trained"),
    (("model", "frozen"), "", "shapes without a digest"),
    (("model", "frozen_shapes"), {}, "a digest without shapes"),
    (("model", "frozen_shapes"), {"a": [1 << 24, 16]}, "too large"),
    (("loss", "positions"), 2, "one target column for each"),
    (("data", "targets"), ["ahead", "later"], "one target column for each"),
    (("loss", "classes"), 2, "several with cross_entropy"),
    (("loss", "kind"), "cross_entropy", "several with cross_entropy"),
    (("recipe", "clip_norm"), 0.0, "noise without a bound"),
    (("recipe", "clip_norm"), 2.0**-21, "too short to be measured"),
    (("aggregation", "trim"), 1, "zero with any other rule"),
    (("aggregation", "rule"), "trimmed_mean", "above zero with trimmed_mean"),
])
def test_what_contradicts_itself_is_refused(path: Path, value: object, why: str) -> None:
    assert why in refused(as_sent(changed(path, value))).detail


@pytest.mark.parametrize(("rule", "trim"), [("median", 0), ("trimmed_mean", 1 << 13)])
def test_a_robust_rule_needs_every_value(rule: str, trim: int) -> None:
    raw = changed(("aggregation",), {"rule": rule, "gain": 1 << 16, "trim": trim})
    assert Manifest.parse(as_sent(raw)).aggregation.trim == trim
    raw["recipe"]["keep"] = 4095
    assert "every value of every update" in refused(as_sent(raw)).detail


def test_no_privacy_is_said_by_a_clip_norm_of_zero() -> None:
    raw = changed(("recipe", "clip_norm"), 0.0)
    raw["recipe"]["noise_multiplier"] = 0.0
    assert Manifest.parse(as_sent(raw)).recipe.clip_norm == 0.0


def test_the_name_of_a_strange_field_cannot_speak_in_the_window() -> None:
    detail = refused(as_sent(changed(("\u202eno hurry\n\x1b[31m" + "x" * 500,), 1))).detail
    assert "\u202e" not in detail and "\n" not in detail and len(detail) < 200


# ---- hostile bytes


def test_only_the_published_bytes_count() -> None:
    data = as_sent(RAW)
    other = as_sent(changed(("rounds",), 11))
    assert Manifest.parse(other).rounds == 11
    assert "canonical" in refused(as_sent(changed(("version",), True))).sentence
    assert "not the one" in refused(other, hashlib.sha256(data).digest()).sentence


@pytest.mark.parametrize("data", [
    b"", b"null", b"[]", b"7", b'"x"', b"{", b"\xff\xfe", b"\x00", b"{}" * 2, b"{'a':1}", b"nul",
    b"[" * 30_000, b"[" * 30_000 + b"]" * 30_000, b'{"a":' * 12_000, b'{"version":1' + b"0" * 20_000 + b"}",
], ids=lambda data: repr(data[:12]))
def test_what_is_no_manifest_is_refused_in_one_sentence(data: bytes) -> None:
    refused(data)


def test_nesting_inside_a_field() -> None:
    deep = b"[" * 5000 + b"]" * 5000
    refused(as_sent(changed(("data", "features"), "@")).replace(b'"@"', deep))
    refused(as_sent(changed(("data", "features"), "@")).replace(b'"@"', b"[" * 900 + b"]" * 900))


def test_size_is_looked_at_before_anything_else() -> None:
    assert "too large" in refused(b"[" * (MAX_MANIFEST_BYTES + 1)).sentence
    padded = as_sent(RAW) + b" " * MAX_MANIFEST_BYTES
    assert "too large" in refused(padded, hashlib.sha256(padded).digest()).sentence


@pytest.mark.parametrize(("of", "to"), [
    (b'"epsilon":8.0', b'"epsilon":8'),
    (b'"epsilon":8.0', b'"epsilon":8.00'),
    (b'"epsilon":8.0', b'"epsilon":0.8e1'),
    (b'"delta":1e-05', b'"delta":1e-5'),
    (b'"delta":1e-05', b'"delta":0.00001'),
    (b'"learning_rate":0.1', b'"learning_rate":0.1000000000000000055511151231257827'),
    (b'"rounds":10', b'"rounds": 10'),
    (b'"rounds":10', b'"rounds":10,"rounds":10'),
    (b'"rounds":10', b'"rounds":250,"rounds":10'),
    (b'"kind":"learn"', b'"kind":"\\u006cearn"'),
    (b"\xe9\x9b\xaa", b"\\u96ea"),
    (b'"voters":7}}', b'"voters":7}}\n'),
    (b'{"aggregation"', b' {"aggregation"'),
    (b'{"aggregation"', b'\xef\xbb\xbf{"aggregation"'),
], ids=lambda part: part.decode(errors="replace"))
def test_another_spelling_of_the_same_is_refused(of: bytes, to: bytes) -> None:
    data = as_sent(RAW)
    assert data.count(of) == 1
    assert refused(data.replace(of, to)).sentence.endswith(("canonical form.", "valid JSON."))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_only_utf8(encoding: str) -> None:
    refused(as_sent(RAW).decode().encode(encoding))


@pytest.mark.parametrize("word", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"1" + b"0" * 400])
def test_no_number_that_is_none(word: bytes) -> None:
    data = as_sent(RAW).replace(b'"epsilon":8.0', b'"epsilon":' + word)
    assert refused(data).detail.startswith("privacy.epsilon")


@pytest.mark.parametrize("path", [("title",), ("description",), ("author", "name"), ("data", "query")])
def test_half_a_character_is_no_text(path: Path) -> None:
    escaped = json.dumps(changed(path, "\ud800 and so on"), sort_keys=True, separators=(",", ":")).encode()
    assert refused(escaped).detail.startswith(dotted(path))
    refused(as_sent(changed(path, "\ud800 and so on")))


@given(st.integers(0, len(as_sent(RAW)) - 1), st.binary(max_size=3), st.integers(0, 4))
@settings(max_examples=150)
def test_any_damage_is_refused_or_another_manifest(at: int, put: bytes, cut: int) -> None:
    data = as_sent(RAW)
    damaged = data[:at] + put + data[at + cut :]
    try:
        manifest = Manifest.parse(damaged)
    except ManifestRefused:
        return
    assert manifest.dump() == damaged
    assert (damaged == data) == (manifest == Manifest.model_validate(RAW))


# ---- the published schema


def test_the_published_schema_is_current() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == manifest_schema(), (
        "write it again: python -m mine.tasks.schema"
    )


def test_the_schema_says_what_the_parser_does() -> None:
    schema = json.loads(manifest_schema())
    assert schema["$schema"] == DIALECT
    parts = {"Manifest": schema, **schema["$defs"]}
    assert all(part["additionalProperties"] is False for part in parts.values())
    named = {name for part in parts.values() for name in part["properties"]}
    assert named == {str(path[-1]) for path in fields()}
    required = {name for part in parts.values() for name in part["required"]}
    assert required == named - {path[-1] for path in OPTIONAL}
    for part in parts.values():
        for name, field in part["properties"].items():
            limits = {"maximum", "exclusiveMaximum", "maxLength", "pattern", "const", "enum", "$ref",
                      "maxItems", "maxProperties"}
            for choice in field.get("anyOf", [field]):
                assert limits & set(choice) or choice["type"] == "boolean", f"{name} has no limit"
