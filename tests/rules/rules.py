#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of the house that a compiler does not check: layers, foreign headers, banned
functions, vendor names in code, and whether the documents name what there is."""
import os
import re
import sys

ROOT = os.path.abspath(sys.argv[1])

# folder -> the folders of the project it may include from (besides itself)
LAYERS = {
    "parsers/base": [],
    "parsers": ["parsers/base", "parsers/stream", "parsers/filesystem"],
    "parsers/stream": ["parsers/base"],
    "parsers/filesystem": ["parsers/base", "parsers/stream", "parsers"],
    "parsers/filesystem/ntfs": ["parsers/base", "parsers/stream", "parsers/filesystem", "parsers"],
    "parsers/registry": ["parsers/base", "parsers"],
    "parsers/eventlog": ["parsers/base", "parsers"],
    "parsers/faulty": ["parsers/base", "parsers"],
    "parsers/windows": ["parsers/base", "parsers/stream", "parsers"],
    "analyzer/match": ["parsers/base", "parsers"],
    "analyzer/casefile": ["parsers/base", "parsers"],
    "analyzer/judge": ["parsers/base", "parsers", "analyzer/match", "analyzer/casefile"],
    "analyzer/report": ["parsers/base", "analyzer/judge"],
    "analyzer/export": ["parsers/base", "analyzer/casefile"],
    "analyzer/collect": ["parsers/base", "parsers", "parsers/stream", "parsers/filesystem",
                         "parsers/filesystem/ntfs", "parsers/registry", "analyzer/casefile"],
    "analyzer/command": ["parsers/base", "analyzer/judge", "analyzer/report", "analyzer/export",
                         "analyzer/collect"],
    "analyzer": ["analyzer/command"],
}
# headers of foreign libraries -> the folders that may see them
FOREIGN = {
    r"tsk/|libewf|libvmdk|libvhdi|libqcow|libbde|libluksde|libvslvm|libvshadow":
        ["parsers/stream", "parsers/filesystem"],
    r"libdeflate": ["parsers/stream"],
    r"libregf": ["parsers/registry"],
    r"libevtx|libevt\b": ["parsers/eventlog"],
    r"sqlite3": ["analyzer/casefile"],
    r"cyaml|yaml\.h|pcre2": ["analyzer/match"],
    r"jansson": ["analyzer/report", "analyzer/export"],
    r"seccomp|landlock": ["analyzer/collect"],
}
VENDORS = re.compile(r"kaspersky|mcafee|symantec|sophos|bitdefender|drweb|ultraav|crowdstrike",
                     re.I)


def sources(top):
    for folder, _, names in os.walk(os.path.join(ROOT, top)):
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                yield os.path.relpath(os.path.join(folder, name), ROOT)


def code_only(text):
    return re.sub(r'"(\\.|[^"\\])*"', '""', re.sub(r"/\*.*?\*/", "", text, flags=re.S))


def check_includes(path, text, problems):
    folder = os.path.dirname(path)
    allowed = [folder] + LAYERS.get(folder, [])
    if folder not in LAYERS:
        problems.append(f"{path}: folder is in no layer")
    for line in re.findall(r'^#include "([^"]+)"', text, flags=re.M):
        if os.path.dirname(line) not in allowed:
            problems.append(f"{path}: {folder} may not include {line}")
    for line in re.findall(r"^#include <([^>]+)>", text, flags=re.M):
        for pattern, folders in FOREIGN.items():
            if re.match(pattern, line) and folder not in folders:
                problems.append(f"{path}: <{line}> belongs to {', '.join(folders)}")


def main():
    problems = []
    banned_list = open(os.path.join(ROOT, "parsers/base/banned.h")).read()
    banned = " ".join(re.findall(r"banned: ([^*]*)\*", banned_list)).split()
    calls = re.compile(r"(?<![\w.>])(" + "|".join(banned) + r")\s*\(")
    seen = {}
    for path in list(sources("parsers")) + list(sources("analyzer")):
        text = open(os.path.join(ROOT, path), encoding="utf-8").read()
        if not text.startswith("/* SPDX-License-Identifier: Apache-2.0 */"):
            problems.append(f"{path}: no licence line")
        check_includes(path, text, problems)
        for name in calls.findall(code_only(text)):
            problems.append(f"{path}: {name} is banned")
        for name in set(VENDORS.findall(text)):
            problems.append(f"{path}: names the vendor '{name}'; that belongs in signatures/")
        base = os.path.basename(path)
        if base in seen:
            problems.append(f"{path}: same file name as {seen[base]}")
        seen[base] = path
    commands = re.findall(r'\.name = "(\w+)",\n\t\.summary',
                          "".join(open(os.path.join(ROOT, p)).read()
                                  for p in sources("analyzer/command")))
    manual = open(os.path.join(ROOT, "docs/avouch.1")).read()
    for command in commands:
        if not re.search(rf"\b{command}\b", manual):
            problems.append(f"docs/avouch.1: does not mention '{command}'")
    print("\n".join(problems))
    print(f"{len(seen)} files, {len(problems)} problems")
    return 1 if problems else 0


sys.exit(main())
