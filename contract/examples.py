"""A complete example of every kind of document: each key is there, and set."""

from pydantic import SecretStr

from contract import machine_document as machine
from contract.boot_info import BootInfo
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
from contract.install_config import InstallConfig

_MACHINE = "4c4c4544-0042-4810-8056-b4c04f395332"
_ROOT = "543eb7f8-98d4-d986-e669-824dbebe69e5"

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

MACHINE = machine.MachineDocument(
    id=_MACHINE,
    allocation=machine.Allocation(
        hostname="fw-1",
        image=machine.Image(
            id="debian-12.0.20241118",
            name="Debian 12",
            description="Debian 12 of 18 November 2024",
            url="http://images.example.com/metal-os/stable/debian/12/20241118/img.tar.lz4",
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

INSTALL_CONFIG = InstallConfig(
    hostname=MACHINE.allocation.hostname,
    networks=MACHINE.allocation.networks,
    machineuuid=_MACHINE,
    sshpublickey="\n".join(MACHINE.allocation.ssh_pub_keys),
    password=SecretStr("b7Wn0KfVx2+Q/example"),
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
