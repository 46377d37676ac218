"""The guard: resets a machine whose agent hangs, and lets a person at its shell take their time.

    python3 -I -S guard.py

A process of its own, started by initramfs/init before the agent and stopped by SIGTERM.
It feeds the watchdog only while

* the agent says that it goes on: `alive`, see pulse.py; or
* a person's shell is open: `shell` has the pid of a process, one a line, that is not
  older than hammer.shell_max_h.

Otherwise it stops feeding. A watchdog that is not there, or does not bite, is replaced
by the guard itself, which restarts the machine.
"""

import contextlib
import ctypes
import os
import re
import signal
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

if __name__ == "__main__":
    # Without site-packages (-S) it starts in half the time; ours are three folders up.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from hammer import cmdline
from hammer.cmdline import Settings
from hammer.errors import CmdlineInvalid
from hammer.host import watchdog

RUN = Path("/run/hammer")
ALIVE = "alive"
SHELL = "shell"
GUARD = "guard"
"""Our own pid, for whoever stops us."""

START_S = 180.0
"""How long the agent may take to say that it lives: Python alone takes seconds."""
FEED_EVERY_S = 10.0
FEED_AT_MOST_EVERY_S = 0.5
REMIND_EVERY_S = 600.0
KILL_AFTER_S = 10.0
BITES_AFTER = 3
"""Timeouts: iTCO_wdt bites at the second one, and what has not bitten by then does not."""

WORDS = {"hammer.watchdog_s": "watchdog_s", "hammer.shell_max_h": "shell_max_h"}
"""What the guard reads of the kernel command line, and the names among the settings."""

PID = re.compile(r"[0-9]{1,9}")

CONSOLE = "/dev/console"
KERNEL_LOG = "/dev/kmsg"
PROC = Path("/proc")
SYSRQ = PROC / "sysrq-trigger"
LINUX_REBOOT_CMD_RESTART = 0x01234567  # linux/reboot.h
COLUMNS = 80
INDENT = "      "


def grace_s(watchdog_s: int) -> float:
    """How long after its last sign of life an agent is taken for alive."""
    return max(60.0, 2.0 * watchdog_s)


class Dog(Protocol):
    """What a Watchdog is to the guard."""

    name: str
    timeout_s: int

    def feed(self) -> None: ...


@dataclass(kw_only=True)
class Guard:
    """The decisions. Time is CLOCK_BOOTTIME in seconds, the clock of /proc/uptime."""

    settings: Settings
    dog: Dog | None
    run: Path
    """The directory with `alive` and `shell`."""
    say: Callable[[str], None]
    started_s: Callable[[int], float | None]
    """When a process was started; None when there is no such process."""
    kill: Callable[[int, int], None]
    restart: Callable[[], None]
    now_s: float
    """When the guard began, and then the last look at the clock."""
    _until_s: float = field(init=False)
    _alive_s: float | None = field(default=None, init=False)
    _heard_s: float = field(init=False)
    _starved: bool = field(default=False, init=False)
    _reminders: int = field(default=0, init=False)
    _told_to_end: dict[int, float] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._heard_s = self.now_s
        self._until_s = self.now_s + START_S

    @property
    def every_s(self) -> float:
        """How often to look."""
        return min(FEED_EVERY_S, max(FEED_AT_MOST_EVERY_S, self._timeout_s / 4))

    def look(self, now_s: float) -> None:
        """Look once, and feed or not."""
        self.now_s = now_s
        self._hear_agent()
        self._watch_shells()
        if now_s < self._until_s:
            if self._starved:
                self._starved = False
                self.say("a sign of life: the watchdog is fed again")
            if self.dog:
                self.dog.feed()
            return
        if not self.settings.watchdog_s:
            return
        if not self._starved:
            self._starved = True
            silent_s = round(now_s - self._heard_s)
            self.say(f"no sign of life from the agent for {silent_s} s: the machine is reset")
        bites_s = BITES_AFTER * self._timeout_s if self.dog else 0.0
        if now_s >= self._until_s + bites_s:
            self.restart()

    @property
    def _timeout_s(self) -> float:
        return self.dog.timeout_s if self.dog else self.settings.watchdog_s or FEED_EVERY_S * 4

    def _hear_agent(self) -> None:
        """Take over what the agent said, once: what the guard itself allowed may be later."""
        try:
            # A first line may be shorter than what stood there before.
            said_s = float((self.run / ALIVE).read_text().partition("\n")[0])
        except (OSError, ValueError):  # not there yet, or just being written
            return
        if said_s != self._alive_s:
            self._alive_s = self._until_s = said_s
            self._heard_s = self.now_s

    def _watch_shells(self) -> None:
        open_now = {
            pid: opened_s
            for pid in _pids_in(self.run / SHELL)
            if (opened_s := self.started_s(pid)) is not None
        }
        self._told_to_end = {pid: s for pid, s in self._told_to_end.items() if pid in open_now}
        limit_s = self.settings.shell_max_h * 3600
        within = []
        for pid, opened_s in open_now.items():
            if self.now_s < opened_s + limit_s:
                within.append(opened_s)
            else:
                self._end_shell(pid)
        if within:
            # And a while longer, for whoever goes on after the shell.
            self._heard_s = self.now_s
            self._until_s = max(self._until_s, self.now_s + grace_s(self.settings.watchdog_s))
        self._remind(min(within, default=None))

    def _remind(self, opened_s: float | None) -> None:
        """Once for each full REMIND_EVERY_S of the shell that is open for the longest time."""
        if opened_s is None:
            self._reminders = 0
            return
        due = int((self.now_s - opened_s) / REMIND_EVERY_S)
        if due > self._reminders:
            end_s = opened_s + self.settings.shell_max_h * 3600
            self.say(
                f"\nthis shell is open for {duration(self.now_s - opened_s)} and ends in "
                f"{duration(end_s - self.now_s)}; `exit` leaves it"
            )
        self._reminders = due

    def _end_shell(self, pid: int) -> None:
        if pid not in self._told_to_end:
            self._told_to_end[pid] = self.now_s
            hours = self.settings.shell_max_h
            self.say(f"\nhammer.shell_max_h={hours} is over: the shell is ended")
            self.kill(pid, signal.SIGHUP)
        elif self.now_s >= self._told_to_end[pid] + KILL_AFTER_S:
            self.kill(pid, signal.SIGKILL)


def duration(seconds: float) -> str:
    """In hours and minutes, as a person says it."""
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def settings_of(text: str) -> Settings:
    """What the guard needs of a command line; a word that makes no sense has its default.

    The agent refuses such a command line, and needs a guard while it says so.
    """
    settings = Settings()
    for key, value in cmdline.words(text):
        if key in WORDS and value:
            with contextlib.suppress(CmdlineInvalid):
                told = cmdline.parse(f"{key}={value}")
                settings = replace(settings, **{WORDS[key]: getattr(told, WORDS[key])})
    return settings


def introduced(dog: watchdog.Watchdog | None, watchdog_s: int) -> str:
    """What a person should know about the watchdog of this machine, once."""
    if not watchdog_s:
        return "watchdog: left alone, as hammer.watchdog_s=0 asks for"
    if dog is None:
        return "no watchdog: a hung agent is noticed, a hung machine is not reset"
    words = [f"watchdog: {dog.name}", f"{dog.timeout_s} s"]
    if dog.is_software:
        words.append("in software: a hung kernel is not reset")
    if dog.stays:
        words.append("cannot be stopped (nowayout)")
    return ", ".join(words)


# --- this machine ---------------------------------------------------------------------------


def process_started_s(pid: int) -> float | None:
    """Seconds after the boot at which a process was started; None if it has ended.

    The number in a file may be that of another process by now. That one is older
    or younger, and no harm: nothing else is known by its age.
    """
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # proc_pid_stat(5): the name in brackets may hold anything, brackets included.
    fields = text.rpartition(")")[2].split()
    if fields[0] in "ZX":
        return None
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")


def kill(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def let_go(
    run: Path = RUN,
    *,
    cmdline_text: str | None = None,
    kill: Callable[[int, int], None] = kill,
    limit_s: float = 10.0,
) -> None:
    """Have the guard stop the watchdog, before another kernel is started.

    Most drivers stop it then anyway. That of management controllers gives the next system
    two minutes instead (wdog_reboot_handler in ipmi_watchdog.c of Linux), which that system
    knows nothing of. Who wants to be guarded over kexec says watchdog.stop_on_reboot=0.
    """
    told = cmdline.read() if cmdline_text is None else cmdline_text
    if ("watchdog.stop_on_reboot", "0") in cmdline.words(told):
        return
    for pid in _pids_in(run / GUARD):
        kill(pid, signal.SIGTERM)
        end_s = time.monotonic() + limit_s
        while process_started_s(pid) is not None and time.monotonic() < end_s:
            time.sleep(0.05)


def restart() -> None:
    """Restart now. Nothing is written or stopped before: whatever hangs would hang us as well."""
    with contextlib.suppress(OSError):
        SYSRQ.write_text("b")  # admin-guide/sysrq.rst of Linux; always allowed to root
    ctypes.CDLL(None).reboot(LINUX_REBOOT_CMD_RESTART)


class Teller:
    """Lines for the console, and for the kernel's log, which reports hold.

    A console that takes nothing must not keep us from feeding: what it does not
    take is dropped.
    """

    def __init__(self) -> None:
        flags = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
        self._console = os.open(CONSOLE, flags)
        self._log = os.open(KERNEL_LOG, flags)

    def say(self, text: str) -> None:
        lines = textwrap.wrap(
            text.strip(), COLUMNS, initial_indent=INDENT, subsequent_indent=INDENT
        )
        # At the beginning of `text` for whoever has a prompt on the line.
        first = "\n" if text.startswith("\n") else ""
        with contextlib.suppress(OSError):
            os.write(self._console, (first + "".join(f"{line}\n" for line in lines)).encode())
        with contextlib.suppress(OSError):
            os.write(self._log, f"<7>hammer guard: {text.strip()}\n".encode())


def _pids_in(path: Path) -> list[int]:
    """Whatever else stands there is left out: without the guard the machine would be reset."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return []
    return [int(line) for line in lines if PID.fullmatch(line)]


def main() -> int:
    # Taken by sigtimedwait below, which is our way to sleep as well.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    settings = settings_of(cmdline.read())
    # When memory is short somebody else is ended: without us the machine would be reset.
    (PROC / "self/oom_score_adj").write_text("-1000")
    RUN.mkdir(mode=0o700, parents=True, exist_ok=True)
    (RUN / GUARD).write_text(f"{os.getpid()}\n")
    tell = Teller()
    dog = watchdog.armed(settings.watchdog_s) if settings.watchdog_s else None
    tell.say(introduced(dog, settings.watchdog_s))
    guard = Guard(
        settings=settings,
        dog=dog,
        run=RUN,
        say=tell.say,
        started_s=process_started_s,
        kill=kill,
        restart=restart,
        now_s=time.clock_gettime(time.CLOCK_BOOTTIME),
    )
    while signal.sigtimedwait({signal.SIGTERM}, guard.every_s) is None:
        guard.look(time.clock_gettime(time.CLOCK_BOOTTIME))
    if dog:
        if dog.stays:
            tell.say("the watchdog cannot be stopped: it resets the machine")
        dog.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
