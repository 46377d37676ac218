"""What LVM is told, in the ramdisk and in the installed system."""

LVMLOCAL_CONF = """\
activation {
    udev_sync = 0
    udev_rules = 0
}
devices {
    multipath_component_detection = 0
    md_component_detection = 0
    obtain_device_list_from_udev = 0
}
"""
"""lvmlocal.conf (lvm.conf(5)): no udev and no scan of all devices is waited for.

The content is metal-hammer's. The installed system gets the same words wherever
the agent runs: those of a rescue system are about other disks.
"""
