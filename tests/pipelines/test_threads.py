"""How torch's threads wait for each other is settled before torch is loaded."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from studio.config import ROOT

SAY = "import {package}, os, sys; print('torch' in sys.modules, os.environ.get('GOMP_SPINCOUNT'))"


def said(package: str, **settings: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    command = [sys.executable, "-c", SAY.format(package=package)]
    return subprocess.run(command, env=kept | settings, cwd=ROOT, text=True, capture_output=True, check=True).stdout


@pytest.mark.parametrize("package", ["pipelines", "studio"])
def test_threads_spin_briefly_from_before_torch_is_there(package: str) -> None:
    assert said(package).split() == ["False", "1000"]


def test_what_somebody_has_set_stays() -> None:
    assert said("studio", GOMP_SPINCOUNT="7").split() == ["False", "7"]
    assert said("studio", OMP_WAIT_POLICY="ACTIVE").split() == ["False", "None"]
