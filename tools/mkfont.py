#!/usr/bin/env python3
"""mkfont.py OUT.h - the console's font as a C header, made from Debian's package xfonts-terminus.

The font is Terminus Font 8x16, (c) Dimitar Toshkov Zhekov, SIL Open Font License 1.1. It is fetched by ports/fetch and kept in
the cache under its SHA-256; nothing of it is in the source tree. Format read: X11 portable compiled format (PCF).
"""
import gzip
import hashlib
import io
import os
import pathlib
import struct
import subprocess
import sys
import tarfile

PACKAGE = "xfonts-terminus"
MEMBER = "./usr/share/fonts/X11/misc/ter-u16n_unicode.pcf.gz"
SHA256 = "8b747d59a2919e657504ce95faa58b6351e0d93ebdc4b89515ce9aa3e79f4a87"
WIDTH, HEIGHT, ASCENT = 8, 16, 12
METRICS, BITMAPS, ENCODINGS = 1 << 2, 1 << 3, 1 << 5
TOP = pathlib.Path(__file__).resolve().parent.parent


def fetch():
    """The font file's bytes, from the cache or from Debian."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ["HOME"], ".cache")
    cache = pathlib.Path(os.environ.get("AMBIT_CACHE") or os.path.join(home, "ambit")) / "src"
    kept = cache / SHA256
    if kept.exists() and hashlib.sha256(kept.read_bytes()).hexdigest() == SHA256:
        return kept.read_bytes()
    deb = subprocess.run([TOP / "ports/fetch", "binary", PACKAGE], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    files = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(files)) as tar:
        data = tar.extractfile(MEMBER).read()
    if hashlib.sha256(data).hexdigest() != SHA256:
        sys.exit(f"mkfont: {MEMBER} of {deb} is not the version that is expected (sha256)")
    part = cache / f"{SHA256}.{os.getpid()}"
    part.write_bytes(data)
    part.replace(kept)
    return data


def tables(pcf):
    """Each table as (format, byte order, contents behind the format word)."""
    magic, count = struct.unpack_from("<4sI", pcf)
    if magic != b"\1fcp":
        sys.exit("mkfont: not a PCF file")
    out = {}
    for i in range(count):
        kind, fmt, size, offset = struct.unpack_from("<4I", pcf, 8 + 16 * i)
        out[kind] = (fmt, ">" if fmt & 4 else "<", pcf[offset + 4:offset + size])
    return out


def metrics(table):
    """(left, right, width, ascent, descent) of each glyph."""
    fmt, order, data = table
    if fmt & 0x100:
        count, = struct.unpack_from(order + "H", data)
        return [tuple(b - 128 for b in data[2 + 5 * i:7 + 5 * i]) for i in range(count)]
    count, = struct.unpack_from(order + "I", data)
    return [struct.unpack_from(order + "5h", data, 4 + 12 * i) for i in range(count)]


def glyph(table, index, metric):
    """One glyph as HEIGHT bytes, the leftmost point in the highest bit."""
    fmt, order, data = table
    count, = struct.unpack_from(order + "I", data)
    offset, = struct.unpack_from(order + "I", data, 4 + 4 * index)
    bits = data[4 + 4 * count + 16:]
    left, right, _, ascent, descent = metric
    unit, pad = 1 << (fmt >> 4 & 3), 1 << (fmt & 3)
    stride = ((right - left + 7) // 8 + pad - 1) // pad * pad
    rows = bytearray(HEIGHT)
    for y in range(ascent + descent):
        line = bits[offset + y * stride:offset + (y + 1) * stride]
        if bool(fmt & 4) != bool(fmt & 8):  # bytes within a unit run against the bits
            line = b"".join(line[i:i + unit][::-1] for i in range(0, len(line), unit))
        byte = line[0] if fmt & 8 else int(f"{line[0]:08b}"[::-1], 2)
        at = ASCENT - ascent + y
        if 0 <= at < HEIGHT:
            rows[at] = byte >> left if left >= 0 else byte << -left & 0xff
    return bytes(rows)


def encodings(table):
    """{code: glyph index}"""
    _, order, data = table
    low, high, first, last, _ = struct.unpack_from(order + "5h", data)
    columns = high - low + 1
    out = {}
    for i in range(columns * (last - first + 1)):
        index, = struct.unpack_from(order + "H", data, 10 + 2 * i)
        if index != 0xffff:
            out[(first + i // columns) << 8 | (low + i % columns)] = index
    return out


def main():
    """Write the header."""
    pcf = tables(gzip.decompress(fetch()))
    sizes = metrics(pcf[METRICS])
    codes = sorted((c, i) for c, i in encodings(pcf[ENCODINGS]).items() if c >= 0x20 and sizes[i][2] == WIDTH)
    ranges = []
    for at, (code, _) in enumerate(codes):
        if ranges and ranges[-1][0] + ranges[-1][1] == code:
            ranges[-1][1] += 1
        else:
            ranges.append([code, 1, at])
    lines = ["/* font_data.h - made by tools/mkfont.py from Terminus Font, (c) Dimitar Toshkov Zhekov, SIL OFL 1.1. */",
             "static const struct font_range font_ranges[] = {"]
    lines += [f"\t{{{first:#x}, {count}, {at}}}," for first, count, at in ranges]
    lines += ["};", f"static const uint8_t font_bits[][{HEIGHT}] = {{"]
    lines += ["\t{" + ", ".join(map(str, glyph(pcf[BITMAPS], i, sizes[i]))) + f"}}, /* {c:#x} */" for c, i in codes]
    lines += ["};", ""]
    out = pathlib.Path(sys.argv[1])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n".join(lines))


main()
