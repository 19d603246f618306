"""Base58 with and without the checksum of four bytes.

The letters are those of Bitcoin, and so of everybody else. A text is one large number; leading
ones stand for leading zero bytes.
"""

import hashlib

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
CHECKSUM_LENGTH = 4
_DIGIT = {letter: digit for digit, letter in enumerate(ALPHABET)}


def number_of(text: str) -> int | None:
    """Return the number that a text writes; None where a letter is none of base58."""
    number = 0
    for letter in text:
        digit = _DIGIT.get(letter)
        if digit is None:
            return None
        number = number * 58 + digit
    return number


def decode(text: str) -> bytes | None:
    """Return the bytes of a text; None where a letter is none of base58."""
    number = number_of(text)
    if number is None:
        return None
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def checked(text: str) -> bytes | None:
    """Return the bytes of a text without its checksum; None where that does not hold."""
    decoded = decode(text)
    if decoded is None or len(decoded) <= CHECKSUM_LENGTH:
        return None
    body, check = decoded[:-CHECKSUM_LENGTH], decoded[-CHECKSUM_LENGTH:]
    return body if hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4] == check else None


def encode(data: bytes) -> str:
    """Return the text of some bytes."""
    number = int.from_bytes(data, "big")
    text = ""
    while number:
        number, digit = divmod(number, 58)
        text = ALPHABET[digit] + text
    return ALPHABET[0] * (len(data) - len(data.lstrip(b"\0"))) + text


def encode_checked(body: bytes) -> str:
    """Return the text of some bytes, with a checksum."""
    check = hashlib.sha256(hashlib.sha256(body).digest()).digest()[:CHECKSUM_LENGTH]
    return encode(body + check)
