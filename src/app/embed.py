#!/usr/bin/env python3
"""Turns a file into an array of C: embed.py OUT.c FILE NAME"""
import pathlib
import sys

out, file, name = sys.argv[1:]
numbers = ",".join(str(byte) for byte in pathlib.Path(file).read_bytes())
pathlib.Path(out).write_text(f'#include "app/up.h"\n\nconst char {name}[] = {{{numbers},0}};\n')
