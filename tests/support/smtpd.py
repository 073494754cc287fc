#!/usr/bin/env python3
"""A mail server on a port of this machine, for one test (needs python3-aiosmtpd).

  smtpd.py PORT DIRECTORY [options]

Each message that it takes becomes DIRECTORY/<n>.eml, and its line in DIRECTORY/log tells how it came: "tls=yes user=navette
connection=1 recipients=a@x,b@x". Connections are counted from 1. With --dsn each command with parameters of RFC 3461 is a
line of DIRECTORY/dsn. What the last client calls itself is in DIRECTORY/ehlo. The port answers once the server is ready.
"""

import argparse
import asyncio
import fnmatch
import pathlib
import socket
import ssl

from aiosmtpd.smtp import SMTP, AuthResult


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("port", type=int)
    p.add_argument("directory", type=pathlib.Path)
    p.add_argument("--tls", choices=["starttls", "implicit", "none"], default="starttls")
    p.add_argument("--certificate", help="PEM, with its key")
    p.add_argument("--login", help="user:password, asked for before anything")
    p.add_argument("--refuse", action="append", default=[], help="a recipient, or a pattern (*): 550, with the address in the answer")
    p.add_argument("--defer", action="append", default=[], help="a recipient: 451")
    p.add_argument("--deferred", type=pathlib.Path, help="a directory; as long as it has a file of a recipient's address: 451")
    p.add_argument("--sender", default="", help="the answer to any MAIL")
    p.add_argument("--recipient", help="a recipient, or * for any, and the answer to him")
    p.add_argument("--full-name", action="store_true", help="refuses any recipient, as Postfix does, of who says no full name, nor an address")
    p.add_argument("--begins", type=int, help="so many MAIL are answered; at the next one it hangs up")
    p.add_argument("--hang-up", action="store_true", help="after its answer to a recipient of --refuse, or of --defer, a 421 then")
    p.add_argument("--most", type=int, default=1000, help="recipients a message; beyond: 452")
    p.add_argument("--data", default="", help="the answer to DATA; the content is not read")
    p.add_argument("--content", default="", help="the answer to a message, instead of taking it")
    p.add_argument("--lose", type=int, default=0, help="messages, the first ones, taken without an answer: hangs up")
    p.add_argument("--stall", choices=["greeting", "content"],
                   help="says nothing any more from there on; DIRECTORY/stalled is there once it is so")
    p.add_argument("--slow", type=float, default=0, help="seconds before the answer to a message")
    p.add_argument("--babble", choices=["lines", "words", "bytes"],
                   help="answers DATA without an end: lines of one reply, lines without a code, a byte in a while")
    p.add_argument("--drip", type=int, default=0, help="bytes of a message taken in a second, no more")
    p.add_argument("--dsn", nargs="?", const="DSN", help="offers delivery status notifications (RFC 3461), in these letters; sends none")
    p.add_argument("--idle", default="", help="says so once it has taken a message, and hangs up")
    p.add_argument("--banner", default="", help="a greeting that is no welcome (554 …, 421 …)")
    return p.parse_args()


class Handler:
    def __init__(self, options):
        self.options = options
        self.taken = 0
        self.begun = 0

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        (self.options.directory / "ehlo").write_text(hostname, encoding="ascii")
        return [*responses[:-1], f"250-{self.options.dsn}", responses[-1]] if self.options.dsn else responses

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if self.options.full_name and "." not in session.host_name and not session.host_name.startswith("["):
            return f"504 5.5.2 <{session.host_name}>: Helo command rejected: need fully-qualified hostname"
        if self.options.recipient:
            which, answer = self.options.recipient.split(" ", 1)
            if which in ("*", address):
                return answer
        if any(fnmatch.fnmatchcase(address, pattern) for pattern in self.options.refuse):
            return f"550 5.1.1 <{address}>: Recipient address rejected: {address.split('@')[0]} unknown"
        if address in self.options.defer or (self.options.deferred and (self.options.deferred / address).exists()):
            return f"{421 if self.options.hang_up else 451} 4.2.0 <{address}>: Greylisted, try again later"
        if len(envelope.rcpt_tos) >= self.options.most:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server, session, envelope):
        if self.options.stall == "content":
            (self.options.directory / "stalled").touch()
            await asyncio.sleep(3600)
        await asyncio.sleep(self.options.slow)
        if self.options.content:
            return self.options.content
        self.taken += 1
        coming = self.options.directory / "coming"
        coming.write_bytes(envelope.original_content)
        user = session.auth_data.decode() if session.auth_data else "-"
        with (self.options.directory / "log").open("a", encoding="utf-8") as log:
            log.write(f"tls={'yes' if server.transport.get_extra_info('ssl_object') else 'no'} user={user} connection={server.number} "
                      f"recipients={','.join(envelope.rcpt_tos)}\n")
        coming.rename(self.options.directory / f"{self.taken}.eml")  # there in whole, and its line before it, or not
        if self.taken <= self.options.lose:
            server.transport.abort()
            await asyncio.sleep(3600)
        if self.options.idle:
            asyncio.get_running_loop().call_later(0.1, server.transport.close)
            return f"250 2.0.0 Ok: queued\r\n{self.options.idle}"
        return "250 2.0.0 Ok: queued"


def main():
    options = arguments()
    context = None
    if options.tls != "none":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.certificate)
    handler = Handler(options)
    connections = 0

    def authenticate(server, session, envelope, mechanism, data):
        known = f"{data.login.decode()}:{data.password.decode()}" == options.login
        return AuthResult(success=known, handled=False, auth_data=data.login)

    class Server(SMTP):
        async def _handle_client(self):
            if options.stall == "greeting":
                with (options.directory / "stalled").open("a", encoding="ascii") as stalled:
                    stalled.write("a connection\n")
                await asyncio.sleep(3600)
            if options.banner:
                await self.push(options.banner)
                self.transport.close()
                return
            await super()._handle_client()

        def known(self, command, arg):
            """The command without what aiosmtpd does not know."""
            if not options.dsn or not arg:
                return arg
            address, *parameters = arg.split(" ")
            of_dsn = [p for p in parameters if p.startswith(("RET=", "ENVID=", "NOTIFY=", "ORCPT="))]
            with (options.directory / "dsn").open("a", encoding="ascii") as log:
                log.write(" ".join([command, address, *of_dsn]) + "\n")
            return " ".join([address, *(p for p in parameters if p not in of_dsn)])

        async def smtp_MAIL(self, arg):
            if options.sender:
                await self.push(options.sender)
                return
            handler.begun += 1
            if options.begins is not None and handler.begun > options.begins:
                self.transport.abort()
                return
            await super().smtp_MAIL(self.known("MAIL", arg))

        async def smtp_RCPT(self, arg):
            taken = len(self.envelope.rcpt_tos)
            await super().smtp_RCPT(self.known("RCPT", arg))
            if options.hang_up and len(self.envelope.rcpt_tos) == taken:
                self.transport.close()

        async def smtp_DATA(self, arg):
            if options.babble:
                await self.babble()
            elif options.drip:
                await self.drip()
            elif options.data:
                await self.push(options.data)
            else:
                await super().smtp_DATA(arg)

        async def babble(self):
            piece = {"lines": b"250-more\r\n", "words": b"more\r\n", "bytes": b"2"}[options.babble]
            while not self.transport.is_closing():
                self.transport.write(piece)
                await asyncio.sleep(0.2 if options.babble == "bytes" else 0.0001)

        async def drip(self):
            await self.push("354 Go on, slowly")
            end = b""
            while not end.endswith(b"\r\n.\r\n"):
                piece = await self._reader.read(max(1, options.drip // 10))
                if not piece:
                    return
                end = (end + piece)[-5:]
                await asyncio.sleep(0.1)
            await self.push("250 2.0.0 Ok: queued")

    def connection():
        nonlocal connections
        starttls = options.tls == "starttls"
        server = Server(handler, hostname="localhost", tls_context=context if starttls else None, require_starttls=starttls,
                        auth_required=bool(options.login), auth_require_tls=options.tls == "starttls",
                        authenticator=authenticate, timeout=600)
        connections += 1
        server.number = connections
        return server

    async def serve():
        where = context if options.tls == "implicit" else None
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if options.drip:  # or the kernel takes megabytes of a message at once
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        listener.bind(("127.0.0.1", options.port))
        server = await asyncio.get_running_loop().create_server(connection, sock=listener, ssl=where)
        await server.serve_forever()

    asyncio.run(serve())


if __name__ == "__main__":
    main()
