"""Trying an image: the real sequence in a virtual machine, and what came of it.

None of this is in the ramdisk.
"""
