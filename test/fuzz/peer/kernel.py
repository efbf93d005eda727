"""What the kernel knows of a TCP connection, asked by netlink (sock_diag): its table in /proc may have thousands of lines."""
import errno
import os
import socket
import struct

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST = 1
NLMSG_ERROR = 2
NO_COOKIE = 0xFFFFFFFF
HEADER = struct.Struct("=IHHII")


def is_connected(local, remote):
    """Whether there is a TCP connection between these addresses of IPv4, as seen from its end at `local`."""
    ends = struct.pack(
        "!HH4s12x4s12x", local[1], remote[1], socket.inet_aton(local[0]), socket.inet_aton(remote[0])
    )
    request = struct.pack("=BBBxI", socket.AF_INET, socket.IPPROTO_TCP, 0, NO_COOKIE) + ends
    request += struct.pack("=III", 0, NO_COOKIE, NO_COOKIE)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as kernel:
        kernel.send(HEADER.pack(HEADER.size + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 1, 0) + request)
        answer = kernel.recv(8192)
    if HEADER.unpack_from(answer)[1] != NLMSG_ERROR:
        return True
    (code,) = struct.unpack_from("=i", answer, HEADER.size)
    if -code != errno.ENOENT:
        raise OSError(-code, os.strerror(-code))
    return False
