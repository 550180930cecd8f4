"""Variables of the environment in a configuration's text."""

from __future__ import annotations

import pytest

from pytempo.config.environment import expand
from pytempo.errors import BadConfig

ENVIRONMENT = {"NAME": "Tempo", "EMPTY": "", "PATHS": "a/b/a"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("no variables: $NAME $ {x}", "no variables: $NAME $ {x}"),
        ("${NAME}", "Tempo"),
        ("<${UNSET}>", "<>"),
        ("${UNSET:-x}${EMPTY:-y}${NAME:-z}", "xyTempo"),
        ("${UNSET:=x}${UNSET=y}${UNSET-z}", "xyz"),
        ("${UNSET:-${NAME}}", "Tempo"),
        ("${UNSET:-${EMPTY:-deep}}", "deep"),
        ("${#NAME}", "5"),
        ("${NAME^^}${NAME,,}${NAME,}${UNSET^}", "TEMPOtempotempo"),
        ("${NAME:1}${NAME:1:2}", "empoem"),
        ("${PATHS/a/x} ${PATHS//a/x}", "x/b/a x/b/x"),
        ("${NAME#Te}${NAME%po}", "mpoTem"),
        ("$$ $${NAME} $$$$", "$ ${NAME} $$"),
    ],
)
def test_forms_of_a_shell_are_replaced(text: str, expanded: str) -> None:
    assert expand(text, "tempo.yaml", ENVIRONMENT) == expanded


@pytest.mark.parametrize("text", ["${", "${NAME", "${}", "${NAME?}", "${#NAME:-x}", "${1}", "${UNSET:-" * 30 + "}" * 30])
def test_another_form_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(BadConfig, match=r"tempo\.yaml:3: "):
        expand(f"a\nb\n{text}", "tempo.yaml", ENVIRONMENT)
