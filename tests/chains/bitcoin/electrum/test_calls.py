"""What becomes of calls when a server has bad habits; each habit is a real server's."""

import json
import random
import threading
import time

import pytest

from chains.access import DIRECT
from chains.bitcoin.electrum import session
from chains.bitcoin.electrum.address import ElectrumAddress
from chains.bitcoin.electrum.calls import GROUP_CALLS, ElectrumCalls
from chains.bitcoin.electrum.messages import Call, Refusal
from chains.bitcoin.electrum.session import Patience
from chains.errors import RequestBudgetError, SourceUnavailableError
from chains.exchange import NoRecorder
from tests.contract.lookups import Notebook
from tests.electrum_stand_in import StandIn, serving
from tests.nodes import free_port

QUICK = Patience(connect=20, answer=20, attempts=3, first_pause=0.001, longest_pause=0.004)
HASTY = Patience(connect=20, answer=0.1, attempts=3, first_pause=0.001, longest_pause=0.004)


OPENING = [Call("server.features"), Call("blockchain.headers.subscribe")]
"""What a source asks first: it shows whether the server knows arrays."""


def talk_to(stand_in, calls, *, patience=QUICK, recorder=None, opening=()):
    """Return what a server answers to calls."""
    with serving(stand_in) as uri:
        address = ElectrumAddress.parse(uri)
        asking = ElectrumCalls(address, DIRECT, recorder or NoRecorder(), patience)
        try:
            asking.ask(opening)
            return asking.ask(calls)
        finally:
            asking.close()


def gets(stand_in, count=None):
    """Return calls for the stand-in's transactions, and what they should return."""
    shown = list(stand_in.raws)[:count]
    calls = [Call("blockchain.transaction.get", (txid, False)) for txid in shown]
    return calls, [stand_in.raws[txid].hex() for txid in shown]


def test_ask__negotiates_first_and_alone():
    stand_in = StandIn()
    calls, expected = gets(stand_in, 3)
    assert talk_to(stand_in, calls) == expected
    first, *others = stand_in.messages
    assert first["method"] == "server.version"
    assert first["params"][1] == ["1.4", "1.6"]
    assert [len(message) for message in others] == [3]


def test_ask__answers_repeated_calls_and_makes_them_once():
    stand_in = StandIn()
    (one, two), (first, second) = gets(stand_in, 2)
    assert talk_to(stand_in, [one, two, one, one]) == [first, second, first, first]
    assert len(stand_in.asked("blockchain.transaction.get")) == 2


class HoldsBack(StandIn):
    """As some servers do: a reply of less than a kilobyte waits, and is padded with spaces."""

    SECONDS = 0.02

    def __init__(self):
        super().__init__()
        self.held = 0

    def respond(self, lines, message):
        text = json.dumps(
            [self.reply(call) for call in message]
            if isinstance(message, list)
            else self.reply(message)
        ).encode()
        if len(text) < 1024:
            self.held += 1
            time.sleep(self.SECONDS)
        lines.send(text.ljust(1024))


def test_ask__many_calls_are_held_back_no_more_often_than_one():
    stand_in = HoldsBack()
    calls, expected = gets(stand_in)
    assert talk_to(stand_in, calls) == expected
    assert len(calls) == 200
    assert len(stand_in.messages) == 1 + len(calls) / GROUP_CALLS
    assert stand_in.held <= 2


class OneAtATime(StandIn):
    """Waits for a pause in what arrives; a client that sends call by call meets it each time."""

    def __init__(self):
        super().__init__()
        self.in_flight = 0
        self.most_in_flight = 0
        self.waiting = []

    def respond(self, lines, message):
        if not isinstance(message, list):
            super().respond(lines, message)
            return
        self.waiting.append(message)
        self.most_in_flight = max(self.most_in_flight, len(self.waiting))
        if len(self.waiting) == 4 or len(self.calls) > 200:
            for one in reversed(self.waiting):
                super().respond(lines, one)
            self.waiting = []


def test_ask__has_several_groups_in_flight():
    stand_in = OneAtATime()
    calls, expected = gets(stand_in, 160)
    assert talk_to(stand_in, calls) == expected
    assert stand_in.most_in_flight == 4


class OutOfOrder(StandIn):
    """Answers calls in any order, as single lines or in arrays of its own making."""

    def __init__(self, seed):
        super().__init__()
        self.chance = random.Random(seed)

    def respond(self, lines, message):
        replies = [
            self.reply(call) for call in (message if isinstance(message, list) else [message])
        ]
        self.chance.shuffle(replies)
        while replies:
            part = [replies.pop() for _ in range(min(len(replies), self.chance.randint(1, 9)))]
            as_array = len(part) > 1 or self.chance.random() < 0.5
            lines.send(json.dumps(part if as_array else part[0], indent=None).encode())


@pytest.mark.parametrize("seed", range(5))
def test_ask__matches_replies_by_id(seed):
    stand_in = OutOfOrder(seed)
    calls, expected = gets(stand_in)
    assert talk_to(stand_in, calls) == expected


class Notifies(StandIn):
    """Sends news that nobody waits for before each answer."""

    def respond(self, lines, message):
        news = {"jsonrpc": "2.0", "method": "blockchain.headers.subscribe", "params": [{}]}
        lines.send(json.dumps(news).encode())
        super().respond(lines, message)


def test_ask__ignores_notifications():
    stand_in = Notifies()
    calls, expected = gets(stand_in, 50)
    assert talk_to(stand_in, calls) == expected


class RefusesArrays(StandIn):
    """Knows single calls only, and says so."""

    def respond(self, lines, message):
        if isinstance(message, list):
            error = {"code": -32600, "message": "request object must be a dictionary"}
            lines.send(json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode())
        else:
            super().respond(lines, message)


class FleesFromArrays(StandIn):
    """Knows single calls only, and ends the connection over anything else."""

    def respond(self, lines, message):
        if isinstance(message, list):
            lines.end()
        else:
            super().respond(lines, message)


@pytest.mark.parametrize("habit", [RefusesArrays, FleesFromArrays])
def test_ask__does_without_arrays_where_a_server_knows_none(habit):
    stand_in = habit()
    calls, expected = gets(stand_in)
    assert talk_to(stand_in, calls) == expected
    assert stand_in.connections == 2
    assert sum(isinstance(message, list) for message in stand_in.messages) <= 4


class EndsMidLine(StandIn):
    """Sends half of an array and goes away, once in three connections not."""

    def respond(self, lines, message):
        text = json.dumps(
            [self.reply(call) for call in message]
            if isinstance(message, list)
            else self.reply(message)
        ).encode()
        if (
            isinstance(message, list)
            and len(message) > 1
            and self.connections % 3
            and (len(self.messages) % 3 == 0)
        ):
            lines.send_bytes(text[: len(text) // 2])
            lines.end()
        else:
            lines.send(text)


def test_ask__goes_on_where_a_connection_ended():
    stand_in = EndsMidLine()
    calls, expected = gets(stand_in)
    assert talk_to(stand_in, calls) == expected
    assert stand_in.connections > 1
    asked = [shown for shown, _ in stand_in.asked("blockchain.transaction.get")]
    # What was answered is not asked again: at most what was in flight at each loss is.
    assert len(asked) <= len(calls) + (stand_in.connections - 1) * 160


class AnswersOnce(StandIn):
    """Answers one group of transactions a connection."""

    def respond(self, lines, message):
        super().respond(lines, message)
        if isinstance(message, list) and message[0]["method"] == "blockchain.transaction.get":
            lines.end()


def test_ask__asks_again_only_what_was_not_answered():
    stand_in = AnswersOnce()
    calls, expected = gets(stand_in, 4 * GROUP_CALLS)
    notebook = Notebook()
    assert talk_to(stand_in, calls, recorder=notebook, opening=OPENING) == expected
    assert stand_in.connections == 4
    gotten = [kept for kept in notebook.kept if "transaction.get" in kept.request]
    assert len(gotten) == len(calls)


class Poisoned(StandIn):
    """Falls over one transaction, every time."""

    poison = 60

    def answer(self, method, params):
        if method == "blockchain.transaction.get" and params[0] == list(self.raws)[self.poison]:
            raise ConnectionAbortedError
        return super().answer(method, params)

    def respond(self, lines, message):
        try:
            super().respond(lines, message)
        except ConnectionAbortedError:
            lines.end()


def test_ask__fails_the_call_that_a_server_falls_over_and_answers_the_others():
    stand_in = Poisoned()
    calls, expected = gets(stand_in)
    patience = Patience(connect=20, answer=20, attempts=6, first_pause=0.001)
    answers = talk_to(stand_in, calls, patience=patience, opening=OPENING)
    failure = answers.pop(stand_in.poison)
    del expected[stand_in.poison]
    assert isinstance(failure, Refusal)
    assert "ended the connection" in failure.words
    assert answers == expected


class LimitsArrays(StandIn):
    """Refuses what makes an array's answer too large, as servers do against abuse."""

    def respond(self, lines, message):
        if not isinstance(message, list):
            super().respond(lines, message)
            return
        error = {"code": -32600, "message": "response too large (over 1,000,000 bytes"}
        replies = [
            self.reply(call) if place < 10 else {"id": call["id"], "error": error}
            for place, call in enumerate(message)
        ]
        lines.send(json.dumps(replies).encode())


def test_ask__asks_alone_what_was_too_large_for_an_array():
    stand_in = LimitsArrays()
    calls, expected = gets(stand_in, 30)
    assert talk_to(stand_in, calls) == expected
    assert stand_in.connections == 1


def test_ask__returns_a_refusal_in_its_place():
    stand_in = StandIn()
    calls, expected = gets(stand_in, 3)
    calls.insert(1, Call("blockchain.transaction.get", ("00" * 32, False)))
    answers = talk_to(stand_in, calls)
    refusal = answers.pop(1)
    assert answers == expected
    assert refusal == Refusal(2, "daemon error: no such transaction")


class WantsLess(StandIn):
    """Throws out a client that asked for more than 50 things over one connection."""

    def __init__(self):
        super().__init__()
        self.spent = 0

    def talk(self, lines):
        self.spent = 0
        super().talk(lines)

    def reply(self, call):
        self.spent += 1
        if self.spent > 50:
            error = {"code": -101, "message": "excessive resource usage"}
            return {"jsonrpc": "2.0", "id": call["id"], "error": error}
        return super().reply(call)

    def respond(self, lines, message):
        super().respond(lines, message)
        if self.spent > 50:
            lines.end()


def test_ask__comes_back_later_where_a_server_wants_to_be_asked_less():
    stand_in = WantsLess()
    calls, expected = gets(stand_in)
    assert talk_to(stand_in, calls) == expected
    assert stand_in.connections >= 4


class Chaotic(StandIn):
    """Does all of that, by chance; only a call that comes alone is always answered."""

    def __init__(self, seed):
        super().__init__()
        self.chance = random.Random(seed)

    def respond(self, lines, message):
        if not isinstance(message, list):
            super().respond(lines, message)
            return
        replies = [self.reply(call) for call in message]
        self.chance.shuffle(replies)
        habit = self.chance.choice(["answers", "answers", "is busy", "leaves", "leaves midway"])
        if habit == "is busy":
            error = {"code": -102, "message": "server busy"}
            for reply in self.chance.sample(replies, len(replies) // 10):
                reply["error"] = error
        text = json.dumps(replies).encode()
        if habit == "leaves midway":
            lines.send_bytes(text[: self.chance.randrange(len(text))])
        elif habit != "leaves":
            lines.send(text)
        if habit.startswith("leaves"):
            lines.end()


@pytest.mark.parametrize("seed", range(12))
def test_ask__loses_and_mixes_up_nothing_whatever_happens(seed):
    stand_in, notebook = Chaotic(seed), Notebook()
    calls, expected = gets(stand_in)
    patience = Patience(connect=20, answer=20, attempts=20, first_pause=0, longest_pause=0)
    assert talk_to(stand_in, calls, patience=patience, recorder=notebook) == expected
    # Every call that arrived had been allowed.
    assert len(stand_in.calls) <= notebook.allowed


class Silent(StandIn):
    """Answers the first message and never another."""

    def respond(self, lines, message):
        if isinstance(message, dict) and message["method"] == "server.version":
            super().respond(lines, message)


def test_ask__gives_up_on_a_silent_server():
    stand_in = Silent()
    calls, _ = gets(stand_in, 2)
    with pytest.raises(SourceUnavailableError) as caught:
        talk_to(stand_in, calls, patience=HASTY)
    assert "did not answer within 0.1 seconds, 3 times in a row" in str(caught.value)
    assert stand_in.connections == 3


class Drips(StandIn):
    """Sends a byte now and then: never silent, never done."""

    def respond(self, lines, message):
        if isinstance(message, dict) and message["method"] == "server.version":
            super().respond(lines, message)
            return
        for _ in range(40):
            lines.send_bytes(b" ")
            time.sleep(0.01)


def test_ask__takes_a_server_that_drips_for_a_silent_one():
    calls, _ = gets(StandIn(), 2)
    with pytest.raises(SourceUnavailableError, match=r"did not answer within 0\.1 seconds"):
        talk_to(Drips(), calls, patience=HASTY)


class Chatters(StandIn):
    """Sends news without end, and never an answer."""

    def respond(self, lines, message):
        if isinstance(message, dict) and message["method"] == "server.version":
            super().respond(lines, message)
            return
        for _ in range(40):
            lines.send(b'{"jsonrpc": "2.0", "method": "news", "params": []}')
            time.sleep(0.01)


def test_ask__is_not_kept_waiting_by_news():
    calls, _ = gets(StandIn(), 2)
    with pytest.raises(SourceUnavailableError, match=r"did not answer within 0\.1 seconds"):
        talk_to(Chatters(), calls, patience=HASTY)


class NeverTalks(StandIn):
    def respond(self, lines, message):
        """Take the connection and say nothing."""


def test_connect__to_a_server_that_never_talks_ends_at_once():
    stand_in = NeverTalks()
    with pytest.raises(SourceUnavailableError, match=r"did not answer within 0\.2 seconds"):
        talk_to(stand_in, [], patience=Patience(connect=0.2))
    assert stand_in.connections == 1


def test_connect__to_nobody_says_what_to_look_at():
    address = ElectrumAddress.parse(f"electrum+tcp://127.0.0.1:{free_port()}")
    with pytest.raises(SourceUnavailableError, match="refuses the connection; see that") as caught:
        ElectrumCalls(address, DIRECT, NoRecorder(), QUICK)
    assert address.name in str(caught.value)


class Garbage(StandIn):
    """Answers arrays with something else."""

    def __init__(self, text):
        super().__init__()
        self.text = text

    def respond(self, lines, message):
        if isinstance(message, list):
            lines.send(self.text)
        else:
            super().respond(lines, message)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"<html>go away</html>", "it is not JSON"),
        (b"\xff\xfe", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"[1]", "a reply is no object"),
        (b"7", "a reply is no object"),
        (b'[{"id": 1, "result": 1} {"id": 2, "result": 2}]', "it is not JSON"),
        (b'{"id": "one", "result": 1}', "a reply's id is no number"),
        (b'{"id": 1}', "neither a result nor an error"),
        (b'{"id": 5, "result": 1}', "something that was not asked"),
        (b"1" * 5000, "it is not JSON"),
    ],
)
def test_ask__of_a_server_that_answers_garbage_ends_at_once(text, said):
    stand_in = Garbage(text)
    calls, _ = gets(stand_in, 2)
    with pytest.raises(SourceUnavailableError, match=said) as caught:
        talk_to(stand_in, calls)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)
    assert stand_in.connections == 1


class LosesTheThread(StandIn):
    """Makes nothing of what it gets, after it has understood an array."""

    def respond(self, lines, message):
        if isinstance(message, list) and message[0]["method"] == "blockchain.transaction.get":
            error = {"code": -32700, "message": "invalid JSON"}
            lines.send(json.dumps({"id": None, "error": error}).encode())
        else:
            super().respond(lines, message)


def test_ask__of_a_server_that_understands_nothing_repeats_its_words():
    stand_in = LosesTheThread()
    calls, _ = gets(stand_in, 2)
    with pytest.raises(SourceUnavailableError, match="understood nothing: invalid JSON"):
        talk_to(stand_in, calls, opening=OPENING)


class TooLong(StandIn):
    """Answers one transaction with more than anybody wants to read."""

    def answer(self, method, params):
        answer = super().answer(method, params)
        if method == "blockchain.transaction.get" and params[0] == list(self.raws)[3]:
            return answer * 2_000
        return answer


def test_ask__fails_the_call_whose_answer_is_too_long(monkeypatch):
    monkeypatch.setattr(session, "MOST_LINE_BYTES", 100_000)
    stand_in = TooLong()
    calls, expected = gets(stand_in, 20)
    answers = talk_to(stand_in, calls)
    failure = answers.pop(3)
    del expected[3]
    assert isinstance(failure, Refusal)
    assert "MiB at once" in failure.words
    assert answers == expected


class Old(StandIn):
    def answer(self, method, params):
        if method == "server.version":
            return ["stand-in", self.protocol]
        return super().answer(method, params)


@pytest.mark.parametrize("protocol", ["1.2", "0.10", "one", "1.4a", 7, ""])
def test_connect__to_a_server_of_another_protocol_says_so(protocol):
    stand_in = Old()
    stand_in.protocol = protocol
    with pytest.raises(SourceUnavailableError, match="when asked for its version"):
        talk_to(stand_in, [])


def test_connect__to_a_server_that_refuses_the_version_repeats_its_words():
    class Refusing(StandIn):
        def reply(self, call):
            error = {"code": 1, "message": "unsupported\nprotocol version: \x1b[31m1.4" + "!" * 999}
            return {"id": call["id"], "error": error}

    with pytest.raises(SourceUnavailableError, match="unsupported protocol version") as caught:
        talk_to(Refusing(), [])
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


def test_connect__to_a_server_that_answers_something_else_is_refused():
    class Confused(StandIn):
        def reply(self, call):
            return super().reply(call) | {"id": 5}

    with pytest.raises(SourceUnavailableError, match="something that was not asked"):
        talk_to(Confused(), [])


def test_connect__to_a_server_that_wants_to_be_left_alone_says_so():
    class Tired(StandIn):
        def reply(self, call):
            error = {"code": -101, "message": "excessive resource usage"}
            return {"id": call["id"], "error": error}

    with pytest.raises(SourceUnavailableError, match="wants to be asked less"):
        talk_to(Tired(), [])


@pytest.mark.parametrize("most", [1, 2, 41, 100, 200])
def test_budget__is_kept_to_the_request(most):
    stand_in, notebook = StandIn(), Notebook(most=most)
    calls, _ = gets(stand_in)
    with pytest.raises(RequestBudgetError):
        talk_to(stand_in, calls, recorder=notebook)
    assert len(stand_in.calls) == most
    # What was asked for is waited for and kept.
    assert len(notebook.kept) == most


def test_budget__counts_repetitions():
    stand_in, notebook = AnswersOnce(), Notebook(most=150)
    calls, _ = gets(stand_in, 160)
    with pytest.raises(RequestBudgetError):
        talk_to(stand_in, calls, recorder=notebook, opening=OPENING)
    assert notebook.allowed == 150


def test_exchanges__hold_each_reply_as_it_arrived():
    stand_in, notebook = HoldsBack(), Notebook()
    calls, expected = gets(stand_in, 5)
    talk_to(stand_in, calls, recorder=notebook)
    _, *kept = notebook.kept
    assert [exchange.request for exchange in kept] == [call.text for call in calls]
    for exchange, call, result in zip(kept, calls, expected, strict=True):
        reply = {"jsonrpc": "2.0", "id": call.ident, "result": result}
        assert exchange.answer == json.dumps(reply).encode()


def test_exchanges__of_the_same_question_are_the_same_bytes():
    stand_in = StandIn()
    calls, _ = gets(stand_in, 70)
    first, second = Notebook(), Notebook()
    talk_to(stand_in, calls, recorder=first)
    talk_to(stand_in, calls[::-1], recorder=second)
    assert {kept.answer for kept in first.kept} == {kept.answer for kept in second.kept}


def test_ask__from_several_threads_answers_each():
    stand_in = StandIn()
    calls, expected = gets(stand_in)
    answers: dict[int, list[object]] = {}
    with serving(stand_in) as uri:
        asking = ElectrumCalls(ElectrumAddress.parse(uri), DIRECT, NoRecorder(), QUICK)

        def ask(part: int) -> None:
            answers[part] = asking.ask(calls[part::4])

        threads = [threading.Thread(target=ask, args=(part,)) for part in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        asking.close()
    assert [answers[part] for part in range(4)] == [expected[part::4] for part in range(4)]


def test_ask__goes_on_when_the_server_is_back():
    """The server goes away between two questions and comes back at the same port."""
    stand_in = StandIn()
    calls, expected = gets(stand_in, 4)

    class Leaves(StandIn):
        def respond(self, lines, message):
            super().respond(lines, message)
            if isinstance(message, list):
                lines.end()

    leaving = Leaves()
    with serving(leaving) as uri:
        asking = ElectrumCalls(ElectrumAddress.parse(uri), DIRECT, NoRecorder(), QUICK)
        assert asking.ask(calls[:2]) == expected[:2]
        assert asking.ask(calls) == expected
        asking.close()
    assert leaving.connections == 2


def test_ask__after_the_server_left_for_good_says_so():
    stand_in = StandIn()
    calls, expected = gets(stand_in, 4)
    with serving(stand_in) as uri:
        asking = ElectrumCalls(ElectrumAddress.parse(uri), DIRECT, NoRecorder(), QUICK)
        assert asking.ask(calls) == expected
    with pytest.raises(SourceUnavailableError, match="3 times in a row; try again later"):
        asking.ask(calls)
