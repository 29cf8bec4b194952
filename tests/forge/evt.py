# SPDX-License-Identifier: Apache-2.0
"""Writes event logs of Windows XP (.Evt): a header, records, the end-of-file record. Format: [MS-EVEN] and winnt.h
(EVENTLOGRECORD), libevt's documentation."""
import struct

EPOCH_SECONDS = 11644473600


def text(value):
    return value.encode("utf-16-le") + b"\0\0"


def record(number, event):
    """One record; times in whole seconds."""
    seconds = event.time // 10**7 - EPOCH_SECONDS
    names = text(event.provider) + text(event.computer)
    strings = b"".join(text(s) for s in event.data)
    at = 56 + len(names) + -len(names) % 4
    data = event.binary or b""
    body = names.ljust(at - 56, b"\0") + strings + data
    body += bytes(-len(body) % 4)
    length = 56 + len(body) + 4
    head = struct.pack("<IIIIIIHHHHIIIIII", length, 0x654c664c, number, seconds, seconds,
                       event.event | (event.qualifiers or 0) << 16, event.level, len(event.data), 0, 0, 0, at, 0, at,
                       len(data), at + len(strings))
    return head + body + struct.pack("<I", length)


def write(records, first=1):
    content = b"".join(record(first + i, r) for i, r in enumerate(records))
    end, following = 48 + len(content), first + len(records)
    size = -(-(end + 40) // 65536) * 65536
    head = struct.pack("<IIIIIIIIIIII", 48, 0x654c664c, 1, 1, 48, end, following, first, size, 0, 0, 48)
    tail = struct.pack("<IIIIIIIIII", 40, 0x11111111, 0x22222222, 0x33333333, 0x44444444, 48, end, following, first, 40)
    return (head + content + tail).ljust(size, b"\0")
