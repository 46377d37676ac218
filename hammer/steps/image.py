"""Step 6: the image, from the network onto the target in one pass."""

from pathlib import Path

from hammer.console import MIB
from hammer.machine import Machine
from hammer.step import Step
from hammer.stream.image import Offer, Unpacked


def unpack_image(machine: Machine, offer: Offer, root: Path) -> Unpacked:
    """Unpack the image below `root`, and know at the end that every byte was right."""
    progress = machine.console.progress(Step.IMAGE, total_bytes=offer.size_bytes)
    done = machine.images.unpack(offer, root, progress=progress)
    machine.console.say(
        f"{done.members} members, {done.packed_bytes // MIB} MiB packed, "
        f"{done.unpacked_bytes // MIB} MiB unpacked"
    )
    machine.console.say(f"received was {offer.digest}, as {offer.digest.source} says")
    return done
