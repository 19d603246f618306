"""Who dealt with whom: what moved between one owner and each of its neighbours, in sum."""
