import numpy as np
import pytest

from heuristics.columns import check_offsets, read_only


def test_read_only__is_a_plain_view_and_leaves_the_array_as_it_was(tmp_path) -> None:
    array = np.arange(4, dtype=np.uint32)
    array.tofile(tmp_path / "column")
    mapped = np.memmap(tmp_path / "column", dtype=np.uint32, mode="r+")
    for given in (array, mapped):
        view = read_only(given)
        assert type(view) is np.ndarray
        assert np.shares_memory(view, given)
        assert not view.flags.writeable
        assert given.flags.writeable


def test_read_only__copies_what_is_not_contiguous() -> None:
    assert read_only(np.arange(6)[::2]).tolist() == [0, 2, 4]


@pytest.mark.parametrize("offsets", [[], [1, 3], [0, 2], [0, 4]])
def test_check_offsets__refuses_other_ends(offsets) -> None:
    check_offsets("rows", np.array([0, 1, 3]), 3)
    with pytest.raises(ValueError, match="rows must run from 0 to 3"):
        check_offsets("rows", np.array(offsets), 3)
