# SPDX-License-Identifier: Apache-2.0
"""Writes prefetch files, version 23 (Windows 7) and 30 (Windows 10, not compressed).
Format: libscca's documentation of the Windows prefetch file format."""
import struct


def path_hash(path):
    """The hash in the file's name, Windows Vista and later (libscca's documentation, "Prefetch hash")."""
    data, value, at = path.upper().encode("utf-16-le"), 314159, 0
    while at + 8 < len(data):
        c = data[at + 1] * 37
        for i in range(2, 7):
            c = (c + data[at + i]) * 37
        c += data[at + 7] + data[at] * 442596621
        value = (c - value * 803794207) & 0xFFFFFFFF
        at += 8
    for byte in data[at:]:
        value = (value * 37 + byte) & 0xFFFFFFFF
    return value


def write(version, path, runs, count, files, device, serial, created):
    """Returns (name, bytes). Paths are on `device`; runs are FILETIMEs, newest first."""
    name = path.rsplit("\\", 1)[-1].upper()[:29]
    full = [device + f.upper() for f in [path] + list(files)]
    value = path_hash(full[0])
    strings, offsets = b"", []
    for text in full:
        offsets.append(len(strings))
        strings += text.encode("utf-16-le") + b"\0\0"
    metrics = b"".join(struct.pack("<IIIIIIQ", i, 1, 1, offsets[i], len(text), 2, 0x1000000000000 + 100 + i)
                       for i, text in enumerate(full))
    trace_size = 8 if version == 30 else 12
    trace = (struct.pack("<IBBH", 1, 2, 1, 0) if version == 30 else struct.pack("<IIBBH", 0xFFFFFFFF, 0, 2, 1, 0))
    info_size = 220 if version == 30 else 156
    at = 84 + info_size
    metrics_at, trace_at = at, at + len(metrics)
    strings_at = trace_at + trace_size
    volume_at = (strings_at + len(strings) + 7) & ~7
    entry_size = 96 if version == 30 else 104
    device_raw = device.encode("utf-16-le") + b"\0\0"
    references_at = (entry_size + len(device_raw) + 7) & ~7
    references = struct.pack("<IIQ", 3, 1, 0x1000000000005)
    folders_at = references_at + len(references)
    folder = device + path.upper().rsplit("\\", 1)[0]
    folders = struct.pack("<H", len(folder)) + folder.encode("utf-16-le") + b"\0\0"
    volume = struct.pack("<IIQIIIII", entry_size, len(device), created, serial, references_at, len(references),
                         folders_at, 1).ljust(entry_size, b"\0") + device_raw
    volume = volume.ljust(references_at, b"\0") + references + folders
    info = struct.pack("<IIIIIIIII", metrics_at, len(full), trace_at, 1, strings_at, len(strings), volume_at, 1,
                       len(volume)) + struct.pack("<II", 0x0F if version == 30 else 0, 1)[:8]
    if version == 30:
        times = (list(runs) + [0] * 8)[:8]
        info += struct.pack("<8Q", *times) + bytes(16) + struct.pack("<III", count, 1, 3)
    else:
        info += struct.pack("<Q", runs[0]) + bytes(16) + struct.pack("<II", count, 1)
    body = info.ljust(info_size, b"\0") + metrics + trace + strings
    body = body.ljust(volume_at - 84, b"\0") + volume
    head = struct.pack("<I4sII", version, b"SCCA", 0x11, 84 + len(body)) + name.encode("utf-16-le").ljust(
        60, b"\0") + struct.pack("<II", value, 0)
    return "%s-%08X.pf" % (name, value), head + body
