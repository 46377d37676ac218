"""A shell for the person at the console."""

import signal
import subprocess

from hammer.host.programs import environment


def open_shell(prompt: str) -> None:
    """Run a shell on our own terminal until it is left."""
    # Ctrl-C belongs to the shell while it is open; the terminal sends it to us as well.
    # Handled and not ignored, because a shell cannot undo what it finds ignored.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        subprocess.run(["/bin/sh"], env={**environment(), "PS1": f"{prompt} # "}, check=False)
    finally:
        signal.signal(signal.SIGINT, before)
