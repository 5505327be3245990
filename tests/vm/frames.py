"""frames - Ethernet frames put together by hand, for what no decent host would send.

Addresses are text; every builder returns bytes. Checksums are right unless told otherwise.
"""

import ipaddress
import struct

BROADCAST = "ff:ff:ff:ff:ff:ff"
ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86DD
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def mac(text):
    """Six bytes of `aa:bb:...`."""
    return bytes.fromhex(text.replace(":", ""))


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ether(dst, src, kind, payload):
    """An Ethernet II frame, padded to the least length."""
    return (mac(dst) + mac(src) + struct.pack("!H", kind) + payload).ljust(60, b"\0")


def arp(op, sender_mac, sender, target_mac, target):
    """RFC 826: op 1 asks, 2 answers."""
    return (struct.pack("!HHBBH", 1, IPV4, 6, 4, op) + mac(sender_mac)
            + ipaddress.IPv4Address(sender).packed + mac(target_mac)
            + ipaddress.IPv4Address(target).packed)


def ipv4(src, dst, protocol, payload, ident=0, flags=0, offset=0, ttl=64):
    """RFC 791; offset in bytes, flags 1 more fragments, 2 don't fragment."""
    words = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), ident,
                        flags << 13 | offset // 8, ttl, protocol, 0)
    words += ipaddress.IPv4Address(src).packed + ipaddress.IPv4Address(dst).packed
    return words[:10] + struct.pack("!H", checksum(words)) + words[12:] + payload


def ipv6(src, dst, protocol, payload, hops=64):
    """RFC 8200."""
    return (struct.pack("!IHBB", 6 << 28, len(payload), protocol, hops)
            + ipaddress.IPv6Address(src).packed + ipaddress.IPv6Address(dst).packed + payload)


def pseudo(src, dst, protocol, size):
    """What transport checksums cover beside their own bytes."""
    src, dst = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    if src.version == 4:
        return src.packed + dst.packed + struct.pack("!BBH", 0, protocol, size)
    return src.packed + dst.packed + struct.pack("!II", size, protocol)


def tcp(src, sport, dst, dport, flags, seq=0, ack=0, payload=b"", window=65535, options=b""):
    """RFC 9293; options must be padded to words."""
    size = 20 + len(options)
    words = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, size // 4 << 4, flags, window, 0, 0)
    words += options + payload
    value = checksum(pseudo(src, dst, TCP, len(words)) + words)
    return words[:16] + struct.pack("!H", value) + words[18:]


def udp(src, sport, dst, dport, payload):
    """RFC 768."""
    words = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    value = checksum(pseudo(src, dst, UDP, len(words)) + words) or 0xFFFF
    return words[:6] + struct.pack("!H", value) + words[8:]


def icmp_echo(ident, number, payload=b""):
    """RFC 792, a request."""
    words = struct.pack("!BBHHH", 8, 0, 0, ident, number) + payload
    return words[:2] + struct.pack("!H", checksum(words)) + words[4:]
