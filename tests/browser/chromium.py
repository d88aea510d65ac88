"""Finds a Chromium, and in continuous integration makes sure that there is one."""

from __future__ import annotations

import os
import shutil
import subprocess

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def in_ci() -> bool:
    """Whether CI says so; there a missing Chromium is a failure, never a reason to skip."""
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


def find_chromium() -> str | None:
    """Path of a system Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def install_chromium() -> str:
    """Install Chromium from the distribution's packages.

    Raises:
        RuntimeError: no package manager that we know, or it failed.
    """
    if shutil.which("apt-get") is None:
        raise RuntimeError("no Chromium and no apt-get: install Chromium from your distribution")
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        command = [*prefix, "apt-get", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    found = find_chromium()
    if found is None:
        raise RuntimeError("apt-get installed Chromium, but there is none on the path")
    return found
