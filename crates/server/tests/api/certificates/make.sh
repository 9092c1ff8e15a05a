#!/usr/bin/env bash
# Makes the certificates of the listener's tests anew, valid for a hundred years. The authority's own key is thrown away.
# Needs openssl; the tests themselves do not. The server's key is encrypted with the password "tiger".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# Prints a new private key.
new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256; }

# Writes the certificate NAME.pem with SUBJECT for PURPOSE, with the key NAME-key.pem.
certify() { # NAME SUBJECT PURPOSE
  openssl req -new -key "$1-key.pem" -subj "$2" |
    openssl x509 -req -CA ca.pem -CAkey "$work/ca-key.pem" -days 36500 -out "$1.pem" -extfile <(
      printf 'basicConstraints=critical,CA:FALSE\nsubjectAltName=IP:127.0.0.1\nextendedKeyUsage=%sAuth\n' "$3"
    )
}

new_key >"$work/ca-key.pem"
openssl req -x509 -new -key "$work/ca-key.pem" -subj "/CN=test authority" -days 36500 \
  -addext "keyUsage=critical,keyCertSign,cRLSign" -out ca.pem
for name in server ops stranger; do new_key >"$name-key.pem"; done
certify server "/CN=test server" server
certify ops "/OU=ops/CN=test client" client
certify stranger "/OU=guests/CN=test client" client
openssl pkcs8 -topk8 -in server-key.pem -v2 aes-256-cbc -passout pass:tiger -out server-key-encrypted.pem
