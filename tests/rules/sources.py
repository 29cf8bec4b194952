#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds docs/sources.md against the table of parsers that the program itself prints;
with --update it is written anew."""
import subprocess
import sys

HEAD = "# Sources\n\nWhat is read and what it asserts, made from the table of parsers (`avouch sources`).\n\n"


def main():
    avouch, document = sys.argv[1:3]
    done = subprocess.run([avouch, "sources"], capture_output=True, text=True, check=True)
    # Builds for tests hold parsers that crash and hang on purpose: they are no sources.
    table = HEAD + "".join(line for line in done.stdout.splitlines(True) if "`faulty." not in line)
    if "--update" in sys.argv:
        with open(document, "w", encoding="utf-8") as out:
            out.write(table)
        return 0
    with open(document, encoding="utf-8") as source:
        same = source.read() == table
    print("docs/sources.md is %s" % ("up to date" if same else "not what the program prints: run "
                                     "tests/rules/sources.py AVOUCH docs/sources.md --update"))
    return 0 if same else 1


sys.exit(main())
