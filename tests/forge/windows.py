# SPDX-License-Identifier: Apache-2.0
"""What Windows computers have in common: constants, providers of events, forms of times and names."""
import datetime
import os

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
EPOCH = datetime.datetime(1601, 1, 1, tzinfo=datetime.timezone.utc)
SECOND, MINUTE, DAY = 10**7, 60 * 10**7, 86400 * 10**7
UNINSTALL = "Microsoft\\Windows\\CurrentVersion\\Uninstall"
NATIVE = "Microsoft\\Windows NT\\CurrentVersion"
SERVICES = "ControlSet001\\Services"
SCM = dict(guid="555908d1-a6d7-4695-8e1e-26931d2012f4", source="Service Control Manager", qualifiers=16384,
           keywords=0x8080000000000000, channel="System", process=608, thread=1204)
KERNEL = dict(guid="a68ca8b7-004f-d7b6-a698-07e2de0f1f5d", qualifiers=None, keywords=0x8000000000000000,
              channel="System", process=4, thread=64, user="S-1-5-18")
OS = {"win10": ("Windows 10 Pro", "16299", "6.3", 30), "win7": ("Windows 7 Professional", "7601", "6.1", 23),
      "win11": ("Windows 10 Pro", "22631", "6.3", 30), "winxp": ("Microsoft Windows XP", "2600", "5.1", 17)}
OLD_LOGS = {"Application": "AppEvent", "System": "SysEvent", "Security": "SecEvent"}
SOURCES = ("files", "registry", "msi", "service", "wsc", "vendor", "inventory", "prefetch", "setupapi", "amcache", "bam",
           "installer-log")


def ticks(when):
    if isinstance(when, str):
        when = datetime.datetime.fromisoformat(when.replace("Z", "+00:00"))
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.timezone.utc)
    delta = when - EPOCH
    return (delta.days * 86400 + delta.seconds) * SECOND + delta.microseconds * 10


def moment(value):
    return EPOCH + datetime.timedelta(microseconds=value // 10)


def unix(value):
    return value // SECOND - 11644473600


def text16(text):
    return text.encode("utf-16-le")


def packed_guid(text):
    """The form in which Windows Installer names its keys."""
    a, b, c, d, e = text.strip("{}").split("-")
    swap = "".join(x[i:i + 2][::-1] for x in (d + e,) for i in range(0, len(x), 2))
    return (a[::-1] + b[::-1] + c[::-1] + swap).upper()


def load(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as stream:
        return yaml.safe_load(stream)


def product_table():
    table = load("products.yaml")
    return {k: ({**table[v["like"]], **v} if "like" in v else v) for k, v in table.items()}
