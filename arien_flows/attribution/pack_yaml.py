"""Reading and writing the YAML of packs, and refusing what plain YAML readers change silently.

A key written twice, of which they keep one; the number 4660 that they make of an address that
begins 0x1234; `false` of Norway's `no`; a header that another file holds (`!include`): in a list of
accusations each of these would be a wrong one.
"""

import re
from typing import Any

import yaml

from arien_flows.errors import InputError

_DEEPEST = 100
_SHALLOW_BRACKETS = 1_000
_LONG_LINE = re.compile(rb"[^\n]{1000}")
_TEXT_FIELDS = frozenset(
    {"address", "tx_hash", "label", "source", "actor", "title", "creator", "currency", "network"}
)
"""Read as they are written, whatever they look like."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class StrictLoader(yaml.CSafeLoader):
    """Safe YAML that refuses a key written twice, of which plain YAML drops the first silently."""

    text_fields = _TEXT_FIELDS
    text_lists: frozenset[str] = frozenset()
    """Lists whose items are read as they are written."""


class ActorLoader(StrictLoader):
    """The same for lists of actors: `NO` is Norway, and `01` an actor."""

    text_fields = _TEXT_FIELDS | {"id", "uri"}
    text_lists = frozenset({"jurisdictions", "aliases"})


def _mapping(loader: StrictLoader, node: yaml.MappingNode) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(
                None, None, "a key is a list or a mapping", key_node.start_mark
            )
        key: str = key_node.value  # as it is written: plain YAML makes `false` of Norway's `no`
        if key in mapping:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} is written twice", key_node.start_mark
            )
        if key in loader.text_fields and isinstance(value_node, yaml.ScalarNode):
            mapping[key] = _written(value_node)
        elif key in loader.text_lists and isinstance(value_node, yaml.SequenceNode):
            mapping[key] = [_item(loader, each) for each in value_node.value]
        else:
            mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


def _item(loader: StrictLoader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return _written(node)
    return loader.construct_object(node, deep=True)


def _written(node: yaml.ScalarNode) -> str | None:
    text: str = node.value
    is_plain = not node.style  # neither quoted nor a block
    return None if is_plain and text in _NULLS else text


def _include(_loader: StrictLoader, node: yaml.Node) -> None:
    raise yaml.constructor.ConstructorError(
        None,
        None,
        "!include names another file, and a pack is kept as one: write the header into the pack",
        node.start_mark,
    )


def _timestamp(loader: StrictLoader, node: yaml.ScalarNode) -> object:
    """Leave a date that does not exist as text: a fault of its tag, and not of the whole file."""
    try:
        return loader.construct_yaml_timestamp(node)
    except (AttributeError, ValueError):
        return node.value


StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
StrictLoader.add_constructor("tag:yaml.org,2002:timestamp", _timestamp)
StrictLoader.add_constructor("!include", _include)


UNREADABLE = (yaml.YAMLError, KeyError, RecursionError, ValueError)
"""What PyYAML raises for what is no YAML, or where a value is not of the type that its tag claims
(`!!bool`)."""


def load_strictly(raw: bytes, loader: type[StrictLoader] = StrictLoader) -> Any:
    """Return what YAML says; raises one of `UNREADABLE`."""
    return yaml.load(raw, Loader=loader)  # noqa: S506  a subclass of the safe loader


def load_pack(raw: bytes, name: str, loader: type[StrictLoader] = StrictLoader) -> Any:
    """Return what the YAML of a whole file says; `name` is what errors call it."""
    try:
        _check_depth(raw, name)
        return load_strictly(raw, loader)
    except UNREADABLE as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{name}: not valid YAML: {reason}") from error


def _check_depth(raw: bytes, name: str) -> None:
    """Refuse what is nested so deeply that the YAML library would overflow its stack and crash."""
    # A level needs a bracket, or a column of its own. To look at every pack would take a quarter
    # of the time that reading it takes.
    if raw.count(b"[") + raw.count(b"{") < _SHALLOW_BRACKETS and not _LONG_LINE.search(raw):
        return
    depth = 0
    for event in yaml.parse(raw, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise InputError(f"{name}: nested more than {_DEEPEST} levels deep: no TagPack is")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def yaml_text(content: object) -> str:
    """Return YAML as this program writes it: fields in their order, a text on one line."""
    return yaml.dump(
        content, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=1_000
    )
