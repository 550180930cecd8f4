"""tempo.proto, which people read and generate clients from, says what the server speaks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from pytempo.server.api import tempopb
from pytempo.server.stream import METHODS, STREAMING

Field = tuple[str, str]
"""Type and name."""

PROTO = re.sub(r"//.*", "", files("pytempo.server.stream").joinpath("tempo.proto").read_text())

SCALARS = {
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_DOUBLE: "double",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_UINT32: "uint32",
    FieldDescriptor.TYPE_UINT64: "uint64",
}


def written() -> dict[str, dict[int, Field]]:
    """The messages of the file: number to field."""
    return {name: dict(fields(body)) for name, body in re.findall(r"^message (\w+) \{(.*?)^\}", PROTO, re.DOTALL | re.MULTILINE)}


def fields(body: str) -> Iterator[tuple[int, Field]]:
    for kind, name, number in re.findall(r"^\s*((?:repeated )?\w+|map<\w+, \w+>) (\w+) = (\d+);", body, re.MULTILINE):
        yield int(number), (kind, name)


def spoken() -> dict[str, dict[int, Field]]:
    """The messages that the methods take and give, and those within them."""
    found: dict[str, dict[int, Field]] = {}

    def visit(message: Descriptor) -> None:
        if message.name in found:
            return
        if not message.GetOptions().map_entry:
            found[message.name] = {field.number: (kind_of(field), field.name) for field in message.fields}
        for field in message.fields:
            if field.message_type is not None:
                visit(field.message_type)

    for method in METHODS.values():
        visit(tempopb.message_class(method.request).DESCRIPTOR)
        visit(tempopb.message_class(method.response).DESCRIPTOR)
    return found


def kind_of(field: Any) -> str:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, value = field.message_type.fields
        return f"map<{kind_of(key)}, {kind_of(value)}>"
    named = field.message_type or field.enum_type
    kind: str = SCALARS[field.type] if named is None else named.name
    return f"repeated {kind}" if field.is_repeated else kind


def test_every_message_has_the_fields_that_the_file_shows() -> None:
    assert written() == spoken()


def test_the_methods_take_and_give_what_the_file_shows() -> None:
    rpcs = re.findall(r"rpc (\w+)\((\w+)\) returns \(stream (\w+)\);", PROTO)
    assert {name: (request, response) for name, request, response in rpcs} == {
        name: (method.request, method.response) for name, method in METHODS.items()
    }
    assert re.findall(r"^package (\w+);.*^service (\w+) ", PROTO, re.DOTALL | re.MULTILINE) == [tuple(STREAMING.split("."))]


def test_enums_have_the_words_that_the_file_shows() -> None:
    enums = re.findall(r"^enum (\w+) \{(.*?)^\}", PROTO, re.DOTALL | re.MULTILINE)
    assert {name: tuple(re.findall(r"(\w+) = \d+;", body)) for name, body in enums} == tempopb.ENUMS


def test_the_members_of_a_value_exclude_each_other_in_both() -> None:
    (body,) = re.findall(r"oneof value \{(.*?)\}", PROTO, re.DOTALL)
    (oneof,) = tempopb.message_class("AnyValue").DESCRIPTOR.oneofs
    assert dict(fields(body)) == {field.number: (kind_of(field), field.name) for field in oneof.fields}
