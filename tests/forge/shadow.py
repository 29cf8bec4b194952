# SPDX-License-Identifier: Apache-2.0
"""Writes volume shadow copies into a volume: the catalog and one store a snapshot, holding the blocks that changed after
it. Format: libvshadow's documentation of the Volume Shadow Snapshot format."""
import os
import struct
import uuid

BLOCK = 16384
MAGIC = uuid.UUID("3808876b-c176-4e48-b7ae-04046e6cc752").bytes_le
DESCRIPTORS = (BLOCK - 128) // 32


def block_header(kind, relative, at, after=0, information=0):
    return (MAGIC + struct.pack("<IIQQQQ", 1, kind, relative, at, after, information)).ljust(128, b"\0")


def changed(old, new, skip):
    """Offsets and earlier content of the blocks in which `old` differs from `new`."""
    found = []
    with open(old, "rb") as a, open(new, "rb") as b:
        at = 0
        while block := a.read(BLOCK):
            if block != b.read(BLOCK) and not skip[0] <= at < skip[1]:
                found.append((at, block))
            at += BLOCK
    return found


class Area:
    """The room reserved for the stores, handed out in blocks."""

    def __init__(self, path):
        with open(path, encoding="ascii") as runs:
            start, length = (int(x) for x in runs.readline().split())
        self.span = (start, start + length)
        self.next = (start + BLOCK - 1) // BLOCK * BLOCK
        self.blocks = {}

    def take(self):
        at, self.next = self.next, self.next + BLOCK
        if self.next > self.span[1]:
            raise ValueError("the reserved area is too small")
        return at


def write_store(area, blocks, size, host, rng):
    """One store; returns its offsets for the catalog."""
    start = area.take()
    lists = [area.take() for _ in range(max(1, (len(blocks) + DESCRIPTORS - 1) // DESCRIPTORS))]
    ranges, bitmap = area.take(), area.take()
    descriptors = []
    for original, content in blocks:
        at = area.take()
        area.blocks[at] = content
        descriptors.append(struct.pack("<QQQII", original, at - start, at, 0, 0))
    name = host.encode("utf-16-le")
    information = b"".join(uuid.UUID(int=rng.getrandbits(128), version=4).bytes_le for _ in range(3))
    information += struct.pack("<IIII", 0xD, 1, 0x0042000D, 0) + (struct.pack("<H", len(name)) + name) * 2
    area.blocks[start] = block_header(4, 0, start, 0, len(information)) + information
    for i, at in enumerate(lists):
        after = lists[i + 1] if i + 1 < len(lists) else 0
        area.blocks[at] = block_header(3, at - start, at, after) + b"".join(
            descriptors[i * DESCRIPTORS:(i + 1) * DESCRIPTORS])
    area.blocks[ranges] = block_header(5, ranges - start, ranges) + struct.pack("<QQQ", start, 0, area.next - start)
    area.blocks[bitmap] = block_header(6, bitmap - start, bitmap) + bytes((size // BLOCK + 7) // 8)
    return lists[0], start, ranges, bitmap, area.next - start


def write(volume, runs, snapshots, host, rng):
    """`snapshots`: (creation time, copy of the volume) oldest first."""
    size = os.path.getsize(volume)
    area = Area(runs)
    catalog = area.take()
    states = [path for _, path in snapshots] + [volume]
    entries = []
    for number, (created, path) in enumerate(snapshots):
        blocks = changed(path, states[number + 1], area.span)
        where = write_store(area, blocks, size, host, rng)
        identity = uuid.UUID(fields=(rng.getrandbits(32), 0x52A5 + number, 0x11E7, 0x9C, 0x4B, 0x080027A1B2C3)).bytes_le
        entries.insert(0, struct.pack("<QQ16sQQQ", 2, size, identity, number + 1, 0x40, created).ljust(128, b"\0") +
                       struct.pack("<QQ16sQQQQQQ", 3, where[0], identity, where[1], where[2], where[3], 0, where[4],
                                   0).ljust(128, b"\0"))
    area.blocks[catalog] = block_header(2, 0, catalog) + b"".join(entries)
    identity = uuid.UUID(int=rng.getrandbits(128), version=4).bytes_le
    head = MAGIC + struct.pack("<IIQQQQQ", 1, 1, 0x1E00, 0x1E00, 0, catalog, 0) + identity * 2
    with open(volume, "r+b") as out:
        out.seek(0x1E00)
        out.write(head.ljust(512, b"\0"))
        for at, content in area.blocks.items():
            out.seek(at)
            out.write(content.ljust(BLOCK, b"\0"))
