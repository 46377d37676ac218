"""How fast the image stream is, beside the shell pipeline that does the same.

    python -m tests.bench.bench_stream --pairs 5

Each pair is one run of either, in turns, each on a fresh ext4 on a loop device,
from a server in a process of its own. Both compare the digest. The time is to
the last byte handed to the kernel: sync(2) is in neither, and is shown beside.
After the first pair both trees are compared. Needs root. The image is made of
this machine's /usr once and kept in build/bench.
"""

import argparse
import contextlib
import hashlib
import json
import os
import resource
import stat
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from hammer.stream.image import HttpImages
from tests.manifest import differences, manifest

WORK = Path("build/bench")
IMAGE = WORK / "img.tar.lz4"
MEMBERS = 25_000
PLAIN_BYTES = 1_000_000_000
DISK_BYTES = 4 << 30
# The acceptance of the project, and what is aimed at.
ACCEPTED_RATIO = 0.8
AIM_RATIO = 0.5

# The digest's process hangs on a descriptor of the shell, which can wait for it there.
PIPELINE = """
set -o pipefail
actual=$(mktemp)
exec 3> >(md5sum > "$actual")
digest=$!
curl -sf "$1" | tee /dev/fd/3 | lz4 -dc |
    tar -x -p --xattrs --xattrs-include='*' --numeric-owner -C "$2" 3>&- || exit 1
exec 3>&-
wait "$digest"
expected=$(curl -sf "$1.md5")
[ "${expected%% *}" = "$(cut -d' ' -f1 "$actual")" ]
"""


@dataclass(frozen=True, kw_only=True)
class Run:
    seconds: float
    sync_seconds: float
    cpu_seconds: float
    peak_rss_mib: float


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", type=int, default=5)
    options.add_argument("--ours-only", action="store_true", help="for a profile; no table")
    options.add_argument("--unpack", nargs=2, metavar=("URL", "ROOT"), help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.unpack:
        _unpack_here(*chosen.unpack)
        return
    if not IMAGE.exists():
        _make_image()
    with _server() as address:
        url = f"{address}/{IMAGE.name}"
        if chosen.ours_only:
            print(_on_fresh_disk(lambda root: _ours(url, root)))
            return
        runs = [_pair(url, number) for number in range(chosen.pairs)]
    _report(runs)


def _pair(url: str, number: int) -> tuple[Run, Run]:
    trees = []

    def look(root: Path) -> None:
        if number == 0:
            trees.append(manifest(root, without=frozenset({"lost+found"})))

    shell = _on_fresh_disk(lambda root: _shell(url, root), look)
    ours = _on_fresh_disk(lambda root: _ours(url, root), look)
    if number == 0:
        found = [line for line in differences(*trees) if not line.startswith(".: mtime")]
        if found:
            sys.exit("the trees differ:\n" + "\n".join(found[:20]))
        print(f"both trees are equal: {len(trees[0])} paths")
    print(f"pair {number + 1}: pipeline {shell.seconds:.2f} s, ours {ours.seconds:.2f} s")
    return shell, ours


def _report(runs: list[tuple[Run, Run]]) -> None:
    print(f"\n{'pair':>6} {'pipeline':>9} {'ours':>9} {'ratio':>6}   cpu of each, sync of each (s)")
    for number, (shell, ours) in enumerate(runs, 1):
        print(
            f"{number:>6} {shell.seconds:>7.2f} s {ours.seconds:>7.2f} s "
            f"{ours.seconds / shell.seconds:>6.2f}   "
            f"{shell.cpu_seconds:.2f} {ours.cpu_seconds:.2f}, "
            f"{shell.sync_seconds:.2f} {ours.sync_seconds:.2f}"
        )
    shell_median = statistics.median(shell.seconds for shell, _ours in runs)
    ours_median = statistics.median(ours.seconds for _shell, ours in runs)
    ratio = statistics.median(ours.seconds / shell.seconds for shell, ours in runs)
    rss_mib = max(ours.peak_rss_mib for _shell, ours in runs)
    print(f"median {shell_median:>7.2f} s {ours_median:>7.2f} s {ratio:>6.2f}")
    print(f"peak memory of ours, agent and child together: {rss_mib:.0f} MiB")
    accepted = "accepted" if ratio <= ACCEPTED_RATIO else "NOT accepted"
    print(f"ratio {ratio:.2f}: {accepted} (limit {ACCEPTED_RATIO}, aim {AIM_RATIO})")
    result = {
        "pipeline": [asdict(shell) for shell, _ours in runs],
        "ours": [asdict(ours) for _shell, ours in runs],
        "pipeline_median_s": shell_median,
        "ours_median_s": ours_median,
        "ratio_median": ratio,
        "image_bytes": IMAGE.stat().st_size,
        "cores": os.cpu_count(),
        "sync": "in neither",
    }
    (WORK / "stream.json").write_text(json.dumps(result, indent=2) + "\n")
    if ratio > ACCEPTED_RATIO:
        sys.exit(1)


# --- one run ------------------------------------------------------------------------------


def _ours(url: str, root: Path) -> Run:
    argv = [sys.executable, "-m", "tests.bench.bench_stream", "--unpack", url, str(root)]
    said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    return Run(**json.loads(said), sync_seconds=0)


def _unpack_here(url: str, root: str) -> None:
    """The agent is up when it comes to the image: the interpreter's start is not timed."""
    before = _cpu_seconds()
    start = time.monotonic()
    images = HttpImages()
    images.unpack(images.ask(url), Path(root), progress=lambda _packed_bytes: None)
    seconds = time.monotonic() - start
    # Not ru_maxrss for the agent itself: it survives exec(2), so it is the bench's.
    status = Path("/proc/self/status").read_text()
    agent_kib = int(status.partition("VmHWM:")[2].split()[0])
    rss_kib = agent_kib + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    cpu = _cpu_seconds() - before
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "peak_rss_mib": rss_kib / 1024}))


def _shell(url: str, root: Path) -> Run:
    before = _cpu_seconds()
    start = time.monotonic()
    subprocess.run(["bash", "-c", PIPELINE, "bash", url, str(root)], check=True)
    seconds = time.monotonic() - start
    return Run(seconds=seconds, cpu_seconds=_cpu_seconds() - before, peak_rss_mib=0, sync_seconds=0)


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _on_fresh_disk(run: Callable[[Path], Run], look: Callable[[Path], None] | None = None) -> Run:
    with _fresh_disk() as root:
        os.sync()
        result = run(root)
        start = time.monotonic()
        os.sync()
        sync_seconds = time.monotonic() - start
        if look:
            look(root)
    return Run(**{**asdict(result), "sync_seconds": sync_seconds})


@contextlib.contextmanager
def _fresh_disk() -> Iterator[Path]:
    disk, root = WORK / "disk.img", WORK / "root"
    root.mkdir(exist_ok=True)
    disk.unlink(missing_ok=True)
    with disk.open("wb") as file:
        file.truncate(DISK_BYTES)
    mkfs = ["mkfs.ext4", "-q", "-F", "-E", "nodiscard", str(disk)]
    subprocess.run(mkfs, check=True)
    # noinit_itable: no kernel thread that writes beside what is measured.
    subprocess.run(["mount", "-o", "loop,noinit_itable", str(disk), str(root)], check=True)
    try:
        yield root
    finally:
        subprocess.run(["umount", str(root)], check=True)
        disk.unlink()


@contextlib.contextmanager
def _server() -> Iterator[str]:
    argv = [sys.executable, "-m", "tests.servers", str(WORK)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


# --- the image ----------------------------------------------------------------------------


def _make_image() -> None:
    """A sample of /usr by the hash of the path, in the order in which tar walks a tree.

    Server images hold about 40 KB a member; half of the small files are left
    out to come there.
    """
    WORK.mkdir(parents=True, exist_ok=True)
    plain, listing = WORK / "img.tar", WORK / "img.list"
    with contextlib.chdir("/"):
        sample = _sample()
    listing.write_bytes(b"\0".join(os.fsencode(path) for path in sample))
    tar = ["tar", "-c", "--xattrs", "--numeric-owner", "--no-recursion", "--null"]
    where = ["-f", str(plain.resolve()), "-C", "/", "-T", str(listing.resolve())]
    subprocess.run([*tar, *where], check=True)
    subprocess.run(["lz4", "-9", "-q", "-f", str(plain), str(IMAGE)], check=True)
    size = plain.stat().st_size
    plain.unlink()
    digest = hashlib.md5(IMAGE.read_bytes()).hexdigest()
    Path(f"{IMAGE}.md5").write_text(f"{digest}  {IMAGE.name}\n")
    print(f"image: {size / 1e6:.0f} MB, packed {IMAGE.stat().st_size / 1e6:.0f} MB")


def _sample() -> list[str]:
    """Whole directories of /usr by the hash of their path, in the order in which tar walks."""
    directories = [
        (hashlib.md5(os.fsencode(directory)).digest(), directory, [*names, *files])
        for directory, names, files in os.walk("usr")
    ]
    chosen: set[str] = set()
    total = 0
    for _hash, directory, names in sorted(directories):
        paths = [f"{directory}/{name}" for name in names]
        sizes = [
            status.st_size for path in paths if stat.S_ISREG((status := os.lstat(path)).st_mode)
        ]
        if len(chosen) + len(paths) > MEMBERS or total + sum(sizes) > PLAIN_BYTES:
            continue
        chosen.update(
            paths, (str(parent) for parent in list(Path(paths[0]).parents)[:-1]) if paths else ()
        )
        total += sum(sizes)
    return sorted(chosen, key=lambda path: path.split("/"))


if __name__ == "__main__":
    main()
