"""Verifies one credential by PyPI's pymdoccbor or sd-jwt and prints what it says as JSON.

    python verify_foreign.py mso_mdoc|dc+sd-jwt CA.pem < credential
"""

import base64
import datetime
import json
import sys

from cryptography import x509


def padded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def mso_mdoc(credential, anchor):
    import cbor2
    from pymdoccbor.mdoc.issuersigned import IssuerSigned

    signed = IssuerSigned(**cbor2.loads(padded(credential)))
    assert signed.issuer_auth.verify_signature([anchor]), "the signature is wrong"
    hashes = signed.issuer_auth.verify_element_hashes(signed.namespaces)
    assert hashes["valid"] and hashes["verified"] == hashes["total"] > 0, hashes
    claims = {}
    for space, items in signed.namespaces.items():
        read = [cbor2.loads(item.value) for item in items]
        claims[space] = {item["elementIdentifier"]: item["elementValue"] for item in read}
    return claims


def sd_jwt(credential, anchor):
    from cryptography.hazmat.primitives.asymmetric import ec
    from jwcrypto.jwk import JWK
    from sd_jwt.verifier import SDJWTVerifier

    header = json.loads(padded(credential.split(".")[0]))
    leaf = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0]))
    anchor.public_key().verify(
        leaf.signature, leaf.tbs_certificate_bytes, ec.ECDSA(leaf.signature_hash_algorithm)
    )
    key = JWK()
    key.import_from_pyca(leaf.public_key())
    return SDJWTVerifier(credential, lambda issuer, parameters: key).get_verified_payload()


def plain(value):
    """Dates, times and bytes as our wallet shows them."""
    if isinstance(value, bytes):
        return "data:image/jpeg;base64," + base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return getattr(value, "value", None) or str(value)


if __name__ == "__main__":
    credential_format, ca_file = sys.argv[1:]
    with open(ca_file, "rb") as file:
        ca = x509.load_pem_x509_certificate(file.read())
    verify = {"mso_mdoc": mso_mdoc, "dc+sd-jwt": sd_jwt}[credential_format]
    print(json.dumps(verify(sys.stdin.read().strip(), ca), default=plain))
