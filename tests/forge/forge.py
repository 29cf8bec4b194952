# SPDX-License-Identifier: Apache-2.0
"""Forges a disk image from a scenario: forge.py SCENARIO.yaml -o DIR --tools DIR-OF-forge_volume"""
import argparse
import hashlib
import json
import os
import random
import subprocess
import sys

import yaml

import disk
import shadow
import tamper
from machine import Machine
from windows import moment, product_table, ticks


def forge_volume(system, seed, number, offset, folder, tools):
    spec = system["machine"]
    machine = Machine(spec, system["history"], "%s/%d" % (seed, number), folder)
    machine.play()
    born = machine.born
    if "former" in system:
        former = Machine(system["former"]["machine"], system["former"]["history"], "%s/%d/former" % (seed, number), folder)
        former.play()
        formatted = system["former"].get("formatted", False)
        machine.adopt(former, formatted)
        born = machine.born if formatted else former.born
    stem = os.path.join(folder, "volume%d" % number)
    with open(stem + ".raw", "wb") as volume:
        volume.truncate(spec.get("size_mib", 64) << 20)
    born = int(moment(born).timestamp()) - 600
    env = dict(os.environ, FORGE_CLOCK=str(born), LD_PRELOAD=os.path.join(tools, "libforge_clock.so"))
    subprocess.run(["/usr/sbin/mkntfs", "-F", "-q", "-Q", "-T", "-s", "512", "-H", "255", "-S", "63", "-p", str(offset),
                    "-c", "4096", "-L", "Windows", stem + ".raw"], env=env, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    with open(stem + ".ops", "w", encoding="utf-8") as out:
        out.write(machine.operations())
    with open(stem + ".blob", "wb") as out:
        out.write(machine.blob)
    subprocess.run([os.path.join(tools, "forge_volume"), stem + ".raw", stem + ".ops", stem + ".blob"], check=True)
    if spec.get("bulk_tree"):
        subprocess.run([os.path.join(tools, "bulk_volume"), stem + ".raw", str(spec["bulk_tree"])], check=True,
                       stdout=sys.stderr)
    for record in spec.get("damaged", {}).get("$MFT", ()):
        tamper.damage_mft(stem + ".raw", record)
    if machine.snapshots:
        shadow.write(stem + ".raw", os.path.join(folder, "diff-area"), machine.snapshots, machine.host, machine.rng)
        for path in [p for _, p in machine.snapshots] + [os.path.join(folder, "diff-area")]:
            os.remove(path)
    return stem + ".raw", machine


def truth(scenario, systems, segments, md5):
    spec, history = systems[0].spec, systems[0].history
    products = product_table()

    def first(verb):
        for step in history:
            if step["do"] == verb:
                return {"at": step["at"], "product": products[step["product"]]["name"]}
        return None
    expect = scenario["expect"]
    return {"image": os.path.basename(segments[0]), "segments": [os.path.basename(s) for s in segments],
            "scenario": scenario["name"], "mandate": expect["mandate"], "expected_outcome": expect["outcome"],
            "installed": first("install"), "removed": first("remove"), "removal_bounds": expect.get("removed"),
            "hostname": spec["hostname"], "timezone": spec["timezone"], "os": systems[0].os[0],
            "acquired": spec["acquired"], "notes": scenario.get("story", ""), "deciding": expect.get("deciding", []),
            "media_md5": md5}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("scenario")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--tools", required=True)
    parser.add_argument("--keep", action="store_true", help="keep the operation lists and volumes")
    options = parser.parse_args()
    with open(options.scenario, encoding="utf-8") as stream:
        scenario = yaml.safe_load(stream)
    os.makedirs(options.output, exist_ok=True)
    image = scenario.get("image", {})
    systems = scenario.get("systems") or [scenario]
    rng = random.Random(scenario["name"])
    volumes, machines, offset = [], [], disk.ALIGN
    for number, system in enumerate(systems):
        raw, machine = forge_volume(system, scenario["name"], number, offset, options.output, options.tools)
        offset += (os.path.getsize(raw) // 512 + disk.ALIGN - 1) // disk.ALIGN * disk.ALIGN
        volumes.append(raw)
        machines.append(machine)
    stem = os.path.join(options.output, scenario["name"])
    disk.write_disk(stem + ".raw", volumes, image.get("table", "gpt"), rng)
    acquired = moment(ticks(systems[0]["machine"]["acquired"]))
    md5 = None
    if image.get("format", "e01") == "e01":
        segments, md5, _ = disk.write_ewf(stem + ".raw", stem, acquired, image.get("segment_size", 0))
        os.remove(stem + ".raw")
        if "spoil" in image:
            disk.spoil(segments[0], image["spoil"])
    else:
        segments = [stem + ".raw"]
        digest = hashlib.md5()
        with open(segments[0], "rb") as raw:
            while block := raw.read(1 << 20):
                digest.update(block)
        md5 = digest.hexdigest()
    if not options.keep:
        for number in range(len(systems)):
            for kind in ("raw", "ops", "blob"):
                os.remove(os.path.join(options.output, "volume%d.%s" % (number, kind)))
    with open(os.path.join(options.output, "TRUTH.json"), "w", encoding="utf-8") as out:
        json.dump(truth(scenario, machines, segments, md5), out, indent=1, sort_keys=True)
        out.write("\n")
    print(segments[0])


if __name__ == "__main__":
    sys.exit(main())
