"""meta.json: read with checks, written for Tempo, with a key of our own that Tempo passes over."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytempo.block.dedicated import DedicatedColumn
from pytempo.block.meta import OWN_KEY, BlockMeta
from pytempo.block.versions import UnsupportedFormat
from pytempo.errors import Damaged

GOLDEN = next((Path(__file__).parents[1] / "golden" / "vParquet4" / "single-tenant").iterdir()) / "meta.json"
ID = "126ac82b-35fc-49b6-af18-d886ee1be3a9"
SECOND = 1_000_000_000
START = 1_795_593_600 * SECOND
LAST = (1 << 64) - 1
PATH = "t/b/meta.json"

META = BlockMeta(
    block_id=ID,
    tenant="single-tenant",
    start=START + 5,
    end=START + 90 * SECOND + 7,
    size=1234,
    row_groups=3,
    traces=42,
    bloom_shards=2,
    footer_size=99,
    dedicated_columns=(DedicatedColumn("k8s.pod.name", "resource"), DedicatedColumn("url.path")),
    ranges=((0, 0), (START + 5, START + 90 * SECOND + 7)),
    spans=333,
)


def document(meta: BlockMeta = META) -> dict[str, Any]:
    """What is written, without the checksum, which would tell of any change."""
    loaded: dict[str, Any] = json.loads(meta.to_bytes())
    loaded.get(OWN_KEY, {}).pop("checksum", None)
    return loaded


def read(changed: dict[str, Any]) -> BlockMeta:
    return BlockMeta.from_bytes(json.dumps(changed).encode(), PATH)


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in document().items() if key != name}


def test_what_is_written_is_read_back() -> None:
    assert BlockMeta.from_bytes(META.to_bytes(), PATH) == META


def test_tempos_keys_are_written_as_tempo_writes_them() -> None:
    assert without(OWN_KEY) == {
        "format": "vParquet4",
        "blockID": ID,
        "tenantID": "single-tenant",
        "startTime": "2026-11-25T08:00:00Z",
        "endTime": "2026-11-25T08:01:31Z",
        "totalObjects": 42,
        "size": 1234,
        "compactionLevel": 0,
        "indexPageSize": 0,
        "totalRecords": 3,
        "bloomShards": 2,
        "footerSize": 99,
        "replicationFactor": 1,
        "dedicatedColumns": [{"s": "resource", "n": "k8s.pod.name"}, {"n": "url.path"}],
    }


def test_our_own_key_holds_nanoseconds_ranges_and_spans() -> None:
    assert document()[OWN_KEY] == {
        "version": 1,
        "startNanos": META.start,
        "endNanos": META.end,
        "ranges": [[0, 0], [META.start, META.end]],
        "spans": 333,
    }


@pytest.mark.parametrize("place", range(0, len(META.to_bytes()), 3))
def test_a_changed_byte_never_changes_what_is_read(place: int) -> None:
    """It is damage, or it is a name of ours that is not known any more, which whoever lists blocks notices (`blocklist.scan`)."""
    changed = bytearray(META.to_bytes())
    changed[place] ^= 1
    try:
        meta = BlockMeta.from_bytes(bytes(changed), PATH)
    except (Damaged, UnsupportedFormat):
        return
    assert meta == META or (OWN_KEY not in meta.extra and not meta.exact)


def test_a_file_of_checksums_is_told_of() -> None:
    meta = replace(META, checksums=True)
    assert document(meta)[OWN_KEY]["checksums"] is True
    assert BlockMeta.from_bytes(meta.to_bytes(), PATH) == meta


def test_what_a_later_version_wrote_and_is_written_again_has_a_checksum_that_holds() -> None:
    later = json.loads(META.to_bytes())
    later[OWN_KEY] = {"version": 2, "checksum": "0" * 16}
    with pytest.raises(Damaged, match="the checksum differs"):
        read(later)
    del later[OWN_KEY]["checksum"]
    kept = read(later)
    assert read(json.loads(replace(kept, extra={OWN_KEY: {"version": 2, "checksum": "of old"}}, size=5).to_bytes())).size == 5


def test_a_real_tempos_file_is_read() -> None:
    meta = BlockMeta.from_bytes(GOLDEN.read_bytes(), str(GOLDEN))

    assert (meta.format, meta.block_id, meta.tenant) == ("vParquet4", ID, "single-tenant")
    assert (meta.start, meta.end) == (START, START + (28 * 60 + 17) * SECOND)
    assert (meta.traces, meta.size, meta.row_groups, meta.bloom_shards, meta.footer_size) == (260, 227346, 1, 1, 20079)
    assert meta.dedicated_columns[0] == DedicatedColumn("http.request.method")
    assert (meta.ranges, meta.spans, meta.exact, meta.extra) == ((), None, False, {})


def test_a_real_tempos_file_is_written_back_with_the_same_values() -> None:
    meta = BlockMeta.from_bytes(GOLDEN.read_bytes(), str(GOLDEN))

    assert json.loads(meta.to_bytes()) == json.loads(GOLDEN.read_bytes())


def test_unknown_keys_are_kept_for_writing_again() -> None:
    meta = read({**document(), "encoding": "none", "minID": "AAAA", "later": {"a": [1]}})

    assert meta.extra == {"encoding": "none", "minID": "AAAA", "later": {"a": [1]}}
    assert document(meta) == {**document(), **meta.extra}


def test_an_unknown_key_never_replaces_a_known_one() -> None:
    assert document(replace(META, extra={"size": 0})) == document()


@pytest.mark.parametrize("name", ["format", "blockID", "tenantID", "startTime", "endTime", "size", "totalRecords", "bloomShards"])
def test_a_missing_field_is_damage_that_names_file_and_field(name: str) -> None:
    with pytest.raises(Damaged, match=f"{PATH}: field '{name}' is missing") as caught:
        read(without(name))
    assert caught.value.path == PATH


@pytest.mark.parametrize(
    "name", ["totalObjects", "footerSize", "compactionLevel", "replicationFactor", "dedicatedColumns", "indexPageSize", OWN_KEY]
)
def test_a_block_can_be_read_without_the_other_fields(name: str) -> None:
    assert read(without(name)).size == META.size


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format", 4),
        ("blockID", "not-a-uuid"),
        ("blockID", ID.upper()),
        ("tenantID", ""),
        ("tenantID", "../other"),
        ("startTime", 1795593600),
        ("endTime", "soon"),
        ("size", "1234"),
        ("size", -1),
        ("size", 1.5),
        ("size", True),
        ("totalRecords", None),
        ("footerSize", []),
        ("dedicatedColumns", [{"s": "resource"}]),
        ("dedicatedColumns", 7),
        (OWN_KEY, {"version": 1}),
        (OWN_KEY, {"version": 1, "startNanos": 2, "endNanos": 1}),
        (OWN_KEY, {"version": 1, "startNanos": 1, "endNanos": 2, "ranges": [[5, 4]]}),
        (OWN_KEY, {"version": 1, "startNanos": 1, "endNanos": 2, "ranges": [[5, 6], [1, 2]]}),
        (OWN_KEY, {"version": 1, "startNanos": 1, "endNanos": 2, "ranges": "all"}),
        (OWN_KEY, {"version": 1, "startNanos": 1, "endNanos": 2, "spans": -1}),
    ],
)
def test_a_value_that_cannot_be_is_damage_that_names_file_and_field(name: str, value: object) -> None:
    with pytest.raises(Damaged, match=f"^{PATH}: field '{name}'"):
        read({**document(), name: value})


@pytest.mark.parametrize(
    ("content", "offset"),
    [(b"", 0), (b"{", 1), ('{"ä":'.encode(), 6), (b"\xff", 0), (b'{"size": 1\x00}', 10)],
)
def test_what_is_not_json_is_damage_at_its_byte(content: bytes, offset: int) -> None:
    with pytest.raises(Damaged) as caught:
        BlockMeta.from_bytes(content, PATH)
    assert caught.value.offset == offset


@pytest.mark.parametrize("content", [b"null", b"[]", b'"text"', b"[" * 100_000, b"9" * 5000])
def test_json_that_is_no_object_is_damage(content: bytes) -> None:
    with pytest.raises(Damaged, match=PATH):
        BlockMeta.from_bytes(content, PATH)


@given(st.binary(max_size=60))
def test_any_bytes_are_metadata_or_damage(content: bytes) -> None:
    with pytest.raises((Damaged, UnsupportedFormat)):
        BlockMeta.from_bytes(content, PATH)


@pytest.mark.parametrize("cut", range(0, 400, 37))
def test_a_file_that_was_cut_off_is_damage(cut: int) -> None:
    with pytest.raises(Damaged):
        BlockMeta.from_bytes(META.to_bytes()[:cut], PATH)


def test_another_format_is_refused_by_name_whatever_else_the_file_says() -> None:
    with pytest.raises(UnsupportedFormat, match="'vParquet6'"):
        read({"format": "vParquet6"})


def test_an_end_before_the_start_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="before start"):
        replace(META, end=META.start - 1)


def test_an_end_before_the_start_in_a_file_is_turned_around() -> None:
    meta = read({**without(OWN_KEY), "startTime": "2026-11-25T08:03:00Z", "endTime": "2026-11-25T08:00:00Z"})

    assert (meta.start, meta.end) == (START, START + 180 * SECOND)


def test_ranges_that_do_not_ascend_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="ascend"):
        replace(META, ranges=((5, 6), (1, 2)))


@pytest.mark.parametrize(("start", "end"), [(0, 0), (0, LAST), (LAST, LAST), (-5, 1 << 70)])
def test_times_at_the_edges_are_written_and_read(start: int, end: int) -> None:
    meta = replace(META, start=start, end=end, ranges=())

    with_our_key = BlockMeta.from_bytes(meta.to_bytes(), PATH)
    with_tempos_keys = BlockMeta.from_bytes(replace(meta, exact=False).to_bytes(), PATH)

    assert (with_our_key.start, with_our_key.end) == (max(start, 0), min(end, LAST))
    assert with_tempos_keys.start == max(start, 0) // SECOND * SECOND
    assert with_tempos_keys.start <= with_tempos_keys.end
    assert with_tempos_keys.overlaps(min(end, LAST), LAST)


@pytest.mark.parametrize(
    ("start", "end", "meets"),
    [(1, START, False), (0, 0, True), (START, START + 5, True), (META.end, LAST, True), (META.end + 1, LAST, False)],
)
def test_a_search_meets_a_block_in_one_of_its_ranges(start: int, end: int, meets: bool) -> None:
    assert META.overlaps(start, end) is meets


def test_without_ranges_a_search_meets_the_block_between_start_and_end() -> None:
    meta = replace(META, ranges=())

    assert not meta.overlaps(0, meta.start - 1)
    assert meta.overlaps(0, meta.start)
    assert not meta.overlaps(meta.end + 1, LAST)


def test_the_second_that_tempo_cuts_off_the_end_belongs_to_the_block() -> None:
    meta = BlockMeta.from_bytes(GOLDEN.read_bytes(), str(GOLDEN))
    latest_end_in_its_rows = 1_795_595_297_442_709_463

    assert meta.overlaps(latest_end_in_its_rows, LAST)
    assert not meta.overlaps(meta.end + SECOND, LAST)


def test_our_key_in_a_later_version_is_kept_and_not_understood() -> None:
    own = {"version": 2, "shape": "unknown"}
    meta = read({**document(), OWN_KEY: own})

    assert (meta.start, meta.exact, meta.ranges) == (START, False, ())
    assert document(meta)[OWN_KEY] == own


def test_no_count_of_bloom_shards_means_the_legacy_ten() -> None:
    assert read({**document(), "bloomShards": 0}).bloom_shards == 10


def test_a_replication_factor_that_is_not_there_is_not_one() -> None:
    assert read(without("replicationFactor")).replication_factor == 0


def test_metadata_can_be_put_in_a_set() -> None:
    assert len({META, replace(META), replace(META, extra={"a": 1}), replace(META, size=1)}) == 3
