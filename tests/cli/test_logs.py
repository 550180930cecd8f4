"""The log in Tempo's two forms."""

from __future__ import annotations

import json
import logging

from pytempo.cli.logs import _Fields


def line(form: str, text: str, *args: object) -> str:
    record = logging.LogRecord("pytempo", logging.WARNING, __file__, 1, text, args, None)
    record.created = 1_700_000_000.25
    return _Fields(form).format(record)


def test_logfmt_has_quotes_where_they_are_needed() -> None:
    assert line("logfmt", "done") == "level=warn ts=2023-11-14T22:13:20.250Z logger=pytempo msg=done"
    assert line("logfmt", 'a "b"\nc=%d', 1).endswith(r'msg="a \"b\"\nc=1"')


def test_json_is_one_object_a_line() -> None:
    assert json.loads(line("json", "a\nb")) == {"level": "warn", "ts": "2023-11-14T22:13:20.250Z", "logger": "pytempo", "msg": "a\nb"}
