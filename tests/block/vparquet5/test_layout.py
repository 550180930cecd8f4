"""Which columns a vParquet5 file has follows from the list in its meta.json; what lies in them may be a list."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pytempo.block.dedicated import DedicatedColumn
from pytempo.block.vparquet4.columns import AttributeColumn
from pytempo.block.vparquet4.read_attributes import OwnColumn, joined_table, joined_values
from pytempo.block.vparquet5.layout import in_file, layout_of
from pytempo.model.attributes import Attributes, Kind
from pytempo.model.levels import Level
from tests.block.golden import GOLDEN, golden_source


def test_every_leaf_that_is_read_is_in_tempos_file() -> None:
    (path,) = (GOLDEN / "vParquet5").glob("*/*/data.parquet")
    schema = pq.read_schema(path)
    assert schema.names[0] == "TraceID"
    parquet = pq.ParquetFile(path).schema
    in_tempos = {parquet.column(number).path for number in range(len(parquet))}
    assert {in_file(leaf) for leaf in layout_of(golden_source("vParquet5").meta.dedicated_columns).leaves} <= in_tempos


def test_strings_integers_and_events_get_columns_in_the_order_of_the_list() -> None:
    listed = [DedicatedColumn("a"), DedicatedColumn("n", type="int"), DedicatedColumn("b"), DedicatedColumn("e", scope="event")]
    own = layout_of(listed).own
    assert [(column.key, column.path.split(".")[-3], column.kind) for column in own[Level.SPAN]] == [
        ("a", "String01", Kind.STRING),
        ("n", "Int01", Kind.INT),
        ("b", "String02", Kind.STRING),
    ]
    assert [in_file(column.path) for column in own[Level.EVENT]] == ["rs.ss.Spans.Events.DedicatedAttributes.String01"]
    assert [column.key for column in own[Level.RESOURCE]] == ["service.name"]


def test_a_column_of_lists_holds_scalars_and_arrays() -> None:
    column = AttributeColumn("tags", "Tags.list.element", repeated=True)
    own = OwnColumn.of(column, pa.array(["x", "y", "z"]), np.array([0, 0, 1, 3], np.int32))

    table = joined_table(Attributes.empty(3), [own])
    assert table.listed()[2] == ["x", ["y", "z"]]
    assert table.owners.tolist() == [1, 2]

    values = joined_values(Attributes.empty(3).values("tags"), [own.at(np.array([2, 0]))])
    (part,) = values.parts
    assert (part.rows.tolist(), part.values.to_pylist()) == ([0, 0], ["y", "z"])
    assert values.is_array is not None
    assert values.is_array.tolist() == [True, False, False]


def test_a_column_of_integers_without_arrays_has_one_value_a_row() -> None:
    own = OwnColumn.of(AttributeColumn("n", "N.list.element", Kind.INT, repeated=True), pa.array([7, 8]), np.array([0, 1, 1, 2], np.int32))
    assert own.counts is None
    assert joined_table(Attributes.empty(3), [own]).listed()[2] == [7, 8]
