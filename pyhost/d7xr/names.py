"""What a mistyped name probably meant."""

from collections.abc import Collection


def nearest(name: str, known: Collection[str]) -> str:
    """Return a hint that names what was probably meant, or what there is to choose from."""
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1, cutoff=0.5)
    if not close:  # a wrong case is the commonest slip, and far off for a comparison of letters
        close = [other for other in known if other.lower() == name.lower()]
    if close:
        return f"nearest: {close[0]}"
    some = sorted(known)
    return f"known: {', '.join(some[:12])}{', ...' if len(some) > 12 else ''}"
