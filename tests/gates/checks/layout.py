"""Same bytes on every machine: what the state may be made of (rule C-6)."""

from collections.abc import Iterator
from typing import Any

from tests.gates.checks import Finding

_FIXED = frozenset({"int8_t", "int16_t", "int32_t", "int64_t", "float"})
ALLOWED = _FIXED | {f"u{name}" for name in _FIXED if name != "float"}


def check_layout(ctype: Any) -> list[Finding]:  # noqa: ANN401 - cffi has no types
    """Find members of a struct that are not fixed-width numbers, and hidden padding.

    Args:
        ctype: A struct or union as cffi knows it.
    """
    return [Finding(place, text) for place, text in _walk(ctype, ctype.cname)]


def leaves(ctype: Any) -> int:  # noqa: ANN401
    """Count the numbers that a type is made of."""
    if ctype.kind == "array":
        return int(ctype.length) * leaves(ctype.item)
    if ctype.kind in {"struct", "union"}:
        return sum(leaves(member.type) for _, member in ctype.fields)
    return 1


def _walk(ctype: Any, place: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    if ctype.kind == "array":
        yield from _walk(ctype.item, f"{place}[]")
    elif ctype.kind in {"struct", "union"}:
        yield from _walk_members(ctype, place)
    elif ctype.kind == "primitive":
        if ctype.cname not in ALLOWED:
            yield place, f"{ctype.cname} is no number of fixed width"
    else:
        yield place, f"{ctype.cname} is a {ctype.kind}"


def _walk_members(ctype: Any, place: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    hidden = set(range(_size(ctype)))
    for name, member in ctype.fields:
        if member.bitsize >= 0:
            yield f"{place}.{name}", "is a bit-field"
        yield from _walk(member.type, f"{place}.{name}")
        hidden -= set(range(member.offset, member.offset + _size(member.type)))
    if hidden:
        yield place, f"hides {len(hidden)} bytes, the first at offset {min(hidden)}"


def _size(ctype: Any) -> int:  # noqa: ANN401
    import cffi

    return int(cffi.FFI().sizeof(ctype))
