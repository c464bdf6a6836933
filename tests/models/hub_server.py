"""A server on this machine that speaks as much of the hub's protocol as a download needs."""

import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

REVISION = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """Serves folders as repositories. asked: ranges of the files asked for, in order.

    cut: break the connection after so many bytes of a file. broken: names whose bytes are changed on the way.
    """

    def __init__(self, repositories: dict[str, Path]) -> None:
        self.repositories = repositories
        self.asked: list[tuple[str, str]] = []
        self.cut: int | None = None
        self.broken: set[str] = set()
        self.gated: set[str] = set()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.thread = Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        if not self.thread.is_alive():
            return
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def description(self, repo: str) -> dict[str, Any]:
        folder = self.repositories[repo]
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {
            "id": repo, "modelId": repo, "sha": REVISION, "private": False, "gated": repo in self.gated,
            "disabled": False, "downloads": 0, "likes": 0, "tags": [],
            "siblings": [_sibling(path, str(path.relative_to(folder))) for path in files],
        }  # fmt: skip

    def _handler(hub) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                hub.answer(self)

        return Handler

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        words = request.path.partition("?")[0].strip("/").split("/")
        api = words[:2] == ["api", "models"]
        repo = "/".join(words[2:4] if api else words[:2])
        if repo not in self.repositories:
            _say(request, 404, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif api:
            _say(
                request,
                200,
                json.dumps(self.description(repo)).encode(),
                {"Content-Type": "application/json"},
            )
        elif repo in self.gated:
            _say(request, 403, b"{}", {"X-Error-Code": "GatedRepo"})
        else:
            assert words[2:4] == ["resolve", REVISION]
            self._file(request, repo, "/".join(words[4:]))

    def _file(self, request: BaseHTTPRequestHandler, repo: str, name: str) -> None:
        wanted = request.headers.get("Range", "bytes=0-")
        self.asked.append((name, wanted))
        data = (self.repositories[repo] / name).read_bytes()
        if name in self.broken:
            data = data[:-1] + bytes([data[-1] ^ 1])
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        rest = data[start:]
        request.send_response(206)
        request.send_header("Content-Length", str(len(rest)))
        request.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        request.end_headers()
        if self.cut is not None and len(rest) > self.cut:
            request.wfile.write(rest[: self.cut])
            request.wfile.flush()
            request.close_connection = True
            request.connection.close()
            return
        request.wfile.write(rest)


def _sibling(path: Path, name: str) -> dict[str, Any]:
    data = path.read_bytes()
    git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    found: dict[str, Any] = {"rfilename": name, "size": len(data), "blobId": git}
    if name.endswith(".safetensors"):
        digest = hashlib.sha256(data).hexdigest()
        found["lfs"] = {"sha256": digest, "size": len(data), "pointerSize": 134}
    return found


def _say(request: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]) -> None:
    request.send_response(status)
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)
