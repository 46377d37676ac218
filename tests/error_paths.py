"""For every error of the tree the test that raises it, as it is raised in the field.

Those of `tests/bad_input.py` have a case for each of their rows. Of the others one test is named
here, or it is said why there can be none. `tests/unit/test_errors.py` holds the table complete.
"""

from dataclasses import dataclass

from hammer import errors
from hammer.errors import HammerError


@dataclass(frozen=True)
class NoTest:
    """Why no test raises an error."""

    because: str


PATHS: dict[type[HammerError], str | NoTest] = {
    # --- the command line
    errors.CmdlineInvalid: "tests/vm/test_failure_path.py::test_a_word_that_nobody_knows",
    errors.RuleUnknown: "tests/unit/image/check/test_report.py::test_wrong_words",
    errors.ArgumentInvalid: "tests/unit/test_report_command.py::test_nowhere_and_twice",
    errors.JournalMissing: "tests/unit/test_retry.py::test_no_journal",
    errors.NothingToRetry: "tests/unit/test_retry.py::test_nothing_is_left_to_do",
    errors.NotInstalled: (
        "tests/unit/test_life.py::test_a_system_that_is_not_complete_is_not_started"
    ),
    errors.RetryUnsafe: "tests/unit/test_retry.py::test_no_step_is_left_out",
    errors.SystemAmbiguous: "tests/native/chroot/test_chroot.py::test_which_system_is_found",
    # --- the machine document
    errors.LayoutMissing: "tests/unit/image/check/test_report.py::test_wrong_words",
    errors.MachineUnknown: "tests/unit/test_refused.py::test_a_machine_that_nobody_names",
    errors.TrialDiskUnknown: (
        "tests/unit/image/test_trial_machine.py::test_disks_that_a_guest_cannot_have"
    ),
    # --- the image
    errors.ImageStalled: "tests/native/stream/test_sources.py::test_what_goes_wrong_on_the_way",
    errors.ImageTooSlow: "tests/native/stream/test_sources.py::test_what_goes_wrong_on_the_way",
    errors.ImageChanged: (
        "tests/native/stream/test_sources.py::test_an_image_that_is_published_again_meanwhile"
    ),
    errors.ImageRecoded: (
        "tests/native/stream/test_sources.py"
        "::test_what_can_be_refused_is_refused_before_anything_is_written"
    ),
    errors.ImageNotTrusted: (
        "tests/unit/stream/test_tls.py::test_an_image_whose_server_is_not_trusted"
    ),
    errors.ImageCorrupt: (
        "tests/native/stream/test_sources.py::test_an_image_that_was_published_broken"
    ),
    errors.TarCorrupt: (
        "tests/native/stream/test_members.py::test_archives_that_contradict_themselves"
    ),
    errors.TarMemberUnsupported: (
        "tests/native/stream/test_machine.py::test_vfat_refuses_links_by_name"
    ),
    errors.TreeUnusable: (
        "tests/unit/image/test_pack.py::test_what_is_no_root_filesystem_is_refused"
    ),
    errors.ImageKernelPanicked: "tests/vm/test_try.py::test_a_kernel_that_panics_after_kexec",
    errors.ImageNeverUp: (
        "tests/vm/test_try.py"
        "::test_a_system_that_never_says_that_it_is_up_on_a_machine_of_the_authors_own"
    ),
    errors.ImageWentOff: "tests/vm/test_try.py::test_a_system_that_powers_off_before_it_is_up",
    errors.SystemNeverUp: (
        "tests/unit/test_boots.py::test_systems_that_never_are_up_back_off_and_stop"
    ),
    # --- this machine
    errors.ShellMissing: (
        "tests/native/chroot/test_chroot.py::test_a_disk_without_a_system_can_be_entered_by_name"
    ),
    errors.SystemMissing: "tests/native/chroot/test_chroot.py::test_which_system_is_found",
    errors.TargetReadOnly: (
        "tests/native/chroot/test_chroot.py::test_what_was_mounted_stays_and_what_is_missing_comes"
    ),
    errors.RestartRefused: "tests/unit/test_power.py::test_a_restart_that_is_refused",
    errors.NotRamdisk: "tests/unit/test_commands.py::test_run_refuses_a_machine_with_a_system",
    errors.NotRoot: "tests/unit/test_refused.py::test_only_root_installs",
    errors.AgentRunning: "tests/native/test_install.py::test_a_second_installation_is_refused",
    errors.ProgramFailed: (
        "tests/unit/test_programs.py::test_a_failure_names_command_status_and_last_word"
    ),
    errors.ProgramTimeout: "tests/unit/test_programs.py::test_a_time_out_ends_the_whole_family",
    errors.NodeMissing: "tests/native/test_host_errors.py::test_a_partition_that_does_not_appear",
    errors.WipeFailed: "tests/native/test_host_errors.py::test_a_disk_that_takes_no_zeros",
    errors.MountFailed: "tests/native/test_host_errors.py::test_a_filesystem_that_is_none",
    errors.TreeDiffers: (
        "tests/native/stream/test_readback.py::test_what_the_disk_changes_is_found"
    ),
    errors.UnpackDied: (
        "tests/native/stream/test_machine.py::test_a_killed_unpacker_is_an_error_of_this_machine"
    ),
    errors.KexecRefused: (
        "tests/native/test_host_errors.py::test_kexec_is_refused_to_whom_has_no_right_to_it"
    ),
    errors.NetworkDown: "tests/unit/test_network.py::test_what_makes_no_sense",
    errors.AgentKilled: (
        "tests/unit/test_life.py::test_an_agent_that_was_killed_is_told_and_its_bundle_kept"
    ),
    errors.RamdiskMissing: (
        "tests/unit/image/test_try_command.py::test_refused_with_a_typed_error"
    ),
    errors.FirmwareMissing: "tests/unit/image/test_try_command.py::test_without_firmware",
    errors.GuestLost: (
        "tests/unit/image/test_trial_watch.py::test_a_guest_without_a_word_is_lost_before_the_limit"
    ),
    errors.TrialTooSlow: (
        "tests/unit/image/test_trial_watch.py"
        "::test_an_installation_that_takes_too_long_says_at_which_step"
    ),
    # --- the control plane
    errors.ControlUnsupported: "tests/unit/test_commands.py::test_pixie_alone_is_refused",
    errors.ReportUndelivered: (
        "tests/unit/test_report_command.py::test_a_server_that_does_not_take_it"
    ),
    # --- a stop
    errors.Interrupted: "tests/native/test_interrupted.py::test_interrupted_at_a_random_moment",
}
