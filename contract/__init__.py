"""What the agent and an image agree on: the documents, and how to read and write them."""

from contract import paths
from contract.boot_info import BootInfo
from contract.build_meta import BuildMeta
from contract.device_names import partition_device, volume_device
from contract.disk_json import DiskJson, DiskPartition, Properties, dump_json
from contract.document import Document
from contract.errors import Broken, ContractError, Finding, NotYaml
from contract.filesystem_layout import (
    Constraints,
    Disk,
    Filesystem,
    FilesystemLayout,
    LogicalVolume,
    Partition,
    Raid,
    VolumeGroup,
)
from contract.image_index import ImageIndex, IndexedImage
from contract.image_reference import ImageId, Version
from contract.install_config import (
    DnsServer,
    EgressRule,
    FirewallRules,
    IngressRule,
    InstallConfig,
    Network,
    Nic,
    NtpServer,
    Vpn,
)
from contract.machine_allocation import MachineAllocation
from contract.machine_details import MachineDetails, MachineNic
from contract.machine_document import Allocation, Hardware, Image, MachineDocument
from contract.os_installer import OsInstaller
from contract.yaml_file import dump, load, load_file

__all__ = [
    "Allocation",
    "BootInfo",
    "Broken",
    "BuildMeta",
    "Constraints",
    "ContractError",
    "Disk",
    "DiskJson",
    "DiskPartition",
    "DnsServer",
    "Document",
    "EgressRule",
    "Filesystem",
    "FilesystemLayout",
    "Finding",
    "FirewallRules",
    "Hardware",
    "Image",
    "ImageId",
    "ImageIndex",
    "IndexedImage",
    "IngressRule",
    "InstallConfig",
    "LogicalVolume",
    "MachineAllocation",
    "MachineDetails",
    "MachineDocument",
    "MachineNic",
    "Network",
    "Nic",
    "NotYaml",
    "NtpServer",
    "OsInstaller",
    "Partition",
    "Properties",
    "Raid",
    "Version",
    "VolumeGroup",
    "Vpn",
    "dump",
    "dump_json",
    "load",
    "load_file",
    "partition_device",
    "paths",
    "volume_device",
]
