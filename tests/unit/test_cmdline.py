"""The kernel command line: what is known, and what is refused."""

import pytest

from hammer.cmdline import EMBEDDED_SPEC, OnFailure, parse
from hammer.errors import CmdlineInvalid
from hammer.step import Break, Step


def test_nothing_means_the_defaults() -> None:
    settings = parse("BOOT_IMAGE=/vmlinuz quiet")
    assert settings.spec == EMBEDDED_SPEC
    assert settings.on_failure is OnFailure.REBOOT
    assert settings.pause_s == 3
    assert settings.console is None


def test_every_word() -> None:
    settings = parse(
        "hammer.spec=http://10.0.0.1/m.yaml hammer.break=image,install:after "
        "hammer.on_failure=shell hammer.backoff_s=5 hammer.pause_s=0 hammer.install_limit_s=60 "
        "hammer.preserve=1 hammer.debug=1 "
        "hammer.events=/dev/ttyS1 ip=dhcp console=tty0 console=ttyS1,115200n8\n"
    )
    assert settings.spec == "http://10.0.0.1/m.yaml"
    assert settings.breaks == {Break(Step.IMAGE), Break(Step.INSTALL, after=True)}
    assert settings.on_failure is OnFailure.SHELL
    assert (settings.backoff_s, settings.pause_s, settings.install_limit_s) == (5, 0, 60)
    assert settings.preserve
    assert settings.debug
    assert settings.events == "/dev/ttyS1"
    assert settings.ip == "dhcp"
    assert settings.console == "ttyS1,115200n8"


def test_quotes_protect_white_space() -> None:
    assert parse('hammer.spec="/a b/c" quiet').spec == "/a b/c"
    assert parse('"hammer.spec=/a b/c"').spec == "/a b/c"
    assert parse('hammer.spec="/open quote').spec == "/open quote"


def test_the_last_of_a_repeated_word_counts() -> None:
    assert parse("hammer.pause_s=1 hammer.pause_s=2").pause_s == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("hammer.spek=x", "hammer.spek: nobody knows this word, did you mean hammer.spec?"),
        ("hammer.zzzz", "hammer.zzzz: nobody knows this word"),
        ("hammer.debug", "hammer.debug: needs a value"),
        ("hammer.debug=yes", "hammer.debug: must be 0 or 1"),
        ("hammer.pause_s=3s", "hammer.pause_s: must be a whole number of seconds, at most 86400"),
        ("hammer.pause_s=-1", "hammer.pause_s: must be a whole number of seconds, at most 86400"),
        ("hammer.pause_s=99999", "hammer.pause_s: must be a whole number of seconds"),
        ("hammer.spec=", "hammer.spec: needs a value"),
        ("hammer.on_failure=panic", "hammer.on_failure: must be one of reboot, shell, halt"),
        ("hammer.break=unpack", "hammer.break: must be STEP or STEP:after, or several with commas"),
        ("hammer.break=image,", "hammer.break: must be STEP or STEP:after, or several with commas"),
        ("hammer.break=image:before", "hammer.break: must be STEP or STEP:after, or several"),
    ],
)
def test_what_is_refused(line: str, message: str) -> None:
    with pytest.raises(CmdlineInvalid) as caught:
        parse(line)
    assert str(caught.value).startswith(f"kernel command line: {message}")


def test_a_value_never_comes_back_in_a_message() -> None:
    with pytest.raises(CmdlineInvalid) as caught:
        parse("hammer.preserve=hunter2")
    assert "hunter2" not in str(caught.value)
