"""The machine-side installer: an empty machine becomes an installed one."""

VERSION = "0.1.0"
