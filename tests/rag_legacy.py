"""Documents of the offices before 2007, made here: compound files with one stream each."""
import struct


def compound(**streams):
    """An OLE2 compound file with one sector chain a stream: what doc, xls and ppt are kept in."""
    names = {name.replace("_", " "): data.ljust(4096, b"\0") for name, data in streams.items()}  # below 4096 bytes they would be elsewhere
    chains, bodies, at = [], [], 2  # sector 0: the table of sectors, 1: the directory
    for data in names.values():
        count = -(-len(data) // 512)
        chains.append((at, count))
        bodies.append(data.ljust(count * 512, b"\0"))
        at += count
    table = [0xFFFFFFFD, 0xFFFFFFFE]
    for first, count in chains:
        table += [first + i + 1 for i in range(count - 1)] + [0xFFFFFFFE]
    assert len(table) <= 128, "more than one sector of the table"
    table += [0xFFFFFFFF] * (128 - len(table))

    def entry(name, kind, first, size, child=0xFFFFFFFF, right=0xFFFFFFFF):
        wide = name.encode("utf-16-le") + b"\0\0"
        return (wide.ljust(64, b"\0") + struct.pack("<HBBIII", len(wide) if name else 0, kind, 1, 0xFFFFFFFF, right, child) +
                b"\0" * 36 + struct.pack("<III", first, size, 0))

    directory = entry("Root Entry", 5, 0xFFFFFFFE, 0, child=1)
    for i, ((name, data), (first, _)) in enumerate(zip(names.items(), chains)):
        directory += entry(name, 2, first, len(data), right=i + 2 if i + 1 < len(names) else 0xFFFFFFFF)
    directory = directory.ljust(512, b"\0")
    header = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6 +
              struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0) + struct.pack("<I", 0) + b"\xff" * 432)
    return header[:512] + struct.pack("<128I", *table) + directory + b"".join(bodies)


def doc(text):
    words = text.replace("\n", "\r").encode("cp1252")
    head = bytearray(0x400)
    struct.pack_into("<HHHHHH", head, 0, 0xA5EC, 101, 0, 0x409, 0, 0)
    struct.pack_into("<II", head, 24, len(head), len(head) + len(words))
    return compound(WordDocument=bytes(head) + words)


def xls(sheets):
    def record(kind, body):
        return struct.pack("<HH", kind, len(body)) + body

    out = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0x600)) + record(0x42, struct.pack("<H", 1200))
    for name, _ in sheets:
        out += record(0x85, struct.pack("<IHBB", 0, 0, len(name), 0) + name.encode())
    out += record(0x0A, b"")
    for _, rows in sheets:
        out += record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0x600))
        for r, row in enumerate(rows):
            for c, cell in enumerate(row):
                if isinstance(cell, str):
                    out += record(0x204, struct.pack("<HHHHB", r, c, 0, len(cell), 0) + cell.encode("latin-1"))
                else:
                    out += record(0x203, struct.pack("<HHHd", r, c, 0, cell))
        out += record(0x0A, b"")
    return compound(Workbook=out)


def ppt(slides):
    def record(kind, body, version=0):
        return struct.pack("<HHI", version, kind, len(body)) + body

    out = b"".join(record(0x3EE, b"".join(record(0x0FA8, line.encode("cp1252")) for line in lines), 15) for lines in slides)
    return compound(PowerPoint_Document=out + record(0x03EA, b""))
