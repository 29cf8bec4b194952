# SPDX-License-Identifier: Apache-2.0
"""Writes registry hives (regf 1.5) by playing key operations on real cells, as the configuration manager does:
freed cells keep their bytes, neighbours coalesce, parents' lists shrink in place, later keys reuse the room.
Format: "Windows registry file format specification" (Suhanov), libregf's documentation of REGF."""
import struct

NONE = 0xFFFFFFFF
TYPES = {"none": 0, "sz": 1, "expand": 2, "binary": 3, "dword": 4, "multi": 7, "qword": 11}
BIN = 4096
BASE = 4096


def encode(kind, value):
    if kind in ("sz", "expand"):
        return (value + "\0").encode("utf-16-le")
    if kind == "multi":
        return ("".join(v + "\0" for v in value) + "\0").encode("utf-16-le")
    if kind == "dword":
        return struct.pack("<I", value & 0xFFFFFFFF)
    if kind == "qword":
        return struct.pack("<Q", value)
    return bytes(value)


def name_hash(name):
    value = 0
    for char in name.upper():
        value = (value * 37 + ord(char)) & 0xFFFFFFFF
    return value


def marvin32(data, seed=0x82EF4D887A4E55C5):
    """Checksum of log entries: Marvin32 (Microsoft, as published with the log format)."""
    low, high, mask = seed & 0xFFFFFFFF, seed >> 32, 0xFFFFFFFF

    def rol(x, n):
        return ((x << n) | (x >> (32 - n))) & mask

    def mix(lo, hi):
        hi ^= lo
        lo = (rol(lo, 20) + hi) & mask
        hi = rol(hi, 9) ^ lo
        lo = (rol(lo, 27) + hi) & mask
        hi = rol(hi, 19)
        return lo, hi
    whole = len(data) & ~3
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        low, high = mix((low + word) & mask, high)
    tail = data[whole:] + b"\x80"
    low, high = mix((low + int.from_bytes(tail, "little")) & mask, high)
    low, high = mix(low, high)
    return (high << 32) | low


class Hive:
    def __init__(self, name, root, time, minor=5):
        self.name, self.minor, self.time = name, minor, time
        self.data = bytearray()
        self.free = {}                       # offset -> size, kept sorted on use
        self.index = {}                      # folded path -> cell
        self.sequence = 1
        self.logs = []
        self.primary = None
        security = bytes.fromhex("0100048030000000400000000000000014000000"
                                 "02001c000100000000001400 3f000f00 010100000000000100000000".replace(" ", "")
                                 ) + bytes.fromhex("01010000000000051200000001010000000000051200000000000000")
        self.sk = None
        self.root = self._key(None, root, time, 0x2C)
        self.sk = self._alloc(20 + len(security))
        self._put(self.sk, b"sk\0\0" + struct.pack("<IIII", self.sk, self.sk, 1, len(security)) + security)
        self._u32(self.root + 4 + 0x2C, self.sk)
        self._u32(self.root + 4 + 0x10, NONE)
        self.index[""] = self.root

    # --- cells ---
    def _u32(self, at, value=None):
        if value is None:
            return struct.unpack_from("<I", self.data, at)[0]
        struct.pack_into("<I", self.data, at, value)

    def _put(self, cell, content):
        self.data[cell + 4:cell + 4 + len(content)] = content

    def _size(self, cell):
        return -struct.unpack_from("<i", self.data, cell)[0]

    def _mark(self, cell, size):
        struct.pack_into("<i", self.data, cell, size)

    def _alloc(self, length):
        need = (length + 4 + 7) & ~7
        best = min(((s, o) for o, s in self.free.items() if s >= need), default=None)
        if best is None:
            size = (need + 32 + BIN - 1) // BIN * BIN
            at = len(self.data)
            self.data += b"hbin" + struct.pack("<IIQQI", at, size, 0, self.time, 0) + bytes(size - 32)
            self._mark(at + 32, size - 32)
            self.free[at + 32] = size - 32
            best = (size - 32, at + 32)
        size, cell = best
        del self.free[cell]
        if size - need >= 8:
            self._mark(cell + need, size - need)
            self.free[cell + need] = size - need
            size = need
        self._mark(cell, -size)
        return cell

    def _bin_of(self, cell):
        at = 0
        while True:
            size = self._u32(at + 8)
            if at <= cell < at + size:
                return at, at + size
            at += size

    def _release(self, cell):
        """Frees a cell: only its sign turns; free neighbours in the same bin become one cell."""
        size = self._size(cell)
        start, end = self._bin_of(cell)
        after = cell + size
        if after < end and after in self.free:
            size += self.free.pop(after)
        for other, length in self.free.items():
            if other >= start and other + length == cell:
                del self.free[other]
                cell, size = other, size + length
                break
        self._mark(cell, size)
        self.free[cell] = size

    # --- keys ---
    def _key(self, parent, name, time, flags=0x20):
        raw = name.encode("latin-1")
        cell = self._alloc(0x4C + len(raw))
        self._put(cell, struct.pack("<2sHQIIIIIIIIIIIIIIIHH", b"nk", flags, time, 0,
                                    NONE if parent is None else parent, 0, 0, NONE, NONE, 0, NONE,
                                    self.sk if self.sk is not None else NONE, NONE, 0, 0, 0, 0, 0, len(raw), 0) + raw)
        return cell

    def touch(self, cell, time):
        struct.pack_into("<Q", self.data, cell + 4 + 4, time)
        self.time = max(self.time, time)

    def _name(self, cell):
        length = struct.unpack_from("<H", self.data, cell + 4 + 0x48)[0]
        return self.data[cell + 4 + 0x4C:cell + 4 + 0x4C + length].decode("latin-1")

    def _lists(self, parent):
        head = self._u32(parent + 4 + 0x1C)
        if head == NONE:
            return []
        if self.data[head + 4:head + 6] == b"ri":
            count = struct.unpack_from("<H", self.data, head + 6)[0]
            return [self._u32(head + 8 + 4 * i) for i in range(count)]
        return [head]

    def _entries(self, leaf):
        count = struct.unpack_from("<H", self.data, leaf + 6)[0]
        return [struct.unpack_from("<II", self.data, leaf + 8 + 8 * i) for i in range(count)]

    def children(self, parent):
        return [cell for leaf in self._lists(parent) for cell, _ in self._entries(leaf)]

    def _add_child(self, parent, child, name):
        entry = (child, name_hash(name))
        head = self._u32(parent + 4 + 0x1C)
        if head == NONE:
            head = self._alloc(4 + 8 * 2)
            self._put(head, b"lh\1\0" + struct.pack("<II", *entry))
        else:
            old = head
            entries = self._entries(head)
            names = [self._name(c).upper() for c, _ in entries]
            place = sum(n < name.upper() for n in names)
            entries.insert(place, entry)
            if 8 + 8 * len(entries) > self._size(head):
                head = self._alloc(4 + 8 * (len(entries) + len(entries) // 2 + 1))
            self._put(head, b"lh" + struct.pack("<H", len(entries)) + b"".join(struct.pack("<II", *e) for e in entries))
            if head != old:
                self._release(old)
        self._u32(parent + 4 + 0x1C, head)
        self._u32(parent + 4 + 0x14, self._u32(parent + 4 + 0x14) + 1)
        longest = parent + 4 + 0x34
        self._u32(longest, max(self._u32(longest), 2 * len(name)))

    def key(self, path, time):
        """The key of a path; what is missing is made at that time."""
        cell, so_far = self.root, ""
        for part in [p for p in path.split("\\") if p]:
            so_far += "\\" + part.lower()
            if so_far not in self.index:
                child = self._key(cell, part, time)
                self._add_child(cell, child, part)
                self.touch(cell, time)
                count = self.sk + 4 + 12
                self._u32(count, self._u32(count) + 1)
                self.index[so_far] = child
            cell = self.index[so_far]
        return cell

    def has(self, path):
        return "\\" + path.lower() in self.index

    def value(self, path, name, kind, value, time):
        cell = self.key(path, time)
        raw = encode(kind, value)
        found = self._find_value(cell, name)
        if found is None:
            found = self._new_value(cell, name)
        vk = found + 4
        if len(raw) > 16344:
            raise ValueError("value too long for one cell")
        if self._u32(vk + 4) < 0x80000000 and self._u32(vk + 4) > 0:
            self._release(self._u32(vk + 8))
        if len(raw) <= 4:
            self._u32(vk + 4, 0x80000000 | len(raw))
            self.data[vk + 8:vk + 12] = raw.ljust(4, b"\0")
        else:
            held = self._alloc(len(raw))
            self._put(held, raw)
            self._u32(vk + 4, len(raw))
            self._u32(vk + 8, held)
        self._u32(vk + 12, TYPES[kind])
        self._u32(cell + 4 + 0x40, max(self._u32(cell + 4 + 0x40), len(raw)))
        self.touch(cell, time)

    def _values(self, cell):
        count, held = self._u32(cell + 4 + 0x24), self._u32(cell + 4 + 0x28)
        return [self._u32(held + 4 + 4 * i) for i in range(count)]

    def _find_value(self, cell, name):
        for vk in self._values(cell):
            length = struct.unpack_from("<H", self.data, vk + 6)[0]
            if self.data[vk + 4 + 20:vk + 4 + 20 + length].decode("latin-1").lower() == name.lower():
                return vk
        return None

    def _new_value(self, cell, name):
        raw = name.encode("latin-1")
        vk = self._alloc(20 + len(raw))
        self._put(vk, struct.pack("<2sHIIIHH", b"vk", len(raw), 0x80000000, 0, 0, 1 if raw else 0, 0) + raw)
        cells = self._values(cell) + [vk]
        held = self._u32(cell + 4 + 0x28)
        if len(cells) == 1 or 4 + 4 * len(cells) > self._size(held):
            fresh = self._alloc(4 * len(cells))
            if len(cells) > 1:
                self._release(held)
            held = fresh
        self._put(held, b"".join(struct.pack("<I", c) for c in cells))
        self._u32(cell + 4 + 0x24, len(cells))
        self._u32(cell + 4 + 0x28, held)
        self._u32(cell + 4 + 0x3C, max(self._u32(cell + 4 + 0x3C), 2 * len(raw)))
        return vk

    def _release_value(self, vk):
        length = self._u32(vk + 8)
        if 0 < length < 0x80000000:
            self._release(self._u32(vk + 12))
        self._release(vk)

    def delete_value(self, path, name, time):
        cell = self.key(path, time)
        vk = self._find_value(cell, name)
        if vk is None:
            return
        cells = [c for c in self._values(cell) if c != vk]
        held = self._u32(cell + 4 + 0x28)
        if cells:
            self._put(held, b"".join(struct.pack("<I", c) for c in cells))   # the last slot stays as slack
        else:
            self._release(held)
            self._u32(cell + 4 + 0x28, NONE)
        self._u32(cell + 4 + 0x24, len(cells))
        self._release_value(vk)
        self.touch(cell, time)

    def delete(self, path, time):
        """Deletes a key and all below it, deepest first, as RegDeleteTree does."""
        folded = "\\" + path.lower()
        if folded not in self.index:
            return
        cell = self.index[folded]
        for child in list(self.children(cell)):
            self.delete(path + "\\" + self._name(child), time)
        parent = self.index[folded.rsplit("\\", 1)[0]]
        leaf = self._u32(parent + 4 + 0x1C)
        entries = [e for e in self._entries(leaf) if e[0] != cell]
        if entries:
            self._put(leaf, self.data[leaf + 4:leaf + 6] + struct.pack("<H", len(entries)) +
                      b"".join(struct.pack("<II", *e) for e in entries))
        else:
            self._release(leaf)
            self._u32(parent + 4 + 0x1C, NONE)
        self._u32(parent + 4 + 0x14, len(entries))
        for vk in self._values(cell):
            self._release_value(vk)
        if self._u32(cell + 4 + 0x24):
            self._release(self._u32(cell + 4 + 0x28))
        count = self.sk + 4 + 12
        self._u32(count, self._u32(count) - 1)
        self._release(cell)
        self.touch(parent, time)
        del self.index[folded]

    # --- files ---
    def _base(self, first, second, kind=0, size=None):
        block = bytearray(BASE)
        struct.pack_into("<4sIIQIIIIIII", block, 0, b"regf", first, second, self.time, 1, self.minor, kind, 1,
                         self.root, len(self.data) if size is None else size, 1)
        raw = ("\\??\\C:\\Windows\\System32\\config\\" + self.name)[-31:].encode("utf-16-le")
        block[48:48 + len(raw)] = raw
        total = 0
        for (word,) in struct.iter_unpack("<I", bytes(block[:508])):
            total ^= word
        struct.pack_into("<I", block, 508, {0: 1, NONE: NONE - 1}.get(total, total))
        return bytes(block)

    def image(self):
        return self._base(self.sequence, self.sequence) + bytes(self.data)

    def freeze(self):
        """From here on the primary file keeps this state; what follows goes into the transaction logs."""
        self.primary = (self.sequence, bytes(self.data), self.time)
        self.flushed = bytes(self.data)

    def _dirty(self, page):
        old = self.flushed.ljust(len(self.data), b"\0")
        new = bytes(self.data)
        return [at for at in range(0, len(new), page)
                if at >= len(self.flushed) or old[at:at + page] != new[at:at + page]]

    def log_entry(self):
        """One log entry of the new format (HvLE): the pages changed since the last one."""
        pages = self._dirty(512)
        refs = b"".join(struct.pack("<II", at, 512) for at in pages)
        body = refs + b"".join(bytes(self.data[at:at + 512]) for at in pages)
        size = (40 + len(body) + 511) // 512 * 512
        head = struct.pack("<4sIIIII", b"HvLE", size, 0, self.sequence + len(self.logs), len(self.data), len(pages))
        body = body.ljust(size - 40, b"\0")
        head += struct.pack("<Q", marvin32(body))
        head += struct.pack("<Q", marvin32(head))
        self.logs.append(head + body)
        self.flushed = bytes(self.data)

    def dirty_files(self, form="new"):
        """The primary as frozen, with unequal sequence numbers, and its two logs."""
        sequence, data, time = self.primary
        last, self.time = self.time, time
        primary = self._base(sequence + 1, sequence, size=len(data)) + data
        self.time = last
        if form == "new":
            log = self._base(sequence, sequence, kind=6)[:512] + b"".join(self.logs)
            return primary, log.ljust(max(len(log), 65536), b"\0"), b""
        self.flushed = data
        pages = set(self._dirty(512))
        count = len(self.data) // 512
        bitmap = bytearray((count + 7) // 8)
        for at in pages:
            bitmap[at // 512 // 8] |= 1 << (at // 512 % 8)
        log = self._base(sequence + 1, sequence + 1, kind=1)[:512] + b"DIRT" + bytes(bitmap)
        log = log.ljust((len(log) + 511) // 512 * 512, b"\0")
        log += b"".join(bytes(self.data[at:at + 512]) for at in sorted(pages))
        return primary, log, b""
