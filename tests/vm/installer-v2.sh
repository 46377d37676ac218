#!/bin/sh
# An installer for images that bring none, carried by the ramdisk. It knows the
# machine from the documents of version 2 alone, and install.yaml is out of its
# reach while it runs. The host name that it sets tells what only they tell.
set -eu

metal=/etc/metal

mv "$metal/install.yaml" "$metal/.install.yaml"
trap 'mv "$metal/.install.yaml" "$metal/install.yaml"' EXIT

# Print a scalar of the top level, or the first one of a list of mappings.
value() { sed -n "s/^\\( *- \\| *\\)$2: *['\"]*\\([^'\"]*\\)['\"]*\$/\\2/p" "$metal/$1" | head -n 1; }

name=$(value machine-allocation.yaml hostname)
type=$(value machine-allocation.yaml networkType)
vrf=$(value machine-allocation.yaml vrf)
root=$(value machine-details.yaml root_uuid)
console=$(value machine-details.yaml console)
machine=$(value machine-details.yaml id)
for found in "$name" "$type" "$vrf" "$root" "$console" "$machine"; do
    [ -n "$found" ] || { echo "a value is missing" >&2; exit 1; }
done

echo "$name-$(echo "$type" | tr 'A-Z_' 'a-z-')-$vrf" >/etc/hostname
: >/etc/machine-id

for kernel in /boot/vmlinuz-*; do :; done
cat >"$metal/boot-info.yaml" <<BOOT
initrd: /boot/initrd.img-${kernel#/boot/vmlinuz-}
cmdline: console=$console root=UUID=$root init=/sbin/init
kernel: $kernel
bootloader_id: ''
BOOT
echo "installed $machine by $0"
