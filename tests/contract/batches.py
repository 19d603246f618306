"""What batches say, whatever their buffers look like: for comparing one source with another."""

from dataclasses import fields
from typing import Any

from chains.bitcoin.script import script_of
from chains.tables import BlockBatch, ScriptType, SpentOutputs


def facts(batch: BlockBatch) -> dict[str, Any]:
    """Return all columns; in the place of each column pair `…_start`, `…_length`, the bytes."""
    found: dict[str, Any] = {}
    for field in fields(batch):
        column = getattr(batch, field.name)
        if field.name.endswith("_length"):
            name = field.name.removesuffix("_length")
            starts = getattr(batch, f"{name}_start")
            found[name] = [
                batch.raw[start : start + length].tobytes()
                for start, length in zip(starts.tolist(), column.tolist(), strict=True)
            ]
        elif field.name != "raw" and not field.name.endswith("_start"):
            found[field.name] = (str(column.dtype), column.shape, column.tolist())
    return found


def spent_scripts(batch: BlockBatch, spent: SpentOutputs) -> list[tuple[int, bytes]]:
    """Return value in satoshi and script of what each input spends, in order."""
    return [
        (value, script_of(ScriptType(kind), batch.raw[start : start + length].tobytes()))
        for value, kind, start, length in zip(
            spent.value.tolist(),
            spent.script_type.tolist(),
            spent.payload_start.tolist(),
            spent.payload_length.tolist(),
            strict=True,
        )
    ]
