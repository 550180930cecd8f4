"""What the options do to a written file: complete dictionaries, small pages, filters, checksums."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pytempo.backend import LocalBackend
from pytempo.block.vparquet4 import LEAVES, SCHEMA, paths, write_options
from pytempo.block.vparquet4.write_options import column_encodings
from tests.block.filters import filters_of

KEY = "data.parquet"


def attribute(key: str, value: str) -> dict[str, Any]:
    return {"Key": key, "IsArray": False, "Value": [value], "ValueInt": [], "ValueDouble": [], "ValueBool": []}


def trace(number: int) -> dict[str, Any]:
    """A row with one span; its name and its key are its own and long: together they overflow a dictionary of pyarrow's default size."""
    span = {
        "SpanID": number.to_bytes(8),
        "ParentSpanID": b"",
        "ParentID": -1,
        "NestedSetLeft": 1,
        "NestedSetRight": 2,
        "Name": f"operation {number} " + "n" * 600,
        "Kind": 2,
        "TraceState": "",
        "StartTimeUnixNano": 1_795_593_600_000_000_000 + number,
        "DurationNano": 5,
        "StatusCode": 0,
        "StatusMessage": "",
        "Attrs": [attribute(f"key {number} " + "k" * 600, f"span value {number}")],
        "DroppedAttributesCount": 0,
        "Events": [],
        "DroppedEventsCount": 0,
        "Links": [],
        "DroppedLinksCount": 0,
        "DedicatedAttributes": {},
    }
    resource = {
        "Attrs": [attribute("region", f"resource value {number}")],
        "DroppedAttributesCount": 0,
        "ServiceName": "shop",
        "DedicatedAttributes": {},
    }
    scope = {"Name": "", "Version": "", "Attrs": [], "DroppedAttributesCount": 0}
    return {
        "TraceID": number.to_bytes(16),
        "TraceIDText": f"{number:x}",
        "StartTimeUnixNano": span["StartTimeUnixNano"],
        "EndTimeUnixNano": span["StartTimeUnixNano"] + 5,
        "DurationNano": 5,
        "RootServiceName": "shop",
        "RootSpanName": span["Name"],
        "ServiceStats": [("shop", {"SpanCount": 1, "ErrorCount": 0})],
        "rs": [{"Resource": resource, "ss": [{"Scope": scope, "Spans": [span]}]}],
    }


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return pa.Table.from_pylist([trace(number) for number in range(4000)], schema=SCHEMA)


@pytest.fixture(scope="module")
def backend(table: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> LocalBackend:
    backend = LocalBackend(tmp_path_factory.mktemp("blocks"))
    with backend.writer(KEY) as file, pq.ParquetWriter(file, SCHEMA, **write_options()) as writer:
        writer.write_table(table.slice(0, 3000))
        writer.write_table(table.slice(3000))
    return backend


@pytest.fixture(scope="module")
def metadata(backend: LocalBackend) -> pq.FileMetaData:
    return pq.read_metadata(backend.local_path(KEY))


def chunks(metadata: pq.FileMetaData) -> dict[str, pq.ColumnChunkMetaData]:
    group = metadata.row_group(0)
    return {group.column(number).path_in_schema: group.column(number) for number in range(metadata.num_columns)}


def test_what_is_written_is_read_back_with_checksums_verified(backend: LocalBackend, table: pa.Table) -> None:
    again = pq.read_table(backend.local_path(KEY), page_checksum_verification=True)

    assert again.equals(table)


def test_a_flipped_byte_in_a_page_is_noticed(backend: LocalBackend, metadata: pq.FileMetaData, tmp_path: Path) -> None:
    content = bytearray(backend.get(KEY))
    content[metadata.row_group(0).column(0).data_page_offset + 1000] ^= 1
    (tmp_path / KEY).write_bytes(content)

    with pytest.raises(OSError, match="could not verify page integrity, CRC checksum verification failed"):
        pq.read_table(tmp_path / KEY, columns=["TraceID"], page_checksum_verification=True)


def test_a_dictionary_is_complete_however_large_it_is(metadata: pq.FileMetaData) -> None:
    for path in (paths.SPAN_NAME, paths.SPAN_ATTRIBUTES.key, paths.ROOT_SPAN_NAME):
        chunk = chunks(metadata)[path]
        assert chunk.total_uncompressed_size > 1 << 20, "the test needs more than the default limit of 1 MiB"
        assert chunk.has_dictionary_page
        # The dictionary page is PLAIN; a second PLAIN would be data pages that fell back.
        assert sorted(chunk.encodings) == ["PLAIN", "RLE", "RLE_DICTIONARY"]


def test_every_column_has_the_encoding_chosen_for_it(metadata: pq.FileMetaData) -> None:
    chosen = column_encodings()
    for path, chunk in chunks(metadata).items():
        assert chosen.get(path, "RLE_DICTIONARY") in chunk.encodings, path
        assert chunk.has_dictionary_page is (path not in chosen), path


@pytest.mark.parametrize(
    ("path", "encoding"),
    [
        (paths.TRACE_ID, "DELTA_LENGTH_BYTE_ARRAY"),
        (paths.SPAN_START, "DELTA_BINARY_PACKED"),
        (paths.SPAN_ATTRIBUTES.value, "DELTA_LENGTH_BYTE_ARRAY"),
        (paths.SPAN_ATTRIBUTES.value_double, "PLAIN"),
    ],
)
def test_columns_that_seldom_repeat_have_no_dictionary(path: str, encoding: str) -> None:
    assert column_encodings()[path] == encoding


@pytest.mark.parametrize(
    "level", [paths.RESOURCE_ATTRIBUTES, paths.SCOPE_ATTRIBUTES, paths.SPAN_ATTRIBUTES, paths.EVENT_ATTRIBUTES, paths.LINK_ATTRIBUTES]
)
def test_every_attribute_key_has_a_dictionary_since_tempo_lists_names_from_it(level: paths.AttributePaths) -> None:
    assert level.key in write_options()["use_dictionary"]


def test_every_leaf_has_either_a_dictionary_or_an_encoding() -> None:
    options = write_options()

    assert {*options["use_dictionary"], *options["column_encoding"]} == set(LEAVES)
    assert not set(options["use_dictionary"]) & set(options["column_encoding"])


def test_columns_are_zstd_with_statistics_and_a_page_index(metadata: pq.FileMetaData) -> None:
    for chunk in chunks(metadata).values():
        assert chunk.compression == "ZSTD"
        assert chunk.is_stats_set
        assert chunk.has_offset_index


def test_the_footer_carries_no_arrow_schema(metadata: pq.FileMetaData) -> None:
    assert not metadata.metadata


def test_string_values_of_spans_and_resources_have_a_filter_in_each_row_group(backend: LocalBackend, metadata: pq.FileMetaData) -> None:
    columns = {paths.SPAN_ATTRIBUTES.value: "span value {}", paths.RESOURCE_ATTRIBUTES.value: "resource value {}"}
    for column, value in columns.items():
        blooms = filters_of(backend, KEY, metadata, column)
        assert blooms.might_hold(value.format(2999)).tolist() == [True, False]
        assert blooms.might_hold(value.format(3000)).tolist() == [False, True]
        assert blooms.might_hold("absent").tolist() == [False, False]


def test_the_options_serve_write_table_too(table: pa.Table, tmp_path: Path) -> None:
    pq.write_table(table, tmp_path / KEY, row_group_size=1000, **write_options())

    assert pq.read_metadata(tmp_path / KEY).num_row_groups == 4
