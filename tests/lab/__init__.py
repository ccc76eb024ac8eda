# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds throw-away Debian machines and drives them in QEMU."""
