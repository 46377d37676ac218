"""Every side effect on this machine: programs, mounts, devices, files, links, power."""
