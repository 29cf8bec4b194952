# SPDX-License-Identifier: Apache-2.0
"""Writes the Windows Installer package that a setup program of InstallShield carries to standard output.

The layout is the one that ClamAV's reader tells: behind the last "InstallShield" and NUL their number and 28 bytes, then for
each file 260 bytes of name, two words, its size in 8 bytes and nine words, then its bytes: nibbles swapped, masked with the
masked name, compressed."""
import struct
import sys
import zlib

MARK, MASK, NAME, BLOCK = b"InstallShield\0", bytes((0xec, 0xca, 0x79, 0xf8)), 0x104, 0x104 + 8 + 8 + 36

with open(sys.argv[1], "rb") as stream:
    setup = stream.read()
at = setup.rindex(MARK) + len(MARK)
count, at = struct.unpack_from("<I", setup, at)[0], at + 32
for _ in range(count):
    name, size = setup[at:at + NAME].split(b"\0")[0], struct.unpack_from("<Q", setup, at + NAME + 8)[0]
    key = bytes(c ^ MASK[i & 3] for i, c in enumerate(name))
    packed, at = setup[at + BLOCK:at + BLOCK + size], at + BLOCK + size
    if name.endswith(b".msi"):
        plain = bytes(((c >> 4) | (c << 4 & 0xff)) ^ key[(i & 0x3ff) % len(key)] for i, c in enumerate(packed))
        sys.stdout.buffer.write(zlib.decompressobj().decompress(plain))
