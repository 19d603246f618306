"""What is written in a picture: QR codes, and letters where a program that reads them is there.

A code is decoded exactly or not at all, and its text is kept word for word (a payment code holds
a URI with the address, often an amount and a label). Letters are guessed by `tesseract`, a program
of its own which may be absent; what it says is marked as guessed.
"""

import shutil
import subprocess
import warnings
from dataclasses import dataclass
from enum import Enum
from io import BytesIO
from typing import TYPE_CHECKING

from arien_flows.documents.limits import LONGEST_OCR_TEXT, MOST_CODES, MOST_PIXELS, OCR_SECONDS

if TYPE_CHECKING:
    from PIL.Image import Image

OCR_PROGRAM = "tesseract"
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")


class Writing(Enum):
    """How a text stands in a picture."""

    CODE = "code"
    """As a QR code: decoded exactly."""

    LETTERS = "letters"
    """As letters: guessed by a program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A text in a picture."""

    writing: Writing
    text: str
    left: int
    """Pixels from the left edge of the picture to the left edge of the text."""

    top: int
    right: int
    bottom: int

    @property
    def where(self) -> str:
        """Return how people are told where it stands."""
        return f"{self.left},{self.top} to {self.right},{self.bottom}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureReading:
    """All that is written in a picture."""

    seen: tuple[Seen, ...]
    note: str
    """What was not read, and why."""


class UnreadablePictureError(Exception):
    """A picture is damaged or too large; says which."""


def read_picture(raw: bytes) -> PictureReading:
    """Return what is written in a picture; `UnreadablePictureError` where it cannot be opened."""
    image = _opened(raw)
    codes = _codes(image)
    program = shutil.which(OCR_PROGRAM)
    if program is None:
        return PictureReading(
            seen=codes,
            note=f"letters in the picture were not read: the program {OCR_PROGRAM} is not "
            "installed",
        )
    letters, note = _letters(image, program)
    return PictureReading(seen=codes + letters, note=note)


def _opened(raw: bytes) -> "Image":
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(BytesIO(raw), formats=_FORMATS)
            if image.width * image.height > MOST_PIXELS:
                raise UnreadablePictureError(
                    f"it has {image.width:,} by {image.height:,} pixels, and a picture at most "
                    f"{MOST_PIXELS:,}: make it smaller"
                )
            return image.convert("L")
    except (Image.DecompressionBombError, UnidentifiedImageError, *_BROKEN) as error:
        raise UnreadablePictureError(f"the picture is damaged ({error})"[:300]) from error


_BROKEN = (OSError, ValueError, SyntaxError, EOFError, OverflowError, KeyError, IndexError,
           TypeError, MemoryError, NotImplementedError)  # fmt: skip
"""What the library raises for pictures that are damaged."""


def _codes(image: "Image") -> tuple[Seen, ...]:
    import zxingcpp

    found = zxingcpp.read_barcodes(
        image,
        formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode),
        text_mode=zxingcpp.TextMode.Plain,
    )
    return tuple(
        _seen(code.text, code.position) for code in found[:MOST_CODES] if code.valid and code.text
    )


def _seen(text: str, position: object) -> Seen:
    corners = [
        getattr(position, name) for name in ("top_left", "top_right", "bottom_left", "bottom_right")
    ]
    across, down = [corner.x for corner in corners], [corner.y for corner in corners]
    return Seen(
        writing=Writing.CODE,
        text=text,
        left=min(across),
        top=min(down),
        right=max(across),
        bottom=max(down),
    )


def _letters(image: "Image", program: str) -> tuple[tuple[Seen, ...], str]:
    drawn = BytesIO()
    image.save(drawn, "PNG")
    try:
        run = subprocess.run(  # noqa: S603 a program by its full path, and a picture as input
            [program, "stdin", "stdout"],
            input=drawn.getvalue(),
            capture_output=True,
            timeout=OCR_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return (), f"letters in the picture were not read: it took more than {OCR_SECONDS} s"
    except OSError as error:
        return (), f"letters in the picture were not read ({error.strerror})"
    if run.returncode:
        return (), f"letters in the picture were not read: {OCR_PROGRAM} failed"
    text = run.stdout.decode(errors="replace").strip()
    note = "" if len(text) <= LONGEST_OCR_TEXT else "only the first letters were read"
    if not text:
        return (), note
    seen = Seen(
        writing=Writing.LETTERS,
        text=text[:LONGEST_OCR_TEXT],
        left=0,
        top=0,
        right=image.width,
        bottom=image.height,
    )
    return (seen,), note
