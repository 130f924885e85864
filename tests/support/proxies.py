"""What proxies between a client and a server have in common."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class ProxyHandler(BaseHTTPRequestHandler):
    """Requests of every method come to `handle_any`, which a subclass has."""

    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        raise NotImplementedError

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        del self.headers["Transfer-Encoding"]
        return b"".join(parts)

    def ask(self, port: int, method: str, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """The status, headers and body that the server on a loopback port answers.

        Raises:
            OSError: It does not.
        """
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request(method, path, body, dict(self.headers))
            reply = connection.getresponse()
            left_out = {"transfer-encoding", "connection"}
            headers = {key: value for key, value in reply.getheaders() if key.lower() not in left_out}
            return reply.status, headers, reply.read()
        finally:
            connection.close()

    def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() != "content-length":
                self.send_header(name, value)
        length = headers.get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    def log_message(self, *_: object) -> None: ...


class _Listener(ThreadingHTTPServer):
    """A client that hangs up is no error to tell of."""

    def handle_error(self, request: object, client_address: object) -> None: ...


@contextmanager
def listening(handler: type[ProxyHandler], port: int = 0) -> Iterator[int]:
    """Serves on a loopback port until the block ends; yields the port."""
    with _Listener(("127.0.0.1", port), handler) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        try:
            yield int(listener.server_address[1])
        finally:
            listener.shutdown()
