"""Pages as nested values: how one is written, and what a reader sees. The oracle of markup."""

from dataclasses import dataclass

INLINE = ("b", "i", "span", "a")
BLOCKS = ("div", "section", "p", "ul", "li", "table", "tr", "td")


@dataclass(frozen=True)
class Node:
    """An element; a child that is a `str` is text."""

    tag: str
    children: tuple["Node | str", ...]
    is_hidden: bool = False
    is_closed: bool = True
    """Whether its closing tag is written; only left out where that changes nothing."""


def written(node: Node | str) -> str:
    """Return the page that a node is written as."""
    if isinstance(node, str):
        return node.replace("&", "&amp;").replace("<", "&lt;")
    style = " style='display:none'" if node.is_hidden else ""
    inside = "".join(written(child) for child in node.children)
    return f"<{node.tag}{style}>{inside}" + (f"</{node.tag}>" if node.is_closed else "")


def shape(node: Node | str) -> object:
    """Return the tags of a node and of all that it holds."""
    assert isinstance(node, Node)
    return (node.tag, [shape(child) for child in node.children if isinstance(child, Node)])


def seen(node: Node | str) -> str:
    """Return what a reader sees: blocks on lines of their own, words with one space between."""
    lines = [""]
    _see(node, lines)
    return "\n".join(words for line in lines if (words := " ".join(line.split())))


def _see(node: Node | str, lines: list[str]) -> None:
    if isinstance(node, str):
        lines[-1] += node
        return
    if node.is_hidden:
        return
    if node.tag in BLOCKS:
        lines.append("")
    for child in node.children:
        _see(child, lines)
    if node.tag in BLOCKS:
        lines.append("")
