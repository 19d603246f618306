"""Measure the extraction of addresses from pages: speed, and what is found of what is there; JSON.

*Speed*: pages are made in memory out of saved ones until there are as many megabytes as asked for.
Each is a saved page with a number of its own put in, so that no two are the same; one in twenty
gets an address of somebody who asks for money, so that there is something to find. Measured is
the time of this thread, step by step: from bytes to text with regions, the scan, and the decision
about every address; and how many addresses of each role that gives. Without `--data` the pages are
a few small made ones, and the figures mean little.

*Recall*: random addresses of every form, hidden by every rule (`planting.py`), stand in the texts
of those pages, one in each copy; a row says how many were planted, how many were found as the
address that they are, how many with the rules that they were hidden by, and how many others were
found beside them.

*Roles*: pages with addresses in every role (`planted_pages.py`): how many were found, how many
roles were right, and how many addresses were attributed, rightly and wrongly.

*Hostile*: ten megabytes of letters made to keep the rules busy, of several kinds.

Kernels are compiled before the clock starts. `--tiny` runs in the tests.
"""

import argparse
import json
import platform
import random
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from planted_pages import measure_roles
from planting import ATTRIBUTED, FORMS, RULES, Planted, plant

from arien_flows.extraction.context import Context
from arien_flows.extraction.reading import read_text
from arien_flows.extraction.roles import judge
from arien_flows.extraction.scan import scan
from arien_flows.extraction.text import DocumentText

ARCHIVE = Path("dnm_html", "pages.tar.gz")
MEGABYTE = 1_000_000
PLANTED_EVERY = 20
MADE = (
    b"<!DOCTYPE html><html><head><title>Shop</title></head><body><div>Home | 12 items</div>"
    b"<h1>10g of something</h1><p>Best quality since 2014, 3.5g at 25.00 USD, ships from NL.</p>"
    b"<div>Contact: someone@example.org, iPhone welcome. PGP: see profile.</div></body></html>"
)


def saved_pages(data: Path | None) -> list[bytes]:
    """Return the saved pages, or a made one."""
    if data is None:
        return [MADE, MADE.replace(b"something", b"something else")]
    pages = []
    with tarfile.open(data / ARCHIVE) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file and "expected_values" not in member.name:
                pages.append(file.read())
    return [page for page in pages if b"<" in page[:4096]]


def varied(pages: list[bytes], size: int) -> Iterator[bytes]:
    """Yield pages of `size` bytes in all, or a little more, no two the same."""
    dice = random.Random(7)  # noqa: S311
    made, number = 0, 0
    while made < size:
        page = pages[number % len(pages)]
        # Near the end of what is shown: in front of the last tag that closes a block.
        place = max(page.rfind(b"</div>"), page.rfind(b"</p>"), 0)
        line = f"<p>No. {number}</p>"
        if number % PLANTED_EVERY == 0:
            line = f"<p>{number}: send the money to my address {FORMS['p2wpkh'](dice)} please</p>"
        page = page[:place] + line.encode() + page[place:]
        yield page
        made += len(page)
        number += 1


def measure_speed(pages: list[bytes], megabytes: float) -> dict[str, Any]:
    """Return megabytes of page a second and core of each step, and of all together."""
    seconds: Counter[str] = Counter()
    roles: Counter[str] = Counter()
    count, size, characters, cut = 0, 0, 0, 0
    for page in varied(pages, int(megabytes * MEGABYTE)):
        times = [time.thread_time()]
        text = read_text(page, "text/html")
        times.append(time.thread_time())
        found = scan(text, raw=page)
        times.append(time.thread_time())
        decisions = judge(text, found, Context())
        times.append(time.thread_time())
        for step, begin, end in zip(
            ("text and regions", "scan", "roles"), times, times[1:], strict=False
        ):
            seconds[step] += end - begin
        roles.update(str(getattr(each.role, "value", each.role)) for each in decisions)
        count, size, characters = count + 1, size + len(page), characters + len(text.text)
        cut += bool(found.cut)
    return {
        "pages": count,
        "megabytes": round(size / MEGABYTE, 1),
        "characters": characters,
        "megabytes_a_second": {
            **{step: round(size / MEGABYTE / spent, 1) for step, spent in seconds.items()},
            "all": round(size / MEGABYTE / sum(seconds.values()), 1),
        },
        "found_by_role": dict(sorted(roles.items())),
        "pages_cut": cut,
    }


def _within(text: DocumentText, written: str, place: int) -> DocumentText:
    """Return a text with something written into it, which comes from no bytes of its own."""
    added = f" my address: {written} , thanks "
    at = np.concatenate(
        [
            text.byte_at[:place],
            np.full(len(added), text.byte_at[place]),
            text.byte_at[place:],
        ]
    )
    return DocumentText(
        text=text.text[:place] + added + text.text[place:],
        byte_at=at,
        regions=(),
        encoding=text.encoding,
        undecodable=text.undecodable,
    )


def measure_recall(pages: list[bytes], each: int) -> list[dict[str, Any]]:
    """Return a row for every form, written plainly, and one for every rule."""
    dice = random.Random(11)  # noqa: S311
    texts = [read_text(page[:20_000], "text/html") for page in pages[:40]]
    clean = [text for text in texts if not scan(text).found]
    rows = [_row(f"{form}, plain", [form], "plain", clean, dice, each) for form in FORMS]
    rows += [_row(rule, ATTRIBUTED, rule, clean, dice, each) for rule in RULES if rule != "plain"]
    return rows


def _row(
    name: str,
    forms: Mapping[str, Any] | list[str] | tuple[str, ...],
    rule: str,
    texts: list[DocumentText],
    dice: random.Random,
    each: int,
) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    for form in forms:
        for _ in range(each):
            planted = plant(dice, form, rule)
            if planted:
                text = dice.choice(texts)
                place = dice.randint(0, len(text.text))
                counts.update(_judged(planted, _within(text, planted.written, place)))
    return {
        "what": name,
        "planted": counts["planted"],
        "found": counts["found"],
        "by_its_rules": counts["by_its_rules"],
        "others": counts["others"],
    }


def _judged(planted: Planted, text: DocumentText) -> Counter[str]:
    found = scan(text, is_ocr=planted.rule == "misread").found
    right = [each for each in found if each.address == planted.address]
    return Counter(
        planted=1,
        found=min(len(right), 1),
        by_its_rules=int(any(each.rules == planted.rules for each in right)),
        others=len(found) - len(right),
    )


HOSTILE: Mapping[str, Callable[[random.Random], bytes]] = {
    "random bytes": lambda dice: dice.randbytes(10_000),
    "base58 of an address's length": lambda dice: b" ".join(
        b"1" + bytes(dice.choices(b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnop", k=33))
        for _ in range(300)
    ),
    "segwit with wrong checksums": lambda dice: b" ".join(
        b"bc1q" + bytes(dice.choices(b"qpzry9x8gf2tvdw0s3jn54khce6mua7l", k=38)) for _ in range(250)
    ),
    "broken into parts": lambda dice: b" ".join(
        bytes(dice.choices(b"13aAbBcCdDeE2456789xyzXYZ", k=dice.randint(1, 8)))
        for _ in range(2_000)
    ),
    "brackets and signs": lambda dice: b"".join(
        bytes(dice.choices(b"1aB2[](){}@$!.", k=50)) + b" " for _ in range(200)
    ),
    "one letter": lambda _: b"1" * 10_000,
    "words of phrases": lambda dice: b" ".join(
        dice.choice([b"abandon", b"zoo", b"liar", b"amount", b"cage"]) for _ in range(1_500)
    ),
    "dots": lambda dice: b"".join(
        dice.choice([b"1aB2..", b"***", b"ends in a1B2 ", b"bc1q...."]) for _ in range(1_500)
    ),
    "tags": lambda dice: b"".join(
        dice.choice([b"<div>", b"<a href='1Ab'>", b"</p>", b"<<", b"&#49;"]) for _ in range(2_000)
    ),
}
"""A kind of hostile text -> about ten thousand bytes of it."""


def measure_hostile(megabytes: float, of_pages: Callable[[bytes], DocumentText]) -> dict[str, Any]:
    """Return megabytes a second of texts that keep the rules busy, and whether they were cut."""
    rows = {}
    for kind, make in HOSTILE.items():
        dice = random.Random(13)  # noqa: S311
        # A repetition of one piece could be remembered by somebody; a hundred differ.
        pieces = [make(dice) for _ in range(min(100, int(megabytes * 100)))]
        size = int(megabytes * MEGABYTE)
        whole = b" ".join(pieces)
        raw = (whole * (size // len(whole) + 1))[:size]
        text = of_pages(raw)
        begin = time.thread_time()
        found = scan(text)
        spent = time.thread_time() - begin
        rows[kind] = {
            "megabytes_a_second": round(len(text.text) / MEGABYTE / spent, 1),
            "found": len(found.found),
            "cut": list(found.cut),
        }
    return rows


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of real data, with dnm_html in it")
    parser.add_argument("--megabytes", type=float, default=500)
    parser.add_argument("--each", type=int, default=100, help="planted addresses of each kind")
    parser.add_argument("--what", nargs="+", default=["speed", "recall", "roles", "hostile"])
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--tiny", action="store_true", help="very little of everything")
    options = parser.parse_args()
    if options.tiny:
        options.megabytes, options.each = 0.1, 1
    pages = saved_pages(options.data)
    measure_recall(saved_pages(None), 1)
    measure_speed(pages, min(options.megabytes, 1))
    figures: dict[str, Any] = {
        "machine": f"{platform.machine()} {platform.python_version()}",
        "saved_pages": len(pages),
    }
    if "speed" in options.what:
        figures["speed"] = measure_speed(pages, options.megabytes)
    if "recall" in options.what:
        figures["recall"] = measure_recall(pages, options.each)
    if "roles" in options.what:
        figures["roles"] = measure_roles(20 * options.each)
    if "hostile" in options.what:
        figures["hostile"] = measure_hostile(
            0.05 if options.tiny else 10, lambda raw: read_text(raw, "text/plain")
        )
    text = json.dumps(figures, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
