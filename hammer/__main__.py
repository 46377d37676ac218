"""The command `hammer`, as `hammer` and as `python -m hammer`."""

import gc
import signal
import sys
from collections.abc import Callable, Sequence

USAGE = 2


def main(argv: Sequence[str] | None = None) -> int:
    # Until the agent has handlers of its own, Ctrl-C ends it without a word: there is
    # nothing to undo yet, and what Python prints of it helps nobody. Hence the late import.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    words = sys.argv[1:] if argv is None else argv
    try:
        command = _commands(words)
    except ModuleNotFoundError as missing:
        # `pip install .` brings the contract alone, and yet this command.
        package = (missing.name or "").partition(".")[0]
        sys.stderr.write(
            f"hammer: the Python package {package} is missing: "
            "install the agent with `pip install '.[agent]'` in a checkout\n"
        )
        return USAGE
    # What was imported stays, and is not looked through for garbage in the middle of an image,
    # where that takes 20 to 30 ms from all threads.
    gc.freeze()
    return command(words)


def _commands(words: Sequence[str]) -> Callable[[Sequence[str]], int]:
    if words[:1] == ["image"]:
        # Authors of images do not wait for what installs machines to be imported.
        from hammer.image import commands as image_commands

        return image_commands.main
    from hammer import commands

    return commands.main


if __name__ == "__main__":
    sys.exit(main())
