"""packages.txt says what dpkg says."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from hammer.image.packages import listed

STATUS = """\
Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2.15-2+b7
Description: GNU Bourne Again SHell
 Bash is an sh-compatible command language interpreter.
Homepage: http://tiswww.case.edu/php/chet/bash/bashtop.html

Package: libc6
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Version: 2.36-9
Description: GNU C Library

Package: old
Status: deinstall ok config-files
Architecture: all
Version: 1
Description: was removed

Package: broken
Status: install reinstreq half-installed
Architecture: all
Version: 2

Package: never
Status: unknown ok not-installed
"""

LISTED = """\
Desired=Unknown/Install/Remove/Purge/Hold
| Status=Not/Inst/Conf-files/Unpacked/halF-conf/Half-inst/trig-aWait/Trig-pend
|/ Err?=(none)/Reinst-required (Status,Err: uppercase=bad)
||/ Name        Version     Architecture Description
+++-===========-===========-============-==========================
ii  bash        5.2.15-2+b7 amd64        GNU Bourne Again SHell
iHR broken      2           all          (no description available)
ii  libc6:amd64 2.36-9      amd64        GNU C Library
rc  old         1           all          was removed
"""


def test_the_list_of_a_database() -> None:
    assert listed(STATUS) == LISTED


def test_an_empty_database_is_a_heading() -> None:
    assert listed("").splitlines()[3:] == [
        "||/ Name Version Architecture Description",
        "+++-====-=======-============-===========",
    ]


@pytest.mark.programs
@pytest.mark.skipif(not shutil.which("dpkg"), reason="no dpkg to compare with")
def test_dpkg_says_the_same_of_this_host() -> None:
    environment = {**os.environ, "COLUMNS": "1000", "LC_ALL": "C.UTF-8"}
    said = subprocess.run(["dpkg", "-l"], env=environment, capture_output=True, text=True).stdout
    ours = listed(Path("/var/lib/dpkg/status").read_text())
    # Their columns are as wide as the terminal, ours as the longest text.
    assert _packages(ours) == _packages(said)
    assert ours.splitlines()[:3] == said.splitlines()[:3]


def _packages(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()[5:]]
