"""The kernel command line: what is known, and what is refused."""

import pytest

from hammer.algorithm import Algorithm
from hammer.cmdline import EMBEDDED_SPEC, OnFailure, Verify, parse, redacted, report, secrets
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
        "hammer.min_rate=64 hammer.mirror=http://cache/,https://b/i.tar.lz4 "
        "hammer.ca=/etc/ca.pem hammer.proxy=http://u:p@proxy:3128 http_proxy=proxy:80 "
        "https_proxy= no_proxy=.lab.test,10.0.0.0/8 "
        "hammer.ntp=10.0.0.9,ntp.lab.test "
        "hammer.preserve=1 hammer.debug=1 hammer.verify=tree hammer.events=/dev/ttyS1 "
        "hammer.report=https://r/x "
        "hammer.min_digest=sha256 hammer.os_image=http://h/os.yaml "
        "ip=dhcp console=tty0 console=ttyS1,115200n8\n"
    )
    assert settings.spec == "http://10.0.0.1/m.yaml"
    assert settings.breaks == {Break(Step.IMAGE), Break(Step.INSTALL, after=True)}
    assert settings.on_failure is OnFailure.SHELL
    assert (settings.backoff_s, settings.pause_s, settings.install_limit_s) == (5, 0, 60)
    assert settings.min_rate_kib_s == 64
    assert settings.mirrors == ("http://cache/", "https://b/i.tar.lz4")
    assert (settings.ca, settings.proxy) == ("/etc/ca.pem", "http://u:p@proxy:3128")
    assert (settings.http_proxy, settings.https_proxy) == ("http://proxy:80", None)
    assert settings.no_proxy == (".lab.test", "10.0.0.0/8")
    assert settings.ntp == ("10.0.0.9", "ntp.lab.test")
    assert settings.preserve
    assert settings.debug
    assert settings.verify is Verify.TREE
    assert settings.events == "/dev/ttyS1"
    assert settings.report == "https://r/x"
    assert settings.min_digest is Algorithm.SHA256
    assert settings.os_image == "http://h/os.yaml"
    assert settings.ip == "dhcp"
    assert settings.console == "ttyS1,115200n8"


def test_quotes_protect_white_space() -> None:
    assert parse('hammer.spec="/a b/c" quiet').spec == "/a b/c"
    assert parse('"hammer.spec=/a b/c"').spec == "/a b/c"
    assert parse('hammer.spec="/open quote').spec == "/open quote"


def test_the_last_of_a_repeated_word_counts() -> None:
    assert parse("hammer.pause_s=1 hammer.pause_s=2").pause_s == 2


@pytest.mark.parametrize("word", ["console=", "console", 'console=""'])
def test_a_console_without_a_name_is_none(word: str) -> None:
    assert parse(word).console is None
    assert parse(f"console=ttyS0 {word}").console == "ttyS0"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("hammer.spek=x", "hammer.spek: nobody knows this word, did you mean hammer.spec?"),
        ("hammer.zzzz", "hammer.zzzz: nobody knows this word"),
        ("hammer.debug", "hammer.debug: needs a value"),
        ("hammer.debug=yes", "hammer.debug: must be 0 or 1"),
        ("hammer.verify=all", "hammer.verify: must be one of tree"),
        ("hammer.pause_s=3s", "hammer.pause_s: must be a whole number of seconds, at most 86400"),
        ("hammer.pause_s=-1", "hammer.pause_s: must be a whole number of seconds, at most 86400"),
        ("hammer.pause_s=99999", "hammer.pause_s: must be a whole number of seconds"),
        ("hammer.min_rate=1M", "hammer.min_rate: must be a whole number of KiB/s, at most 1048576"),
        ("hammer.min_rate=1048577", "hammer.min_rate: must be a whole number of KiB/s, at most"),
        ("hammer.mirror=cache", "hammer.mirror: must be an http, https or file URL, or several"),
        (
            "hammer.mirror=http://a,",
            "hammer.mirror: must be an http, https or file URL, or several",
        ),
        ("hammer.ca=ca.pem", "hammer.ca: must be an http, https or file URL, or an absolute path"),
        ("hammer.ca=ftp://h/ca.pem", "hammer.ca: must be an http, https or file URL, or an"),
        ("hammer.proxy=socks5://h:1080", "hammer.proxy: must be the URL of a proxy, http or https"),
        ("http_proxy=http://", "http_proxy: must be the URL of a proxy, http or https"),
        ("hammer.proxy=http://h:port", "hammer.proxy: must be the URL of a proxy, http or https"),
        ("hammer.report=/x", "hammer.report: must be a URL that begins with http:// or https://"),
        ("hammer.os_image=/x", "hammer.os_image: must be a URL that begins with http://, https://"),
        ("hammer.min_digest=sha1", "hammer.min_digest: must be one of md5, sha256, sha512"),
        ("hammer.min_digest=SHA256", "hammer.min_digest: must be one of md5, sha256, sha512"),
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


def test_a_command_line_is_shown_without_the_secrets_of_its_urls() -> None:
    line = 'quiet hammer.spec="http://me:hunter2@h/a b?sig=hunter3" ip=dhcp BOOTIF=01:02 url=x://y'
    assert redacted(line) == 'quiet "hammer.spec=http://h/a b?..." ip=dhcp BOOTIF=01:02 url=x://y'
    assert {"hunter2", "me:hunter2", "sig=hunter3"} <= set(secrets(line))
    assert secrets("quiet ip=dhcp") == []


def test_the_password_of_a_proxy_is_one_without_a_scheme_too() -> None:
    line = "http_proxy=me:hunter2@proxy:3128 hammer.proxy=http://me:hunter3@proxy quiet"
    assert redacted(line) == "http_proxy=http://proxy:3128 hammer.proxy=http://proxy quiet"
    assert {"me:hunter2", "hunter2", "hunter3"} <= set(secrets(line))


def test_of_several_urls_in_a_word_each_has_its_secrets() -> None:
    line = "hammer.mirror=http://a:hunter2@h/x,http://b/y?sig=hunter3,http://c/z"
    assert "hunter" not in redacted(line)
    assert {"hunter2", "sig=hunter3"} <= set(secrets(line))


def test_the_server_of_reports_is_known_on_a_line_that_is_refused() -> None:
    assert report("hammer.spek=/x hammer.report=http://a hammer.report=http://b") == "http://b"
    assert report("hammer.spek=/x") is None
