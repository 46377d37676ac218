"""How fast the image stream is, beside the shell pipeline that does the same.

    python -m tests.bench.bench_stream --rounds 10 [--image usr]

Each round is one run of each, in turns, and every second round the other way round, each on a fresh
ext4 on a loop device, from a server in a process of its own. Pipeline and agent both compare the
digest; GNU tar on an archive that is unpacked already and in memory has nothing to download,
compare or decompress. Beside it the agent takes the image with its SHA-256 as well, which takes a
processor with instructions for it half the time of the MD5 that the pipeline compares.
The time is to the last byte handed to the kernel: sync(2) is in none, and is in the JSON. In
the first round the trees are compared. Needs root, and makes its images once (bench_images.py).
"""

import argparse
import contextlib
import gc
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from hammer.stream.image import HttpImages
from tests.bench.bench_images import IMAGES, USR, WORK, Image, made
from tests.manifest import differences, manifest

# Large beside the images: ext4 begins to write at once when little of it is free.
DISK_BYTES = 32 << 30
MEMORY_BYTES = 4 << 30
# Of the time of GNU tar on the unpacked archive of USR.
TAR_LIMIT = 1.30

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
UNPACKED = ["tar", "-x", "-p", "--xattrs", "--xattrs-include=*", "--numeric-owner"]


@dataclass(frozen=True, kw_only=True)
class Run:
    seconds: float
    sync_seconds: float
    cpu_seconds: float
    peak_rss_mib: float


Round = dict[str, Run]
"""By the name of what ran."""

PIPELINE_WAY, TAR_WAY, AGENT, AGENT_SHA256 = "pipeline", "tar", "agent", "agent by SHA-256"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=10)
    options.add_argument("--image", choices=[image.name for image in IMAGES], help="only this one")
    options.add_argument("--agent-only", action="store_true", help="for a profile; no table")
    options.add_argument("--unpack", nargs=2, metavar=("URL", "ROOT"), help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.unpack:
        _unpack_here(*chosen.unpack)
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # not without its unmounts
    made(USR)  # the others are cut from it
    results: dict[Image, list[Round]] = {}
    with _server() as address:
        for image in IMAGES:
            if chosen.image in (None, image.name):
                made(image)
                ways = _ways(image, address)
                if chosen.agent_only:
                    print(_on_fresh_disk(ways["agent"]))
                    continue
                results[image] = [_round(ways, number) for number in range(chosen.rounds)]
    if results:
        _report(results)


def _ways(image: Image, address: str) -> dict[str, Callable[[Path], Run]]:
    url, url_sha256 = (f"{address}/{path.name}" for path in (image.packed, image.packed_sha256))
    ways = {PIPELINE_WAY: lambda root: _pipeline(url, root), AGENT: lambda root: _agent(url, root)}
    if image is USR:
        ways[TAR_WAY] = lambda root: _tar(image.plain, root)
        ways[AGENT_SHA256] = lambda root: _agent(url_sha256, root)
    return ways


def _round(ways: dict[str, Callable[[Path], Run]], number: int) -> Round:
    trees = []

    def look(root: Path) -> None:
        if number == 0:
            trees.append(manifest(root, without=frozenset({"lost+found"})))

    turns = list(ways.items())[:: -1 if number % 2 else 1]
    done = {name: _on_fresh_disk(way, look) for name, way in turns}
    for tree in trees[1:]:
        found = [line for line in differences(trees[0], tree) if not line.startswith(".: mtime")]
        if found:
            sys.exit("the trees differ:\n" + "\n".join(found[:20]))
    if trees:
        print(f"the trees are equal: {len(trees[0])} paths")
    print(f"{number + 1}:", *(f"{name} {done[name].seconds:.2f} s" for name in ways), flush=True)
    return done


def _report(results: dict[Image, list[Round]]) -> None:
    rows = [row for image, rounds in results.items() for row in _ratios(image, rounds)]
    print("\n| image | beside | it takes | the agent | ratio | from, to | limit |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row.cells()) + " |")
    peak_mib = max(each[AGENT].peak_rss_mib for rounds in results.values() for each in rounds)
    print(f"\npeak memory of the agent and its processes, shared pages in each: {peak_mib:.0f} MiB")
    result = {
        "cores": os.cpu_count(),
        "sync": "in none",
        "rows": [asdict(row) for row in rows],
        "images": {
            image.name: {
                "what": image.what,
                "packed_bytes": image.packed.stat().st_size,
                "rounds": [{name: asdict(run) for name, run in each.items()} for each in rounds],
            }
            for image, rounds in results.items()
        },
    }
    (WORK / "stream.json").write_text(json.dumps(result, indent=2) + "\n")
    if missed := [row for row in rows if row.limit and row.median > row.limit]:
        sys.exit(
            "over the limit: " + ", ".join(f"{row.image} beside {row.beside}" for row in missed)
        )


@dataclass(frozen=True, kw_only=True)
class Row:
    """The agent beside another way, round by round."""

    image: str
    what: str
    beside: str
    agent: str
    other_seconds: float
    agent_seconds: float
    median: float
    least: float
    most: float
    limit: float | None

    def cells(self) -> list[str]:
        return [
            self.what,
            self.beside,
            f"{self.other_seconds:.2f} s",
            f"{self.agent_seconds:.2f} s" + self.agent.removeprefix(AGENT),
            f"**{self.median:.2f}**",
            f"{self.least:.2f}, {self.most:.2f}",
            f"{self.limit:.2f}" if self.limit else "",
        ]


def _ratios(image: Image, rounds: list[Round]) -> Iterator[Row]:
    compared = (
        (PIPELINE_WAY, AGENT, image.limit),
        (TAR_WAY, AGENT_SHA256, TAR_LIMIT),
        (TAR_WAY, AGENT, None),
    )
    for beside, agent, limit in compared:
        if beside not in rounds[0]:
            continue
        ratios = [each[agent].seconds / each[beside].seconds for each in rounds]
        yield Row(
            image=image.name,
            what=image.what,
            beside=beside,
            agent=agent,
            other_seconds=statistics.median(each[beside].seconds for each in rounds),
            agent_seconds=statistics.median(each[agent].seconds for each in rounds),
            median=statistics.median(ratios),
            least=min(ratios),
            most=max(ratios),
            limit=limit,
        )


# --- one run ------------------------------------------------------------------------------


def _agent(url: str, root: Path) -> Run:
    """The agent is up when it comes to the image: the interpreter's start is not timed."""
    argv = [sys.executable, "-m", "tests.bench.bench_stream", "--unpack", url, str(root)]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True) as agent:
        assert agent.stdout is not None
        agent.stdout.readline()  # it is up
        _have_memory()
        said, _ = agent.communicate("\n")
    if agent.returncode:
        sys.exit("the agent failed")
    return Run(**json.loads(said), sync_seconds=0)


def _unpack_here(url: str, root: str) -> None:
    images = HttpImages()
    gc.freeze()  # as hammer/__main__.py does
    print("up", flush=True)
    sys.stdin.readline()
    before = _cpu_seconds()
    start = time.monotonic()
    images.unpack(images.ask(url), Path(root), progress=lambda _packed_bytes: None)
    seconds = time.monotonic() - start
    # Not ru_maxrss for the agent itself: it survives exec(2), so it is the bench's.
    status = Path("/proc/self/status").read_text()
    agent_kib = int(status.partition("VmHWM:")[2].split()[0])
    rss_kib = agent_kib + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    cpu = _cpu_seconds() - before
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "peak_rss_mib": rss_kib / 1024}))


def _pipeline(url: str, root: Path) -> Run:
    return _program(["bash", "-c", PIPELINE, "bash", url, str(root)])


def _tar(archive: Path, root: Path) -> Run:
    subprocess.run(["cat", str(archive)], stdout=subprocess.DEVNULL, check=True)  # into memory
    return _program([*UNPACKED, "-f", str(archive), "-C", str(root)])


def _program(argv: list[str]) -> Run:
    _have_memory()
    before = _cpu_seconds()
    start = time.monotonic()
    subprocess.run(argv, check=True)
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


def _have_memory() -> None:
    """Touch what the page cache will take. To be called right before a run.

    A virtual machine gets memory from its host when it first touches it, and gives it back when
    it is free for two seconds or so. Where that falls into a run, it takes as long as the copying.
    """
    touch = f"memory = bytearray({MEMORY_BYTES}); memory[::4096] = bytes(len(memory) // 4096)"
    subprocess.run([sys.executable, "-c", touch], check=True)


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


if __name__ == "__main__":
    main()
