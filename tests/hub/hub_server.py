"""A small server on 127.0.0.1 that speaks the Hugging Face Hub's protocol, for the real client to talk to."""

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass
class Hub:
    """What the server holds, and the faults it is told to have.

    Attributes:
        repos: by name, the commits in order: (commit, files by path).
        blobs: contents of large files by sha256.
        token: what a client must bear to write, and to read where ``closed``.
        closed: every request needs the token.
        fail: answer every request for a file with this status.
        cut: close the connection after so many bytes of each large file, this many times.
        headers: replace those of an answer with a file, by name; None leaves one out.
        endless: answer a request for a file of this name without end.
        slow: send bytes of this file one by one.
        requests: method and path of each request.
    """

    repos: dict[str, list[tuple[str, dict[str, bytes]]]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    token: str = "secret"
    closed: bool = False
    fail: int = 0
    cut: int = 0
    cuts: int = 0
    lie: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    endless: str = ""
    slow: str = ""
    requests: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    endpoint: str = ""

    def commit(self, repo: str, files: dict[str, bytes]) -> str:
        """Add a commit in which these files replace or join those before."""
        commits = self.repos.setdefault(repo, [])
        held = {**(commits[-1][1] if commits else {}), **files}
        oid = hashlib.sha1(f"{repo}{len(commits)}".encode() + b"".join(held.values())).hexdigest()
        commits.append((oid, held))
        return oid

    def files(self, repo: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        commits = self.repos[repo]
        if revision == "main":
            return commits[-1] if commits else ("0" * 40, {})
        return next((commit for commit in commits if commit[0] == revision), None)


@contextmanager
def serve() -> Iterator[Hub]:
    """Run a Hub while the block runs."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        if match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._send_file(*match.groups())
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/([^/]+)/?", path):
            if found := self._find(match[1], match[2]):
                entries = [
                    {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                    for name, data in found[1].items()
                ]
                self._answer(200, entries)
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+?)(?:/revision/([^/]+))?", path):
            if found := self._find(match[1], match[2] or "main"):
                siblings = [{"rfilename": name} for name in found[1]]
                self._answer(200, {"id": match[1], "sha": found[0], "siblings": siblings, "private": False})
        else:
            self._answer(404, {"error": "unknown path"})

    def do_POST(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"POST {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            self._answer(401, {"error": "Invalid username or password."})
        elif path == "/api/repos/create":
            wanted = json.loads(body)
            name = f"{wanted['organization']}/{wanted['name']}" if wanted.get("organization") else wanted["name"]
            taken = name in self.hub.repos
            self.hub.repos.setdefault(name, [])
            self._answer(409 if taken else 200, {"url": f"{self.hub.endpoint}/{name}", "name": name})
        elif path == "/api/validate-yaml":
            self._answer(200, {"errors": [], "warnings": []})
        elif re.fullmatch(r"/api/models/[^/]+/[^/]+/preupload/[^/]+", path):
            files = [
                {"path": file["path"], "uploadMode": "lfs" if file["path"].endswith(".safetensors") else "regular",
                 "shouldIgnore": False, "oid": None}
                for file in json.loads(body)["files"]
            ]  # fmt: skip
            self._answer(200, {"files": files})
        elif path.endswith(".git/info/lfs/objects/batch"):
            objects = [
                {**each, "actions": {"upload": {"href": f"{self.hub.endpoint}/lfs/{each['oid']}"}}}
                for each in json.loads(body)["objects"]
            ]
            self._answer(200, {"transfer": "basic", "objects": objects})
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/[^/]+", path):
            files = {}
            for line in body.decode().splitlines():
                record = json.loads(line)
                value = record["value"]
                if record["key"] == "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                elif record["key"] == "lfsFile":
                    files[value["path"]] = self.hub.blobs[value["oid"]]
            oid = self.hub.commit(match[1], files)
            url = f"{self.hub.endpoint}/{match[1]}/commit/{oid}"
            self._answer(200, {"success": True, "commitOid": oid, "commitUrl": url, "hookOutput": ""})
        else:
            self._answer(404, {"error": "unknown path"})

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.hub.blobs[hashlib.sha256(data).hexdigest()] = data
        self._answer(200, {})

    def _find(self, repo: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        if self.hub.closed and self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            self._answer(401, {"error": "Invalid username or password."}, "RepoNotFound")
        elif repo not in self.hub.repos:
            self._answer(404, {"error": "Repository not found"}, "RepoNotFound")
        elif (found := self.hub.files(repo, revision)) is None:
            self._answer(404, {"error": "Revision not found"}, "RevisionNotFound")
        else:
            return found
        return None

    def _send_file(self, repo: str, revision: str, name: str) -> None:
        if self.hub.fail:
            self._answer(self.hub.fail, {"error": "told to fail"}, headers=self.hub.headers)
            return
        found = self._find(repo, revision)
        if found is None:
            return
        if name not in found[1]:
            self._answer(404, {"error": "Entry not found"}, "EntryNotFound", found[0])
            return
        data = found[1][name]
        large = name.endswith(".safetensors")
        digest = self.hub.lie.get(name) or (hashlib.sha256 if large else hashlib.sha1)(data).hexdigest()
        start = 0
        if match := re.match(r"bytes=(\d+)-", self.headers.get("Range", "")):
            start = int(match[1])
            self.hub.ranges.append(self.headers["Range"])
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", self.hub.headers.get("X-Repo-Commit", found[0]))
        self.send_header("ETag", self.hub.headers.get("ETag", f'"{digest}"'))
        if large:
            self.send_header("X-Linked-ETag", f'"{digest}"')
            self.send_header("X-Linked-Size", str(len(data)))
        self.send_header("Accept-Ranges", "bytes")
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        endless = name == self.hub.endless and self.command == "GET"
        if not endless:
            self.send_header("Content-Length", self.hub.headers.get("Content-Length", str(len(data) - start)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.close_connection = endless
        while endless:
            self.wfile.write(bytes(1 << 16))
        for byte in data if name == self.hub.slow else b"":
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(0.05)
        if large and self.hub.cut and self.hub.cuts:
            self.hub.cuts -= 1
            self.wfile.write(data[start : start + self.hub.cut])
            self.wfile.flush()
            self.close_connection = True
            self.connection.close()
            return
        self.wfile.write(data[start:])

    def _answer(
        self,
        status: int,
        record: Any,
        code: str = "",
        commit: str = "",
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        body = json.dumps(record).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        if code:
            self.send_header("X-Error-Code", code)
        if commit:
            self.send_header("X-Repo-Commit", commit)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
