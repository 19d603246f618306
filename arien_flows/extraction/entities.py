"""Entities of HTML in a text, whatever numbers they name."""

import html
import re

_ENDLESS = re.compile(r"&#[0-9]{1000,};?")
"""Numbers of so many digits Python refuses to read; none of them is a character."""


def without_entities(text: str) -> str:
    """Return a text with the characters that its entities stand for."""
    return html.unescape(_ENDLESS.sub("\ufffd", text)) if "&" in text else text
