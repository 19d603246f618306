"""Layouts on the saved pages that they were made for. Nothing of those is kept here."""

import re
import tarfile
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from arien_flows.extraction.context import Context, PageOwner
from arien_flows.extraction.errors import LayoutError
from arien_flows.extraction.html_text import read_html
from arien_flows.extraction.html_tree import parse
from arien_flows.extraction.layouts import layout_of, layouts, read_layout
from arien_flows.extraction.roles import judge
from arien_flows.extraction.text import RegionKind
from tests.arien_flows.extraction.test_roles import A, found_at

NO_LISTS = ("anti_ddos", "404", "login_page", "meta_refresh")
"""Pages before the market proper, which look otherwise."""

OWN = (RegionKind.PROFILE, RegionKind.TERMS, RegionKind.LISTING)
OWNER = PageOwner(name="somebody", market="M", begin=0, end=1)


def saved(folder: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(folder / "dnm_html" / "pages.tar.gz") as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                yield member.name, file.read()


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip()


def test_layouts__are_named_after_their_files() -> None:
    names = [layout.name for layout in layouts()]
    assert names == sorted(set(names))
    assert {"apollon", "cryptonia", "empire", "simulated"} <= set(names)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name = 'x'", "how its pages are recognised"),
        ("[recognise]\nstrings = ['x']", "lacks a name"),
        ("name = 'x'\nmore = 1\n[recognise]\nstrings = ['x']", "unknown entries: more"),
        ("name = 'x'\n[recognise]\nstrings = 'x'", "must be a list of texts"),
        ("name = 'x'\n[recognise]\nselectors = ['p::y']", "selector"),
        ("name = 'x'\n[recognise]\nstrings = ['x']\n[regions]\nfooter = ['p']", "'footer'"),
        ("name =", "is not TOML"),
    ],
)
def test_read_layout__says_what_is_wrong(text: str, told: str) -> None:
    with pytest.raises(LayoutError, match=re.escape(told)) as caught:
        read_layout(text, "x.toml")
    assert "x.toml" in str(caught.value)


@pytest.mark.slow
def test_layout_of__knows_the_saved_pages(shared_data: Path) -> None:
    known: Counter[str] = Counter()
    for name, raw in saved(shared_data):
        if "html_files" not in name or any(word in name for word in NO_LISTS):
            continue
        layout = layout_of(parse(raw))
        assert layout is not None, name
        assert f"/{layout.name}/" in name
        known[layout.name] += 1
    assert min(known[name] for name in ("apollon", "cryptonia", "empire")) > 20


@pytest.mark.slow
def test_page_regions__hold_what_the_saved_pages_are_known_to_say(shared_data: Path) -> None:
    files = dict(saved(shared_data))
    base = "tests/cryptonia"
    lines = 0
    for number in range(6):
        page = f"{base}/html_files/users/saved_cryptonia_user_profile_{number}"
        document = read_html(files[page])
        for what, kind in (
            ("description", RegionKind.PROFILE),
            ("terms_and_conditions", RegionKind.TERMS),
        ):
            known = files[f"{base}/expected_values/user_profile_{number}_{what}"].decode()
            told = plain(
                " ".join(
                    document.text[region.start : region.stop]
                    for region in document.regions
                    if region.kind is kind
                )
            )
            for line in map(plain, known.splitlines()):
                assert line in told, (page, what)
                lines += bool(line)
    assert lines > 200


@pytest.mark.slow
def test_judge__goes_by_the_layout_of_saved_pages(shared_data: Path) -> None:
    """Words that ask to be paid are put into every part that a layout knows."""
    told: Counter[tuple[RegionKind, bool]] = Counter()
    words = f"<p>Direct deals: send payment to my address {A} please.</p>".encode()
    for name, raw in saved(shared_data):
        tree = parse(raw if "html_files" in name else b"")
        layout = layout_of(tree)
        for kind, selectors in layout.regions.items() if layout else ():
            element = next((it for each in selectors if (it := tree.first(each))), None)
            if element is None or element.is_hidden:
                continue
            cell = (element.first("td") or element) if element.tag in ("table", "tr") else element
            page = raw[: cell.content_begin] + words + raw[cell.content_begin :]
            document = read_html(page)
            for decision in judge(document, found_at(document, A), Context(owner=OWNER)):
                assert not (decision.attributes and kind not in OWN), (name, kind)
                told[kind, decision.attributes] += 1
    for kind in OWN:
        assert told[kind, True] > told[kind, False], (kind, told)
    assert told[RegionKind.FEEDBACK, False] > 20
    assert told[RegionKind.FURNITURE, False] > 100
