"""A batch on a network of accounts: each row's answer is that of single questions."""

import json
from pathlib import Path

from arien_flows.answers.account_address import account_answer
from arien_flows.answers.account_exposure import account_exposure_answer
from arien_flows.answers.account_risk import account_risk_answer
from arien_flows.answers.account_trace import traced_accounts
from arien_flows.batch.accounts import account_trace_request
from arien_flows.batch.items import Item, asked_of
from arien_flows.batch.reading import ReadingOptions, read_table
from arien_flows.batch.request import BatchRequest, BatchTrace
from arien_flows.batch.running import BatchOrder, run_batch
from arien_flows.batch.writing import ROWS
from arien_flows.exposure.accounts import AccountExposureRequest
from arien_flows.settings import Settings
from arien_flows.workspace import Workspace
from tests.arien_flows.batch.small_tables import quiet
from tests.small_accounts import SmallAccounts


def test_account_batch__answers_as_single_questions_do(
    small_accounts: SmallAccounts, tmp_path: Path
):
    space = Workspace(Settings(data=small_accounts.data))
    (network,) = space.networks()
    reading = space.open_accounts(network).read()
    view = reading.view
    texts = [view.account_text(number) for number in range(min(6, view.counts.accounts))]
    unknown = "0x" + "12" * 20
    table = read_table(
        "\n".join([*texts, unknown]).encode(), "list.txt",
        options=ReadingOptions(networks=(network,)),
    )  # fmt: skip
    request = BatchRequest(trace=BatchTrace(), risk=True)
    run_batch(space, BatchOrder(table=table, name="list.txt", request=request), tmp_path, quiet)
    rows = [json.loads(line) for line in (tmp_path / ROWS).read_text().splitlines()]
    assert [row["status"] for row in rows][-1] == "not_found"
    for row, asked in zip(rows[:-1], table.rows, strict=False):
        single = account_answer(reading, asked.subject)
        names = ("received", "sent", "balance", "transaction_count")
        assert [row[name] for name in names] == [getattr(single, name) for name in names]
        exposed = account_exposure_answer(
            reading,
            [AccountExposureRequest(subjects=(asked.subject,), direction=w) for w in ("in", "out")],
        )
        for side in exposed.sides:
            assert row[f"exposure_{side.direction}"]["total"] == side.total
            assert row[f"exposure_{side.direction}"]["attributed"] == side.attributed
        scored = account_risk_answer(reading, asked.subject)
        assert (row["risk"]["score"], row["risk"]["band"]) == (scored.score, scored.band)
        if row["forward"] is not None:
            (trace,) = asked_of(asked, request.trace)
            item = Item(network=network, subject=asked.subject, kind="address", traces=())
            totals = traced_accounts(
                reading, account_trace_request(item, trace, None)
            ).answer.totals
            assert row["forward"]["by_reason"] == totals.by_reason
    assert any(row["forward"] for row in rows)
    space.casebook.close()
