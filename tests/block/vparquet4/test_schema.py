"""The vParquet4 schema is Tempo's, leaf by leaf; every leaf has a name."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pytempo.block.vparquet4 import paths
from pytempo.block.vparquet4.schema import DEDICATED_COLUMNS, LEAVES, RESOURCE_COLUMNS, SCHEMA, SPAN_INT_COLUMNS, SPAN_STRING_COLUMNS
from pytempo.block.vparquet4.write_options import write_options

EXPECTED = Path(__file__).parents[2] / "golden" / "vparquet4-leaves.txt"

Leaf = tuple[str, str, str, str, str]

SIGNED = {"INT32": "Int(bitWidth=32, isSigned=true)", "INT64": "Int(bitWidth=64, isSigned=true)"}


def leaves_of_tempo() -> list[Leaf]:
    lines = EXPECTED.read_text().splitlines()[1:]
    return [
        (path, physical, logical, definition, repetition)
        for path, physical, logical, definition, repetition in (line.split("\t") for line in lines)
    ]


def leaves_of_ours() -> Iterator[Leaf]:
    file = io.BytesIO()
    pq.write_table(SCHEMA.empty_table(), file, **write_options())
    schema = pq.ParquetFile(file).schema
    for number in range(len(schema)):
        leaf = schema.column(number)
        logical = str(leaf.logical_type)
        if logical == "None":  # pyarrow leaves out the annotation of signed integers, which says nothing more than the physical type
            logical = SIGNED.get(leaf.physical_type, logical)
        yield leaf.path, leaf.physical_type, logical, str(leaf.max_definition_level), str(leaf.max_repetition_level)


def constants() -> Iterator[str]:
    for name, value in vars(paths).items():
        if name.isupper() and not name.startswith("_"):
            yield from value.all() if isinstance(value, paths.AttributePaths) else [value]
    for level in ("resource", "span"):
        yield from (paths.dedicated(level, column) for column in DEDICATED_COLUMNS)


def test_every_leaf_is_that_of_a_real_tempo_in_order() -> None:
    ours, tempos = list(leaves_of_ours()), leaves_of_tempo()

    assert len(tempos) == 103
    assert ours == tempos


def test_the_leaves_are_listed_in_the_order_of_the_file() -> None:
    assert list(LEAVES) == [path for path, *_ in leaves_of_tempo()]


def test_every_leaf_has_exactly_one_name() -> None:
    named = list(constants())

    assert len(named) == len(set(named))
    assert set(named) == set(LEAVES)


def test_only_the_listed_columns_are_optional() -> None:
    def optional(field: pa.Field, above: str = "") -> Iterator[str]:
        path = above + field.name
        if field.nullable:
            yield path
        if pa.types.is_map(field.type):
            children = [field.type.item_field]
        elif pa.types.is_list(field.type):
            children = [field.type.value_field]
        else:
            children = list(field.type) if pa.types.is_struct(field.type) else []
        for child in children:
            yield from optional(child, f"{path}.")

    found = {path.rsplit(".", 1)[1] for field in SCHEMA for path in optional(field)}

    own_columns = {*RESOURCE_COLUMNS.values(), *SPAN_STRING_COLUMNS.values(), *SPAN_INT_COLUMNS.values()}
    assert found == {"ValueUnsupported", *DEDICATED_COLUMNS, *own_columns}


def test_attributes_have_the_same_seven_columns_on_every_level() -> None:
    for level in (paths.RESOURCE_ATTRIBUTES, paths.SCOPE_ATTRIBUTES, paths.SPAN_ATTRIBUTES, paths.EVENT_ATTRIBUTES, paths.LINK_ATTRIBUTES):
        assert [str(LEAVES[path]) for path in level.all()] == ["string", "bool", "string", "int64", "double", "bool", "string"]
