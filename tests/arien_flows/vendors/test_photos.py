import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from arien_flows.vendors.photos import (
    MOST_DIFFERENT,
    difference_hash,
    look_alike,
    photo_value,
)
from tests.reference import aliases as reference


def drawing(seed, size=(320, 240)):
    noise = np.random.default_rng(seed).integers(0, 256, (9, 12), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def encoded(picture, form="PNG", **options):
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def distance(one, other):
    return (difference_hash(one) ^ difference_hash(other)).bit_count()


@given(seed=st.integers(0, 300))
def test_difference_hash__survives_size_and_compression(seed):
    picture = drawing(seed)
    raw = encoded(picture)
    small = encoded(picture.resize((200, 150)).filter(ImageFilter.SMOOTH), "JPEG", quality=60)
    assert distance(raw, small) <= MOST_DIFFERENT
    assert distance(raw, encoded(picture.point(lambda point: point * 0.8))) <= MOST_DIFFERENT


def test_difference_hash__tells_pictures_apart():
    hashes = [difference_hash(encoded(drawing(seed))) for seed in range(60)]
    near = [(one ^ other).bit_count() for at, one in enumerate(hashes) for other in hashes[:at]]
    assert min(near) > MOST_DIFFERENT


def test_difference_hash__is_none_of_plain_sheets_and_of_no_pictures():
    assert difference_hash(encoded(Image.new("L", (50, 50), 255))) is None
    assert difference_hash(b"not a picture") is None
    assert difference_hash(b"") is None
    assert difference_hash(encoded(drawing(1))[:200]) is None


@given(raw=st.binary(max_size=200))
def test_difference_hash__survives_arbitrary_bytes(raw):
    assert difference_hash(raw) is None


looks = st.lists(st.integers(0, 2**10 - 1), max_size=4, unique=True)


@given(mine=looks, theirs=looks)
def test_look_alike__pairs_as_many_as_possible(mine, theirs):
    # Bits spread out, so that 10 of them decide.
    first = [photo_value(f"{at:064x}", look) for at, look in enumerate(mine)]
    second = [photo_value(f"{at + 50:064x}", look) for at, look in enumerate(theirs)]
    near = {
        one: [
            other
            for other in second
            if (int(one[65:], 16) ^ int(other[65:], 16)).bit_count() <= MOST_DIFFERENT
        ]
        for one in first
    }
    found = look_alike(first, second)
    assert len(found) == reference.most_pairs(near)
    assert all(other in near[one] for one, other in found)
    assert look_alike(first[::-1], second[::-1]) == found
