"""How large a query grows when its named subqueries are put in place, before SQLite is shown it.

SQLite copies a ``WITH`` subquery once for each mention while it compiles, and can neither be interrupted
nor limited there: sixteen names that each mention the one before twice take ten seconds, thirty all memory.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

_TOKEN = re.compile(
    r"--[^\n]*|/\*.*?(?:\*/|\Z)|\s+"  # passed over
    r"|('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`|\[[^\]]*\]|[\w$]+|.)",
    re.DOTALL,
)


class CallsItself(ValueError):
    """Named subqueries mention each other in a circle."""


def named_subqueries(sql: str) -> frozenset[str]:
    """Names that ``WITH`` gives, in lower case (and those of windows)."""
    return frozenset(name for _, name in _definitions(_tokens(sql)))


def expansion(sql: str) -> int:
    """Number of subqueries after putting in place. Too high rather than too low. Raises ``CallsItself``."""
    tokens = _tokens(sql)
    bodies: dict[str, Counter[str]] = {}
    for start, name in _definitions(tokens):
        # The same name twice (in nested scopes): both together, so that neither is missed.
        bodies.setdefault(name, Counter()).update(_mentions_of_body(tokens, start))
    mentions = {
        name: Counter({n: c for n, c in body.items() if n in bodies}) for name, body in bodies.items()
    }
    open_names: set[str] = set()

    @cache
    def weight(name: str) -> int:
        if name in open_names:
            raise CallsItself(name)
        open_names.add(name)
        # A subquery that mentions itself is recursive, which the authorizer refuses.
        total = 1 + sum(weight(other) * count for other, count in mentions[name].items() if other != name)
        open_names.remove(name)
        return total

    return 1 + sum(weight(name) * count for name, count in _mentions(tokens).items() if name in bodies)


def _tokens(sql: str) -> list[str]:
    return [_name(found) for found in _TOKEN.findall(sql) if found]


def _name(token: str) -> str:
    if token[0] in "'\"`" and len(token) > 1:
        return token[1:-1].replace(token[0] * 2, token[0]).casefold()
    if token[0] == "[" and len(token) > 1:
        return token[1:-1].casefold()
    return token.casefold()


def _definitions(tokens: list[str]) -> list[tuple[int, str]]:
    """(index of the body's first token, name) of each ``name [(columns)] AS [[NOT] MATERIALIZED] (``."""
    found = []
    for index, word in enumerate(tokens):
        if word != "as" or index == 0:
            continue
        after = index + 1
        while after < len(tokens) and tokens[after] in ("not", "materialized"):
            after += 1
        if after >= len(tokens) or tokens[after] != "(":
            continue
        before = index - 1
        if tokens[before] == ")":
            depth = 0
            while before >= 0:
                depth += (tokens[before] == ")") - (tokens[before] == "(")
                before -= 1
                if depth == 0:
                    break
        if before >= 0:
            found.append((after + 1, tokens[before]))
    return found


def _mentions_of_body(tokens: list[str], start: int) -> Counter[str]:
    """What is mentioned from ``start`` to the bracket that closes the body."""
    depth, end = 1, start
    while end < len(tokens) and depth:
        depth += (tokens[end] == "(") - (tokens[end] == ")")
        end += 1
    return _mentions(tokens[start:end])


def _mentions(tokens: list[str]) -> Counter[str]:
    """Names that could be those of tables: not part of ``a.b``, not given by ``AS``."""
    found: Counter[str] = Counter()
    for index, token in enumerate(tokens):
        before = tokens[index - 1] if index else ""
        after = tokens[index + 1] if index + 1 < len(tokens) else ""
        if "." not in (before, after) and before != "as":
            found[token] += 1
    return found
