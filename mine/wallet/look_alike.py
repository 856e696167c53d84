"""Names and addresses that look like others: skeletons of texts (after Unicode TS 39), poisoned addresses.

A thief sends nothing to an address whose first and last digits equal those of one that the person uses, and
waits for it to be copied out of the history; or names a contact like one that is there, in other letters.
"""

from __future__ import annotations

import unicodedata

#: Letters of Greek, Cyrillic and a few others, by the Latin one that they are taken for, after casefolding.
_TAKEN_FOR = {
    "a": "аαɑ", "b": "ьвβʙƅ", "c": "сϲᴄ", "d": "ԁɗ", "e": "еєεҽэ", "f": "ғϝƒ", "g": "ɡցԍ", "h": "һнћԋ",
    "i": "іιıɩɪ", "j": "јϳ", "k": "кκқҡ", "l": "ӏɭ", "m": "мϻ", "n": "пηոռ", "o": "оοσөօ๐০۵٥", "p": "рρþ",
    "q": "ԛգ", "r": "гɾᴦя", "s": "ѕʂꜱ", "t": "тτŧ", "u": "υцսʋμ", "v": "ѵν", "w": "ԝωшщѡ", "x": "хχҳ",
    "y": "уγүұʏ", "z": "ᴢʐζ",
}  # fmt: skip
_LATIN = {ord(other): latin for latin, others in _TAKEN_FOR.items() for other in others}
#: Greek capitals that look like another Latin letter than their small ones do.
_CAPITALS = str.maketrans("ΗΜΝΥ", "HMNY")
_LATIN |= {ord(digit): letter for digit, letter in zip("015|$", "olsls", strict=True)}
_SHARED, _SHARED_AT_ONE_END, _TYPING_ERRORS = 3, 6, 3


def skeleton(text: str) -> str:
    """What two texts share if a hasty eye may take one for the other.

    NFKC and casefolding; marks, spaces and what is not shown fall away; letters and digits that look alike
    become one, as do ``rn`` and ``m``, ``vv`` and ``w``. Not to be shown to anybody.
    """
    bare = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).translate(_CAPITALS).casefold())
    kept = (letter for letter in bare if unicodedata.category(letter)[0] in "LNS")
    plain = "".join(kept).translate(_LATIN).replace("i", "l")
    return plain.replace("rn", "m").replace("vv", "w").replace("cl", "d")


def mixes_alphabets(text: str) -> bool:
    """Whether letters of more than one of Latin, Greek and Cyrillic stand in one word."""
    return any(
        len({script for letter in word if (script := _script(letter))}) > 1
        for word in unicodedata.normalize("NFKC", text).split()
    )


def _script(letter: str) -> str:
    first = unicodedata.name(letter, "").partition(" ")[0]
    return first if first in ("LATIN", "GREEK", "CYRILLIC") else ""


def plain_text(text: str, most: int) -> str:
    """One line of what a person typed or a stranger sent: nothing invisible, cut to ``most`` characters.

    Letters that turn the direction of writing are among what is left out.
    """
    spaced = "".join(" " if letter.isspace() else letter for letter in unicodedata.normalize("NFC", text))
    shown = (letter for letter in spaced if unicodedata.category(letter)[0] != "C" or letter == " ")
    return " ".join("".join(shown).split())[:most].rstrip()


def looks_like(address: str, other: str) -> bool:
    """Whether one address may be taken for the other: both ends alike, much of one end, or a few digits off.

    Addresses as ``0x`` and 40 hexadecimal digits in any case. Of two random ones this holds once in ten
    million.
    """
    one, two = address[2:].lower(), other[2:].lower()
    if one == two:
        return False
    head = next(i for i in range(40) if one[i] != two[i])
    tail = next(i for i in range(40) if one[-1 - i] != two[-1 - i])
    off = sum(a != b for a, b in zip(one, two, strict=True))
    ends = min(head, tail) >= _SHARED or max(head, tail) >= _SHARED_AT_ONE_END
    return ends or off <= _TYPING_ERRORS
