#!/usr/bin/env python3
"""Turns files into arrays of C: embed.py OUT.c FILE…"""
import pathlib
import sys

out, files = sys.argv[1], [pathlib.Path(name) for name in sys.argv[2:]]
lines = ['#include "services/lambda/runtimes.h"', ""]
for i, file in enumerate(files):
    numbers = ",".join(str(byte) for byte in file.read_bytes())
    lines.append(f"static const unsigned char file_{i}[] = {{{numbers}}};")
lines.append("const struct lambda_runtime_file lambda_runtimes[] = {")
lines += [f'\t{{ "{file.name}", file_{i}, sizeof file_{i} }},' for i, file in enumerate(files)]
lines += ["};", "const size_t lambda_runtime_count = sizeof lambda_runtimes / sizeof lambda_runtimes[0];", ""]
pathlib.Path(out).write_text("\n".join(lines))
