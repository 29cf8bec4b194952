# SPDX-License-Identifier: Apache-2.0
"""Puts volumes on a disk (GPT or DOS table) and the disk into an EWF-E01 image.
Formats: UEFI specification (GPT), libewf's documentation of EWF (EnCase 6 form)."""
import hashlib
import os
import struct
import uuid
import zlib

SECTOR = 512
ALIGN = 2048
CHUNK = 32768
BASIC_DATA = uuid.UUID("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7")


def copy_sparse(source, target, at):
    size = os.path.getsize(source)
    with open(source, "rb") as data:
        place = 0
        while place < size:
            try:
                start = os.lseek(data.fileno(), place, os.SEEK_DATA)
            except OSError:
                break
            place = os.lseek(data.fileno(), start, os.SEEK_HOLE)
            data.seek(start)
            while start < place:
                block = data.read(min(1 << 20, place - start))
                if block.count(0) != len(block):
                    target.seek(at + start)
                    target.write(block)
                start += len(block)


def write_disk(path, volumes, table, rng):
    """Volumes one after the other, each at a whole MiB; returns their offsets in bytes."""
    offsets, at = [], ALIGN
    for volume in volumes:
        offsets.append(at * SECTOR)
        at += (os.path.getsize(volume) // SECTOR + ALIGN - 1) // ALIGN * ALIGN
    total = at + ALIGN
    with open(path, "wb") as disk:
        disk.truncate(total * SECTOR)
        for volume, offset in zip(volumes, offsets):
            copy_sparse(volume, disk, offset)
        spans = [(o // SECTOR, os.path.getsize(v) // SECTOR) for v, o in zip(volumes, offsets)]
        if table == "dos":
            write_dos(disk, spans, rng)
        else:
            write_gpt(disk, spans, total, rng)
    return offsets


def write_dos(disk, spans, rng):
    entries = b"".join(struct.pack("<B3sB3sII", 0x80 if i == 0 else 0, b"\xfe\xff\xff", 7, b"\xfe\xff\xff", s, n)
                       for i, (s, n) in enumerate(spans))
    disk.seek(0)
    disk.write(bytes(440) + struct.pack("<IH", rng.getrandbits(32), 0) + entries.ljust(64, b"\0") + b"\x55\xaa")


def write_gpt(disk, spans, total, rng):
    def guid():
        return uuid.UUID(int=rng.getrandbits(128), version=4).bytes_le
    entries = b"".join(BASIC_DATA.bytes_le + guid() + struct.pack("<QQQ", s, s + n - 1, 0) +
                       "Basic data partition".encode("utf-16-le").ljust(72, b"\0") for s, n in spans)
    entries = entries.ljust(128 * 128, b"\0")
    disk_guid = guid()

    def header(mine, other, table):
        head = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, mine, other, 34, total - 34, disk_guid,
                           table, 128, 128, zlib.crc32(entries))
        return head[:16] + struct.pack("<I", zlib.crc32(head)) + head[20:]
    disk.seek(446)
    disk.write(struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xEE, b"\xff\xff\xff", 1, min(total - 1, 0xFFFFFFFF)))
    disk.seek(510)
    disk.write(b"\x55\xaa")
    disk.seek(SECTOR)
    disk.write(header(1, total - 1, 2))
    disk.seek(2 * SECTOR)
    disk.write(entries)
    disk.seek((total - 33) * SECTOR)
    disk.write(entries)
    disk.seek((total - 1) * SECTOR)
    disk.write(header(total - 1, 1, total - 33))


class Segment:
    def __init__(self, stem, number):
        self.path = "%s.E%02d" % (stem, number)
        self.file = open(self.path, "wb")
        self.file.write(b"EVF\x09\x0d\x0a\xff\x00\x01" + struct.pack("<HH", number, 0))

    def section(self, name, data, last=False):
        at = self.file.tell()
        size = 76 + len(data)
        head = struct.pack("<16sQQ40x", name, at if last else at + size, 76 if last else size)
        self.file.write(head + struct.pack("<I", zlib.adler32(head)) + data)

    def chunks(self, chunks):
        """A sectors section and its two tables."""
        at = self.file.tell() + 76
        offsets = []
        for packed, chunk in chunks:
            offsets.append(at | (0x80000000 if packed else 0))
            at += len(chunk)
        self.section(b"sectors", b"".join(c for _, c in chunks))
        head = struct.pack("<I4xQ4x", len(offsets), 0)
        body = struct.pack("<%dI" % len(offsets), *offsets)
        table = head + struct.pack("<I", zlib.adler32(head)) + body + struct.pack("<I", zlib.adler32(body))
        self.section(b"table", table)
        self.section(b"table2", table)


def ewf_header(name, acquired, form):
    stamp = str(int(acquired.timestamp()))
    if form == "header2":
        text = ("3\nmain\nc\tn\ta\te\tt\tav\tov\tm\tu\tp\tpid\tdc\text\n"
                "\t1\t%s\texaminer\t\t7.10\tWindows 10\t%s\t%s\t0\t\t\t\n\n"
                "srce\n0\t1\np\tn\tid\tev\ttb\tlo\tpo\tah\tgu\taq\n0\t0\n\t\t\t\t\t-1\t-1\t\t\t\n\n"
                "sub\n0\t1\np\tn\tid\tnu\tco\tgu\n0\t0\n\t\t\t\t1\t\n\n" % (name, stamp, stamp))
        return zlib.compress(b"\xff\xfe" + text.encode("utf-16-le"))
    when = "%d %d %d %d %d %d" % acquired.timetuple()[:6]
    text = ("1\r\nmain\r\nc\tn\ta\te\tt\tav\tov\tm\tu\tp\r\n"
            "\t1\t%s\texaminer\t\t7.10\tWindows 10\t%s\t%s\t0\r\n\r\n" % (name, when, when))
    return zlib.compress(text.encode("latin-1"))


def write_ewf(raw, stem, acquired, segment_size=0, level=6):
    """The raw image as E01 with MD5 and SHA-1; more segments when segment_size is set. Returns their paths."""
    size = os.path.getsize(raw)
    count = (size + CHUNK - 1) // CHUNK
    zero = (True, zlib.compress(bytes(CHUNK), level))
    name = os.path.basename(stem)
    data = bytearray(1052)
    struct.pack_into("<B3xIIIQ", data, 0, 1, count, 64, SECTOR, size // SECTOR)
    data[36] = 3                                             # media flags: image of a physical disk
    data[52] = 1                                             # compression: fast
    struct.pack_into("<I", data, 56, 64)
    data[64:80] = hashlib.md5(name.encode()).digest()
    struct.pack_into("<I", data, 1048, zlib.adler32(bytes(data[:1048])))
    md5, sha1 = hashlib.md5(), hashlib.sha1()
    segment = Segment(stem, 1)
    paths = [segment.path]
    for _ in range(2):
        segment.section(b"header2", ewf_header(name, acquired, "header2"))
    segment.section(b"header", ewf_header(name, acquired, "header"))
    segment.section(b"volume", bytes(data))
    group, held = [], 0
    with open(raw, "rb") as source:
        for i in range(count):
            block = source.read(CHUNK)
            md5.update(block)
            sha1.update(block)
            if block.count(0) == CHUNK:
                chunk = zero
            else:
                packed = zlib.compress(block, level)
                chunk = (True, packed) if len(packed) < len(block) else (
                    False, block + struct.pack("<I", zlib.adler32(block)))
            group.append(chunk)
            held += len(chunk[1])
            full = segment_size and segment.file.tell() + held > segment_size
            if i + 1 < count and (len(group) == 16000 or full):
                segment.chunks(group)
                group, held = [], 0
                if full:
                    segment.section(b"next", b"", last=True)
                    segment.file.close()
                    segment = Segment(stem, len(paths) + 1)
                    paths.append(segment.path)
                    segment.section(b"data", bytes(data))
    segment.chunks(group)
    digest = md5.digest() + sha1.digest() + bytes(40)
    segment.section(b"digest", digest + struct.pack("<I", zlib.adler32(digest)))
    hashed = md5.digest() + bytes(16)
    segment.section(b"hash", hashed + struct.pack("<I", zlib.adler32(hashed)))
    segment.section(b"done", b"", last=True)
    segment.file.close()
    return paths, md5.hexdigest(), sha1.hexdigest()


def spoil(path, share):
    """Turns one byte at this share of a file."""
    with open(path, "r+b") as segment:
        segment.seek(int(os.path.getsize(path) * share))
        byte = segment.read(1)[0]
        segment.seek(-1, os.SEEK_CUR)
        segment.write(bytes([byte ^ 0x40]))


def chunk_places(path):
    """Where each chunk of a one-segment E01 stands in the file, by its tables."""
    places = []
    with open(path, "rb") as segment:
        at = 13
        while True:
            segment.seek(at)
            kind, following = struct.unpack("<16sQ", segment.read(24))
            if kind.rstrip(b"\0") == b"table":
                segment.seek(at + 76)
                count, base = struct.unpack("<I4xQ", segment.read(16))
                segment.seek(at + 76 + 24)
                places += [base + (entry & 0x7fffffff) for entry in struct.unpack("<%dI" % count, segment.read(4 * count))]
            if following <= at:
                return places
            at = following


def spoil_chunk(path, number):
    """Turns one byte of a chunk, behind the head of its zlib stream."""
    at = chunk_places(path)[number] + 8
    with open(path, "r+b") as segment:
        segment.seek(at)
        byte = segment.read(1)[0]
        segment.seek(at)
        segment.write(bytes([byte ^ 0x40]))
