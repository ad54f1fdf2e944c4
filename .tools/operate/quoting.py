"""Shows texts of strangers so that nobody takes them for ours, and that a terminal does not obey them."""

import unicodedata

RIGHT_TO_LEFT = ("R", "AL", "AN")  # a terminal would show the text around them in another order


def quoted(text: str, most: int) -> str:
    """The text in quotes, with at most that number of its characters; what is special or unseen is escaped."""
    rest = len(text) - most
    shown = '"' + "".join(map(escaped, text[:most])) + '"'
    return f"{shown} and {rest:,} more characters" if rest > 0 else shown


def escaped(character: str) -> str:
    """The character itself if people can see it and know where it stands, else an escape sequence."""
    if character in '"\\':
        return "\\" + character
    if character.isprintable() and unicodedata.bidirectional(character) not in RIGHT_TO_LEFT:
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 1 << 16 else f"\\U{ord(character):08x}"
