"""The command `hammer`, as `hammer` and as `python -m hammer`."""

import signal
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    # Until the agent has handlers of its own, Ctrl-C ends it without a word: there is
    # nothing to undo yet, and what Python prints of it helps nobody. Hence the late import.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from hammer import commands

    return commands.main(argv)


if __name__ == "__main__":
    sys.exit(main())
