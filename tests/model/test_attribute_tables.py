"""Tables that are joined or made compact leave every owner the attributes that it had, and hold nothing else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pytempo.model import Attributes, Kind
from pytempo.model.attribute_tables import compact, concat_attributes
from pytempo.model.attributes import TYPED
from tests.model.tables import listed, some, tables


@some
@given(st.lists(tables(), min_size=1, max_size=3))
def test_joined_tables_stand_one_under_the_other(parts: list[Attributes]) -> None:
    joined = concat_attributes(parts)
    assert listed(joined) == [owner for part in parts for owner in listed(part)]
    assert len(set(joined.key_names.to_pylist())) == len(joined.key_names)


@some
@given(tables(), st.data())
def test_a_compact_table_holds_no_more_than_it_uses(table: Attributes, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, len(table.offsets) - 2), max_size=3, unique=True))
    small = compact(table.take(np.array(rows, np.int64)))
    for kind in (*TYPED, Kind.OTHER):
        assert len(small.pool(kind)) == int(small.counts[small.kinds == kind].sum())


@some
@given(tables(), st.data())
def test_a_compact_table_is_the_same(table: Attributes, data: st.DataObject) -> None:
    taken = table.take(np.array(data.draw(st.lists(st.integers(0, len(table.offsets) - 2), max_size=6)), np.int64))
    assert listed(compact(taken)) == listed(taken)
