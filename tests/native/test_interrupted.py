"""An installation that is stopped at any moment leaves nothing mounted and nothing bootable."""

import os
import random
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from hammer.errors import Interrupted
from tests.images import PATH, image, md5_file
from tests.native.machine import (
    Installation,
    base_image,
    document,
    installer,
    loop_disk,
    mounted_below,
)
from tests.servers import Answer, Drip, Then, serve

CASES = 60 if os.environ.get("HAMMER_SOAK") else 4
LONGEST_S = 6.0
"""About what an uninterrupted run takes here; later signals find it finished, which is fine."""


def signals_of(seed: int) -> tuple[float, signal.Signals, bool]:
    """When, which one, and whether it comes twice."""
    chance = random.Random(seed)
    kind = chance.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    return chance.uniform(0.05, LONGEST_S), kind, chance.random() < 0.5


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(CASES))
def test_interrupted_at_a_random_moment(seed: int, tmp_path: Path) -> None:
    after_s, kind, twice = signals_of(seed)
    slow = {
        **base_image(),
        "install.sh": installer("#!/bin/sh\nbusybox sleep 1\nexit 7\n"),
    }
    packed = image(slow)
    answers: dict[str, Answer | Then] = {
        PATH: Drip(packed, piece=len(packed) // 10, pause_s=0.1),
        f"{PATH}.md5": md5_file(packed),
    }
    target, path = tmp_path / "target", tmp_path / "machine.yaml"
    with ExitStack() as held:
        disk = held.enter_context(loop_disk(tmp_path / "disk", size_mib=64))
        server = held.enter_context(serve(answers))
        path.write_text(document(disk.device, server.url(PATH)))
        before = disk.sha256()
        installation = Installation(document=path, target=target)
        with installation.started() as child:
            time.sleep(after_s)
            child.send_signal(kind)
            if twice:
                time.sleep(0.05)
                child.send_signal(kind)
            result = installation.finish(child)
        assert mounted_below(target) == []
        if result.status == -kind:
            # So early that it was not yet an installation.
            assert result.output == ""
            assert disk.sha256() == before
            return
        assert result.failure is not None, result.output
        assert result.failure["code"] in (Interrupted.code, "installer-failed"), result.output
        begun = [event["step"] for event in result.events if event["event"] == "step"]
        if "wipe" in begun:
            assert not any(disk.ends())
        else:
            assert disk.sha256() == before
