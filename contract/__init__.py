"""What the agent and an image agree on: the documents, and how to read and write them.

Documents        install_config, disk_json (version 1); machine_details, machine_allocation
                 (version 2); boot_info, build_meta (from the installer); os_installer;
                 machine_document, filesystem_layout, image_index, os_image; provenance
What they share  document (base of all), fields, protobuf (base of version 2), meta,
                 filesystem_layout_v2, generations (install.yaml of other years), paths
Layouts          layout_rules, layout_devices, layout_labels, layout_places, layout_schema,
                 device_names
Images           image_reference (ids and versions), image_store (where they are),
                 image_digest
Reading          yaml_file (first), yaml_reader, yaml_events, yaml_scalars, yaml_limits,
                 yaml_positions, other_names, unknown_keys, errors
Writing          yaml_writer, values
The command      __main__, check, kinds, json_schema, examples, reference (docs/contract.md)
"""

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
from contract.os_image import OsImage
from contract.os_installer import OsInstaller
from contract.provenance import Provenance
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
    "OsImage",
    "OsInstaller",
    "Partition",
    "Properties",
    "Provenance",
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
