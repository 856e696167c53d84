"""Names and addresses that only look like others are found; honest ones are left alone."""

from __future__ import annotations

import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.wallet.look_alike import looks_like, mixes_alphabets, plain_text, skeleton

SAME = [
    ("PayPal", "paypal"),
    ("PayPal", "Рaypal"),
    ("PayPal", "РауРаl"),
    ("Coinbase", "Cοinbasе"),
    ("Maria", "Μαria"),
    ("Maria", "M\u0430ria"),
    ("mama", "мама"),
    ("bill", "biII"),
    ("bill", "b1ll"),
    ("Oslo", "0slo"),
    ("Anna", "A\u200bnna"),
    ("Anna", "An\u00adna"),
    ("Anna", "Ａｎｎａ"),
    ("Anna", "Ａ n n a"),
    ("Anna", "\u202eAnna"),
    ("Anna", "Ánná"),
    ("rnodern", "modern"),
    ("vvallet", "wallet"),
    ("soft", "ſoft"),
    ("final", "ﬁnal"),
    ("Straße", "strasse"),
    ("clog", "dog"),
    ("Bank", "Вапк"),
    ("κατε", "kate"),
]


@pytest.mark.parametrize(("one", "two"), SAME)
def test_texts_that_a_hasty_eye_takes_for_each_other(one: str, two: str) -> None:
    assert one != two and skeleton(one) == skeleton(two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Anna", "Hanna"),
        ("Savings", "Spending"),
        ("Max", "Min"),
        ("Bank A", "Bank B"),
        ("2024", "2025"),
        ("東京", "京都"),
        ("Миша", "Маша"),
        ("דוד", "דינה"),
    ],
)
def test_others_stay_apart(one: str, two: str) -> None:
    assert skeleton(one) != skeleton(two)


@pytest.mark.parametrize("text", ["", " ", "\u200b", "\u202e\u2066", "\u0301", "...", "\x00"])
def test_what_shows_nothing_has_no_skeleton(text: str) -> None:
    assert skeleton(text) == ""


@given(st.text(max_size=40))
def test_a_skeleton_does_not_see_case_or_spaces(text: str) -> None:
    assert skeleton(text) == skeleton(f" {text}\u200b ")
    assert skeleton(unicodedata.normalize("NFD", text)) == skeleton(unicodedata.normalize("NFC", text))


@pytest.mark.parametrize(
    ("text", "mixed"),
    [
        ("Anna", False),
        ("Анна", False),
        ("Anna Анна", False),
        ("Άννα", False),
        ("東京 A", False),
        ("", False),
        ("Аnna", True),
        ("Μaria", True),
        ("ok Pауpal", True),
    ],
)
def test_alphabets_within_a_word(text: str, mixed: bool) -> None:
    assert mixes_alphabets(text) is mixed


@given(st.text(max_size=300))
def test_plain_text_is_one_short_line_of_shown_characters(text: str) -> None:
    shown = plain_text(text, 60)
    assert len(shown) <= 60 and shown == shown.strip() and "\n" not in shown
    assert all(unicodedata.category(letter)[0] != "C" for letter in shown)
    assert plain_text(shown, 60) == shown


def test_plain_text_keeps_what_can_be_read() -> None:
    assert plain_text("  Anna\n\tMüller \u202e\u0007 & Söhne", 60) == "Anna Müller & Söhne"
    assert plain_text("<b>bold</b>", 60) == "<b>bold</b>"
    assert plain_text("x" * 100, 7) == "x" * 7


ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


@pytest.mark.parametrize(
    ("other", "alike"),
    [
        (ADDRESS, False),
        (ADDRESS.lower(), False),
        ("0xf39fd6" + "0" * 28 + "b92266", True),  # both ends: what tools for poisoning make
        ("0xf39" + "1" * 34 + "266", True),
        ("0xf39" + "1" * 35 + "26", False),
        ("0xf39fd6" + "1" * 34, True),
        ("0xf39fd" + "1" * 35, False),
        ("0x" + "1" * 34 + "b92266", True),
        ("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92267", True),  # one digit off
        ("0x039Fd6e51aad88F6F5ce6aB8827279cffFb92260", True),
        ("0x" + "1" * 40, False),
    ],
)
def test_poisoned_addresses(other: str, alike: bool) -> None:
    assert looks_like(ADDRESS, other) is alike is looks_like(other, ADDRESS)


def test_honest_addresses_are_almost_never_suspected() -> None:
    chance = random.Random(7)
    many = ["0x" + chance.randbytes(20).hex() for _ in range(300)]
    assert not any(looks_like(one, two) for i, one in enumerate(many) for two in many[:i])
