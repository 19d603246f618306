"""Kernels of investigation: numbers in, numbers out, compiled by Numba.

Nothing here knows what an address looks like or where a column is stored. A kernel takes arrays
and returns arrays; the face beside it validates, because a compiled kernel cannot.
"""
