"""How long `hammer image check` takes, beside decompressing the image and listing its members.

    python -m tests.bench.bench_check --pairs 5 [IMG]

Each pair is one run of `lz4 -dc IMG | tar -t` and one of the command, in turns, with the start
of the interpreter and the digest in it. Nothing is written and no root is needed. Without IMG
it is the demo image.
"""

import argparse
import os
import resource
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.demo_image.build_image import BUILD

AIM_RATIO = 3.0


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", type=int, default=5)
    options.add_argument("image", type=Path, nargs="?", default=BUILD / "img.tar.lz4")
    chosen = options.parse_args()
    if not chosen.image.exists():
        sys.exit(f"{chosen.image} is not there: `make demo-image`, or name an image")
    subprocess.run(["cat", str(chosen.image)], stdout=subprocess.DEVNULL, check=True)  # cached
    pairs = [_pair(chosen.image) for _ in range(chosen.pairs)]
    for number, (pipeline, ours) in enumerate(pairs, 1):
        print(f"pair {number}: lz4 and tar {pipeline:.2f} s, check {ours:.2f} s")
    ratio = statistics.median(ours / pipeline for pipeline, ours in pairs)
    lower, upper = (statistics.median(column) for column in zip(*pairs, strict=True))
    peak_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"median: lz4 and tar {lower:.2f} s, check {upper:.2f} s, ratio {ratio:.2f}")
    print(f"aim: below {AIM_RATIO:.0f}; peak memory of the larger {peak_kib >> 10} MiB")


def _pair(image: Path) -> tuple[float, float]:
    pipeline = f"set -o pipefail; lz4 -dc {shlex.quote(str(image))} | tar -t >/dev/null"
    check = [sys.executable, "-m", "hammer", "image", "check", str(image)]
    return (
        _seconds(lambda: subprocess.run(["bash", "-c", pipeline], check=True)),
        _seconds(lambda: subprocess.run(check, stdout=subprocess.DEVNULL, check=False)),
    )


def _seconds(run: Callable[[], object]) -> float:
    os.sync()  # what others wrote before is not to be written meanwhile
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
