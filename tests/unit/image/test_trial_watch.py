"""What is made of a guest, from what it said: recorded consoles, and a clock of the test's own."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from hammer import errors
from hammer.image.trial.transcript import Marker, Transcript, default_markers
from hammer.image.trial.watch import BOOT_LIMIT_S, Limits, Outcome, Watch

START = {"event": "start", "version": "0"}
BEGIN = {"event": "step", "step": "install", "number": 8, "state": "begin"}
END = {**BEGIN, "state": "end", "seconds": 2.5}
KEXEC = {"event": "kexec", "kernel": "/boot/vmlinuz", "cmdline": "root=x"}
FAILED = {
    "event": "failed",
    "code": "installer-failed",
    "exit_status": 20,
    "message": "/install.sh left with status 3",
    "hint": "look",
    "notes": ["also this"],
}
LIMITS = Limits(install_s=600, boot_s=30)

RAMDISK = "[    0.0] Linux version 6.1 ramdisk\r\n      hammer 0.1.0\r\n"
HANDED_OVER = "      installed\r\n      kexec into /boot/vmlinuz\r\n"
KERNEL = "[    0.0] Linux version 6.1 image\r\n"
PROMPT = "\x1b[0mDebian GNU/Linux 12 try-1 ttyS0\r\n\r\ntry-1 login: "


@dataclass
class Recorded:
    """A guest that says one pair of pieces per poll, and then nothing."""

    pieces: list[tuple[str, str]]
    """Console and second port."""
    ends: int | None = None
    """Status of QEMU after the last piece; None: it goes on."""
    at: int = 0
    now_s: float = 0.0
    said: list[str] = field(default_factory=list)

    def console(self) -> str:
        return self.pieces[self.at][0] if self.at < len(self.pieces) else ""

    def second_port(self) -> str:
        said = self.pieces[self.at][1] if self.at < len(self.pieces) else ""
        self.at += 1
        return said

    def status(self) -> int | None:
        return self.ends if self.at >= len(self.pieces) - 1 else None

    def complaint(self) -> str:
        return "no such accelerator"

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def line(*events: Mapping[str, object]) -> str:
    return "".join(json.dumps(event) + "\r\n" for event in events)


INSTALLED = [
    (RAMDISK, line(START)),
    (" 8/10 install   begins\r\n", line(BEGIN, END)),
    (HANDED_OVER, line(KEXEC)),
]


def watched(guest: Recorded, *, markers: tuple[Marker, ...] = default_markers("try-1")) -> Outcome:
    return Watch(
        guest,
        Transcript(markers),
        awaited=markers[0].name,
        limits=LIMITS,
        on_event=lambda event: None,
        say=guest.said.append,
        clock=guest.clock,
        sleep=guest.sleep,
    ).outcome()


def code_of(outcome: Outcome) -> str:
    assert outcome.failure is not None
    return outcome.failure.code


# --- it came up ---------------------------------------------------------------------------


def test_a_prompt_with_the_name_of_the_machine() -> None:
    outcome = watched(Recorded([*INSTALLED, (KERNEL + PROMPT, "")]))
    assert outcome.failure is None
    assert outcome.marker == "try-1 login:"
    assert outcome.remarks == ()
    assert outcome.seconds["install"] == 2.5
    assert {"boot", "up"} <= set(outcome.seconds)


def test_a_prompt_with_another_name_comes_with_a_remark() -> None:
    outcome = watched(Recorded([*INSTALLED, (KERNEL + "\r\nlocalhost login: ", "")]))
    assert outcome.failure is None
    assert "does not name try-1" in outcome.remarks[0]


def test_a_prompt_in_two_pieces() -> None:
    outcome = watched(Recorded([*INSTALLED, ("try-", ""), ("1 log", ""), ("in: ", "")]))
    assert outcome.marker == "try-1 login:"


@pytest.mark.parametrize(
    ("said", "up"),
    [
        ("METAL-PROOF kernel=6.1 match=yes hostname=try-1", True),
        ("METAL-PROOF kernel=6.1 match=no hostname=try-1", False),
        ("Last login: Fri Nov 20 12:00:00 on ttyS0", False),
        ("cloud-init: no login: given", False),
    ],
)
def test_lines_that_look_like_a_marker(said: str, up: bool) -> None:
    outcome = watched(Recorded([*INSTALLED, (f"{KERNEL}{said}\r\n", "")]))
    assert (outcome.failure is None) is up


def test_a_guest_that_prints_for_ever_without_a_line_end_fills_no_memory() -> None:
    transcript = Transcript(default_markers("try-1"))
    for _ in range(1000):
        transcript.feed("." * 1000)
    assert sum(map(len, transcript.tail())) < 1000 * 200


def test_a_marker_of_the_authors_own() -> None:
    marker = Marker(name="ready", pattern=re.compile("READY [0-9]+"))
    guest = Recorded([*INSTALLED, ("all is READY 7 now\r\n", "")])
    assert watched(guest, markers=(marker,)).marker == "all is READY 7 now"


@pytest.mark.parametrize("cut", range(1, len(HANDED_OVER)))
def test_the_last_word_of_the_agent_may_come_in_pieces(cut: int) -> None:
    pieces = [*INSTALLED[:2], (HANDED_OVER[:cut], line(KEXEC)), (HANDED_OVER[cut:] + PROMPT, "")]
    assert watched(Recorded(pieces)).failure is None


def test_all_that_happened_while_the_host_slept_comes_in_one_piece() -> None:
    console = "".join(text for text, _ in INSTALLED) + KERNEL + PROMPT
    events = "".join(text for _, text in INSTALLED)
    outcome = watched(Recorded([(console, events)]))
    assert outcome.marker == "try-1 login:"


# --- a prompt is no proof before kexec ----------------------------------------------------


def test_a_prompt_that_the_installer_prints_proves_nothing() -> None:
    fake = "      try-1 login:\r\nMETAL-PROOF match=yes\r\n"
    guest = Recorded([INSTALLED[0], (fake, line(BEGIN, END)), *INSTALLED[2:], (KERNEL, "")])
    assert code_of(watched(guest)) == "image-never-up"


def test_a_prompt_that_the_installer_prints_while_the_host_slept() -> None:
    console = RAMDISK + "try-1 login:\r\n" + HANDED_OVER + KERNEL
    guest = Recorded([(console, line(START, BEGIN, END, KEXEC))])
    assert code_of(watched(guest)) == "image-never-up"


# --- who is at fault ----------------------------------------------------------------------


def test_what_the_agent_says_is_passed_on() -> None:
    outcome = watched(Recorded([*INSTALLED[:2], ("FAILED [x]\r\n", line(FAILED))], ends=0))
    assert outcome.by_agent
    assert outcome.failure is not None
    assert vars(outcome.failure) == {
        **{key: FAILED[key] for key in ("code", "exit_status", "message", "hint")},
        "notes": ("also this",),
    }


def test_a_failure_of_kexec_itself_is_the_agents() -> None:
    failed = {**FAILED, "code": "kexec-refused", "exit_status": 30}
    guest = Recorded([*INSTALLED, ("FAILED\r\n", line(failed))], ends=0)
    assert code_of(watched(guest)) == "kexec-refused"


PANIC = "[ 1.0] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n"


@pytest.mark.parametrize("ends", [0, None], ids=["and restarts", "and hangs"])
def test_a_panic_after_kexec_is_the_images(ends: int | None) -> None:
    outcome = watched(Recorded([*INSTALLED, (KERNEL + PANIC, ""), ("trace\r\n", "")], ends=ends))
    assert outcome.failure is not None
    assert (code_of(outcome), outcome.failure.exit_status) == ("image-kernel-panicked", 20)
    assert "panic - not syncing: VFS: Unable to mount root" in outcome.failure.message
    assert outcome.tail[-1] == "trace"


def test_a_panic_before_kexec_is_the_hosts() -> None:
    outcome = watched(Recorded([(RAMDISK + PANIC, "")], ends=0))
    assert outcome.failure is not None
    assert (code_of(outcome), outcome.failure.exit_status) == ("guest-lost", 30)
    assert "VFS" in outcome.failure.message


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("", "not a line of its kernel"),
        (KERNEL, "the last line was: [    0.0] Linux version 6.1 image"),
        (KERNEL + "emergency mode\r\n", "the last line was: emergency mode"),
    ],
)
def test_a_system_that_says_nothing_is_never_up(said: str, told: str) -> None:
    guest = Recorded([*INSTALLED, (said, "")])
    outcome = watched(guest)
    assert outcome.failure is not None
    assert (code_of(outcome), outcome.failure.exit_status) == ("image-never-up", 20)
    assert "no `try-1 login:` on the console within 30 s after kexec" in outcome.failure.message
    assert told in outcome.failure.message
    assert LIMITS.boot_s < guest.now_s < LIMITS.boot_s + 5
    assert any("waiting for `try-1 login:`, 1" in said for said in guest.said)


def test_a_system_that_powers_off_before_it_is_up() -> None:
    outcome = watched(Recorded([*INSTALLED, (KERNEL, ""), ("Power down\r\n", "")], ends=0))
    assert outcome.failure is not None
    assert (code_of(outcome), outcome.failure.exit_status) == ("image-went-off", 20)


def test_a_system_that_powers_off_right_after_its_prompt_was_up() -> None:
    assert watched(Recorded([*INSTALLED, (KERNEL + PROMPT, "")], ends=0)).failure is None


def test_a_qemu_that_does_not_start_says_why() -> None:
    outcome = watched(Recorded([("", "")], ends=1))
    assert outcome.failure is not None
    assert outcome.failure.exit_status == 30
    assert outcome.failure.message.endswith("QEMU left with status 1: no such accelerator")


def test_a_guest_without_a_word_is_lost_before_the_limit() -> None:
    guest = Recorded([("", "")])
    assert code_of(watched(guest)) == "guest-lost"
    assert BOOT_LIMIT_S < guest.now_s < BOOT_LIMIT_S + 5
    assert guest.said[0] == "waiting for the ramdisk to boot, 10 s"


def test_an_installation_that_takes_too_long_says_at_which_step() -> None:
    guest = Recorded([(RAMDISK, line(START)), ("", line(BEGIN))])
    outcome = watched(guest)
    assert outcome.failure is not None
    assert code_of(outcome) == errors.TrialTooSlow.code
    assert outcome.failure.message == "not installed within 600 s, waiting for step install"


def test_events_and_steps_of_a_failure_are_timed() -> None:
    outcome = watched(Recorded([*INSTALLED[:2], ("", line(FAILED))]))
    assert outcome.seconds == {"boot": 0.0, "install": 2.5}
