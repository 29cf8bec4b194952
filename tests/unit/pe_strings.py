# SPDX-License-Identifier: Apache-2.0
"""What python3-pefile reads of a program's version strings: product, version, company, file version, one per line."""
import sys

import pefile

program = pefile.PE(sys.argv[1], fast_load=True)
program.parse_data_directories([pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_RESOURCE"]])
strings = {}
for info in getattr(program, "FileInfo", []):
    for part in info:
        for table in getattr(part, "StringTable", []):
            for name, text in table.entries.items():
                strings.setdefault(name.decode(), text.decode(errors="replace").split("\0")[0])
for name in "ProductName", "ProductVersion", "CompanyName", "FileVersion":
    print(strings.get(name, ""))
