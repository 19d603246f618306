"""Making one run of several, in steps between which one may stop.

What is written goes to the device step by step: a large run at one stroke would keep it busy for
seconds, for which every commit had to wait.
"""

from collections.abc import Sequence

from arien_flows.errors import LedgerDamagedError
from arien_flows.ledger.disk import Disk
from arien_flows.ledger.files import map_array, map_history_run, map_key_run, run_path
from arien_flows.ledger.history_merging import merge_history_runs, merged_size
from arien_flows.ledger.run_files import HistoryFile, KeyFile, Pause, RunFile
from arien_flows.ledger.seals import checksum_in_pieces
from arien_flows.ledger.sorted_runs import RunName, live_entries, merge_key_runs


def merge_runs(disk: Disk, family: str, due: Sequence[RunName], pause: Pause) -> RunName:
    """Write one run of several that stand one behind the other; it is on the device then.

    `pause` is called now and then and may raise to end the merge. After that, as after any error,
    what there was of the new file is gone.

    Raises
    ------
    LedgerDamagedError
        One of the runs is not what was written.
    """
    for run in due:
        path = disk.root / run_path(family, run)
        if checksum_in_pieces(map_array(path, "uint8", path.stat().st_size), pause) != run.checksum:
            raise LedgerDamagedError(
                f"{path} is damaged: restore it from a copy, or remove the ledger and ingest anew"
            )
    # After a roll-back the last run may have been written for more rows than count; its limit is
    # where the next run begins.
    end = due[-1].limit
    name = RunName(
        level=due[0].level + 1, start=due[0].start, end=end, limit=end, entries=0, checksum=0
    )
    try:
        if family == "history":
            return _merge_history(disk, name, due, pause)
        return _merge_keys(disk, family, name, due, pause)
    except BaseException:
        disk.remove(run_path(family, name))
        raise


def _merge_keys(
    disk: Disk, family: str, name: RunName, due: Sequence[RunName], pause: Pause
) -> RunName:
    sources = [map_key_run(disk.root, family, run) for run in due]
    file = KeyFile(disk, family, name, entries=sum(live_entries(source) for source in sources))
    merge_key_runs(sources, file.key, file.number, _flushing(file, pause))
    return _finished(file, pause)


def _merge_history(disk: Disk, name: RunName, due: Sequence[RunName], pause: Pause) -> RunName:
    sources = [map_history_run(disk.root, run) for run in due]
    addresses, entries = merged_size(sources, pause)
    file = HistoryFile(disk, name, addresses=addresses, entries=entries)
    merge_history_runs(sources, file.run, _flushing(file, pause))
    return _finished(file, pause)


def _flushing(file: RunFile, pause: Pause) -> Pause:
    """Return a pause in which the file is brought to the device."""

    def flush() -> None:
        pause()
        file.flush()

    return flush


def _finished(file: RunFile, pause: Pause) -> RunName:
    name = file.finish(pause)
    file.flush()
    return name
