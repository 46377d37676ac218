"""A complete example of every kind of document: each key is there, and set."""

from pydantic import SecretStr

from contract import filesystem_layout_v2 as layout_v2
from contract import machine_allocation as allocation
from contract import machine_document as machine
from contract import provenance
from contract.boot_info import BootInfo
from contract.build_meta import BuildMeta
from contract.disk_json import DiskJson, DiskPartition, Properties
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
from contract.install_config import InstallConfig
from contract.machine_details import MachineDetails, MachineNic
from contract.meta import Labels, Meta
from contract.os_image import OsImage, OsImageMetadata, OsImageProperties, OsImageSpec
from contract.os_installer import CustomScript, OsInstaller, Overwrites

_MACHINE = "4c4c4544-0042-4810-8056-b4c04f395332"
_ROOT = "543eb7f8-98d4-d986-e669-824dbebe69e5"
_IMAGE = "http://images.example.com/metal-os/20241118/debian/12/img.tar.lz4"
_ALLOCATION = "c4b2a2d2-27cd-5a5e-8efc-080ba80cf258"
_PROJECT = "0a6f8f5c-6d3e-4a4b-9a3c-3a4f6f1d2b11"
_PASSWORD = SecretStr("b7Wn0KfVx2+Q/example")

LAYOUT = FilesystemLayout(
    id="mirrored",
    name="mirrored",
    description="system on a mirror of two disks, data on a volume over two more",
    constraints=Constraints(sizes=("n1-medium-x86",), images={"debian": ">= 12", "ubuntu": "*"}),
    filesystems=(
        Filesystem(
            path="/boot/efi",
            device="/dev/sda1",
            format="vfat",
            label="efi",
            mountoptions=("defaults",),
            createoptions=("-F 32",),
        ),
        Filesystem(path="/", device="/dev/md1", format="ext4", label="root"),
        Filesystem(path="/var/lib", device="/dev/data/varlib", format="ext4", label="varlib"),
        Filesystem(
            path="/tmp",
            device="tmpfs",
            format="tmpfs",
            mountoptions=("defaults", "noatime", "nosuid", "nodev", "mode=1777", "size=512M"),
        ),
    ),
    disks=(
        Disk(
            device="/dev/sda",
            partitions=(
                Partition(number=1, label="efi", size=500, gpttype="ef00"),
                Partition(number=2, label="root", size=0, gpttype="fd00"),
            ),
            wipeonreinstall=True,
        ),
        Disk(
            device="/dev/sdb",
            partitions=(Partition(number=1, label="root", size=0, gpttype="fd00"),),
            wipeonreinstall=True,
        ),
        Disk(device="/dev/nvme0n1"),
        Disk(device="/dev/nvme1n1"),
    ),
    raid=(
        Raid(
            arrayname="/dev/md1",
            devices=("/dev/sda2", "/dev/sdb1"),
            level="1",
            createoptions=("--metadata=1.0",),
            spares=0,
        ),
    ),
    volumegroups=(
        VolumeGroup(name="data", devices=("/dev/nvme0n1", "/dev/nvme1n1"), tags=("data",)),
    ),
    logicalvolumes=(
        LogicalVolume(name="varlib", volumegroup="data", size=100000, lvmtype="striped"),
    ),
)

_DIGEST = "8f3c5d2e6a7b4190" * 4

OS_IMAGE = OsImage(
    api_version="management.loft.sh/v1",
    kind="OSImage",
    metadata=OsImageMetadata(name="debian-12.0.20241118"),
    spec=OsImageSpec(
        display_name="Debian 12",
        properties=OsImageProperties(
            image_url=_IMAGE,
            image_checksum="http://images.example.com/metal-os/20241118/debian/12/SHA256SUMS",
            image_checksum_type="sha256",
        ),
    ),
)

MACHINE = machine.MachineDocument(
    id=_MACHINE,
    allocation=machine.Allocation(
        hostname="fw-1",
        image=machine.Image(
            id="debian-12.0.20241118",
            name="Debian 12",
            description="Debian 12 of 18 November 2024",
            url=_IMAGE,
            store="http://images.example.com/metal-os",
            digest=f"sha256:{_DIGEST}",
            digest_type="sha256",
            os_image=OS_IMAGE,
            mirrors=("http://cache.example.com/",),
            features=("machine", "firewall"),
            classification="supported",
            expiration_date="2025-05-18T00:00:00Z",
        ),
        filesystemlayout=LAYOUT,
        role="firewall",
        networks=(
            machine.Network(
                asn=4210000001,
                destinationprefixes=("0.0.0.0/0",),
                ips=("203.0.113.10",),
                nat=True,
                nattypev2="NAT_TYPE_IPV4_MASQUERADE",
                networkid="internet",
                networktype="external",
                networktypev2="NETWORK_TYPE_EXTERNAL",
                prefixes=("203.0.113.0/24",),
                private=False,
                projectid="",
                underlay=False,
                vrf=104009,
            ),
        ),
        ssh_pub_keys=("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample alice@example.com",),
        user_data=SecretStr("#cloud-config\nruncmd:\n  - touch /etc/hello\n"),
        vpn=machine.Vpn(
            address="https://vpn.example.com", auth_key=SecretStr("example-key"), connected=False
        ),
        firewall_rules=machine.FirewallRules(
            egress=(
                machine.EgressRule(
                    comment="web", ports=(80, 443), protocol="tcp", to=("0.0.0.0/0",)
                ),
            ),
            ingress=(
                machine.IngressRule(
                    comment="ssh",
                    from_=("198.51.100.0/24",),
                    ports=(22,),
                    protocol="tcp",
                    to=("203.0.113.10/32",),
                ),
            ),
        ),
        dns_servers=(machine.DnsServer(ip="192.0.2.53"),),
        ntp_servers=(machine.NtpServer(address="time.example.com"),),
        allocationuuid=_ALLOCATION,
        name="firewall of the web shop",
        description="lets the web shop out",
        project=_PROJECT,
        creator="alice@example.com",
        created="2024-11-20T09:30:00Z",
        reinstall=False,
    ),
    hardware=machine.Hardware(
        nics=(
            machine.Nic(
                identifier="00:03:00:11:11:01",
                mac="00:03:00:11:11:01",
                name="lan0",
                neighbors=(machine.Nic(identifier="swp1", mac="b8:6a:97:74:00:01", name="swp1"),),
            ),
        ),
    ),
)

IMAGE_INDEX = ImageIndex(
    images=(
        IndexedImage(
            id="debian-12.0.20241118",
            name="Debian 12 20241118",
            description="Debian 12 of 18 November 2024",
            url=_IMAGE,
            features=("machine",),
            classification="supported",
            expiration_date="2025-05-18T00:00:00Z",
        ),
        IndexedImage(
            id="firewall-ubuntu-3.0.20241118",
            url="http://images.example.com/metal-os/20241118/firewall/3.0-ubuntu/img.tar.lz4",
            features=("firewall",),
        ),
    ),
)

INSTALL_CONFIG = InstallConfig(
    hostname=MACHINE.allocation.hostname,
    networks=MACHINE.allocation.networks,
    machineuuid=_MACHINE,
    sshpublickey="\n".join(MACHINE.allocation.ssh_pub_keys),
    password=_PASSWORD,
    console="ttyS1,115200n8",
    timestamp="2024-11-20T09:41:43Z",
    nics=MACHINE.hardware.nics,
    vpn=MACHINE.allocation.vpn,
    role=MACHINE.allocation.role,
    raidenabled=True,
    root_uuid=_ROOT,
    firewall_rules=MACHINE.allocation.firewall_rules,
    dns_servers=MACHINE.allocation.dns_servers,
    ntp_servers=MACHINE.allocation.ntp_servers,
)

BOOT_INFO = BootInfo(
    initrd="/boot/initrd.img-6.1.0-27-amd64",
    cmdline=f"console=ttyS1,115200n8 root=UUID={_ROOT} init=/sbin/init net.ifnames=0",
    kernel="/boot/vmlinuz-6.1.0-27-amd64",
    bootloader_id="metal-debian",
)

DISK_JSON = DiskJson(
    partitions=(
        DiskPartition(label="root", filesystem="ext4", properties=Properties(uuid=_ROOT)),
        DiskPartition(label="efi", filesystem="vfat", properties=Properties(uuid="C29C-38F6")),
    )
)

_META = Meta(
    labels=Labels(labels={"shop.example.com/part": "web"}),
    created_at="2024-11-20T09:30:00Z",
    updated_at="2024-11-20T09:41:00Z",
    generation=3,
    deletion_task_id="f0d3e0f6-6a52-4d54-a9a1-7c1a5c1d2e3f",
)

LAYOUT_V2 = layout_v2.FilesystemLayout(
    id="mirrored",
    meta=_META,
    name="mirrored",
    description="system on a mirror of two disks, data on a volume over two more",
    filesystems=(
        layout_v2.Filesystem(
            device="/dev/md1",
            format="FORMAT_EXT4",
            name="root",
            description="the system",
            path="/",
            label="root",
            mount_options=("defaults", "noatime"),
            create_options=("-O", "^metadata_csum_seed"),
        ),
        layout_v2.Filesystem(
            device="/dev/data/varlib", format="FORMAT_EXT4", path="/var/lib", label="varlib"
        ),
    ),
    disks=(
        layout_v2.Disk(
            device="/dev/sda",
            partitions=(
                layout_v2.DiskPartition(
                    number=1, label="root", size=50000, gpt_type="GPT_TYPE_LINUX_RAID"
                ),
            ),
        ),
        layout_v2.Disk(device="/dev/nvme0n1"),
    ),
    raid=(
        layout_v2.Raid(
            array_name="/dev/md1",
            devices=("/dev/sda1", "/dev/sdb1", "/dev/sdc1"),
            level="RAID_LEVEL_1",
            create_options=("--metadata=1.0",),
            spares=1,
        ),
    ),
    volume_groups=(
        layout_v2.VolumeGroup(
            name="data", devices=("/dev/nvme0n1", "/dev/nvme1n1"), tags=("data",)
        ),
    ),
    logical_volumes=(
        layout_v2.LogicalVolume(
            name="varlib", volume_group="data", size=100000, lvm_type="LVM_TYPE_STRIPED"
        ),
    ),
    constraints=layout_v2.Constraints(sizes=("n1-medium-x86",), images={"debian": ">= 12"}),
)

MACHINE_ALLOCATION = allocation.MachineAllocation(
    uuid=_ALLOCATION,
    meta=_META,
    name=MACHINE.allocation.name,
    description=MACHINE.allocation.description,
    created_by=MACHINE.allocation.creator,
    project=_PROJECT,
    image=allocation.Image(
        id=MACHINE.allocation.image.id,
        meta=_META,
        url=_IMAGE,
        name=MACHINE.allocation.image.name,
        description=MACHINE.allocation.image.description,
        features=("IMAGE_FEATURE_MACHINE", "IMAGE_FEATURE_FIREWALL"),
        classification="IMAGE_CLASSIFICATION_SUPPORTED",
        expires_at="2025-05-18T00:00:00Z",
    ),
    filesystem_layout=LAYOUT_V2,
    networks=(
        allocation.Network(
            network="shop",
            prefixes=("10.0.16.0/22",),
            destination_prefixes=("10.0.16.0/22",),
            ips=("10.0.16.2",),
            network_type="NETWORK_TYPE_CHILD",
            nat_type="NAT_TYPE_NONE",
            vrf=46,
            asn=4210000001,
            project=_PROJECT,
        ),
        allocation.Network(
            network="internet",
            prefixes=("203.0.113.0/24",),
            destination_prefixes=("0.0.0.0/0",),
            ips=("203.0.113.10",),
            network_type="NETWORK_TYPE_EXTERNAL",
            nat_type="NAT_TYPE_IPV4_MASQUERADE",
            vrf=104009,
            asn=4210000001,
        ),
    ),
    hostname=MACHINE.allocation.hostname,
    ssh_public_keys=MACHINE.allocation.ssh_pub_keys,
    userdata=SecretStr("#cloud-config\nruncmd:\n  - touch /etc/hello"),
    allocation_type="MACHINE_ALLOCATION_TYPE_FIREWALL",
    firewall_rules=allocation.FirewallRules(
        egress=(
            allocation.EgressRule(
                protocol="IP_PROTOCOL_TCP", ports=(80, 443), to=("0.0.0.0/0",), comment="web"
            ),
        ),
        ingress=(
            allocation.IngressRule(
                protocol="IP_PROTOCOL_TCP",
                ports=(22,),
                to=("203.0.113.10/32",),
                from_=("198.51.100.0/24",),
                comment="ssh",
            ),
        ),
    ),
    dns_servers=(allocation.DnsServer(ip="192.0.2.53"),),
    ntp_servers=(allocation.NtpServer(address="time.example.com"),),
    vpn=allocation.Vpn(
        control_plane_address="https://vpn.example.com",
        auth_key=SecretStr("example-key"),
        connected=True,
        ips=("100.64.0.7",),
    ),
    placement_labels=Labels(labels={"rack": "one per rack"}),
)

MACHINE_DETAILS = MachineDetails(
    id=_MACHINE,
    nics=(
        MachineNic(
            mac="00:03:00:11:11:01",
            name="lan0",
            identifier="00:03:00:11:11:01",
            vendor="Example Networks",
            model="Example 25G",
            speed=25_000_000_000,
            neighbors=(MachineNic(mac="Eth1/4(Port1)", name="Ethernet3"),),
            hostname=MACHINE.allocation.hostname,
        ),
    ),
    password=_PASSWORD,
    console="ttyS1,115200n8",
    raidenabled=True,
    root_uuid=_ROOT,
)

OS_INSTALLER = OsInstaller(
    os_name="debian",
    only=("write hostname", "write /etc/metal/boot-info.yaml", "execute custom executable"),
    except_=("write ntp configuration",),
    custom_script=CustomScript(executable_path="/usr/local/sbin/last-touch", workdir="/root"),
    overwrites=Overwrites(bootloader_id="metal-debian"),
)

BUILD_META = BuildMeta(
    version="v0.3.1",
    date="2026-08-12T09:00:00+00:00",
    sha="1917b76",
    revision="refs/tags/v0.3.1",
    ignition_version="Ignition v0.36.2",
)

PROVENANCE = provenance.Provenance(
    agent="0.2.0",
    image=provenance.InstalledImage(
        id=MACHINE.allocation.image.id,
        url=_IMAGE,
        digest=provenance.ComparedDigest(
            algorithm="sha256", value=_DIGEST, source_=f"{_IMAGE}.sha256"
        ),
        packed_bytes=312_475_648,
        unpacked_bytes=1_284_505_600,
        members=25_102,
    ),
    layout=provenance.InstalledLayout(
        disks=(
            provenance.InstalledDisk(
                device="/dev/sda",
                size_bytes=480_103_981_056,
                partitions=(
                    provenance.InstalledPartition(
                        device="/dev/sda1",
                        number=1,
                        label="efi",
                        gpttype="ef00",
                        size_bytes=524_288_000,
                    ),
                    provenance.InstalledPartition(
                        device="/dev/sda2", number=2, label="root", size_bytes=479_577_194_496
                    ),
                ),
            ),
        ),
        filesystems=(
            provenance.InstalledFilesystem(
                device="/dev/sda1", format="vfat", uuid="7B9E-3C1D", label="efi", path="/boot/efi"
            ),
            provenance.InstalledFilesystem(
                device="/dev/sda2", format="ext4", uuid=_ROOT, label="root", path="/"
            ),
        ),
    ),
    seconds={"check": 0.412, "wipe": 0.25, "partition": 1.306, "image": 41.207},
)
