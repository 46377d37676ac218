"""Install the demo image in a guest, and watch it: what `make demo` runs.

python -m tests.vm.demo [OPTION OF hammer image try]...
"""

import sys

from hammer import commands
from tests.demo_image.build_image import demo_image
from tests.vm.ramdisk import BUILD

# What the demo image says when its root is the one that install.yaml names.
PROOF = "METAL-PROOF .*match=yes"


def arguments(image: str, more: list[str]) -> list[str]:
    words = ["image", "try", image, "--console", "--uefi", "--marker", PROOF]
    words += ["--ramdisk", str(BUILD / "ramdisk"), "--keep", str(BUILD / "demo")]
    return [*words, *more]


if __name__ == "__main__":
    sys.exit(commands.main(arguments(str(demo_image().path), sys.argv[1:])))
