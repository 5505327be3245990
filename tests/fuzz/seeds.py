"""What the fuzz targets begin with: one sound packet or call of each kind, in the form that the target reads.

Nothing here need be exact: the targets mend lengths and sums, and libFuzzer goes on from there.
"""
import pathlib
import struct

ME4, PEER4 = bytes([10, 1, 0, 1]), bytes([10, 1, 0, 2])
ME6 = bytes.fromhex("20010db8000000000000000000000001")
PEER6 = bytes.fromhex("20010db8000000000000000000000002")
LL_PEER = bytes.fromhex("fe800000000000000000000000000002")
LL_ME = bytes.fromhex("fe80000000000000000000fffe000001")
ALL6 = bytes.fromhex("ff020000000000000000000000000001")
MACS = bytes([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2])
MEND, RELATE, WAIT, READ, ADDRESS = 1, 2, 4, 8, 64


def ip4(proto, payload, src=PEER4, dst=ME4, frag=0, options=b"", ident=1, ttl=64):
    return struct.pack(">BBHHHBBH", 0x45 + len(options) // 4, 0, 20 + len(options) + len(payload), ident, frag, ttl, proto,
                       0) + src + dst + options + payload


def ip6(following, payload, src=PEER6, dst=ME6, hops=64):
    return struct.pack(">IHBB", 6 << 28, len(payload), following, hops) + src + dst + payload


def tcp(flags, sport=4000, dport=80, seq=0, ack=0, window=1000, options=b"", data=b""):
    options += b"\0" * (-len(options) % 4)
    return struct.pack(">HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff, (5 + len(options) // 4) << 4, flags,
                       window, 0, 0) + options + data


def udp(data=b"data", sport=9, dport=53):
    return struct.pack(">HHHH", sport, dport, 8 + len(data), 0) + data


def icmp(kind, code, rest):
    return struct.pack(">BBH", kind, code, 0) + rest


def icmp6(kind, code, rest, hops=255, src=LL_PEER, dst=LL_ME):
    return ip6(58, icmp(kind, code, rest), src, dst, hops)


FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
SYN_OPTIONS = bytes([2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7])
STAMP = bytes([1, 1, 8, 10, 0, 0, 0, 2, 0, 0, 0, 0])
SACK = bytes([1, 1, 5, 10]) + struct.pack(">II", 0xffffff00, 0xffffff80)


def packets():
    """Name and IP packet."""
    quoted4 = ip4(17, udp(b"", 53, 9), ME4, PEER4)
    quoted4_tcp = ip4(6, tcp(ACK, 80, 4000)[:8], ME4, PEER4)
    quoted6 = ip6(17, udp(b"", 53, 9), ME6, PEER6)
    yield "udp4", ip4(17, udp())
    yield "udp4_closed", ip4(17, udp(dport=54))
    yield "udp6", ip6(17, udp())
    yield "echo4", ip4(1, icmp(8, 0, b"\0\1\0\1" + b"ping"))
    yield "echo6", ip6(58, icmp(128, 0, b"\0\1\0\1" + b"ping"))
    yield "options4", ip4(1, icmp(8, 0, b"\0\1\0\1"), options=bytes([7, 7, 4, 0, 0, 0, 0, 0x94, 4, 0, 0, 0]))
    yield "source_route", ip4(17, udp(), options=bytes([0x83, 7, 4, 10, 1, 0, 9, 0]))
    yield "stamp4", ip4(17, udp(), options=bytes([68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0]))
    yield "unreachable4", ip4(1, icmp(3, 3, b"\0\0\0\0" + quoted4))
    yield "mtu4", ip4(1, icmp(3, 4, b"\0\0\2\0" + quoted4_tcp))
    yield "quench_tcp", ip4(1, icmp(11, 0, b"\0\0\0\0" + quoted4_tcp))
    yield "redirect4", ip4(1, icmp(5, 1, bytes([10, 1, 0, 9]) + quoted4))
    yield "redirect4_far", ip4(1, icmp(5, 1, bytes([10, 1, 0, 9]) + ip4(17, udp(b"", 53, 9), ME4, bytes([10, 3, 0, 1]))))
    yield "igmp3", ip4(2, bytes([0x11, 100, 0, 0, 224, 0, 1, 1, 2, 125, 0, 1, 10, 1, 0, 2]), dst=bytes([224, 0, 1, 1]), options=b"\x94\4\0\0", ttl=1)
    yield "igmp", ip4(2, bytes([0x11, 100, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0]), dst=bytes([224, 0, 0, 1]), options=b"\x94\4\0\0", ttl=1)
    yield "forwarded", ip4(17, udp(), dst=bytes([10, 3, 0, 1]))
    yield "mtu6", ip6(58, icmp(2, 0, b"\0\0\5\0" + quoted6))
    yield "param6", ip6(58, icmp(4, 1, b"\0\0\0\6" + quoted6))
    yield "hop_by_hop", ip6(0, bytes([58, 0, 5, 2, 0, 0, 1, 0]) + icmp(130, 0, b"\0\1\0\0" + bytes(16) + bytes(4)), LL_PEER, ALL6, 1)
    yield "route6", ip6(43, bytes([17, 2, 0, 1, 0, 0, 0, 0]) + ME6 + udp())
    yield "advert", icmp6(134, 0, b"\x40\0\7\x08" + bytes(8) + bytes([1, 1, 2, 0, 0, 0, 0, 2, 5, 1, 0, 0, 0, 0, 5, 0xdc, 3, 4, 64, 0xc0,
                          0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]) + ME6[:8] + bytes(8), dst=ALL6)
    yield "rdnss", icmp6(134, 0, b"\x40\0\7\x08" + bytes(8) + bytes([25, 3, 0, 0, 0, 0, 1, 0]) + PEER6 + bytes([24, 2, 48, 8, 0, 0, 1, 0])
                         + ME6[:8], dst=ALL6)
    yield "solicit", icmp6(135, 0, bytes(4) + LL_ME + bytes([1, 1, 2, 0, 0, 0, 0, 2]))
    yield "neighbour", icmp6(136, 0, b"\x60\0\0\0" + LL_PEER + bytes([2, 1, 2, 0, 0, 0, 0, 3]))
    yield "redirect6_far", icmp6(137, 0, bytes(4) + LL_PEER[:15] + b"\x09" + bytes.fromhex("20010db900000000") + bytes(8) + bytes(
        [2, 1, 2, 0, 0, 0, 0, 9]))
    yield "duplicate", icmp6(136, 0, b"\x20\0\0\0" + LL_ME + bytes([2, 1, 2, 0, 0, 0, 0, 3]), dst=ALL6)
    yield "duplicate_asks", icmp6(135, 0, bytes(4) + LL_ME, src=bytes(16), dst=bytes.fromhex("ff0200000000000000000001ff000001"))
    yield "redirect6", icmp6(137, 0, bytes(4) + LL_PEER + PEER6 + bytes([2, 1, 2, 0, 0, 0, 0, 3]))
    yield "syn4", ip4(6, tcp(SYN, 4001, options=SYN_OPTIONS))
    yield "syn6", ip6(6, tcp(SYN, 4001, options=SYN_OPTIONS))
    yield "data4", ip4(6, tcp(ACK | PSH, options=STAMP, data=b"GET / HTTP/1.0"))
    yield "later4", ip4(6, tcp(ACK, seq=100, options=STAMP, data=b"out of order"))
    yield "sack4", ip4(6, tcp(ACK, ack=-0x200, options=STAMP + SACK))
    yield "fin4", ip4(6, tcp(ACK | FIN, options=STAMP))
    yield "rst4", ip4(6, tcp(RST))
    yield "urgent4", ip4(6, tcp(ACK | URG, data=b"urgent"))
    yield "data6", ip6(6, tcp(ACK | PSH, data=b"GET / HTTP/1.0"))


def frame_step(what, packet, ethernet=bytes(14), wait=None):
    if not ethernet:
        raise ValueError("an Ethernet header is wanted")
    data = ethernet + packet
    return bytes([what | (WAIT if wait is not None else 0)]) + (bytes([wait]) if wait is not None else b"") + struct.pack(
        ">H", len(data)) + data


def arp(op, sender, target):
    return struct.pack(">HHBBH", 1, 0x800, 6, 4, op) + MACS[6:] + sender + MACS[:6] + target


def frame():
    every = dict(packets())
    for name, packet in every.items():
        for flags in (0, 1, 2, 4, 32, 64, 128):
            yield f"{name}_{flags}", bytes([flags | (16 if name.endswith("6") else 0)]) + frame_step(
                MEND | RELATE | READ | ADDRESS, packet, wait=5)
    yield "arp", b"\0" + b"".join(
        frame_step(READ, arp(op, PEER4, ME4), MACS + b"\x08\x06", 10) for op in (1, 2))
    yield "vlan", b"\4" + frame_step(MEND, every["udp4"], MACS + b"\x81\0\0\5\x08\0") + frame_step(
        MEND, every["udp4"], MACS + b"\x88\xa8\0\5\x08\0")
    gro = b"".join(frame_step(MEND | RELATE | ADDRESS, ip4(6, tcp(ACK, seq=i * 8, data=b"12345678"))) for i in range(4))
    yield "gro", b"\4" + gro
    life = ("data4", "later4", "sack4", "fin4")
    yield "life", b"\0" + b"".join(frame_step(MEND | RELATE | READ | ADDRESS | 32, every[n], wait=8) for n in life)
    yield "fragments", b"\0" + b"".join(
        frame_step(MEND | READ | ADDRESS, p) for p in (ip4(17, udp(bytes(16)), frag=0x2000), ip4(17, bytes(16), frag=3)))


def tcp_seg(flags, seq=0, ack=0, length=None, options=0, more=b"", end=0):
    """A segment: how it differs from a plain ACK, then the ways its numbers are chosen."""
    out = bytes([end, 1 | options << 2, flags, seq]) + (b"\0\4" if seq in (2, 3) else b"") + bytes([ack])
    return out + more + (struct.pack(">H", length) if flags & PSH else b"")


def tcp_target():
    send, peek, wait, data = bytes([16, 200, 0]), bytes([18, 4, 1]), bytes([24, 0x63]), tcp_seg(ACK | PSH, length=1000)
    read, shut, close = bytes([18, 255, 0]), bytes([20, 1]), bytes([21, 1])
    sack = tcp_seg(ACK, ack=2, options=4, more=bytes([1, 2]))
    for flags in (0, 4, 16, 64, 2):
        start = bytes([flags])
        yield f"data_{flags}", start + data + peek + read + data + read + wait
        yield f"hole_{flags}", start + tcp_seg(ACK | PSH, seq=2, length=500) + tcp_seg(ACK | PSH, seq=3, length=100) + data + read
        yield f"send_{flags}", start + send + tcp_seg(ACK) + send + tcp_seg(ACK, ack=6) + wait + tcp_seg(ACK)
        yield f"loss_{flags}", start + send + sack * 3 + wait + tcp_seg(ACK) + send + wait * 4
        yield f"stamps_{flags}", start + send + tcp_seg(ACK, options=1) + tcp_seg(ACK | PSH, options=1, length=10) + read
        yield f"peer_ends_{flags}", start + tcp_seg(FIN | ACK) + send + close + tcp_seg(ACK) + wait
        yield f"we_end_{flags}", start + shut + tcp_seg(ACK) + data + tcp_seg(FIN | ACK) + close + wait + tcp_seg(ACK)
        yield f"both_end_{flags}", start + shut + tcp_seg(FIN | ACK, ack=2) + tcp_seg(ACK) + close
        yield f"reset_{flags}", start + send + tcp_seg(RST | ACK) + read + close + bytes([31, 1, 0]) + tcp_seg(SYN)[1:]
        yield f"urgent_{flags}", start + tcp_seg(ACK | URG | PSH, length=10, more=b"\3") + bytes([18, 1, 2]) + read
        yield f"active_{flags}", start + bytes([25, 26 | 128, 16 | 128, 200, 0]) + tcp_seg(ACK | PSH, length=99, end=128)
        yield f"icmp_{flags}", start + send + bytes([28, 1, 4, 2, 0, 0]) + send + tcp_seg(ACK) + wait
        yield f"window_{flags}", start + bytes([0, 2, 0, 0, 0, 0]) + send + wait * 3 + tcp_seg(ACK)
        yield f"options_{flags}", start + b"".join(bytes([22, n, v]) for n in (1, 2, 3, 4, 13, 23, 128, 129) for v in (0, 1, 6)) + send


def nl_attr(kind, data):
    return bytes([kind, len(data)]) + data


def nl(kind, flags, fixed, *attrs, op=0):
    """A message of netlink: type, flags, fixed header, attributes."""
    return bytes([op, kind - 16 if kind < 128 else kind]) + struct.pack(">HBB", flags, len(fixed), len(attrs)) + fixed + b"".join(
        nl_attr(k, d) for k, d in attrs)


def ioctl(number, how, data=b""):
    return bytes([7, number, how]) + data.ljust(128, b"\0")


def netlink():
    dump, create, ack, read = 0x300, 0x400, 4, bytes([6] + [64] * 8)
    for family in (0, 2, 10):
        for kind, size in ((18, 16), (22, 8), (26, 12), (30, 12), (34, 12)):
            yield f"dump_{kind}_{family}", b"\0" + nl(kind, dump, bytes([family]).ljust(size, b"\0")) + read * 2
    two, lo = struct.pack("<I", 2), struct.pack("<I", 1)
    for index, name in ((two, "eth0"), (lo, "lo")):
        up = bytes(4) + index + struct.pack("<II", 1, 1)
        yield f"link_{name}", b"\0" + nl(19, ack, up, (4, struct.pack("<I", 1400))) + nl(18, 0, up) + read
        yield f"down_{name}", b"\0" + nl(19, ack, bytes(4) + index + struct.pack("<II", 0, 1), (3, b"eth7\0"), (1, MACS[6:])) + read
        yield f"addr4_{name}", b"\0" + nl(20, create | ack, bytes([2, 24, 0, 0]) + index, (2, bytes([10, 9, 0, 1])), (1, bytes([10, 9, 0, 1])), (
            4, bytes([10, 9, 0, 255])), (3, name.encode() + b":1\0")) + nl(21, ack, bytes([2, 24, 0, 0]) + index, (2, bytes([10, 9, 0, 1]))) + read
        yield f"addr6_{name}", b"\0" + nl(20, create | ack, bytes([10, 64, 0, 0]) + index, (1, PEER6[:15] + b"\7"), (
            6, struct.pack("<IIII", 100, 200, 0, 0)), (8, struct.pack("<I", 2))) + bytes([6 | 32] + [64] * 8) + read
        yield f"neigh_{name}", b"\0" + nl(28, create | ack, bytes([2, 0, 0, 0]) + index + struct.pack("<HBB", 128, 0, 0), (1, bytes([10, 1, 0, 7])), (
            2, MACS[6:])) + nl(29, ack, bytes([2, 0, 0, 0]) + index + bytes(4), (1, bytes([10, 1, 0, 7]))) + read
    for family, size in ((2, 4), (10, 16)):
        dst, gate = (bytes([10, 20, 0, 0]), PEER4) if family == 2 else (PEER6[:4] + bytes(12), PEER6)
        for kind in range(1, 10):
            rt = bytes([family, 16, 0, 0, 254, 3, 0, kind, 0, 0, 0, 0])
            yield f"route_{family}_{kind}", b"\0" + nl(24, create | ack, rt, (1, dst), (5, gate), (4, two), (6, two), (8, nl_inner(
                2, struct.pack("<I", 1400)))) + nl(26, 0, rt, (1, dst)) + nl(25, ack, rt, (1, dst)) + read
        hops = b"".join(struct.pack("<HBBI", 8 + 4 + size, 0, 0, 2) + struct.pack("<HH", 4 + size, 5) + gate for _ in range(2))
        yield f"multipath_{family}", b"\0" + nl(24, create | ack, bytes([family, 16, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0]), (1, dst), (9, hops)) + read
        rule = bytes([family, 16, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0])
        yield f"rule_{family}", b"\0" + nl(32, create | ack, rule, (1, dst), (6, struct.pack("<I", 100)), (15, struct.pack("<I", 77)), (
            3, b"eth0\0"), (10, two), (16, two)) + nl(33, ack, rule, (6, struct.pack("<I", 100))) + read
    for family in (1, 2, 10):
        for proto in (6, 17, 1):
            yield f"diag_{family}_{proto}", b"\0" + nl(20, dump, bytes([family, proto, 255, 0]) + b"\xff" * 4 + bytes(48), op=64) + bytes(
                [6 | 64] + [64] * 8)
    yield "tun", b"\0" + nl(16, create | ack, bytes(16), (3, b"tun7\0"), (0x80 | 18, nl_inner(1, b"tun\0"))) + read
    yield "generic", b"\0" + nl(16, 0, bytes([3, 1, 0, 0]), (2, b"nlctrl\0"), op=128) + bytes([6 | 128] + [64] * 8)
    yield "acks", b"\0" + nl(19, ack, bytes(16)) * 20 + read
    yield "groups", b"\0" + b"".join(bytes([5, g, 1]) for g in range(20)) + nl(19, ack, bytes(4) + two + struct.pack("<II", 0, 1)) + read
    for number in list(range(0x10, 0x60)) + [0x70, 0x71, 0x0b, 0x0c]:
        for how in (2, 6, 3, 18):
            inet = struct.pack("<H", 2) + bytes(2) + bytes([10, 1, 0, 9]) + bytes(8)
            yield f"ioctl_{number:x}_{how}", b"\0" + ioctl(number, how, bytes(16) + inet)


def nl_inner(kind, data):
    return struct.pack("<HH", 4 + len(data), kind) + data


MORE, V6, CHAIN, RAW, FRAG_WAIT, FRAG_READ = 1, 2, 4, 8, 16, 64


def piece(flags, place, size, which=0, chain=b"", data=bytes(8), extra=b""):
    return bytes([flags, size // 8 - 1, which]) + struct.pack(">H", place) + chain + data + extra


def frag():
    start = udp(bytes(40))[:8]
    for six in (0, V6):
        for first, second in ((MORE, FRAG_READ), (MORE | CHAIN, FRAG_READ | CHAIN)):
            chain = (b"\0" if not six else b"\2" + bytes([4]) + bytes(6) + bytes([2]) + bytes(6)) if first & CHAIN else b""
            one, two = piece(six | first, 0, 24, chain=chain, data=start), piece(six | second, 3, 24, chain=chain)
            yield f"whole_{six}_{first}", b"\0" + one + two
            yield f"backwards_{six}_{first}", b"\0" + two + one
            yield f"twice_{six}_{first}", b"\0" + one + one + two
            yield f"overlap_{six}_{first}", b"\0" + one + piece(six | first, 2, 24, chain=chain) + two
        yield f"many_{six}", b"\0" + b"".join(piece(six | MORE, i * 3, 24, data=start) for i in range(24)) + piece(six | FRAG_READ, 72, 8)
        yield f"senders_{six}", b"\0" + b"".join(piece(six | MORE, i, 1024, which=i % 4 | i % 3 << 5) for i in range(100))
        yield f"late_{six}", b"\0" + piece(six | MORE | FRAG_WAIT, 0, 24, data=start, extra=b"\x0f") + piece(six, 3, 24)
        yield f"end_{six}", b"\0" + piece(six, 0x1fff, 2040) + piece(six | MORE, 0x1ffe, 2040)
        yield f"only_{six}", b"\0" + piece(six | FRAG_READ, 0, 24, data=start)
    yield "options", b"\0" + piece(CHAIN | MORE, 0, 24, chain=b"\4\x94\4\0\0", data=start) + piece(CHAIN | FRAG_READ, 3, 24, chain=b"\0")


RULES = (
    "default in block\ndefault out pass\npass in on eth0 proto tcp to any port 80,443,8000-8010\n# a comment\n",
    "pass in inet from 10.0.0.0/8 to ! 10.1.0.1 proto icmp icmp-type 8\nblock in log inet6 from 2001:db8::/32 to any\n",
    "reject in proto udp to any port 54\npass in inet6 proto icmpv6 icmp-type 128\npass forward from any to any\n",
    "pass\nblock in port\npass in port 70000\npass from 1.2.3.4/33\n",
    "pass in proto udp from any port 9 to any port 53\nblock out log to 10.1.0.2\n",
)
PROGRAMS = (
    [(0x28, 0, 0, 12), (0x15, 0, 1, 0x800), (0x06, 0, 0, 0xffff), (0x06, 0, 0, 0)],
    [(0xb1, 0, 0, 14), (0x48, 0, 0, 14), (0x15, 1, 0, 53), (0x06, 0, 0, 60), (0x16, 0, 0, 0)],
    [(0x80, 0, 0, 0), (0x07, 0, 0, 0), (0x87, 0, 0, 0), (0x02, 0, 0, 3), (0x61, 0, 0, 3), (0x3c, 0, 0, 0), (0x9c, 0, 0, 0), (0x16, 0, 0, 0)],
    [(0x00, 0, 0, 7), (0x01, 0, 0, 3), (0x6c, 0, 0, 0), (0x74, 0, 0, 31), (0x84, 0, 0, 0), (0xac, 0, 0, 0), (0x05, 0, 0, 0), (0x06, 0, 0, 9)],
)


def filters():
    frames = [MACS + (b"\x86\xdd" if name.endswith("6") else b"\x08\0") + p for name, p in packets() if len(p) < 240]
    for i, text in enumerate(RULES):
        for j, prog in enumerate(PROGRAMS):
            code = b"".join(struct.pack(">BBBH", *row) for row in prog)
            some = b"".join(bytes([len(f)]) + f for f in frames[(i + j) % 3::3][:12])
            yield f"rules_{i}_{j}", b"\0" + struct.pack(">H", len(text)) + text.encode() + bytes([len(prog)]) + code + b"\0" + some


def program():
    def send(slot, how, n, to=None, data=bytes(64), control=b""):
        return bytes([1 | slot << 4, how | (16 if to is not None else 0) | (32 if control else 0), n]) + data + (
            bytes([to]) if to is not None else b"") + control

    def option(slot, level, number, value):
        return bytes([12 | slot << 4, level, number, 64, len(value)]) + value

    def make(slot, family, kind, proto=None):
        return bytes([slot << 4, family | kind << 2 | (16 if proto is not None else 0)]) + (bytes([proto]) if proto is not None else b"")

    one, word = struct.pack("<I", 1), lambda v: struct.pack("<I", v)
    for family in (0, 1):
        udp_here = make(0, family, 1) + bytes([3, 1 | (5 << 3 if family == 0 else 0)]) + make(1, family, 1)
        for number in range(1, 78):
            yield f"so_{family}_{number}", b"\0" + udp_here + option(0, 0, number, one) + send(1, 0, 9, 1) + bytes([8, 10, 0])
        for level in (1, 2, 3, 4):
            for number in range(0, 80, 1):
                value = one if number < 30 else word(2) * 5
                yield f"opt_{family}_{level}_{number}", b"\0" + udp_here + option(0, level, number, value) + option(
                    1, level, number, value) + send(1, 0, 9, 1) + bytes([8, 10, 0, 8, 10, 4])
        for number in (2, 8, 11, 50, 52, 67, 103):
            yield f"cmsg_{family}_{number}", b"\0" + udp_here + send(1, 0, 9, 1, control=bytes([1 | (4 if family else 0), number, 20]) + bytes(20))
        yield f"stream_{family}", b"\0" + make(0, family, 0) + bytes([3, 2, 5, 0]) + make(1, family, 0) + bytes([4 | 16, 2]) + bytes(
            [6, 0]) + send(1, 0, 200) + bytes([8, 10, 0, 7, 0, 2])
        yield f"raw_{family}", b"\0" + make(0, family, 2, 1 if family == 0 else 58) + send(0, 0, 20, 16, data=b"\x08".ljust(64, b"\0"))
        yield f"ping_{family}", b"\0" + make(0, family, 1, 1 if family == 0 else 58) + send(0, 0, 20, 0, data=b"\x08".ljust(64, b"\0")) + bytes(
            [8, 10, 0])
        yield f"big_{family}", b"\0" + udp_here + bytes([1 | 16, 16 | 8, 0x20, 0]) + bytes(64) + b"\1" + bytes([8, 255, 0])
    group4, group6, any4 = bytes([224, 0, 1, 1]), bytes.fromhex("ff020000000000000000000000000077"), bytes(4)
    in4, in6 = struct.pack("<H", 2) + bytes(2) + group4 + bytes(120), struct.pack("<H", 10) + bytes(6) + group6 + bytes(104)
    src4 = struct.pack("<H", 2) + bytes(2) + PEER4 + bytes(120)
    joins = [(1, 35, group4 + any4 + word(2)), (1, 36, group4 + any4), (1, 39, group4 + any4 + PEER4), (1, 40, group4 + any4 + PEER4), (
        1, 37, group4 + any4 + PEER4), (1, 38, group4 + any4 + PEER4), (1, 41, group4 + any4 + word(0) + word(1) + PEER4), (
        2, 20, group6 + word(2)), (2, 21, group6 + word(2)), (2, 27, group6 + word(2)), (1, 42, word(2) + word(0) + in4), (
        1, 46, word(2) + word(0) + in4 + src4), (1, 43, word(2) + word(0) + in4 + src4), (1, 48, word(2) + word(0) + in4 + word(1) + word(1) + src4), (
        2, 42, word(2) + word(0) + in6), (2, 46, word(2) + word(0) + in6 + in6), (1, 45, word(2) + word(0) + in4)]
    for family in (0, 1):
        for level, number, value in joins:
            join = option(0, level, number, value[:255])
            yield f"join_{family}_{level}_{number}", b"\0" + make(0, family, 1) + bytes([3, 1 | (5 << 3 if family == 0 else 0)]) + join + send(
                0, 0, 9, 3 << 3 | 1) + join + bytes([8, 10, 0, 10, 13])
        yield f"segments_{family}", b"\0" + make(0, family, 1) + bytes([3, 1 | (5 << 3 if family == 0 else 0)]) + make(1, family, 1) + option(
            1, 4, 103, word(100)) + option(0, 4, 104, one) + bytes([1 | 16, 16 | 8, 3, 232]) + bytes(64) + b"\1" + bytes([8, 255, 0])
    for kind in (0, 1, 2, 3):
        member = word(2) + struct.pack("<HH", kind, 6) + MACS[:6] + bytes(2)
        yield f"member_{kind}", b"\0" + make(0, 2, 2) + option(0, 5, 1, member) + option(0, 5, 2, member)
    for slot in (0, 1):
        yield f"unknown_{slot}", bytes([slot]) + make(0, slot, 1) + send(0, 0, 9, 6 << 3 | 1) * 3 + bytes([10, 12]) * 5
    ring = struct.pack("<IIIIIII", 4096, 4, 2048, 8, 10, 64, 0)
    for version in range(3):
        yield f"ring_{version}", b"\0" + make(0, 2, 2) + option(0, 5, 10, word(version)) + option(0, 5, 5, ring) + bytes([3, 3]) + make(
            1, 0, 1) + send(1, 0, 99, 2 << 3 | 1) * 3 + bytes([10, 5]) + option(0, 5, 6, one)
    yield "packet", b"\0" + make(0, 2, 2) + bytes([3, 3]) + send(0, 0, 60, 3, data=MACS + b"\x08\0" + bytes(50))
    yield "packet_dgram", b"\0" + make(0, 2, 1) + bytes([3, 3]) + send(0, 0, 60, 3 | 6 << 3)


def tun():
    """Frames of a program: flags of the interface are 1 tap, 2 without struct tun_pi, 4 with virtio's header."""
    for name, packet in packets():
        for kind in range(8):
            vnet = bytes([0]) if kind & 4 else b""
            yield f"{name}_{kind}", bytes([2, kind, 16 | 32 | 64]) + struct.pack(">H", 14 + len(packet)) + bytes(14) + packet + vnet + bytes(
                [5, 8, 7, 8])
    for six, gso in ((0, 1), (0, 6), (1, 2), (0, 3), (1, 3), (0, 5)):
        transport = udp(bytes(8)) if gso == 3 else tcp(ACK | PSH, 4000, 80)
        for to in range(3):
            where = (ME6, PEER6, LL_ME)[to] if six else (ME4, PEER4, bytes([10, 5, 0, 9]))[to]
            packet = ip6(17 if gso == 3 else 6, transport, PEER6, where) if six else ip4(17 if gso == 3 else 6, transport, bytes([10, 5, 0, 2]), where)
            for kind in (4, 5, 6, 7):
                head = bytes([gso | (8 if six else 0) | 0x40])
                yield f"gso_{six}_{gso}_{to}_{kind}", bytes([2, kind, 8 | 16 | 32 | 64, 0x10, 0]) + struct.pack(
                    ">H", 14 + len(packet)) + bytes(14) + packet + head + bytes([5, 64, 7, 4])
    for number in range(24):
        yield f"request_{number}", bytes([0, 7, 6, number, 0, 12, 6, number | 128, 0, 0, 5, 9])
    # Found: virtio's header has the stack look far into a packet, which left no room in front of it for Ethernet's.
    yield "no_room", bytes.fromhex(
        "fe047810000046000000000000000000000000004060000000000000e40d00000000005e000018181818181818"
        "18181818181818181818181818181818181818181818180000000000600ae243434343010004")


TARGETS = {"tun": tun, "socket": program, "frag": frag, "filter": filters, "netlink": netlink, "frame": frame, "tcp": tcp_target}


def write(name: str, folder: pathlib.Path) -> None:
    """The seeds of the target @name, into @folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, data in TARGETS[name]():
        (folder / seed).write_bytes(data)
