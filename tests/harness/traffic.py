#!/usr/bin/python3
"""Real traffic for the demo and the lab: a server that listens, connects that say what came of them, and a
numbered stream that tells lost and leaked packets."""
import argparse
import json
import select
import signal
import socket
import struct
import sys
import threading
import time

ANSWER = 0x8180  # flags of a DNS answer: the example's policy lets it in
QUESTION = 0x0100  # of a question: the policy drops it


def serve(args):
    """Listens on TCP ports until killed; says "ready" once it does."""
    sockets = []
    for port in args.tcp:
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("0.0.0.0", port))
        s.listen(64)
        sockets.append(s)
    print("ready", flush=True)
    while True:
        for s in select.select(sockets, [], [])[0]:
            connection, _ = s.accept()
            connection.sendall(b"hello\n")
            connection.close()


def connect(args):
    """One TCP connect: prints open, closed (refused) or dropped (no answer)."""
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.settimeout(args.timeout)
    if args.source:
        s.bind((args.source, 0))
    try:
        s.connect((args.host, args.port))
        state = "open" if s.recv(16) else "open, but silent"
    except ConnectionRefusedError:
        state = "closed"
    except socket.timeout:
        state = "dropped"
    except OSError as error:
        state = f"failed ({error})"
    print(state)
    if args.expect and state != args.expect:
        sys.exit(f"expected {args.expect}")


def receive(args):
    """Counts the numbered packets that arrive, answers and questions apart, until SIGTERM; prints JSON."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:  # a burst must not overflow the socket: what is lost shall be lost by the filter
        s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    except OSError:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    s.bind(("0.0.0.0", args.port))
    s.settimeout(0.2)
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    print("ready", flush=True)
    seen = {ANSWER: set(), QUESTION: set()}
    doubled = 0
    while True:
        try:
            data = s.recv(2048)
        except socket.timeout:
            if stop:
                break
            continue
        _, flags, number = struct.unpack_from("!HHI", data)
        doubled += number in seen.setdefault(flags, set())
        seen[flags].add(number)
    result = {"answers": len(seen[ANSWER]), "questions": len(seen[QUESTION]), "doubled": doubled}
    print(json.dumps(result), flush=True)


def stream(args):
    """Sends numbered answers and questions in turn from port 53 until SIGTERM; prints JSON."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((args.source, 53))
    s.connect((args.host, args.port))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    sent = 0
    interval = 1.0 / args.rate
    begin = time.monotonic()
    while not stop.is_set():
        ahead = begin + sent * interval - time.monotonic()
        if ahead > 0.001:
            time.sleep(ahead)
        for flags in (ANSWER, QUESTION):
            message = struct.pack("!HHI", sent & 0xFFFF, flags, sent) + bytes(24)
            while True:
                try:
                    s.send(message)
                    break
                except ConnectionRefusedError:  # of an earlier packet; this one was not sent
                    continue
        sent += 1
    result = {"answers": sent, "questions": sent, "seconds": time.monotonic() - begin}
    print(json.dumps(result), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("serve")
    command.add_argument("--tcp", type=int, nargs="*", default=[])
    command.set_defaults(run=serve)
    command = commands.add_parser("connect")
    command.add_argument("host")
    command.add_argument("port", type=int)
    command.add_argument("--source")
    command.add_argument("--timeout", type=float, default=0.7)
    command.add_argument("--expect")
    command.set_defaults(run=connect)
    command = commands.add_parser("receive")
    command.add_argument("--port", type=int, default=40000)
    command.set_defaults(run=receive)
    command = commands.add_parser("stream")
    command.add_argument("host")
    command.add_argument("--source", required=True)
    command.add_argument("--port", type=int, default=40000)
    command.add_argument("--rate", type=int, default=4000)
    command.set_defaults(run=stream)
    args = parser.parse_args()
    try:
        args.run(args)
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
