#!/bin/sh
# What the /install.sh of an image has to do, for a Debian. The demo image has it, too.
#
# The agent has unpacked this image onto the new filesystems and runs this
# script in it: as root, in a chroot, with /proc, /sys, /dev and /tmp mounted
# (and efivarfs, when the machine has EFI). It must not ask and must not wait.
# Status 0 means that the machine can boot; any other status fails the
# installation, and the last lines of the output are what the operator reads.
#
#   in:   /etc/metal/install.yaml    who this machine is
#   out:  /etc/metal/boot-info.yaml  what to boot
#
# /etc/fstab is not our business: the agent writes it afterwards.
set -eu

readonly INSTALL_YAML=/etc/metal/install.yaml
readonly BOOT_INFO=/etc/metal/boot-info.yaml
readonly BOOTLOADER_ID=metal-debian

say() { echo "install.sh: $*"; }
die() { echo "install.sh: error: $*" >&2; exit 1; }

# Print one scalar of the top level of install.yaml; nothing when the key is
# absent, null or "". An image with Python or yq in it reads YAML with those;
# this one has awk, and reads the ways in which YAML writers write text:
# plain, 'single', "double" and | blocks, over several lines where allowed.
value() {
    awk -v key="$1" '
        function unquoted(text) {
            if (text ~ /^\047.*\047$/) {
                text = substr(text, 2, length(text) - 2)
                gsub(/\047\047/, "\047", text)
            } else if (text ~ /^".*"$/) {
                text = substr(text, 2, length(text) - 2)
                gsub(/\\\\/, "\001", text); gsub(/\\"/, "\"", text)
                gsub(/\\n/, "\n", text); gsub(/\\ /, " ", text); gsub(/\001/, "\\", text)
            }
            return text
        }
        found && /^[^ \t]/ { exit }
        found {
            line = $0
            sub(/^[ \t]+/, "", line)
            if (block) { text = text (rows++ ? "\n" : "") line }
            # In quotes an empty line is a line break, and a line break a blank;
            # in double quotes a backslash before it removes it.
            else if (line == "") { text = text "\n" }
            else if (text ~ /^".*[^\\](\\\\)*\\$/) { text = substr(text, 1, length(text) - 1) line }
            else { text = text (text ~ /\n$/ ? "" : " ") line }
            next
        }
        index($0, key ":") == 1 {
            found = 1
            text = substr($0, length(key) + 2)
            sub(/^[ \t]+/, "", text)
            if (text ~ /^\|[-+]?$/) { block = 1; text = "" }
        }
        END {
            if (!block) text = unquoted(text)
            if (text != "" && text != "null" && text != "~") print text
        }
    ' "$INSTALL_YAML"
}

set_hostname() {
    hostname=$(value hostname)
    [ -n "$hostname" ] || die "$INSTALL_YAML has no hostname"
    echo "$hostname" >/etc/hostname
    printf '127.0.0.1 localhost\n127.0.1.1 %s\n::1 localhost\n' "$hostname" >/etc/hosts
    say "hostname $hostname"
}

add_user() {
    id metal >/dev/null 2>&1 || useradd --create-home --shell /bin/bash metal
    password=$(value password)
    # By stdin and a builtin: an argument would be readable in /proc.
    if [ -n "$password" ]; then
        printf 'metal:%s\n' "$password" | chpasswd
    else
        say "no password in $INSTALL_YAML, user metal stays locked"
    fi
    keys=$(value sshpublickey)
    if [ -n "$keys" ]; then
        install -d -m 0700 -o metal -g metal ~metal/.ssh
        printf '%s\n' "$keys" >~metal/.ssh/authorized_keys
        chmod 0600 ~metal/.ssh/authorized_keys
        chown metal:metal ~metal/.ssh/authorized_keys
    fi
    say "user metal with $(printf '%s' "$keys" | grep -c . || :) ssh keys"
}

make_unique() {
    # An empty file: systemd makes a new one at the first boot. One that came
    # with the image would be the same on every machine.
    : >/etc/machine-id
    rm -f /var/lib/dbus/machine-id
    # Keys that are there already are kept.
    if command -v ssh-keygen >/dev/null && [ -d /etc/ssh ]; then ssh-keygen -A; fi
    # By this file systemd takes a machine for a container; docker leaves it behind.
    rm -f /.dockerenv
}

# Sets: kernel, initrd, cmdline.
choose_kernel() {
    kernel='' initrd=''
    for kernel in /boot/vmlinuz-*; do :; done
    [ -f "$kernel" ] || die "no /boot/vmlinuz-* in this image"
    initrd=/boot/initrd.img-${kernel#/boot/vmlinuz-}
    [ -f "$initrd" ] || die "no $initrd in this image"
    root_uuid=$(value root_uuid)
    [ -n "$root_uuid" ] || die "$INSTALL_YAML has no root_uuid"
    console=$(value console)
    # systemd starts a login on the console that the kernel names: nothing to
    # configure for it here.
    cmdline="console=${console:-ttyS0} root=UUID=$root_uuid init=/sbin/init"
    cmdline="$cmdline net.ifnames=0 biosdevname=0 nvme_core.io_timeout=300"
}

# What the agent boots by kexec is told in boot-info.yaml. From then on the
# firmware boots the machine, for which the ESP needs a boot loader.
write_boot_info() {
    cat >"$BOOT_INFO" <<BOOT
initrd: $initrd
cmdline: $cmdline
kernel: $kernel
bootloader_id: $BOOTLOADER_ID
BOOT
    say "boots $kernel"
}

install_boot_loader() {
    if [ ! -d /sys/firmware/efi ]; then
        say "no EFI: this machine boots by kexec alone"
        return
    fi
    mountpoint -q /boot/efi || die "EFI, and nothing is mounted on /boot/efi"
    loader=/usr/lib/systemd/boot/efi/systemd-bootx64.efi
    esp=/boot/efi
    mkdir -p "$esp/EFI/BOOT" "$esp/EFI/$BOOTLOADER_ID" "$esp/loader/entries"
    # The removable path needs no entry in the firmware's memory, and is what
    # a machine falls back to when that memory is lost.
    cp "$loader" "$esp/EFI/BOOT/BOOTX64.EFI"
    cp "$loader" "$esp/EFI/$BOOTLOADER_ID/systemd-bootx64.efi"
    # The boot loader reads FAT and nothing else.
    cp "$kernel" "$esp/EFI/$BOOTLOADER_ID/vmlinuz"
    cp "$initrd" "$esp/EFI/$BOOTLOADER_ID/initrd.img"
    printf 'timeout 0\ndefault %s.conf\n' "$BOOTLOADER_ID" >"$esp/loader/loader.conf"
    cat >"$esp/loader/entries/$BOOTLOADER_ID.conf" <<ENTRY
title Debian
linux /EFI/$BOOTLOADER_ID/vmlinuz
initrd /EFI/$BOOTLOADER_ID/initrd.img
options $cmdline
ENTRY
    say "systemd-boot on $esp"
    add_firmware_entry
}

add_firmware_entry() {
    partition=$(basename "$(findmnt -n -o SOURCE /boot/efi)")
    number=$(cat "/sys/class/block/$partition/partition" 2>/dev/null) || number=''
    disk=$(basename "$(dirname "$(readlink -f "/sys/class/block/$partition")")")
    if [ -n "$number" ] && efibootmgr --quiet --create --disk "/dev/$disk" --part "$number" \
        --label "$BOOTLOADER_ID" --loader "\\EFI\\$BOOTLOADER_ID\\systemd-bootx64.efi"; then
        say "firmware entry $BOOTLOADER_ID"
    else
        say "the firmware takes no entry, ignoring: it finds EFI/BOOT/BOOTX64.EFI by itself"
    fi
}

[ -r "$INSTALL_YAML" ] || die "no $INSTALL_YAML"
set_hostname
add_user
make_unique
choose_kernel
install_boot_loader
write_boot_info
