"""Writes a database of countries as those of MaxMind are (MaxMind DB File Format Specification 2.0): IPv6, nodes of 28 bits.

    write("countries.mmdb", {"203.0.113.0/24": "DE", "2001:db8::/32": "FR"})
"""
import ipaddress
import os

MAP, TEXT, UINT16, UINT32, UINT64, ARRAY = 7, 2, 5, 6, 9, 11


def head(kind, size):
    assert size < 29
    return bytes([kind << 5 | size]) if kind < 8 else bytes([size, kind - 7])


def value(of, kind=UINT16):
    if isinstance(of, dict):
        return head(MAP, len(of)) + b"".join(value(k) + (v if isinstance(v, bytes) else value(v)) for k, v in of.items())
    if isinstance(of, list):
        return head(ARRAY, len(of)) + b"".join(map(value, of))
    if isinstance(of, str):
        return head(TEXT, len(of.encode())) + of.encode()
    return head(kind, (of.bit_length() + 7) // 8) + of.to_bytes((of.bit_length() + 7) // 8, "big")


def bits_of(network):
    """IPv4 lies at ::/96."""
    network = ipaddress.ip_network(network)
    bits, length = int(network.network_address), network.prefixlen + (96 if network.version == 4 else 0)
    return [bits >> 127 - i & 1 for i in range(length)]


def write(path, countries):
    nodes, data, places = [[None, None]], b"", {}
    for network, code in countries.items():
        if code not in places:
            places[code] = len(data)
            data += value({"country": {"iso_code": code}})
        at, bits = 0, bits_of(network)
        for bit in bits[:-1]:
            if nodes[at][bit] is None:
                nodes.append([None, None])
                nodes[at][bit] = ("node", len(nodes) - 1)
            at = nodes[at][bit][1]
        nodes[at][bits[-1]] = ("data", places[code])
    tree = b""
    for node in nodes:
        left, right = (len(nodes) if to is None else to[1] if to[0] == "node" else len(nodes) + 16 + to[1] for to in node)
        tree += (left & 0xffffff).to_bytes(3, "big") + bytes([left >> 24 << 4 | right >> 24]) + (right & 0xffffff).to_bytes(3, "big")
    about = value({"node_count": value(len(nodes), UINT32), "record_size": 28, "ip_version": 6, "database_type": "Test-Country", "languages": [],
                   "binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": value(1, UINT64), "description": {}})
    with open(path + ".new", "wb") as f:
        f.write(tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + about)
    os.replace(path + ".new", path)
