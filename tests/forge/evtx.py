# SPDX-License-Identifier: Apache-2.0
"""Writes Windows event logs (.evtx): chunks of 64 KiB, records of binary XML with templates, all checksums.
Format: libevtx's documentation of EVTX; "Introducing the Microsoft Vista event log file format" (Schuster)."""
import hashlib
import struct
import zlib

CHUNK = 65536
NS = "http://schemas.microsoft.com/win/2004/08/events/event"
U8, U16, U32, U64, GUID, FILETIME, SID, HEX64 = 4, 6, 8, 10, 15, 17, 19, 21
STRING, BINARY, XML, STRINGS, NULL = 1, 14, 33, 0x81, 0


def guid_bytes(text):
    a, b, c, d, e = text.strip("{}").split("-")
    return struct.pack("<IHH", int(a, 16), int(b, 16), int(c, 16)) + bytes.fromhex(d + e)


def sid_bytes(text):
    parts = [int(p) for p in text.split("-")[2:]]
    return struct.pack("<BB", 1, len(parts) - 1) + struct.pack(">Q", parts[0])[2:] + b"".join(
        struct.pack("<I", p) for p in parts[1:])


class Element:
    """An element of a template: attributes and content are text, or (index, type, optional) for a substitution."""

    def __init__(self, name, attributes=(), content=()):
        self.name, self.attributes, self.content = name, attributes, content


def S(index, kind, optional=True):
    return (index, kind, optional)


def system(provider, guid=None, source=None):
    attributes = [("Name", provider)]
    if guid:
        attributes.append(("Guid", "{%s}" % guid.strip("{}")))
    if source:
        attributes.append(("EventSourceName", source))
    return Element("System", (), (
        Element("Provider", attributes),
        Element("EventID", [("Qualifiers", S(4, U16))], [S(3, U16)]),
        Element("Version", (), [S(11, U8)]), Element("Level", (), [S(0, U8)]), Element("Task", (), [S(2, U16)]),
        Element("Opcode", (), [S(1, U8)]), Element("Keywords", (), [S(5, HEX64)]),
        Element("TimeCreated", [("SystemTime", S(6, FILETIME))]), Element("EventRecordID", (), [S(10, U64)]),
        Element("Correlation", [("ActivityID", S(7, GUID)), ("RelatedActivityID", S(13, GUID))]),
        Element("Execution", [("ProcessID", S(8, U32)), ("ThreadID", S(9, U32))]),
        Element("Channel", (), [S(14, STRING)]), Element("Computer", (), [S(15, STRING)]),
        Element("Security", [("UserID", S(12, SID))])))


class Writer:
    """One chunk being filled."""

    def __init__(self):
        self.data = bytearray(512)
        self.names = {}
        self.templates = {}
        self.strings = [0] * 64
        self.table = [0] * 32

    def name(self, out, base, text):
        """A name: its offset, and on first use the name itself, chained by hash bucket."""
        if text in self.names:
            out += struct.pack("<I", self.names[text])
            return
        value = 0
        for unit in struct.unpack("<%dH" % len(text), text.encode("utf-16-le")):
            value = (value * 65599 + unit) & 0xFFFFFFFF
        at = base + len(out) + 4
        out += struct.pack("<IIHH", at, self.strings[value % 64], value & 0xFFFF, len(text))
        out += text.encode("utf-16-le") + b"\0\0"
        self.strings[value % 64] = at
        self.names[text] = at

    def element(self, out, base, node, within_fragment=False):
        has = bool(node.attributes)
        out += struct.pack("<BHI", 0x41 if has else 0x01, 0xFFFF, 0)
        size_at = len(out) - 4
        self.name(out, base, node.name)
        if has:
            out += bytes(4)
            list_at = len(out)
            for i, (key, value) in enumerate(node.attributes):
                out.append(0x46 if i + 1 < len(node.attributes) else 0x06)
                self.name(out, base, key)
                self.content(out, base, value)
            struct.pack_into("<I", out, list_at - 4, len(out) - list_at)
        if node.content:
            out.append(2)
            for part in node.content:
                self.content(out, base, part)
            out.append(4)
        else:
            out.append(3)
        struct.pack_into("<I", out, size_at, len(out) - size_at - 4)

    def content(self, out, base, part):
        if isinstance(part, Element):
            self.element(out, base, part)
        elif isinstance(part, tuple):
            out += struct.pack("<BHB", 0x0E if part[2] else 0x0D, part[0], part[1])
        else:
            out += struct.pack("<BBH", 0x05, 1, len(part)) + part.encode("utf-16-le")

    def instance(self, base, key, root, values):
        """A template instance with its values; the definition stands inline on first use in the chunk."""
        out = bytearray(b"\x0f\x01\x01\x00\x0c\x01")
        guid = hashlib.md5(key.encode()).digest()
        out += guid[:4]
        if key in self.templates:
            out += struct.pack("<I", self.templates[key])
        else:
            at = base + len(out) + 4
            out += struct.pack("<I", at)
            bucket = struct.unpack("<I", guid[:4])[0] % 32
            out += struct.pack("<I", self.table[bucket]) + guid + bytes(4)
            size_at = len(out) - 4
            out += b"\x0f\x01\x01\x00"
            self.element(out, base, root)
            out.append(0)
            struct.pack_into("<I", out, size_at, len(out) - size_at - 4)
            self.table[bucket] = at
            self.templates[key] = at
        out += struct.pack("<I", len(values))
        sizes = len(out)
        out += bytes(4 * len(values))
        for i, (kind, value) in enumerate(values):
            start = len(out)
            if kind == XML:
                out += self.instance(base + len(out), *value) + b"\0"
            else:
                out += value
            struct.pack_into("<HBB", out, sizes + 4 * i, len(out) - start, kind, 0)
        return out

    def add(self, record):
        """False when the record does not fit any more."""
        saved = (dict(self.names), dict(self.templates), list(self.strings), list(self.table))
        at = len(self.data)
        body = self.instance(at + 24, *record.fragment()) + b"\0"
        size = (24 + len(body) + 4 + 7) & ~7
        if at + size > CHUNK:
            self.names, self.templates, self.strings, self.table = saved
            return False
        body = body.ljust(size - 28, b"\0")
        self.data += struct.pack("<IIQQ", 0x2A2A, size, record.number, record.time) + body + struct.pack("<I", size)
        self.last_record = at
        return True

    def finish(self, first, last, first_number, last_number):
        free = len(self.data)
        head = struct.pack("<8sQQQQIIII", b"ElfChnk\0", first_number, last_number, first, last, 128, self.last_record,
                           free, zlib.crc32(bytes(self.data[512:free])))
        head = head.ljust(124, b"\0")[:120] + struct.pack("<I", 1)
        tables = struct.pack("<64I", *self.strings) + struct.pack("<32I", *self.table)
        head += struct.pack("<I", zlib.crc32(head[:120] + tables)) + tables
        return (head + bytes(self.data[512:])).ljust(CHUNK, b"\0")


class Record:
    """One event. `data` is a list of strings (classic source) or of (name, type, bytes) (manifest)."""

    def __init__(self, time, provider, event, data=(), binary=None, guid=None, source=None, qualifiers=0, level=4,
                 task=0, keywords=0x80000000000000, channel="Application", computer="", user=None, process=0, thread=0,
                 named=None):
        self.__dict__.update(locals())
        self.number = 0

    def values(self):
        user = self.user
        return [(U8, struct.pack("<B", self.level)), (U8, b"\0"), (U16, struct.pack("<H", self.task)),
                (U16, struct.pack("<H", self.event)),
                (NULL, b"") if self.qualifiers is None else (U16, struct.pack("<H", self.qualifiers)),
                (HEX64, struct.pack("<Q", self.keywords)), (FILETIME, struct.pack("<Q", self.time)), (NULL, b""),
                (U32, struct.pack("<I", self.process)), (U32, struct.pack("<I", self.thread)),
                (U64, struct.pack("<Q", self.number)), (U8, b"\0"),
                (SID, sid_bytes(user)) if user else (NULL, b""), (NULL, b""),
                (STRING, self.channel.encode("utf-16-le")), (STRING, self.computer.encode("utf-16-le"))]

    def fragment(self):
        top = [system(self.provider, self.guid, self.source)]
        values = self.values()
        if self.named is None:
            top.append(Element("EventData", (), (Element("Data", (), [S(16, STRINGS)]),
                                                 Element("Binary", (), [S(17, BINARY)]))))
            values.append((STRINGS, "".join(t + "\0" for t in self.data).encode("utf-16-le")))
            values.append((BINARY, self.binary) if self.binary else (NULL, b""))
            key = "classic " + self.provider
        else:
            top.append(S(16, XML))
            root = Element("EventData", (), [Element("Data", [("Name", n)], [S(i, k)])
                                             for i, (n, k, _) in enumerate(self.named)])
            inner = [(k, v) for _, k, v in self.named]
            values.append((XML, ("data %s %d %s" % (self.provider, self.event, [n for n, _, _ in self.named]), root,
                                 inner)))
            key = "manifest " + self.provider
        return key, Element("Event", [("xmlns", NS)], top), values


def write(records, first_number=1, dirty=False):
    """The file of these records, in order; numbers run from first_number."""
    chunks, writer, span = [], None, []
    for i, record in enumerate(records):
        record.number = first_number + i
        if writer is None or not writer.add(record):
            if writer is not None:
                chunks.append(writer.finish(span[0], span[-1], span[0], span[-1]))
            writer, span = Writer(), []
            if not writer.add(record):
                raise ValueError("record too large for a chunk")
        span.append(record.number)
    if writer is None:
        chunks.append(empty_chunk())
    else:
        chunks.append(writer.finish(span[0], span[-1], span[0], span[-1]))
    head = struct.pack("<8sQQQIHHHH", b"ElfFile\0", 0, len(chunks) - 1, first_number + len(records), 128, 1, 3, 4096,
                       len(chunks))
    head = head.ljust(120, b"\0")
    head += struct.pack("<II", 1 if dirty else 0, zlib.crc32(head))
    return head.ljust(4096, b"\0") + b"".join(chunks)


def empty_chunk():
    writer = Writer()
    writer.last_record = 0
    return writer.finish(1, 0xFFFFFFFFFFFFFFFF, 1, 0xFFFFFFFFFFFFFFFF)
