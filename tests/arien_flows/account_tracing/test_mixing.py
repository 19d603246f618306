"""Candidates behind mixers, on request, beside a trace that ends there."""

from dataclasses import replace

import pytest

from arien_flows.account_tracing.trace import request_of
from arien_flows.cli.account_trace_texts import account_trace_lines
from arien_flows.cli.demix_texts import MARK
from arien_flows.errors import InputError
from heuristics import mixer_links
from tests.account_chains import ETHER
from tests.account_readings import reading_of
from tests.arien_flows.account_tracing.stories import asked, ends_of, of
from tests.mixing_accounts import MixedChain


def mixed() -> tuple[MixedChain, str]:
    """Return a thief who pays into a pool and takes the money out himself, among others."""
    chain = MixedChain()
    chain.chain.genesis(thief=2 * ETHER, bob=5 * ETHER)
    chain.chain.block()
    chain.deposit("bob")
    chain.deposit("thief")
    chain.chain.block()
    chain.withdraw("stranger")
    return chain, chain.withdraw("thief", relayer="relay")


def test_candidates__stand_beside_the_amounts_and_change_none():
    chain, taken = mixed()
    plain = of(chain.chain, "thief", min_value=1)
    result = of(chain.chain, "thief", min_value=1, demix="candidates")
    # The second receipt is the withdrawal itself.
    assert ends_of(result) == ends_of(plain)
    assert plain.answer.mixers is None
    assert ("tETH", "mixer") in ends_of(result)
    told = result.answer.mixers
    assert told is not None
    (deposit,) = told.deposits
    (candidate,) = deposit.candidates
    assert candidate.txid == taken
    assert [hint.rule for hint in candidate.hints] == [mixer_links.ADDRESS]
    assert request_of(result.answer.request) == replace(
        result.traced.request, asset="tETH", min_value=1
    )
    assert replace(result.answer, mixers=None).leaves == plain.answer.leaves
    assert result.answer.manifest.result_sha256 != plain.answer.manifest.result_sha256


def test_candidates__a_tagged_router_before_the_pool_hides_no_deposit():
    chain, taken = mixed()
    reading = reading_of(chain.chain, {"router": ("Mix Router", "mixer")})
    told = asked(reading, "thief", min_value=1, demix="candidates").answer.mixers
    assert told is not None
    assert [it.txid for deposit in told.deposits for it in deposit.candidates] == [taken]


def test_candidates__every_line_of_text_says_that_it_is_an_inference():
    chain, taken = mixed()
    result = of(chain.chain, "thief", min_value=1, demix="candidates")
    lines = list(account_trace_lines(result.answer))
    more = [line for line in lines if line.startswith(MARK)]
    assert any(taken in line for line in more)
    assert any("2 later withdrawals from this pool; rules speak for 1" in line for line in more)
    rest = [line for line in lines if line and not line.startswith(MARK)]
    plain = list(account_trace_lines(of(chain.chain, "thief", min_value=1).answer))
    assert rest[:-1] == [line for line in plain if line][:-1]
    nothing = of(chain.chain, "stranger", min_value=1, demix="candidates")
    assert any("no path ended with a deposit" in line for line in
               account_trace_lines(nothing.answer))  # fmt: skip


def test_candidates__backward_are_refused():
    chain, _ = mixed()
    with pytest.raises(InputError, match="only a trace forward"):
        of(chain.chain, "thief", direction="backward", demix="candidates")
