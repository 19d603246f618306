import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.room import ALIGNMENT, Room

types = st.sampled_from([np.uint8, np.int32, np.uint64])


@given(st.lists(st.tuples(types, st.integers(0, 40)), max_size=8))
def test_room__gives_arrays_that_do_not_overlap(wanted):
    size = sum(count * np.dtype(dtype).itemsize for dtype, count in wanted)
    room = Room(size, arrays=len(wanted))
    arrays = [room.take(dtype, count) for dtype, count in wanted]
    for number, array in enumerate(arrays):
        array[:] = number
    for number, (array, (dtype, count)) in enumerate(zip(arrays, wanted, strict=True)):
        assert array.tolist() == [number] * count
        assert array.dtype == dtype
        offset = array.ctypes.data - arrays[0].ctypes.data
        assert not count or offset % ALIGNMENT == 0


def test_room__refuses_more_than_there_is():
    room = Room(16, arrays=1)
    room.take(np.int64, 2)
    with pytest.raises(ValueError, match="no room for 9 elements of int64"):
        room.take(np.int64, 9)
