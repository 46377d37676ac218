"""Bad input, given to the real command on a loop device: the right error, and no harm."""

import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.bad_input import ROWS, Row
from tests.images import (
    PATH,
    Entry,
    Link,
    checksum_file,
    image,
    md5_file,
    packed,
    published,
    truncated,
)
from tests.native.machine import (
    INSTALLER,
    SECRET,
    Installation,
    LoopDisk,
    Result,
    base_image,
    document,
    installer,
    loop_disk,
    mounted_below,
    output,
    wait_until,
)
from tests.servers import Answer, Cut, Status, nobody, serve

DISK_MIB = 64
SWAP_KIB = 40  # the least that mkswap(8) makes


@dataclass(frozen=True, kw_only=True)
class Given:
    """What is bad; what is not named is as it should be."""

    document: Callable[[str], str] = lambda text: text
    image: Mapping[str, Entry] = field(default_factory=dict)
    """Members that the image has on top of, or instead of, the usual ones."""
    without: tuple[str, ...] = ()
    answers: Callable[[bytes], Mapping[str, Answer]] = published
    """What the server answers, made of the packed image."""
    disk_mib: int = DISK_MIB
    arguments: tuple[str, ...] = ()


def changed(old: str, new: str) -> Given:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return Given(document=change)


def script(text: str) -> Given:
    return Given(image={"install.sh": installer(f"#!/bin/sh\n{text}\n")})


def answering(answers: Callable[[bytes], Mapping[str, Answer]]) -> Given:
    return Given(answers=answers)


def with_md5(md5: bytes) -> Given:
    return answering(lambda content: {PATH: content, f"{PATH}.md5": md5})


def of_content(change: Callable[[bytes], bytes]) -> Given:
    """Another image, with the digest of what it then is."""
    return answering(lambda content: published(change(content)))


def in_store(path: str, answers: Mapping[str, Answer]) -> Given:
    """The image tiny-1.0 by its id in a store at this path of a server that answers so."""

    def change(text: str) -> str:
        assert f'{PATH}"' in text
        return text.replace('url: "http', 'store: "http').replace(f'{PATH}"', f'{path}"')

    return Given(document=change, answers=lambda _content: answers)


def with_sums(sums: bytes | None = None) -> Given:
    """The document names a checksum file; a good digest beside the image does not count then."""
    return Given(
        document=lambda text: re.sub(r'url: "(http\S+)/', r'digest: "\1/SUMS", url: "\1/', text),
        answers=lambda content: published(content) | ({"/SUMS": sums} if sums else {}),
    )


BOOT_INFO = "/etc/metal/boot-info.yaml"
WRITE_BOOT_INFO = INSTALLER.removeprefix("#!/bin/sh\n")
STORED = "/os/stable/tiny/1/img.tar.lz4"
NOTHING = "d41d8cd98f00b204e9800998ecf8427e"

GIVEN: dict[str, Given] = {
    "document-not-yaml": Given(document=lambda text: text + "\n}: {"),
    "document-unknown-key": changed("hostname:", "hostnam:"),
    "document-wrong-type": changed("number: 1", "number: one"),
    "document-device": changed("p2, format", "p3, format"),
    "document-size-0": changed("size: 8", "size: 0"),
    "document-relative-path": changed("path: /,", "path: mnt,"),
    "document-no-root": changed("path: /,", "path: /var,"),
    "document-no-image": changed('url: "', 'name: "'),
    "document-raid": changed("  hostname:", "  reinstall: true\n  hostname:"),
    "disk-absent": changed("/dev/loop", "/dev/absent"),
    "disk-too-small": changed("size: 8", "size: 63"),
    "image-unknown": in_store("/os", {}),
    "index-missing": in_store("/index.yaml", {}),
    "index-invalid": in_store("/index.yaml", {"/index.yaml": b"[{id: tiny, url: 7}]"}),
    "index-oci": in_store(
        "/index.yaml", {"/index.yaml": b"[{id: tiny-1.0, url: 'oci://images.test/tiny'}]"}
    ),
    "store-unreachable": in_store("/os", {STORED: Status(500)}),
    "listing-invalid": in_store("/os", {"/": b"<!DOCTYPE ListBucketResult [<!ENTITY a 'a'>]><a/>"}),
    "store-no-digest": in_store("/os", {STORED: b"an image"}),
    "image-404": answering(lambda content: {f"{PATH}.md5": md5_file(content)}),
    "md5-missing": answering(lambda content: {PATH: content}),
    "md5-empty": with_md5(b""),
    "md5-no-digest": with_md5(b"<html>not found</html>\n"),
    "md5-of-nothing": with_md5(f"{NOTHING}  img.tar.lz4\n".encode()),
    "digest-weak": Given(arguments=("--min-digest", "sha256")),
    "digest-type": changed("image: {", f"image: {{digest: '{'0' * 64}', digest_type: md5, "),
    "digest-of-nothing": changed("image: {", f"image: {{digest: {NOTHING}, "),
    "sums-missing": with_sums(),
    "sums-of-others": with_sums(checksum_file(b"x", "sha256", "other.tar.lz4")),
    "sha512-mismatch": answering(
        lambda content: {**published(content), f"{PATH}.sha512": checksum_file(b"x", "sha512")}
    ),
    "image-not-lz4": of_content(lambda content: b"PK\x03\x04" + content),
    "digest-mismatch": with_md5(b"0123456789abcdef0123456789abcdef  img.tar.lz4\n"),
    "image-truncated": of_content(truncated),
    "server-closes": answering(
        lambda content: {**published(content), PATH: Cut(content, len(content) // 2)}
    ),
    "image-not-tar": of_content(lambda _: packed(b"no tar archive at all\n" * 1000)),
    "tar-dotdot": Given(image={"../outside": b"x"}),
    "target-full": Given(image={"large": bytes(96 << 20)}),
    "no-installer": Given(without=("install.sh",)),
    "installer-exits-7": script("exit 7"),
    "installer-killed": script("kill -9 $$"),
    "installer-hangs": script("busybox sleep 600"),
    "installer-prints-for-ever": script("exec busybox yes"),
    "target-read-only": script(f"{WRITE_BOOT_INFO}busybox mount -o remount,ro /"),
    "boot-info-missing": Given(
        image={
            "install.sh": installer("#!/bin/sh\n"),
            BOOT_INFO.lstrip("/"): b"cmdline: of another machine\nkernel: /boot/vmlinuz\n",
        }
    ),
    "boot-info-not-yaml": script(f"echo 'kernel: {{' > {BOOT_INFO}"),
    "kernel-missing": Given(without=("boot/vmlinuz",)),
    "kernel-invalid": Given(image={"boot/vmlinuz": b"\x7fELF" + bytes(4096)}),
}


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Everything that an installation needs, ready to run."""

    installation: Installation
    disk: LoopDisk
    document: Path
    target: Path

    def write_document(self, text: str) -> None:
        self.document.write_text(text)


@pytest.fixture
def held() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def prepared(held: ExitStack, tmp_path: Path, given: Given) -> Bench:
    entries = {**base_image(), **given.image}
    for name in given.without:
        del entries[name]
    disk = held.enter_context(loop_disk(tmp_path / "disk", size_mib=given.disk_mib))
    server = held.enter_context(serve(given.answers(image(entries))))
    path, target = tmp_path / "machine.yaml", tmp_path / "target"
    path.write_text(given.document(document(disk.device, server.url(PATH))))
    return Bench(
        installation=Installation(document=path, target=target),
        disk=disk,
        document=path,
        target=target,
    )


def row(name: str) -> Row:
    return next(row for row in ROWS if row.name == name)


def judge(row: Row, result: Result, bench: Bench, *, before: str, skip_bytes: int = 0) -> None:
    """What holds for every kind of bad input; `before` is of all but the first bytes."""
    assert SECRET not in result.output
    assert "Traceback" not in result.output
    failure = result.failure
    if row.error is None:
        assert failure is None, failure
        assert result.status == 0
    else:
        assert failure is not None, result.output
        assert (failure["code"], result.status) == (row.error.code, row.error.exit_status), failure
        assert failure["exit_status"] == result.status
        assert failure["hint"] == row.error.hint
        assert failure["message"]
        assert not any(bench.disk.ends()) or row.disk_unchanged
    assert (bench.disk.sha256(skip_bytes=skip_bytes) == before) == row.disk_unchanged
    assert mounted_below(bench.target) == []


def judged(name: str, bench: Bench, *more: str, skip_bytes: int = 0) -> Result:
    before = bench.disk.sha256(skip_bytes=skip_bytes)
    result = bench.installation.run(*more)
    judge(row(name), result, bench, before=before, skip_bytes=skip_bytes)
    return result


@pytest.mark.parametrize("name", GIVEN)
def test_bad_input(name: str, held: ExitStack, tmp_path: Path) -> None:
    bench = prepared(held, tmp_path, GIVEN[name])
    judged(name, bench, "--install-limit-s", "2", *GIVEN[name].arguments)


def test_document_missing(held: ExitStack, tmp_path: Path) -> None:
    bench = prepared(held, tmp_path, Given())
    bench.document.unlink()
    judged("document-missing", bench)


def test_spec_unreachable(held: ExitStack, tmp_path: Path) -> None:
    bench = prepared(held, tmp_path, Given())
    address = held.enter_context(nobody())
    before = bench.disk.sha256()
    result = Installation(document=f"{address}/machine.yaml", target=bench.target).run()
    judge(row("spec-unreachable"), result, bench, before=before)


def test_disk_mounted(held: ExitStack, tmp_path: Path) -> None:
    bench = prepared(held, tmp_path, Given())
    output("mkfs.ext4", "-q", "-F", bench.disk.device)
    where = tmp_path / "in-use"
    where.mkdir()
    output("mount", "-o", "ro", bench.disk.device, where)  # the kernel would write on its own
    try:
        before = bench.disk.sha256()
        result = bench.installation.run()
        judge(row("disk-mounted"), result, bench, before=before)
    finally:
        output("umount", where)
    assert result.failure is not None
    assert f"{bench.disk.device} is in use: mounted on {where}" in str(result.failure["message"])


def test_target_not_empty(held: ExitStack, tmp_path: Path) -> None:
    bench = prepared(held, tmp_path, Given())
    bench.target.mkdir()
    (bench.target / "mine").touch()
    judged("target-not-empty", bench)


def test_program_missing(held: ExitStack, tmp_path: Path) -> None:
    bench = prepared(held, tmp_path, Given())
    bin_directory = tmp_path / "bin"
    bin_directory.mkdir()
    for folder in ("/usr/sbin", "/usr/bin"):
        for program in Path(folder).iterdir():
            if program.name != "sgdisk" and not (bin_directory / program.name).exists():
                (bin_directory / program.name).symlink_to(program)
    before = bench.disk.sha256()
    result = Installation(
        document=bench.document, target=bench.target, environment={"PATH": str(bin_directory)}
    ).run()
    judge(row("program-missing"), result, bench, before=before)
    assert result.failure is not None
    assert result.failure["message"] == "not on PATH: sgdisk"


def test_installer_unusable(held: ExitStack, tmp_path: Path) -> None:
    bench = prepared(held, tmp_path, Given(without=("install.sh",)))
    text = tmp_path / "installer"
    text.write_text("echo I am no script\n")
    result = judged("installer-unusable", bench, "--installer", str(text))
    assert result.failure is not None
    assert str(text) in str(result.failure["message"])


def test_image_refused(held: ExitStack, tmp_path: Path) -> None:
    bench = prepared(held, tmp_path, Given())
    address = held.enter_context(nobody())
    bench.write_document(document(bench.disk.device, f"{address}/img.tar.lz4"))
    judged("image-refused", bench)


def test_os_image_missing(held: ExitStack, tmp_path: Path) -> None:
    bench = prepared(held, tmp_path, Given())
    judged("os-image-missing", bench, "--os-image", f"file://{tmp_path}/none.yaml")


def test_os_image_invalid(held: ExitStack, tmp_path: Path) -> None:
    bench = prepared(held, tmp_path, Given())
    manifest = tmp_path / "os-image.yaml"
    head = "apiVersion: management.loft.sh/v1\nkind: OSImage\n"
    manifest.write_text(f"{head}spec: {{properties: {{}}}}\n")
    result = judged("os-image-invalid", bench, "--os-image", f"file://{manifest}")
    assert result.failure is not None
    assert "spec.properties.metal3.vcluster.com/image-url: is missing" in str(
        result.failure["message"]
    )


def test_tar_absolute(held: ExitStack, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    bench = prepared(held, tmp_path, Given(image={str(outside): b"x"}))
    judged("tar-absolute", bench)
    assert not outside.exists()


def test_tar_symlink(held: ExitStack, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link: dict[str, Entry] = {
        str(outside).lstrip("/") + "/keep": b"the same path, inside",
        "way-out": Link(str(outside)),
        "way-out/file": b"x",
        "up": Link("../../../../../../.." + str(outside)),
        "up/file2": b"x",
    }
    judged("tar-symlink", prepared(held, tmp_path, Given(image=link)))
    assert list(outside.iterdir()) == []


def test_installer_leaves_process(held: ExitStack, tmp_path: Path) -> None:
    entries = base_image()
    usual = entries["install.sh"]
    assert not isinstance(usual, bytes | Link)
    text = usual.content.decode() + (  # type: ignore[union-attr]
        "cd /etc\nbusybox sleep 2718281 &\nfirst=$!\n"
        "(trap '' TERM HUP; exec busybox sleep 2718282 > /dev/null 2>&1 < /dev/null) &\n"
        # Both bear the shell's name until they have become the program.
        "for left in $first $!; do\n"
        "  until busybox grep -q busybox /proc/$left/comm; do busybox usleep 10000; done\n"
        "done\n"
    )
    bench = prepared(held, tmp_path, Given(image={"install.sh": installer(text)}))
    result = judged("installer-leaves-process", bench)
    warnings = [event["text"] for event in result.events if event["event"] == "warning"]
    assert warnings == ["/install.sh left behind, killed: busybox, busybox"]
    assert not [p for p in Path("/proc").iterdir() if p.name.isdigit() and _sleeps(p)]


def _sleeps(process: Path) -> bool:
    try:
        return b"271828" in (process / "cmdline").read_bytes()
    except OSError:
        return False


def test_unmount_busy(held: ExitStack, tmp_path: Path) -> None:
    # Time for the thread below to open the file before the target is unmounted.
    bench = prepared(held, tmp_path, script(f"{WRITE_BOOT_INFO}busybox sleep 1"))
    written, done = bench.target / "etc/metal/boot-info.yaml", threading.Event()

    def hold() -> None:
        wait_until(written)
        with written.open():
            done.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    before = bench.disk.sha256()
    try:
        result = bench.installation.run()
    finally:
        done.set()
        holder.join()
        if mounted_below(bench.target):
            output("umount", bench.target)
    judge(row("unmount-busy"), result, bench, before=before)
    assert result.failure is not None
    assert "(pytest)" in str(result.failure["message"]) or "python" in str(
        result.failure["message"]
    )


def test_every_row_has_its_case() -> None:
    rows = {row.name for row in ROWS}
    functions = {name.removeprefix("test_").replace("_", "-") for name in globals()}
    # What only a machine with a name can meet is in tests/vm/test_failure_path.py.
    assert rows <= functions | set(GIVEN) | {"document-other-machine"}
    assert set(GIVEN) <= rows


def test_a_person_reads_the_cause_first(held: ExitStack, tmp_path: Path) -> None:
    bench = prepared(held, tmp_path, GIVEN["installer-exits-7"])
    result = bench.installation.run("--format", "text")
    lines = result.output.splitlines()
    at = lines.index("FAILED [installer-failed]")
    assert lines[at + 1] == "  /install.sh left with status 7"
    assert lines[at + 2].startswith("  what to do: ")
    assert max(map(len, lines)) <= 80


def test_disk_behind_loop(held: ExitStack, tmp_path: Path) -> None:
    bench = prepared(held, tmp_path, Given())
    on_top = output("losetup", "--find", "--show", bench.disk.device).strip()
    try:
        judged("disk-behind-loop", bench)
    finally:
        output("losetup", "--detach", on_top)


def test_disk_swap(held: ExitStack, tmp_path: Path) -> None:
    bench = prepared(held, tmp_path, Given())
    # The kernel may put pages there meanwhile: that is not for a comparison.
    output("mkswap", bench.disk.device, str(SWAP_KIB))
    output("swapon", bench.disk.device)
    try:
        result = judged("disk-swap", bench, skip_bytes=SWAP_KIB << 10)
    finally:
        output("swapoff", bench.disk.device)
    assert result.failure is not None
    assert "swap space" in str(result.failure["message"])


def test_disk_opened_alone(held: ExitStack, tmp_path: Path) -> None:
    bench = prepared(held, tmp_path, Given())
    handle = os.open(bench.disk.device, os.O_RDONLY | os.O_EXCL)
    try:
        judged("disk-opened-alone", bench)
    finally:
        os.close(handle)


def test_an_images_links_do_not_lead_mounts_out(held: ExitStack, tmp_path: Path) -> None:
    """An absolute /tmp -> /var/tmp is the image's /var/tmp."""
    text = f'test -z "$(busybox ls /tmp)" || exit 9\n{WRITE_BOOT_INFO}'
    links: dict[str, Entry] = {
        "var/tmp/of-the-image": b"x",
        "tmp": Link("/var/tmp"),
        "install.sh": installer(f"#!/bin/sh\n{text}"),
    }
    bench = prepared(held, tmp_path, Given(image=links))
    assert bench.installation.run().status == 0
