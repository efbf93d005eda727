"""TLS contexts of both ends, with the certificates in the folder that $FUZZ_FOLDER names."""
import functools
import os
import ssl

VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


@functools.cache
def make_context(side, version, certificate, verifies):
    """`certificate`: the name of one, or None. A client always verifies its server, unless told not to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT if side == "client" else ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = VERSIONS[version]
    context.load_verify_locations(path("ca.pem"))
    if side == "client":
        context.check_hostname = verifies
    context.verify_mode = ssl.CERT_REQUIRED if verifies else ssl.CERT_NONE
    if certificate is not None:
        context.load_cert_chain(path(f"{certificate}.pem"), path(f"{certificate}.key"))
    return context


def path(name):
    return os.path.join(os.environ["FUZZ_FOLDER"], name)
