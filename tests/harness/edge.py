"""The edge for system stories: `kinobus up --edge` instead of the supervisor alone, and further ones made from site.conf.

    with EdgeStage() as p:
        p.edge().get("/api/v1/videos")              # by TLS, through nginx
        with Site(p.folder("two"), fronts=[...], secret=p.secret()) as site: ...
"""
import grp
import hashlib
import hmac
import base64
import http.client
import json
import os
import pwd
import re
import resource
import shutil
import socket
import ssl
import subprocess
import time

from patience import PATIENCE, until
from stage import BIN, TOP, Api, Stage, free_port

PARTS = os.path.join(TOP, "ops", "deploy", "nginx")


class EdgeStage(Stage):
    """certificate: (file, key file) of one that was given, else the edge makes its own."""

    def __init__(self, env=None, certificate=None):
        super().__init__(env)
        self.edge_port, self.certificate = free_port(), certificate
        self.words = ["--certificate", certificate[0], "--certificate-key", certificate[1]] if certificate else []
        self.edge_url = f"https://127.0.0.1:{self.edge_port}"
        del self.env["KINOBUS_FRONT_PUBLIC_URL"]

    @property
    def ca(self):
        return self.certificate[0] if self.certificate else os.path.join(self.state, "edge", "certificate.pem")

    def start(self):
        with open(os.path.join(self.state, "supervisor.log"), "ab") as log:
            self.supervisor = subprocess.Popen(
                [os.path.join(BIN, "kinobus"), "up", "--edge", "--edge-port", str(self.edge_port), "--state", self.state, *self.words],
                env=self.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def wait_ready(self):
        super().wait_ready()
        until("the edge is ready", lambda: os.path.exists(os.path.join(self.state, "run", "ready")), tell=self.logs)

    def edge(self, token=None):
        return Api(self.edge_url, token, ca=self.ca)

    def connect(self, source=None, **more):
        """A connection by TLS, for bytes of one's own."""
        context = ssl.create_default_context(cafile=self.ca)
        for name, value in more.items():
            setattr(context, name, value)
        plain = socket.create_connection(("127.0.0.1", self.edge_port), timeout=PATIENCE, source_address=source and (source, 0))
        return context.wrap_socket(plain, server_hostname="127.0.0.1")

    def secret(self):
        with open(os.path.join(self.state, "edge", "key.conf"), encoding="ascii") as f:
            return re.search(r'default "(\w+)"', f.read())[1]

    def rights(self):
        """What the front tells the edge."""
        return json.loads(Api(self.url).want("GET", "/edge/rights", headers={"X-Edge": self.secret()}).body)

    def mint(self, video, version=1, policy="open", expires=None, key=None):
        """A media token, by the words of actors/runtime/media_token/media_token.h."""
        key = key or self.rights()["keys"][0]
        expires = expires or int(time.time()) // 3600 * 3600 + 7200
        text = f"kinobus media 1\n{key['kid']}\n{policy}\n{expires}\n{video}\n{version}\n"
        mac = hmac.new(bytes.fromhex(key["key"]), text.encode(), hashlib.sha256).digest()
        return f"1.{key['kid']}.{policy}.{expires}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

    def asked(self, what="media"):
        """How many requests of this kind the front has answered, as its log says."""
        with open(os.path.join(self.state, "log", "front-1.log"), encoding="utf-8") as f:
            return len(re.findall(rf" what={what} ", f.read()))


class Site:
    """One more nginx: site.conf as an operator would fill it in, plain HTTP, in a folder that holds nothing else but the parts."""

    def __init__(self, folder, fronts, secret, media="media-here", blobs="/nonexistent", connections=4096):
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        shutil.copytree(PARTS, os.path.join(folder, "parts"))
        self.write("key.conf", f'map $remote_addr $kinobus_key {{ default "{secret}"; }}\n')
        with open(os.path.join(PARTS, "site.conf"), encoding="utf-8") as f:
            site = f.read()
        for old, new in (("/usr/share/kinobus/edge", f"{folder}/parts"), ("/etc/kinobus/edge-key.conf", f"{folder}/key.conf"),
                         ('"127.0.0.1:8080", "10.0.0.2:8080"', ", ".join(f'"{front}"' for front in fronts)),
                         ("    server 127.0.0.1:8080;\n    server 10.0.0.2:8080;\n", "".join(f"    server {front};\n" for front in fronts)),
                         ("    listen 443 ssl http2 backlog=1024;\n    listen [::]:443 ssl http2 backlog=1024;\n", f"    listen 127.0.0.1:{self.port};\n"),
                         ("/var/lib/kinobus/blobs", blobs), ("media-here", media), ("# proxy_cache_path /var/cache/nginx", f"proxy_cache_path {folder}")):
            assert old in site, old
            site = site.replace(old, new)
        self.write("site.conf", re.sub(r" +ssl_certificate.*\n", "", site))
        user = f"user {pwd.getpwuid(os.geteuid()).pw_name} {grp.getgrgid(os.getegid()).gr_name};" if os.geteuid() == 0 else ""
        temp = "".join(f"{name}_temp_path {folder}/temp;" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        modules = "".join(f"load_module /usr/lib/nginx/modules/{name}_module.so;" for name in ("ndk_http", "ngx_http_lua"))
        self.write("nginx.conf", f"daemon off; {user} pid {folder}/pid; error_log {folder}/error.log; {modules}"
                                 f"pcre_jit on; worker_rlimit_nofile {resource.getrlimit(resource.RLIMIT_NOFILE)[1]};"
                                 f"events {{ worker_connections {connections}; }} http {{ access_log off; {temp} include {folder}/site.conf; }}")

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as f:
            f.write(text)

    def __enter__(self):
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-c", f"{self.folder}/nginx.conf", "-p", self.folder, "-e", f"{self.folder}/error.log"])

        def answer():
            assert self.process.poll() is None, self.errors()
            return Api(self.url).send("GET", "/healthz")

        until("nginx answers", answer, lambda answer: answer.status == 200, despite=(OSError, http.client.HTTPException), tell=self.errors)
        return self

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait(PATIENCE)

    def errors(self):
        with open(f"{self.folder}/error.log", encoding="utf-8") as f:
            return f.read()[-2000:]
