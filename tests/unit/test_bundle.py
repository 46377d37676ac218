"""The failure bundle: what is in it, what must not be, and that nothing holds it up."""

import io
import json
import tarfile
import threading
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

import contract
from contract import examples
from hammer import bundle, redact
from hammer.bundle import EVENTS, LOG, Bundle, Sources, keep, make_bundle, summary
from hammer.console import Console, Failure, json_sink, log_sink, printable
from hammer.errors import NotRoot
from hammer.host.chroot import LINE_BYTES_MAX
from hammer.host.programs import AnyProgram
from hammer.journal import Journal
from hammer.report import failure_of
from tests.unit.fakes import RecordedPrograms

FAILURE = Failure(code="not-root", exit_status=30, message="no root", hint="be root", notes=("x",))
PARTS = {
    *("failure.json", "steps.json", "version.txt", "cmdline.txt", "hammer.log", "events.jsonl"),
    *(
        "machine.yaml",
        "dmesg.txt",
        "pstore.txt",
        "mounts.txt",
        "memory.txt",
        "block.json",
        "lsblk.txt",
    ),
    *("network.txt", "blkid.txt"),
}


def sources(run: Path, *, cmdline: str = "", programs: RecordedPrograms | None = None) -> Sources:
    return Sources(
        run=run, target=run / "rootfs", cmdline=cmdline, programs=programs or RecordedPrograms([])
    )


def unpacked(made: Bundle) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(made.data), mode="r:gz") as tar:
        files = {member.name: tar.extractfile(member) for member in tar}
        return {name: file.read().decode() for name, file in files.items() if file}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The directory of a run that failed in its second step."""
    (tmp_path / "hammer.log").write_text("first line\nlast line\n")
    events = [
        {"event": "step", "step": "check", "number": 1, "state": "begin", "time_s": 100.0},
        {"event": "step", "step": "check", "number": 1, "state": "end", "seconds": 1.5},
        {"event": "step", "step": "wipe", "number": 2, "state": "begin", "time_s": 101.5},
        {"event": "failed", "code": "wipe-failed", "message": "not zero", "time_s": 102.0},
    ]
    lines = [json.dumps(event) for event in events]
    (tmp_path / "events.jsonl").write_text("\n".join([*lines, '{"event": "cut of']))
    (tmp_path / "machine.yaml").write_text(contract.dump(examples.MACHINE))
    return tmp_path


def test_everything_is_in_it(run: Path) -> None:
    made = make_bundle(sources(run, cmdline="quiet hammer.pause_s=0"), FAILURE)
    files = unpacked(made)
    assert set(files) | set(made.left_out) == PARTS | {"collected.txt"}
    # A host may keep its kernel's messages and its list of disks to itself.
    assert set(made.left_out) <= {"dmesg.txt", "block.json", "pstore.txt"}
    assert files["hammer.log"] == "first line\nlast line\n"
    assert files["cmdline.txt"] == "quiet hammer.pause_s=0\n"
    assert {line.split(":")[0] for line in files["collected.txt"].splitlines()} == PARTS
    assert made.name.startswith("hammer-")


def test_the_failure_and_the_step_it_was_in(run: Path) -> None:
    files = unpacked(make_bundle(sources(run), FAILURE))
    told = json.loads(files["failure.json"])
    assert (told["code"], told["exit_status"], told["step"]) == ("not-root", 30, "wipe")
    assert (told["message"], told["hint"], told["notes"]) == ("no root", "be root", ["x"])


def test_a_failure_of_before_is_found_in_the_events(run: Path) -> None:
    told = json.loads(unpacked(make_bundle(sources(run)))["failure.json"])
    assert (told["code"], told["message"], told["step"]) == ("wipe-failed", "not zero", "wipe")


def test_steps_have_their_times_and_the_last_one_no_end(run: Path) -> None:
    assert json.loads(unpacked(make_bundle(sources(run)))["steps.json"]) == [
        {"step": "check", "began_s": 100.0, "seconds": 1.5},
        {"step": "wipe", "began_s": 101.5, "seconds": None},
    ]


def test_the_end_of_a_long_log_is_kept_and_the_cut_is_told(run: Path) -> None:
    # Each line of its own, so that nothing packs it: the bundle must fit all the same.
    noise = [sha256(b"%d" % number).hexdigest() for number in range(50000)]
    (run / "hammer.log").write_text("\n".join(noise) + "\n")
    (run / "events.jsonl").write_text("\n".join(map(json.dumps, noise)) + "\n")
    made = make_bundle(sources(run))
    assert len(made.data) <= bundle.BUNDLE_LIMIT_BYTES
    files = unpacked(made)
    assert files["hammer.log"].splitlines()[-200:] == noise[-200:]
    assert noise[0] not in files["hammer.log"].splitlines()


def test_what_is_cut_says_so() -> None:
    text = "".join(f"line {number}\n" for number in range(1000))
    cut = bundle._newest(text, 1000, as_json=False).decode()
    missing = int(cut.split()[0].strip("("))
    assert cut.partition("\n")[2] == text[missing:]
    assert len(cut) <= 1000
    assert cut.splitlines()[1].startswith("line ")
    assert json.loads(bundle._newest(text, 1000, as_json=True).splitlines()[0])["event"] == "cut"


def test_the_log_before_the_last_rotation_is_in_it(run: Path) -> None:
    (run / "hammer.log.1").write_text("older line\n")
    files = unpacked(make_bundle(sources(run)))
    assert files["hammer.log"] == "older line\nfirst line\nlast line\n"


def test_what_happened_before_the_last_rotation_is_known(run: Path) -> None:
    (run / "events.jsonl").rename(run / "events.jsonl.1")
    (run / "events.jsonl").write_text(json.dumps({"event": "say", "text": "hello"}) + "\n")
    files = unpacked(make_bundle(sources(run)))
    assert json.loads(files["failure.json"])["code"] == "wipe-failed"
    assert [step["step"] for step in json.loads(files["steps.json"])] == ["check", "wipe"]
    assert '"hello"' in files["events.jsonl"]


def test_a_program_that_hangs_costs_its_part(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    class Hanging(RecordedPrograms):
        def run(
            self, program: AnyProgram, *args: str | Path, stdin: str = "", timeout_s: float = 60
        ) -> str:
            released.wait()
            return "too late"

    monkeypatch.setattr(bundle, "PART_LIMIT_S", 0.5)
    made = make_bundle(sources(run, programs=Hanging([])), FAILURE)
    released.set()
    assert {"lsblk.txt", "blkid.txt", "network.txt"} <= set(made.left_out)
    files = unpacked(made)
    assert "lsblk.txt: left out, not done within" in files["collected.txt"]
    assert "failure.json" in files


def test_a_bundle_has_a_limit_as_a_whole(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "BUNDLE_LIMIT_S", 0.0)
    made = make_bundle(sources(run), FAILURE)
    assert "collected.txt" in unpacked(made)


def test_a_program_that_fails_is_told(run: Path) -> None:
    programs = RecordedPrograms([])

    def no_such_program(*_: object, **__: object) -> str:
        raise NotRoot(uid=7)

    programs.run = no_such_program  # type: ignore[method-assign]
    made = make_bundle(sources(run, programs=programs))
    told = unpacked(made)["collected.txt"]
    assert f"lsblk.txt: left out, not-root: {NotRoot(uid=7)}" in told


def test_a_bug_costs_a_part_and_its_text_is_not_told(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*_: object) -> str:
        raise ValueError("hunter2")

    monkeypatch.setattr("hammer.host.facts.mounts", bug)
    made = make_bundle(sources(run))
    assert "mounts.txt: left out, a bug: ValueError" in unpacked(made)["collected.txt"]


def test_a_document_that_does_not_parse_is_not_shown(run: Path) -> None:
    (run / "machine.yaml").write_text("allocation: {user_data: hunter2}\nhunter2: [")
    made = make_bundle(sources(run))
    assert "machine.yaml" in made.left_out
    assert "hunter2" not in str(unpacked(made))


def test_of_an_empty_run_there_is_a_bundle(tmp_path: Path) -> None:
    made = make_bundle(sources(tmp_path / "nothing"))
    assert {"hammer.log", "events.jsonl", "machine.yaml"} <= set(made.left_out)
    assert json.loads(unpacked(made)["failure.json"])["failure"] is None


def test_it_is_kept_for_root_alone(tmp_path: Path) -> None:
    made = Bundle(name="hammer-x.tar.gz", data=b"abc", left_out=("blkid.txt",))
    (tmp_path / "bundle.tar.gz").write_bytes(b"older and longer")
    kept = keep(made, tmp_path)
    assert kept == tmp_path / "bundle.tar.gz"
    assert kept.read_bytes() == b"abc"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.tar.gz"]
    told = summary(made, kept)
    assert f"{kept}, 1 KiB, without blkid.txt; `hammer report`" in told


def test_a_directory_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    made = Bundle(name="hammer-x.tar.gz", data=b"abc", left_out=())
    assert keep(made, tmp_path / "no/such/directory") is None
    assert "could not be kept" in summary(made, None)


# --- secrets --------------------------------------------------------------------------------

# Not *, which hides; not /, ?, # and @, which end the parts of a URL.
# White space around a line is no part of it, and a line of less than eight is not hidden.
LETTERS = st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="*/?#@\\\"'<>")
SECRETS = st.text(LETTERS, min_size=4, max_size=30).map(lambda text: f"s3cr{text}")
LINES = st.lists(SECRETS, min_size=1, max_size=3).map("\n".join)


# A failing example need not be small, and to find a small one takes minutes.
@settings(max_examples=30, deadline=None, phases=[Phase.generate])
@given(user_data=LINES, vpn=SECRETS, console=SECRETS, password=SECRETS, signature=SECRETS)
def test_no_secret_is_in_it(
    tmp_path_factory: pytest.TempPathFactory,
    user_data: str,
    vpn: str,
    console: str,
    password: str,
    signature: str,
) -> None:
    run = tmp_path_factory.mktemp("run")
    assert examples.MACHINE.allocation.vpn is not None
    allocation = examples.MACHINE.allocation.model_copy(
        update={
            "user_data": SecretStr(user_data),
            "vpn": examples.MACHINE.allocation.vpn.model_copy(update={"auth_key": SecretStr(vpn)}),
        }
    )
    document = examples.MACHINE.model_copy(update={"allocation": allocation})
    (run / "machine.yaml").write_text(contract.dump(document))
    config = examples.INSTALL_CONFIG.model_copy(update={"password": SecretStr(console)})
    (run / "rootfs/etc/metal").mkdir(parents=True)
    (run / "rootfs/etc/metal/install.yaml").write_text(contract.dump(config))

    signed = f"https://me:{password}@images.test/img.tar.lz4?sig={signature}"
    said = [f"installer: {line}" for line in (*user_data.splitlines(), vpn, console, signed)]
    said.append(user_data)
    (run / "hammer.log").write_text("\n".join(said))
    events = [json.dumps({"event": "say", "text": text}) for text in said]
    (run / "events.jsonl").write_text("\n".join(events))
    failure = failure_of(NotRoot(uid=7))
    failure = Failure(**{**vars(failure), "message": f"{signed}: no", "notes": tuple(said)})

    made = make_bundle(sources(run, cmdline=f'quiet "hammer.spec={signed}" debug'), failure)
    files = unpacked(made)
    assert "machine.yaml" in files
    assert "***" in files["machine.yaml"]
    assert "images.test/img.tar.lz4" in files["cmdline.txt"]
    for secret in (*user_data.splitlines(), vpn, console, password, signature):
        for spelling in (secret, json.dumps(secret)[1:-1]):
            assert [name for name, text in files.items() if spelling in text] == []


def test_all_else_of_the_document_is_shown(run: Path) -> None:
    files = unpacked(make_bundle(sources(run)))
    shown = contract.load(
        contract.MachineDocument, files["machine.yaml"].encode(), name="machine.yaml"
    )
    assert shown.allocation.hostname == examples.MACHINE.allocation.hostname
    assert shown.allocation.filesystemlayout == examples.MACHINE.allocation.filesystemlayout
    assert shown.allocation.ssh_pub_keys == examples.MACHINE.allocation.ssh_pub_keys


@pytest.mark.parametrize("name", ["hammer.log", "events.jsonl"])
def test_what_was_written_before_a_ring_turned_is_in_it(run: Path, name: str) -> None:
    now = (run / name).read_text()
    (run / f"{name}.1").write_text('{"before": 1}\n')
    assert unpacked(make_bundle(sources(run)))[name] == '{"before": 1}\n' + now


def test_the_steps_are_those_of_both_files_of_events(run: Path) -> None:
    begun = {"event": "step", "step": "check", "number": 1, "state": "begin", "time_s": 1.0}
    (run / "events.jsonl.1").write_text(json.dumps(begun) + "\n")
    (run / "events.jsonl").write_text(json.dumps({**begun, "state": "end", "seconds": 2.5}) + "\n")
    steps = json.loads(unpacked(make_bundle(sources(run)))["steps.json"])
    assert [(step["step"], step["seconds"]) for step in steps] == [("check", 2.5)]


@pytest.fixture
def secret_run(tmp_path: Path) -> Path:
    """The directory of a run whose document has secrets that are longer than lines are."""
    allocation = examples.MACHINE.allocation
    assert allocation.vpn is not None
    secrets = {
        "user_data": SecretStr(USER_DATA),
        "vpn": allocation.vpn.model_copy(update={"auth_key": SecretStr(AUTH_KEY)}),
    }
    document = examples.MACHINE.model_copy(
        update={"allocation": allocation.model_copy(update=secrets)}
    )
    (tmp_path / "machine.yaml").write_text(contract.dump(document))
    return tmp_path


# Not two places of them are the same.
USER_DATA = (
    '{"ignition": "' + "".join(sha256(b"%d" % each).hexdigest() for each in range(200)) + '"}'
)
AUTH_KEY = "tskey-auth-" + sha256(b"key").hexdigest()
SIGNATURE = sha256(b"signature").hexdigest()


def test_a_secret_that_is_longer_than_a_line_is_not_in_it(secret_run: Path) -> None:
    """What an installer prints goes the way that it goes in the ramdisk."""
    with (secret_run / LOG).open("w") as log, (secret_run / EVENTS).open("w") as events:
        console = Console([log_sink(log.write), json_sink(events.write)])
        console.say(f"joining the network of this machine with the key {AUTH_KEY}")
        console.say(f"fetching https://images.test/some/long/path/img.tar.lz4?sig={SIGNATURE}")
        said = f"+ echo {USER_DATA}"
        for at in range(0, len(said), LINE_BYTES_MAX):
            console.say(said[at : at + LINE_BYTES_MAX])
        console.say("the last line")
    files = unpacked(make_bundle(sources(secret_run)))
    for name in (LOG, EVENTS):
        assert "joining the network of this machine with the key ***" in files[name]
        assert "https://images.test/some/long/path/img.tar.lz4?..." in files[name]
        assert "the last line" in files[name]
        for secret in (AUTH_KEY, SIGNATURE, USER_DATA):
            parts = {secret[at : at + 32] for at in range(len(secret) - 31)}
            assert not [part for part in parts if part in files[name]]


def test_a_long_word_holds_nothing_up(run: Path) -> None:
    # Each letter could begin a URL: looked for to the end of the word, that takes minutes.
    (run / LOG).write_text("a" * 250_000 + "\n")
    assert "a" * 250_000 in unpacked(make_bundle(sources(run)))[LOG]


def test_what_cannot_be_redacted_in_time_is_left_out(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()

    def hanging(text: str, secrets: object = ()) -> str:
        if "last line" in text:
            released.wait()
        return text

    monkeypatch.setattr(redact, "text", hanging)
    monkeypatch.setattr(bundle, "PART_LIMIT_S", 0.5)
    made = make_bundle(sources(run))
    released.set()
    assert LOG in made.left_out
    assert LOG not in unpacked(made)


def test_an_address_without_a_secret_is_shown(run: Path) -> None:
    words = "hammer.spec=http://10.0.0.1/m.yaml hammer.report=https://me:hunter2@10.0.0.2/long/path"
    (run / LOG).write_text("machine document http://10.0.0.1/m.yaml: not found\n")
    files = unpacked(make_bundle(sources(run, cmdline=words)))
    shown = "hammer.spec=http://10.0.0.1/m.yaml hammer.report=https://10.0.0.2/long/path\n"
    assert files["cmdline.txt"] == shown
    assert files[LOG] == "machine document http://10.0.0.1/m.yaml: not found\n"


def test_a_secret_with_a_tab_is_hidden_also_where_the_log_has_spaces() -> None:
    told = printable("+ user\thunter2hunter2")
    assert "hunter2" not in redact.text(told, ["user\thunter2hunter2\n"])


def test_the_console_password_is_hidden_also_when_nothing_is_mounted_any_more(run: Path) -> None:
    journal = Journal.new(run)
    journal.keep_password(SecretStr("hunter2hunter2"))
    journal.keep_password(SecretStr("hunter3hunter3"))  # of a second try
    journal.give_up()
    (run / LOG).write_text("+ chpasswd hunter2hunter2\n+ chpasswd hunter3hunter3\n")
    files = unpacked(make_bundle(sources(run)))
    assert files[LOG] == "+ chpasswd ***\n+ chpasswd ***\n"
    assert "hunter" not in repr(journal)


def test_a_journal_that_is_damaged_costs_nothing(run: Path) -> None:
    (run / "journal.json").write_text("[")
    assert LOG in unpacked(make_bundle(sources(run)))


def test_what_is_hidden_in_json_leaves_json(secret_run: Path) -> None:
    with (secret_run / EVENTS).open("w") as events:
        console = Console([json_sink(events.write)])
        console.say(f'+ curl "https://me:hunter2@images.test/img?sig={SIGNATURE}" "a"')
        console.say(f'+ curl \'{{"url": "https://images.test/img#{SIGNATURE}"}}\'')
        console.say(f'{AUTH_KEY}"')
        # As much of it as there is before a quote, and then something else.
        console.say(USER_DATA.partition(": ")[2][:40].replace('"', "") + '"')
        console.say("https://me:hun\\ter2@images.test/img")
    text = unpacked(make_bundle(sources(secret_run)))[EVENTS]
    said = [json.loads(line)["text"] for line in text.splitlines()]
    assert said[0] == '+ curl "https://images.test/img?..." "a"'
    assert said[1] == """+ curl '{"url": "https://images.test/img"}'"""
    assert said[2:4] == ['***"', '***"']
    assert said[4] == "https://images.test/img"
