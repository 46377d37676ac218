"""Machine documents for the unit tests."""

from hammer import spec
from hammer.spec import InstallSpec

DOCUMENT = """
id: 4dca1f5a-41b6-4b6c-a2cd-7a1d15ae9c8c
allocation:
  hostname: node1
  role: machine
  image: {id: debian-12.0.20261101, url: "http://images.test/img.tar.lz4"}
  ssh_pub_keys: [ssh-ed25519 AAAA one, ssh-ed25519 BBBB two]
  user_data: "#cloud-config"
  networks: []
  filesystemlayout:
    id: default
    disks:
      - device: /dev/vda
        wipeonreinstall: true
        partitions:
          - {number: 1, label: efi, size: 500, gpttype: ef00}
          - {number: 2, label: root, size: 0, gpttype: "8300"}
    filesystems:
      - {path: /boot/efi, device: /dev/vda1, format: vfat, label: efi, createoptions: ["-F 32"]}
      - {path: /, device: /dev/vda2, format: ext4, label: root, mountoptions: [defaults, noatime]}
      - {path: /tmp, device: tmpfs, format: tmpfs, mountoptions: [defaults, "size=512M"]}
hardware:
  nics:
    - {mac: "00:00:00:00:00:01", name: eth0, neighbors: [{mac: "Eth1/4(Port1)", name: null}]}
    - {mac: "00:00:00:00:00:02", name: eth1, neighbors: [{mac: "", name: null}]}
    - {mac: "00:00:00:00:00:03", name: eth2, neighbors: []}
"""


def spec_of(*changes: tuple[str, str]) -> InstallSpec:
    """The spec of the document above, with some of its text replaced."""
    text = DOCUMENT
    for old, new in changes:
        assert old in text, f"nothing to replace: {old}"
        text = text.replace(old, new)
    return spec.read(text.encode(), where="machine.yaml")
