# SPDX-License-Identifier: Apache-2.0
"""A program that holds nothing but a version resource (Microsoft, "PE Format"; VS_VERSIONINFO of verrsrc.h)."""
import struct

ALIGN, ADDRESS = 512, 4096


def pad(data, to=4):
    return data + bytes(-len(data) % to)


def block(name, value=b"", inner=(), text=False):
    """One block of VS_VERSIONINFO; the size of a text counts letters."""
    body = pad(bytes(6) + name.encode("utf-16-le") + b"\0\0")
    body += value
    for part in inner:
        body = pad(body) + part
    return struct.pack("<HHH", len(body), len(value) // 2 if text else len(value), int(text)) + body[6:]


def version_info(strings):
    number = [int(n) for n in (strings["FileVersion"] + ".0.0.0").split(".")]
    high, low = number[0] << 16 | number[1], number[2] << 16 | number[3]
    fixed = struct.pack("<13I", 0xfeef04bd, 0x10000, high, low, high, low, 0x3f, 0, 0x40004, 1, 0, 0, 0)
    table = block("040904b0", inner=[block(n, v.encode("utf-16-le") + b"\0\0", text=True) for n, v in strings.items()], text=True)
    translation = block("VarFileInfo", inner=[block("Translation", struct.pack("<HH", 0x409, 1200))], text=True)
    return block("VS_VERSION_INFO", fixed, [block("StringFileInfo", inner=[table], text=True), translation])


def resources(version):
    """Directories of type 16, name 1, language 0x409, then the data."""
    tree = b""
    for number, after in ((16, 24 | 1 << 31), (1, 48 | 1 << 31), (0x409, 72)):
        tree += struct.pack("<IIHHHHII", 0, 0, 0, 0, 0, 1, number, after)
    return tree + struct.pack("<IIII", ADDRESS + 88, len(version), 0, 0) + version


def program(name, product, version, company):
    """64-bit, one section. The strings of its version resource are those given."""
    data = resources(version_info({"CompanyName": company, "FileDescription": name, "FileVersion": version,
                                   "OriginalFilename": name, "ProductName": product, "ProductVersion": version}))
    directories = struct.pack("<IIIIII", 0, 0, 0, 0, ADDRESS, len(data)) + bytes(13 * 8)
    optional = struct.pack("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII", 0x20b, 14, 0, 0, len(data), 0, 0, ADDRESS, 0x140000000, ADDRESS,
                           ALIGN, 6, 0, 0, 0, 6, 0, 0, 2 * ADDRESS, ALIGN, 0, 2, 0, 1 << 20, 4096, 1 << 20, 4096, 0, 16)
    headers = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0"
    headers += struct.pack("<HHIIIHH", 0x8664, 1, 0x58000000, 0, 0, len(optional) + len(directories), 0x22)
    headers += optional + directories
    body = pad(data, ALIGN)
    headers += struct.pack("<8sIIIIIIHHI", b".rsrc", len(data), ADDRESS, len(body), ALIGN, 0, 0, 0, 0, 0x40000040)
    return pad(headers, ALIGN) + body
