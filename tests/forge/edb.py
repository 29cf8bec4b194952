# SPDX-License-Identifier: Apache-2.0
"""Writes an ESE database as Windows 8 and later do, and SRUDB.dat in it: as little as libesedb takes for one.
Format: libesedb, "Extensible Storage Engine (ESE) Database File format"; the tables: libyal esedb-kb, "System Resource
Usage Monitor". Pages of 4 KiB; a tree is one page, or leaves below one root; no space trees, no secondary indexes."""
import datetime
import struct
import uuid

PAGE, HEAD = 4096, 40
ROOT, LEAF, BRANCH, ECC = 1, 2, 4, 0x2000
BYTE, LONG, DATE, LONG_BINARY, LONG_LONG = 2, 4, 8, 11, 15
WIDTH = {BYTE: 1, LONG: 4, DATE: 8, LONG_LONG: 8}
TABLE, COLUMN = 1, 2
CATALOG = 4                                          # the page of MSysObjects
RESOURCES = "{D10CA2FE-6FCF-4F6D-848E-B2E99266FA89}"
IDS = [("IdType", BYTE), ("IdIndex", LONG), ("IdBlob", LONG_BINARY)]
USES = [("AutoIncId", LONG), ("TimeStamp", DATE), ("AppId", LONG), ("UserId", LONG), ("ForegroundCycleTime", LONG_LONG),
        ("BackgroundCycleTime", LONG_LONG), ("FaceTime", LONG_LONG)]


def xor(data, value):
    for (word,) in struct.iter_unpack("<I", data):
        value ^= word
    return value


def ecc(data, first):
    """The numbers of all bits that are set, from `first` on, and their complements, each folded by exclusive or."""
    bits, ones, zeros = int.from_bytes(data, "little"), 0, 0
    while bits:
        number = first + (bits & -bits).bit_length() - 1
        ones, zeros, bits = ones ^ number, zeros ^ ~number & 0x7FFF, bits & bits - 1
    return zeros << 16 | ones


def key_part(value, size=4):
    """Of a signed integer, as keys are compared: bytes in order, the sign turned, behind a byte "has a value"."""
    return b"\x7f" + (value + (1 << size * 8 - 1)).to_bytes(size, "big")


def record(columns, values):
    """One row: columns of fixed size, a bit for each that is empty, then those that are tagged."""
    fixed = [(t, v) for (_, t), v in zip(columns, values) if t in WIDTH]
    body = b"".join(v if isinstance(v, bytes) else v.to_bytes(WIDTH[t], "little") for t, v in fixed)
    empty = (-1 << len(fixed) & (1 << (len(fixed) + 7) // 8 * 8) - 1).to_bytes((len(fixed) + 7) // 8, "little")
    tagged = [v for (_, t), v in zip(columns, values) if t not in WIDTH]
    head = struct.pack("<BBH", len(fixed), 127, 4 + len(body) + len(empty))
    return head + body + empty + b"".join(struct.pack("<HHB", 256 + i, 4 | 0x4000, 1) + v for i, v in enumerate(tagged))


def definition(table, kind, number, what, space, name, flags=0, place=0):
    """A row of the catalog: a table (what: its page, space: pages) or a column (what: its type, space: its size)."""
    body = struct.pack("<IHIIIII", table, kind, number, what, space, flags, 1252 if kind == COLUMN else space)
    body += b"\xff\x00" if kind == TABLE else struct.pack("<BHH", 0, place, 0xFE80)
    head = struct.pack("<BBH", 8 if kind == TABLE else 9, 128, 4 + len(body))
    key = key_part(table) + key_part(kind, 2) + key_part(number)
    return key, head + body + struct.pack("<H", len(name)) + name.encode("ascii")


class Database:
    def __init__(self):
        self.pages, self.catalog, self.next, self.objects = {}, [], 25, 3

    def page(self, number, flags, tree, entries, around=(0, 0)):
        """`entries`: the page's own first value, then pairs of key and data (or the number of a page below)."""
        values = [entries[0]] + [struct.pack("<H", len(k)) + k + d for k, d in entries[1:]]
        used = sum(map(len, values))
        free = PAGE - HEAD - used - 4 * len(values)
        assert free >= 0, "a page holds no more"
        at, tags = 0, b""
        for value in values:
            tags = struct.pack("<HH", len(value), at) + tags
            at += len(value)
        head = struct.pack("<QIIIHHHHI", 1, *around, tree, free, 0, used, len(values), flags | ECC)
        data = head + b"".join(values) + bytes(free) + tags
        self.pages[number] = struct.pack("<II", xor(data, number), ecc(data, 64)) + data

    def tree(self, number, tree, entries):
        """Leaves below the root at `number`, or that root alone where all fits on it."""
        root = struct.pack("<IIII", 1, 1, 0, 0)
        leaves, room = [[]], 0
        for key, data in entries:
            size = len(key) + len(data) + 6
            if room + size > PAGE - HEAD - 64:
                leaves.append([])
                room = 0
            leaves[-1].append((key, data))
            room += size
        if len(leaves) == 1:
            self.page(number, ROOT | LEAF, tree, [root] + leaves[0])
            return
        first, self.next = self.next, self.next + len(leaves)
        below, last = [], len(leaves) - 1
        for i, leaf in enumerate(leaves):
            self.page(first + i, LEAF, tree, [b""] + leaf, (first + i - 1 if i else 0, first + i + 1 if i < last else 0))
            below.append((leaf[-1][0] if i < last else b"", struct.pack("<I", first + i)))
        self.page(number, ROOT | BRANCH, tree, [root] + below)

    def define(self, tree, number, name, columns):
        self.catalog.append(definition(tree, TABLE, tree, number, 1, name))
        numbers, place = {True: 1, False: 256}, 4
        for column, kind in columns:
            is_fixed, width = kind in WIDTH, WIDTH.get(kind, 0)
            self.catalog.append(definition(tree, COLUMN, numbers[is_fixed], kind, width, column, 1 if is_fixed else 2,
                                           place if is_fixed else 0))
            numbers[is_fixed] += 1
            place += width

    def table(self, name, columns, rows):
        """`rows`: pairs of the number that orders them and their values."""
        self.objects, number, self.next = self.objects + 1, self.next, self.next + 1
        self.define(self.objects, number, name, columns)
        self.tree(number, self.objects, [(key_part(order), record(columns, values)) for order, values in rows])

    def image(self, shown):
        """The file: a header twice, then the pages. `shown`: a FILETIME, when it was closed."""
        when = datetime.datetime(1601, 1, 1) + datetime.timedelta(microseconds=shown // 10)
        time = struct.pack("<BBBBBBH", when.second, when.minute, when.hour, when.day, when.month, when.year - 1900, 0)
        head = bytearray(PAGE)
        struct.pack_into("<III", head, 4, 0x89ABCDEF, 0x620, 0)
        struct.pack_into("<I", head, 52, 3)                                       # shut down cleanly
        head[64:72] = head[72:80] = head[88:96] = time
        struct.pack_into("<5I", head, 212, self.objects, 10, 0, 16299, 0)
        struct.pack_into("<II", head, 232, 0x6E, PAGE)
        struct.pack_into("<II", head, 340, 0x620, 0x14)
        struct.pack_into("<I", head, 0, xor(head[4:], 0x89ABCDEF))
        self.page(1, ROOT | LEAF, 1, [struct.pack("<IIII", 24, 0, 0, 0)])
        for number, tree in ((CATALOG, 2), (24, 3)):                              # the catalog and its copy
            self.tree(number, tree, self.catalog)
        last = max(self.pages)
        return bytes(head) * 2 + b"".join(self.pages.get(n, bytes(PAGE)) for n in range(1, last + 1))


def ole_date(shown):
    """Days since 30 December 1899, which a FILETIME counts as day 109,205; whole seconds, as Windows writes them."""
    return struct.pack("<d", shown // 10**7 / 86400 - 109205)


def sid_bytes(sid):
    revision, authority, *parts = map(int, sid.split("-")[1:])
    return struct.pack("<BB", revision, len(parts)) + authority.to_bytes(6, "big") + struct.pack("<%dI" % len(parts), *parts)


def srudb(uses, sid, shown):
    """`uses`: (FILETIME, device path of a program) in the order of writing, by the user of that SID."""
    database, ids = Database(), {}
    for _, program in uses:
        ids.setdefault(program, len(ids) + 3)
    rows = [(2, (3, 2, sid_bytes(sid)))] + [(n, (0, n, p.encode("utf-16-le") + b"\0\0")) for p, n in ids.items()]
    database.table("SruDbIdMapTable", IDS, rows)
    database.table(RESOURCES, USES, [(i, (i, ole_date(at), ids[program], 2, 10**9, 10**8, 0))
                                     for i, (at, program) in enumerate(uses, 1)])
    return database.image(shown)
