"""The command `hammer`, as `hammer` and as `python -m hammer`."""

import signal
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    # Until the agent has handlers of its own, Ctrl-C ends it without a word: there is
    # nothing to undo yet, and what Python prints of it helps nobody. Hence the late import.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    words = sys.argv[1:] if argv is None else argv
    if words[:1] == ["image"]:
        # Authors of images do not wait for what installs machines to be imported.
        from hammer.image import commands as image_commands

        return image_commands.main(words)
    from hammer import commands

    return commands.main(words)


if __name__ == "__main__":
    sys.exit(main())
