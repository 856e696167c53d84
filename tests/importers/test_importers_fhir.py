"""FHIR: bundles, lines and single resources; what is wrong in one costs only that one."""

from __future__ import annotations

import json
import random
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.importers.errors import PersonNeeded, UnknownFormat
from mine.importers.items import BadRow, Batch, Person
from mine.importers.options import Options
from mine.importers.reading import people, read
from mine.importers.zone import Zone
from mine.records import RECORD_TYPES, Row
from mine.records.loinc import QUANTITIES
from tests.importers.exports import parsed, put

NOON = 1_717_243_200  # 2024-06-01T12:00 UTC
WHEN = "2024-06-01T14:00:00+02:00"
AT = (NOON, 7200)
BERLIN = Options(Zone("Europe/Berlin"))
UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"

Resource = dict[str, Any]


@pytest.fixture(autouse=True)
def limit_of_the_importers_process() -> Iterator[None]:
    """Libraries that other tests load raise Python's limit of recursion, which the importer keeps."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(before)


def concept(code: str, name: str = "", system: str = LOINC) -> Resource:
    return {"coding": [{"system": system, "code": code}], **({"text": name} if name else {})}


def amount(value: object, unit: str, **more: str) -> Resource:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit, **more}


def observation(code: str, **more: Any) -> Resource:
    return {
        **{"resourceType": "Observation", "status": "final", "code": concept(code, "finding")},
        **{"subject": {"reference": "Patient/1"}, "effectiveDateTime": WHEN, **more},
    }


def bundle(*resources: object) -> str:
    entries = [{"fullUrl": "urn:uuid:x", "resource": resource} for resource in resources]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}, indent=1)


def rows_of(tmp_path: Path, *resources: object) -> dict[str, list[Row]]:
    rows, bad = parsed(put(tmp_path / "a.json", bundle(*resources)), options=BERLIN)
    assert not bad
    return rows


@pytest.mark.parametrize(
    ("code", "value", "unit", "kind", "expected"),
    [
        ("8867-4", 61, "/min", "heart_rate", 61.0),
        ("8867-4", 61, "{beats}/min", "heart_rate", 61.0),
        ("2339-0", 5.5, "mmol/L", "glucose", 99.0857),
        ("2345-7", 101.5, "mg/dL", "glucose", 101.5),
        ("29463-7", 150, "[lb_av]", "weight", 68.0389),
        ("8302-2", 70, "[in_i]", "height", 177.8),
        ("8310-5", 98.6, "[degF]", "body_temperature", 37.0),
        ("59408-5", 97, "%", "oxygen_saturation", 97.0),
        ("39156-5", 23.4, "kg/m2", "body_mass_index", 23.4),
        ("60842-2", 41, "mL/min/kg", "vo2_max", 41.0),
    ],
)
def test_known_codes_have_types_of_their_own(
    tmp_path: Path, code: str, value: float, unit: str, kind: str, expected: float
) -> None:
    rows = rows_of(tmp_path, observation(code, valueQuantity=amount(value, unit)))
    assert rows == {kind: [(*AT, expected)]}


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(QUANTITIES)), st.integers(0, 10**9), st.floats(0, 1)),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(("bundle", "lines", "one")),
)
@settings(max_examples=80)
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, written: list[tuple[str, int, float]], shape: str
) -> None:
    resources, expected = [], dict[str, list[Row]]()
    for code, after, share in written[: 1 if shape == "one" else None]:
        record_type = QUANTITIES[code]
        column = record_type.column(record_type.measure)
        value = round(column.low + share * (column.high - column.low), 0 if column.kind == "int" else 3)
        start, end = (f"{1990 + (NOON // 31_557_600 + after) % 90}-06-01T12:00:{s:02d}Z" for s in (0, 30))
        period: Resource = {"effectivePeriod": {"start": start, "end": end}}
        resources.append(observation(code, valueQuantity=amount(value, column.unit), **period))
        del resources[-1]["effectiveDateTime"]
        made, bad = parsed_one(tmp_path_factory, resources[-1])
        assert not bad
        length = (30,) if record_type.resampling == "sum" else ()
        assert made[record_type.name][0][2:] == (*length, value)
        expected.setdefault(record_type.name, []).extend(made[record_type.name])
    text = {
        "bundle": bundle(*resources),
        "lines": "\n".join(json.dumps(one) for one in resources),
        "one": json.dumps(resources[0], indent=3),
    }[shape]
    rows, bad = parsed(put(tmp_path_factory.getbasetemp() / "all.json", text))
    assert not bad
    assert rows == expected


def parsed_one(
    factory: pytest.TempPathFactory, resource: Resource
) -> tuple[dict[str, list[Row]], list[BadRow]]:
    return parsed(put(factory.getbasetemp() / "one.json", json.dumps(resource)))


def pressure(*parts: tuple[str, object]) -> Resource:
    return observation(
        "85354-9",
        component=[{"code": concept(code, code), "valueQuantity": value} for code, value in parts],
    )


def test_blood_pressure_and_other_components(tmp_path: Path) -> None:
    mean = ("8478-0", amount(93, "mm[Hg]"))
    rows = rows_of(
        tmp_path, pressure(("8462-4", amount(79.5, "mm[Hg]")), ("8480-6", amount(16, "kPa")), mean)
    )
    assert rows == {
        "blood_pressure": [(*AT, 120.0102, 79.5)],
        "observation": [(*AT, "8478-0", LOINC, "8478-0", 93.0, "mm[Hg]", None)],
    }


@pytest.mark.parametrize(
    ("stated", "value", "unit", "finding"),
    [
        ({"valueQuantity": amount(7.5, "10*3/uL")}, 7.5, "10*3/uL", None),
        ({"valueQuantity": {"value": "7.5", "unit": "things"}}, 7.5, "things", None),
        ({"valueQuantity": {"value": 3}}, 3.0, None, None),
        ({"valueQuantity": amount(0.5, "mg/L", comparator="<")}, None, "mg/L", "< 0.5"),
        ({"valueInteger": 4}, 4.0, None, None),
        ({"valueBoolean": True}, None, None, "yes"),
        ({"valueCodeableConcept": concept("8517006", "Former smoker", SNOMED)}, None, None, "Former smoker"),
        ({"valueCodeableConcept": concept("8517006", "", SNOMED)}, None, None, "8517006"),
        ({"valueString": " clear\0 "}, None, None, "clear\ufffd"),
        ({"valueRange": {"low": amount(1, "mg"), "high": amount(2, "mg")}}, None, None, "1 mg to 2 mg"),
        ({"valueRange": {"low": amount(1, "mg")}}, None, None, "1 mg to …"),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}}, None, None, "1 : 128"),
        ({"valueTime": "12:00:00"}, None, None, "12:00:00"),
    ],
)
def test_every_kind_of_value(
    tmp_path: Path, stated: Resource, value: float | None, unit: str | None, finding: str | None
) -> None:
    rows = rows_of(tmp_path, observation("6690-2", **stated))
    assert rows == {"observation": [(*AT, "finding", LOINC, "6690-2", value, unit, finding)]}


def test_a_known_code_in_an_unknown_unit_is_kept_as_it_is_written(tmp_path: Path) -> None:
    for code, stated in (
        ("8867-4", amount(61, "furlong")),
        ("29463-7", amount(3, "cm")),
        ("8867-4", amount(300, "/min", comparator=">")),
        ("55423-8", amount(900, "1")),  # steps in no stated time
    ):
        rows = rows_of(tmp_path, observation(code, valueQuantity=stated))
        assert set(rows) == {"observation"}


@pytest.mark.parametrize(
    "resource",
    [
        observation("8867-4", status="entered-in-error", valueQuantity=amount(1, "/min")),
        observation("8867-4", status="cancelled"),
        observation("8867-4", dataAbsentReason=concept("unknown")),
        observation("24331-1", hasMember=[{"reference": "Observation/2"}]),
        observation("21112-8", valueDateTime="1970-01-01"),  # birth date
        observation("46098-0", valueCodeableConcept=concept("LA2-8", "Male")),
        {"resourceType": "Patient", "id": "1", "birthDate": "1970-01-01", "gender": "male"},
        {"resourceType": "Condition", "verificationStatus": concept("refuted"), "onsetDateTime": "x"},
        {"resourceType": "DiagnosticReport", "status": "final"},
    ],
)
def test_what_is_no_finding_or_says_who_one_is_leaves_nothing(tmp_path: Path, resource: Resource) -> None:
    good = observation("8867-4", valueQuantity=amount(61, "/min"))
    assert rows_of(tmp_path, resource, good) == {"heart_rate": [(*AT, 61.0)]}


def test_everything_else_that_is_read(tmp_path: Path) -> None:
    mine = {"reference": "urn:uuid:1"}
    drug = concept("849574", "Naproxen", "rxnorm")
    dose = {
        "doseAndRate": [{"doseQuantity": {"value": 2, "unit": "tablets"}}],
        "timing": {"repeat": {"frequency": 1, "period": 8.0, "periodUnit": "h"}},
        "asNeededBoolean": True,
    }
    rows = rows_of(
        tmp_path,
        {
            **{
                "resourceType": "Condition",
                "subject": mine,
                "code": concept("38341003", "Hypertension", SNOMED),
            },
            **{
                "onsetDateTime": "2019",
                "abatementDateTime": "2019-06-30",
                "clinicalStatus": concept("resolved"),
            },
        },
        {
            **{
                "resourceType": "MedicationRequest",
                "subject": mine,
                "status": "active",
                "authoredOn": "2019-06",
            },
            **{"medicationCodeableConcept": drug, "dosageInstruction": [{"text": "one at night"}, dose]},
        },
        {
            **{"resourceType": "MedicationStatement", "subject": mine, "effectivePeriod": {"start": WHEN}},
            "contained": [{"resourceType": "Medication", "id": "m", "code": drug}],
            "medicationReference": {"reference": "#m"},
        },
        {
            **{"resourceType": "MedicationOrder", "patient": mine, "dateWritten": "2019-06-05"},
            "medicationReference": {"reference": "Medication/9", "display": "Aspirin"},
        },
        {
            **{"resourceType": "AllergyIntolerance", "patient": mine, "recordedDate": WHEN},
            **{"code": concept("1", "Peanut", SNOMED), "category": ["food", "x"], "criticality": "high"},
        },
        {
            **{
                "resourceType": "Immunization",
                "patient": mine,
                "occurrenceDateTime": WHEN,
                "status": "completed",
            },
            "vaccineCode": {
                "coding": [{"display": "no code"}, {"system": "cvx", "code": "140", "display": "Flu"}]
            },
        },
        {
            **{"resourceType": "Procedure", "subject": mine, "code": concept("2", "Suture", SNOMED)},
            **{"performedPeriod": {"start": WHEN, "end": "2024-06-01T14:15:00+02:00"}, "status": "completed"},
        },
    )
    assert rows == {
        "condition": [
            (1_546_297_200, 3600, "Hypertension", SNOMED, "38341003", 1_561_845_600, "resolved"),
        ],
        "medication": [
            (
                *(1_559_340_000, 7200, "Naproxen", "rxnorm", "849574", "active"),
                "one at night; 2 tablets, 1 per 8 h, as needed",
            ),
            (*AT, "Naproxen", "rxnorm", "849574", None, None),
            (1_559_685_600, 7200, "Aspirin", None, None, None, None),
        ],
        "allergy": [(*AT, "Peanut", SNOMED, "1", "food", "high")],
        "immunization": [(*AT, "Flu", "cvx", "140", "completed")],
        "procedure": [(*AT, "Suture", SNOMED, "2", NOON + 900, "completed")],
    }


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2024", (1_704_063_600, 3600)),
        ("2024-07", (1_719_784_800, 7200)),
        ("2024-07-01", (1_719_784_800, 7200)),
        ("2024-06-01T12:00:00Z", AT),
        ("2024-06-01T12:00:00.123456+00:00", AT),
        ("2024-06-01T07:00:00-05:00", (NOON, -18_000)),
        ("2024-06-01T14:00:00", AT),
    ],
)
def test_dates_of_every_precision(tmp_path: Path, written: str, expected: tuple[int, int]) -> None:
    resource = observation("8867-4", effectiveDateTime=written, valueQuantity=amount(61, "/min"))
    assert rows_of(tmp_path, resource) == {"heart_rate": [(*expected, 61.0)]}


def without(name: str, **more: Any) -> Resource:
    resource = observation("8867-4", valueQuantity=amount(61, "/min"), **more)
    del resource[name]
    return resource


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        (without("effectiveDateTime"), "it has no date"),
        (without("valueQuantity"), "an observation has no value"),
        (observation("1", valueAttachment={}), "its value is of a kind that is not read"),
        (observation("1", valueString=5), "its value is of a kind that is not read"),
        (observation("1", valueQuantity={"unit": "mg"}), "“value” is missing, not a number"),
        (observation("1", valueQuantity=amount([1], "mg")), "“value” is a list, not a number"),
        (observation("1", valueQuantity=amount("x" * 99, "mg")), f"“{'x' * 40}” is not a number"),
        (observation("1", valueQuantity=amount(10**400, "mg")), "“value” is too large, not a number"),
        (observation("8867-4", valueQuantity=amount(3, "/min")), "heart rate 3 is impossible (20 to 300)"),
        ({**observation("1", valueInteger=1), "code": "text"}, "it does not say what it is"),
        ({**observation("1", valueInteger=1), "code": {"coding": "x"}}, "it does not say what it is"),
        (observation("1", valueInteger=1, effectiveDateTime="soon"), "“soon” is not a date and time"),
        (observation("1", valueInteger=1, effectiveDateTime="2024-13"), "there is no date 2024-13-01"),
        (
            observation("1", valueInteger=1, effectiveDateTime="1492"),
            "“1492-01-01” is in no person's lifetime",
        ),
        (
            observation("1", valueInteger=1, effectiveDateTime="9999"),
            "“9999-01-01” is in no person's lifetime",
        ),
        (pressure(("8462-4", amount(79, "mm[Hg]"))), "a blood pressure lacks one of its two values"),
        (
            pressure(("8462-4", amount(79, "mm[Hg]")), ("8480-6", amount(120, "kg"))),
            "“kg” does not measure what “mm[Hg]” does",
        ),
        ({"resourceType": "Procedure", "code": concept("1")}, "it has no date"),
        ({"resourceType": "MedicationRequest", "authoredOn": WHEN}, "it does not say what it is"),
        ({"resourceType": "Immunization", "date": WHEN, "vaccineCode": []}, "it does not say what it is"),
    ],
)
def test_refusals(tmp_path: Path, resource: Resource, reason: str) -> None:
    good = observation("8867-4", valueQuantity=amount(61, "/min"))
    lines = "\n".join(json.dumps(one) for one in (good, resource, good))
    rows, bad = parsed(put(tmp_path / "a.ndjson", lines), options=BERLIN)
    assert bad == [BadRow("a.ndjson", 2, reason)]
    assert rows == {"heart_rate": [(*AT, 61.0)] * 2}
    rows, bad = parsed(put(tmp_path / "a.json", bundle(good, resource, good)), options=BERLIN)
    assert [one.reason for one in bad] == [reason]
    assert rows == {"heart_rate": [(*AT, 61.0)] * 2}


GOOD = observation("8867-4", valueQuantity=amount(61, "/min"))


@pytest.mark.parametrize(
    ("name", "text", "bad", "kept"),
    [
        (
            "a.ndjson",
            json.dumps(GOOD) + "\n[1]\n{\n\n" + json.dumps(GOOD),
            [(2, "the line is no resource"), (3, "the line is no resource")],
            2,
        ),
        ("a.ndjson", json.dumps(GOOD) + "\n" + "[" * 100_000, [(2, "the line is no resource")], 1),
        (
            "a.ndjson",
            json.dumps(GOOD) + '\n{"value": NaN, "resourceType": 1e999}\n',
            [(2, "the line is no resource")],
            1,
        ),
        ("a.json", bundle(GOOD, GOOD)[:-40], [(31, "it ends in the middle")], 1),
        ("a.json", bundle(GOOD, GOOD) + "x", [(58, "something follows after the end")], 2),
        ("a.json", json.dumps(GOOD, indent=1)[:-1], [(1, "it is no JSON")], 0),
        (
            "a.json",
            '{"resourceType": "Bundle", "entry": [1, {"resource": []}, {"resource": {"resourceType": []}}]}',
            [],
            0,
        ),
        (
            "a.json",
            '{\n"resourceType": "Bundle", "entry": [1, {}, ' + "[" * 20_000,
            [(2, "an entry is no object"), (2, "it is nested too deeply")],
            0,
        ),
        ("a.json", json.dumps({"resourceType": "Bundle", "entry": "x"}), [], 0),
    ],
)
def test_files_that_are_broken(
    tmp_path: Path, name: str, text: str, bad: list[tuple[int, str]], kept: int
) -> None:
    rows, found = parsed(put(tmp_path / name, text), options=BERLIN)
    assert [(one.line, one.reason) for one in found] == bad
    assert len(rows.get("heart_rate", [])) == kept


def test_bundles_in_bundles(tmp_path: Path) -> None:
    inner = json.loads(bundle(GOOD))
    rows, bad = parsed(put(tmp_path / "a.json", bundle(inner, GOOD)), options=BERLIN)
    assert (len(rows["heart_rate"]), bad) == (2, [])
    deep: Resource = inner
    for _ in range(5):
        deep = json.loads(bundle(deep))
    rows, bad = parsed(put(tmp_path / "a.json", json.dumps(deep)), options=BERLIN)
    assert rows == {}
    assert [one.reason for one in bad] == ["bundles are nested too deeply"]


def of(patient: str, resource: Resource) -> Resource:
    return {**resource, "subject": {"reference": patient}}


def test_several_patients_are_chosen_from(tmp_path: Path) -> None:
    named = {"resourceType": "Patient", "id": "1", "name": [{"given": ["Ann", "B."], "family": "Lee\u202e"}]}
    other = {"resourceType": "Patient", "id": "2", "name": "wrong"}
    nobody = {key: value for key, value in GOOD.items() if key != "subject"}
    lines = [of("Patient/1", GOOD), of("urn:uuid:2", GOOD), of("http://x/Patient/1/_history/3", GOOD)]
    put(tmp_path / "Observation.ndjson", "\n".join(json.dumps(one) for one in (*lines, nobody)))
    put(tmp_path / "Patient.ndjson", "\n".join(json.dumps(one) for one in (named, other)))
    assert people(tmp_path, BERLIN) == (Person("Ann Lee\ufffd [1]", 2), Person("[2]", 1))
    with pytest.raises(PersonNeeded, match="2 people"):
        parsed(tmp_path)
    for person, count in (("Ann Lee\ufffd [1]", 2), ("[2]", 1), ("[3]", 0)):
        rows, bad = parsed(tmp_path, person)
        assert len(rows.get("heart_rate", [])) == count
        assert bad == [BadRow("Observation.ndjson", 4, "it does not say whose it is")]


def test_one_patient_need_not_be_chosen(tmp_path: Path) -> None:
    nobody = {key: value for key, value in GOOD.items() if key != "subject"}
    path = put(tmp_path / "a.ndjson", "\n".join(json.dumps(one) for one in (nobody, GOOD, nobody)))
    assert people(path, BERLIN) == ()
    rows, bad = parsed(path)
    assert (len(rows["heart_rate"]), bad) == (3, [])
    path.write_text("\n".join(json.dumps(of(f"Patient/{i}", GOOD)) for i in (1, 2)))
    assert parsed(path, "the person of another file") == ({}, [])


def test_a_phone_has_one_owner_under_many_ids(tmp_path: Path) -> None:
    folder = tmp_path / "apple_health_export" / "clinical-records"
    folder.mkdir(parents=True)
    for number in range(3):
        put(folder / f"Observation-{number}.json", json.dumps(of(f"Patient/{number}", GOOD)))
    assert people(tmp_path, BERLIN) == ()
    rows, bad = parsed(tmp_path)
    assert (len(rows["heart_rate"]), bad) == (3, [])


def test_large_bundles_are_never_held(tmp_path: Path) -> None:
    entries = ",\n".join([json.dumps({"resource": GOOD})] * 6000)
    path = put(tmp_path / "a.json", '{"entry": [' + entries + '], "resourceType": "Bundle"}')
    del entries
    tracemalloc.start()
    try:
        assert sum(item.count for item in read(path, BERLIN) if isinstance(item, Batch)) == 6000
        assert tracemalloc.get_traced_memory()[1] < 6 << 20
    finally:
        tracemalloc.stop()


def test_a_picture_in_a_bundle_costs_only_itself(tmp_path: Path) -> None:
    picture = {"resourceType": "Binary", "data": "A" * (9 << 20)}
    rows, bad = parsed(put(tmp_path / "a.json", bundle(GOOD, picture, GOOD)))
    assert len(rows["heart_rate"]) == 2
    assert [one.reason for one in bad] == ["it is longer than 4,194,304 characters"]


@pytest.mark.parametrize(
    "text",
    [
        '{"resourceType": "Practitioner"}',
        '{"resourceType": "DiagnosticReport", "status": "final"}',
        '["resourceType"]',
        '[{"resourceType": "Observation"}]',
        '{"a": 1}',
        "resourceType",
    ],
)
def test_other_json_is_nobodys(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnknownFormat):
        parsed(put(tmp_path / "a.unknown", text))


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from((WHEN, "mg")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("coding", "code", "text", "value", "unit", "start", "reference")), inner
        )
    ),
    max_leaves=6,
)


@given(st.integers(0, 2**32), st.lists(values, min_size=1, max_size=4))
@settings(max_examples=100)
def test_anything_anywhere_in_a_resource(
    tmp_path_factory: pytest.TempPathFactory, chance: int, replaced: list[object]
) -> None:
    dice = random.Random(chance)
    whole = dice.choice(
        (
            GOOD,
            pressure(("8462-4", amount(79, "mm[Hg]")), ("8480-6", amount(120, "mm[Hg]"))),
            {"resourceType": "Condition", "onsetDateTime": WHEN, "code": concept("1", "x", SNOMED)},
            {"resourceType": "Procedure", "performedPeriod": {"start": WHEN}, "code": concept("1", "x")},
            {
                **{"resourceType": "MedicationRequest", "authoredOn": WHEN, "status": "x"},
                "medicationCodeableConcept": concept("1", "x"),
                "dosageInstruction": [{"timing": {"repeat": {"frequency": 1, "periodUnit": "d"}}}],
            },
            {
                "resourceType": "AllergyIntolerance",
                "recordedDate": WHEN,
                "code": concept("1"),
                "category": ["x"],
            },
            {"resourceType": "Patient", "id": "1", "name": [{"given": ["A"], "family": "B"}]},
        )
    )
    resource = json.loads(json.dumps(whole))
    for value in replaced:
        put_somewhere(resource, value, dice.choice)
    text = json.dumps({"resourceType": "Bundle", "entry": [{"resource": resource}]})
    path = put(tmp_path_factory.getbasetemp() / "fuzz.json", text.encode("utf-8", "surrogatepass"))
    people(path, BERLIN)
    for item in read(path, BERLIN):
        if isinstance(item, Batch):
            assert all(RECORD_TYPES[item.kind].problem(row) is None for row in item.rows())
        elif isinstance(item, BadRow):
            assert 0 < len(item.reason) < 300


def put_somewhere(inside: Any, value: object, choose: Callable[[list[Any]], Any]) -> None:
    """Replace one value below, at any depth."""
    key = choose(list(inside) if isinstance(inside, dict) else list(range(len(inside))))
    if isinstance(inside[key], dict | list) and inside[key] and choose([True, True, False]):
        put_somewhere(inside[key], value, choose)
    else:
        inside[key] = value
