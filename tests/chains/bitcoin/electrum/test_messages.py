import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin.electrum.messages import Call, Refusal, Reply, decode, encode, plain

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
spaces = st.text(" \t\r", max_size=3)


@st.composite
def arrays(draw):
    """Return replies as (id, result, text), and a line that holds them with spaces of all kinds."""
    idents = draw(st.lists(st.integers(0, 2**53), min_size=1, max_size=6, unique=True))
    replies = []
    for ident in idents:
        result = draw(values)
        text = json.dumps(
            {"jsonrpc": "2.0", "id": ident, "result": result},
            ensure_ascii=draw(st.booleans()),
            separators=draw(st.sampled_from([(",", ":"), (", ", ": ")])),
        )
        replies.append((ident, result, text))
    members = ",".join(f"{draw(spaces)}{text}{draw(spaces)}" for _, _, text in replies)
    return replies, f"{draw(spaces)}[{members}]{draw(spaces)}"


@given(arrays())
def test_decode__cuts_an_array_into_the_replies_as_they_arrived(case):
    replies, line = case
    expected = [Reply(ident, text.encode(), result) for ident, result, text in replies]
    assert decode(line.encode()) == (expected, True)


@given(values, spaces)
def test_decode__reads_a_single_reply_and_leaves_out_padding(result, padding):
    text = json.dumps({"id": 3, "result": result})
    assert decode(f"{text}{padding}".encode()) == ([Reply(3, text.encode(), result)], False)


@given(st.binary(max_size=60) | st.text('[]{},:1" ', max_size=30).map(str.encode))
def test_decode__of_anything_else_raises_nothing_but_value_errors(line):
    with suppress(ValueError):
        replies, _ = decode(line)
        assert all(isinstance(reply, Reply) for reply in replies)


@pytest.mark.parametrize("line", [b"[]", b"[{}", b"[,]", b"[] []", b'[{"id":1,"result":1},]', b""])
def test_decode__takes_no_broken_array(line):
    with pytest.raises(ValueError, match="not JSON"):
        decode(line)


def test_decode__leaves_notifications_out():
    line = b'[{"method": "news", "params": []}, {"id": 1, "result": null}]'
    assert decode(line) == ([Reply(1, b'{"id": 1, "result": null}', None)], True)


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        ('{"code": 2, "message": "daemon\\nerror"}', Refusal(2, "daemon error")),
        ('{"code": "2", "message": 7}', Refusal(0, "7")),
        ('"Too many history entries"', Refusal(0, "Too many history entries")),
        ("{}", Refusal(0, "no reason")),
    ],
)
def test_decode__reads_refusals_of_every_server(error, refusal):
    line = f'{{"id": 1, "result": null, "error": {error}}}'.encode()
    assert decode(line) == ([Reply(1, line, refusal)], False)


def test_decode__takes_no_error_for_none():
    line = b'{"id": 1, "error": null, "result": 5}'
    assert decode(line)[0][0].answer == 5


def test_encode__as_an_array_and_as_lines_asks_the_same():
    calls = [Call("a.b", ("x", 1, False)), Call("c"), Call("d", (("1.4", "1.6"),))]
    array = encode(calls, as_array=True)
    lines = encode(calls, as_array=False)
    assert array.count(b"\n") == 1
    assert json.loads(array) == [json.loads(line) for line in lines.splitlines()]
    assert [asked["params"] for asked in json.loads(array)] == [
        ["x", 1, False],
        [],
        [["1.4", "1.6"]],
    ]


def test_ident__belongs_to_the_question_and_fits_every_json_reader():
    calls = [Call("get", (str(number), False)) for number in range(1_000)]
    idents = [call.ident for call in calls]
    assert len(set(idents)) == len(idents)
    assert max(idents) < 2**53
    assert Call("get", ("7", False)).ident == idents[7]


def test_text__is_the_method_with_its_parameters():
    call = Call("blockchain.transaction.get", ("ab", False))
    assert call.text == 'blockchain.transaction.get ["ab", false]'


@given(st.text(max_size=500))
def test_plain__is_one_bounded_printable_line(words):
    line = plain(words)
    assert line.isprintable() or not line
    assert len(line) <= 201
