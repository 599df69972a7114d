"""No web page may drive the API."""

import socket
import sys
from urllib.parse import urlsplit

PLACE = urlsplit(sys.argv[1])


def status(path="/", **headers):
    headers = {"Host": PLACE.netloc, **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items() if value is not None)]
    with socket.create_connection((PLACE.hostname, PLACE.port), timeout=10) as connection:
        connection.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode())
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return int(answer.split(b" ")[1]), answer.decode()


code, text = status()
assert code == 200 and "This is Wharf" in text, text
for host in ["localhost", "localhost:1", "LocalHost.", "api.localhost:4566", "127.0.0.1", "127.9.9.9:80", "[::1]:80",
             "[::ffff:127.0.0.1]", "wharf.test", "WHARF.test:4566"]:
    assert status(Host=host)[0] == 200, host
for host in ["evil.test", "localhost.evil.test", "evillocalhost", "127.0.0.1.evil.test", "10.0.0.1", "[2001:db8::1]:80",
             "", "a@localhost", "127.0.0.1:80.evil.test", None]:
    code, text = status(Host=host)
    assert code in (400, 403), (host, text)
assert status(Origin="http://console.test")[0] == 200
for path in ["/", "/_wharf/reset", "/v2/", "/anything"]:
    for origin in ["http://evil.test", "null", "http://console.test.evil.test", "http://console.test:81",
                   f"http://{PLACE.netloc}"]:
        code, text = status(path, Origin=origin)
        assert code == 403 and "not allowed" in text, (path, origin, text)
    assert status(path, Host="evil.test")[0] == 403, path
