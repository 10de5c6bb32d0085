#!/usr/bin/env python3
"""Writes the files of a folder as a C table: web/embed.py OUT.c FILE... (paths relative to the folder of the first)."""
import pathlib
import sys


def main(out, files):
    root = pathlib.Path(files[0]).parent
    lines = ["/* Made by web/embed.py from the files of web/site. */", '#include "web/server/embedded.h"', ""]
    rows = []
    for number, name in enumerate(files):
        data = pathlib.Path(name).read_bytes()
        lines.append(f"static const unsigned char file_{number}[] = {{")
        for at in range(0, len(data), 20):
            lines.append("\t" + "".join(f"{byte}," for byte in data[at:at + 20]))
        lines.append("0 };")
        rows.append(f'\t{{ "/{pathlib.Path(name).relative_to(root).as_posix()}", file_{number}, {len(data)} }},')
    lines += ["", "const struct embedded_file embedded_files[] = {", *rows, "};",
              f"const size_t embedded_count = {len(files)};", ""]
    pathlib.Path(out).write_text("\n".join(lines))


main(sys.argv[1], sys.argv[2:])
