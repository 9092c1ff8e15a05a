#!/usr/bin/env bash
# Makes the certificates of the TLS tests anew, valid for a hundred years. The authority's own key is thrown away.
# Needs openssl; the tests themselves do not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
authority_key="$(mktemp)"
trap 'rm -f "$authority_key"' EXIT

# Prints a new private key.
new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256; }

new_key >"$authority_key"
openssl req -x509 -new -key "$authority_key" -subj "/CN=test authority" -days 36500 \
  -addext "keyUsage=critical,keyCertSign,cRLSign" -out ca.pem
for purpose in server client; do
  new_key >"$purpose-key.pem"
  openssl req -new -key "$purpose-key.pem" -subj "/CN=test $purpose" |
    openssl x509 -req -CA ca.pem -CAkey "$authority_key" -days 36500 -out "$purpose.pem" -extfile <(
      printf 'basicConstraints=critical,CA:FALSE\nsubjectAltName=IP:127.0.0.1\nextendedKeyUsage=%sAuth\n' "$purpose"
    )
done
