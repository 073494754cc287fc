#!/usr/bin/env python3
"""An SSH server that ends every connection before any login, with words that would write on a terminal.

  rude_sshd.py PORT
"""

import socketserver
import struct
import sys

WORDS = b"\x1b[31mrouge\x07\nune autre ligne\x7f"


class Rude(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"SSH-2.0-rude\r\n")
        self.rfile.readline()  # the client's version; of its key exchange nothing is answered
        reason = 2
        payload = struct.pack(">BI", 1, reason) + struct.pack(">I", len(WORDS)) + WORDS + struct.pack(">I", 0)
        padding = 8 - (5 + len(payload)) % 8
        padding += 8 if padding < 4 else 0
        self.wfile.write(struct.pack(">IB", 1 + len(payload) + padding, padding) + payload + bytes(padding))
        self.rfile.read()


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    with Server(("127.0.0.1", int(sys.argv[1])), Rude) as server:
        server.serve_forever()
