"""Every failure the agent expects, and what the operator is told about it.

    HammerError
    ├── UsageError                2   the command line is wrong
    │   ├── CmdlineInvalid
    │   ├── InstallerUnusable
    │   ├── RuleUnknown
    │   ├── ArgumentInvalid
    │   ├── JournalMissing
    │   ├── NothingToRetry
    │   ├── NotInstalled
    │   ├── RetryUnsafe
    │   └── SystemAmbiguous
    ├── SpecError                10   the machine document cannot be carried out here
    │   ├── DocumentMissing
    │   ├── DocumentInvalid
    │   ├── LayoutMissing
    │   ├── ImageUnknown
    │   ├── IndexMissing
    │   ├── IndexInvalid
    │   ├── ImageAddressInvalid
    │   ├── OsImageMissing
    │   ├── OsImageInvalid
    │   ├── Unsupported
    │   ├── WrongMachine
    │   ├── MachineUnknown
    │   ├── DiskMissing
    │   ├── DiskTooSmall
    │   ├── TargetFull
    │   └── TrialDiskUnknown
    ├── ImageError               20   the image is not what it must be
    │   ├── StoreUnreachable
    │   ├── ListingInvalid
    │   ├── ImageUnreachable
    │   ├── ImageNotTrusted
    │   ├── ImageHttpStatus
    │   ├── DigestMissing
    │   ├── DigestMalformed
    │   ├── DigestMismatch
    │   ├── DigestWeak
    │   ├── ImageInterrupted
    │   ├── ImageStalled
    │   ├── ImageTooSlow
    │   ├── ImageChanged
    │   ├── ImageRecoded
    │   ├── ImageTruncated
    │   ├── ImageNotLz4
    │   ├── ImageCorrupt
    │   ├── ImageNotTar
    │   ├── TarCorrupt
    │   ├── TarMemberOutside
    │   ├── TarMemberUnsupported
    │   ├── InstallerMissing
    │   ├── InstallerFailed
    │   ├── InstallerKilled
    │   ├── InstallerTimeout
    │   ├── BootInfoMissing
    │   ├── BootInfoInvalid
    │   ├── BootFileMissing
    │   ├── KernelInvalid
    │   ├── TreeUnusable
    │   ├── SystemNeverUp
    │   ├── ImageKernelPanicked
    │   ├── ImageNeverUp
    │   └── ImageWentOff
    ├── HostError                30   this machine did not do what it was told
    │   ├── NotRamdisk
    │   ├── NotRoot
    │   ├── AgentRunning
    │   ├── ProgramMissing
    │   ├── ProgramFailed
    │   ├── ProgramTimeout
    │   ├── DiskInUse
    │   ├── TargetInUse
    │   ├── NodeMissing
    │   ├── WipeFailed
    │   ├── MountFailed
    │   ├── UnmountBusy
    │   ├── TargetReadOnly
    │   ├── SystemMissing
    │   ├── ShellMissing
    │   ├── FileFailed
    │   ├── TreeDiffers
    │   ├── UnpackDied
    │   ├── KexecRefused
    │   ├── RestartRefused
    │   ├── NetworkDown
    │   ├── AgentKilled
    │   ├── RamdiskMissing
    │   ├── FirmwareMissing
    │   ├── GuestLost
    │   └── TrialTooSlow
    ├── ControlError             40   who gives the orders cannot be reached
    │   ├── SpecUnreachable
    │   ├── ControlUnsupported
    │   └── ReportUndelivered
    └── Stop                     75   somebody wanted it so, and it can go on
        └── Interrupted

`code` is what dashboards match on: never rename one, never use one twice.
`hint` says what a person should do next. The number is the exit status of the
program, one per branch: it says who has to act. Anything that is not a
HammerError is a bug in the agent (exit status 70, EX_SOFTWARE of sysexits.h).
"""

from hammer.errors.base import (
    BUG_EXIT_STATUS,
    ControlError,
    HammerError,
    HostError,
    ImageError,
    SpecError,
    Stop,
    UsageError,
)
from hammer.errors.control import (
    ControlUnsupported,
    ReportUndelivered,
    SpecUnreachable,
)
from hammer.errors.host import (
    AgentKilled,
    AgentRunning,
    DiskInUse,
    FileFailed,
    KexecRefused,
    MountFailed,
    NetworkDown,
    NodeMissing,
    NotRamdisk,
    NotRoot,
    ProgramFailed,
    ProgramMissing,
    ProgramTimeout,
    RestartRefused,
    ShellMissing,
    SystemMissing,
    TargetInUse,
    TargetReadOnly,
    TreeDiffers,
    UnmountBusy,
    UnpackDied,
    WipeFailed,
)
from hammer.errors.image import (
    DigestMalformed,
    DigestMismatch,
    DigestMissing,
    DigestWeak,
    ImageChanged,
    ImageCorrupt,
    ImageHttpStatus,
    ImageInterrupted,
    ImageNotLz4,
    ImageNotTar,
    ImageNotTrusted,
    ImageRecoded,
    ImageStalled,
    ImageTooSlow,
    ImageTruncated,
    ImageUnreachable,
    ListingInvalid,
    StoreUnreachable,
    TarCorrupt,
    TarMemberOutside,
    TarMemberUnsupported,
)
from hammer.errors.installer import (
    BootFileMissing,
    BootInfoInvalid,
    BootInfoMissing,
    InstallerFailed,
    InstallerKilled,
    InstallerMissing,
    InstallerTimeout,
    KernelInvalid,
    SystemNeverUp,
    TreeUnusable,
)
from hammer.errors.spec import (
    DiskMissing,
    DiskTooSmall,
    DocumentInvalid,
    DocumentMissing,
    ImageAddressInvalid,
    ImageUnknown,
    IndexInvalid,
    IndexMissing,
    LayoutMissing,
    MachineUnknown,
    OsImageInvalid,
    OsImageMissing,
    TargetFull,
    Unsupported,
    WrongMachine,
)
from hammer.errors.stop import Interrupted
from hammer.errors.trial import (
    FirmwareMissing,
    GuestLost,
    ImageKernelPanicked,
    ImageNeverUp,
    ImageWentOff,
    RamdiskMissing,
    TrialDiskUnknown,
    TrialTooSlow,
)
from hammer.errors.usage import (
    ArgumentInvalid,
    CmdlineInvalid,
    InstallerUnusable,
    JournalMissing,
    NothingToRetry,
    NotInstalled,
    RetryUnsafe,
    RuleUnknown,
    SystemAmbiguous,
)

__all__ = [
    "BUG_EXIT_STATUS",
    "AgentKilled",
    "AgentRunning",
    "ArgumentInvalid",
    "BootFileMissing",
    "BootInfoInvalid",
    "BootInfoMissing",
    "CmdlineInvalid",
    "ControlError",
    "ControlUnsupported",
    "DigestMalformed",
    "DigestMismatch",
    "DigestMissing",
    "DigestWeak",
    "DiskInUse",
    "DiskMissing",
    "DiskTooSmall",
    "DocumentInvalid",
    "DocumentMissing",
    "FileFailed",
    "FirmwareMissing",
    "GuestLost",
    "HammerError",
    "HostError",
    "ImageAddressInvalid",
    "ImageChanged",
    "ImageCorrupt",
    "ImageError",
    "ImageHttpStatus",
    "ImageInterrupted",
    "ImageKernelPanicked",
    "ImageNeverUp",
    "ImageNotLz4",
    "ImageNotTar",
    "ImageNotTrusted",
    "ImageRecoded",
    "ImageStalled",
    "ImageTooSlow",
    "ImageTruncated",
    "ImageUnknown",
    "ImageUnreachable",
    "ImageWentOff",
    "IndexInvalid",
    "IndexMissing",
    "InstallerFailed",
    "InstallerKilled",
    "InstallerMissing",
    "InstallerTimeout",
    "InstallerUnusable",
    "Interrupted",
    "JournalMissing",
    "KernelInvalid",
    "KexecRefused",
    "LayoutMissing",
    "ListingInvalid",
    "MachineUnknown",
    "MountFailed",
    "NetworkDown",
    "NodeMissing",
    "NotInstalled",
    "NotRamdisk",
    "NotRoot",
    "NothingToRetry",
    "OsImageInvalid",
    "OsImageMissing",
    "ProgramFailed",
    "ProgramMissing",
    "ProgramTimeout",
    "RamdiskMissing",
    "ReportUndelivered",
    "RestartRefused",
    "RetryUnsafe",
    "RuleUnknown",
    "ShellMissing",
    "SpecError",
    "SpecUnreachable",
    "Stop",
    "StoreUnreachable",
    "SystemAmbiguous",
    "SystemMissing",
    "SystemNeverUp",
    "TarCorrupt",
    "TarMemberOutside",
    "TarMemberUnsupported",
    "TargetFull",
    "TargetInUse",
    "TargetReadOnly",
    "TreeDiffers",
    "TreeUnusable",
    "TrialDiskUnknown",
    "TrialTooSlow",
    "UnmountBusy",
    "UnpackDied",
    "Unsupported",
    "UsageError",
    "WipeFailed",
    "WrongMachine",
]
