"""What can be kept of a text, and how its words are put together."""

from __future__ import annotations

from studio.errors import InvalidInput


def check_text(text: str, what: str) -> str:
    """Return `text`, or raise where it cannot be stored.

    Args:
        text: as it came in.
        what: what it is, for the message: ``"prompt"``.

    Raises:
        InvalidInput: it holds a zero character, or half of a surrogate pair, as bytes that are not UTF-8 become.
    """
    if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise InvalidInput(f"The {what} holds characters that are no text. Type it again.")
    return text


def with_article(noun: str) -> str:
    """Return an English noun with its indefinite article; plurals go without."""
    if noun.endswith("s") and not noun.endswith(("ss", "us")):
        return noun
    return f"{'an' if noun[:1].casefold() in set('aeiou') else 'a'} {noun}"
