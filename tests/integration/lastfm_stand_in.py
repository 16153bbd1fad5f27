"""A stand-in for Last.fm's API on a port of this machine: plays real answers to track.getInfo, and what goes wrong."""
import json
import socket
import struct
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

WAIT_S = 60.0


# ---- what a request is answered with: each is called with the request's handler ----

def body(data, status=200, headers=()):
    """These bytes, whole."""
    def answer(handler):
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Type", "application/json; charset=utf-8")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)
    return answer


def track(status=200, **fields):
    """A track in the form of the real service; duration and toptags only if they are given."""
    def answer(handler):
        artist, name = handler.asked
        whole = {"name": name, "url": "https://www.last.fm/music/x/_/y", "streamable": {"#text": "0", "fulltrack": "0"},
                 "listeners": "219", "playcount": "1858",
                 "artist": {"name": artist, "url": "https://www.last.fm/music/x"},
                 "album": {"artist": artist, "title": "an album", "image": [{"#text": "", "size": "small"}]}, **fields}
        body(json.dumps({"track": whole}, ensure_ascii=False).encode(), status)(handler)
    return answer


def tags(*names):
    return {"tag": [{"name": name, "url": "https://www.last.fm/tag/x"} for name in names]}


def error(code, status=200, message="the service's own words"):
    return body(json.dumps({"error": code, "message": message, "links": []}).encode(), status)


def echo(status=200):
    """An error that repeats the request, key and all."""
    return lambda handler: error(8, status, "cannot serve " + handler.path)(handler)


def echo_as_tag():
    return lambda handler: track(duration="1000", toptags=tags("see " + handler.path))(handler)


def reset_in_body():
    """Half an answer, then the connection is reset."""
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"track":{"name":"')
        handler.wfile.flush()
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()
        handler.close_connection = True
    return answer


def silence():
    """Nothing until the client has had enough."""
    def answer(handler):
        handler.connection.settimeout(WAIT_S)
        handler.connection.recv(1)
        handler.close_connection = True
    return answer


# ---- the service ----

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        asked = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        query = {name: values[0] for name, values in asked.items()}
        self.asked = (query.pop("artist", None), query.pop("track", None))
        self.server.stand_in.serve(self, query)

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except OSError:  # the client went away, or we made it so
            self.close_connection = True


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass


class StandIn:
    """answers: {track: answer, or a list of them, one a request, of which the last stays}; others get a plain answer.
    Requests that come after hold() are held until release(). With a context of ssl it speaks https."""

    def __init__(self, answers=None, default=track(duration="1000", toptags=""), context=None):
        self.answers, self.default = answers or {}, default
        self.changed = threading.Condition()
        self.seen, self.queries = [], []  # what was asked, in order
        self.in_flight = self.most_in_flight = 0
        self.held = False
        self.before = self.after = None  # called with the number of the request, from 1
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.stand_in = self
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.server.server_address[1]}/2.0/"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.release()
        self.server.shutdown()
        self.server.server_close()

    def answer_for(self, name):
        answer = self.answers.get(name, self.default)
        if not isinstance(answer, list):
            return answer
        return answer.pop(0) if len(answer) > 1 else answer[0]

    def serve(self, handler, query):
        with self.changed:
            self.seen.append(handler.asked)
            self.queries.append(query)
            number = len(self.seen)
            answer = self.answer_for(handler.asked[1])
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            self.changed.notify_all()
            self.changed.wait_for(lambda: not self.held, WAIT_S)
            self.in_flight -= 1  # before the answer: the next request may come as soon as it is out
        if self.before:
            self.before(number)
        answer(handler)
        if self.after:
            self.after(number)

    def hold(self):
        with self.changed:
            self.held = True

    def release(self):
        with self.changed:
            self.held = False
            self.changed.notify_all()

    def await_seen(self, count):
        """Until so many requests have come."""
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.seen) >= count, WAIT_S):
                raise AssertionError(f"{len(self.seen)} requests, not {count}, after {WAIT_S} s")

    def times_asked(self):
        return Counter(name for _, name in self.seen)

    def forget(self):
        with self.changed:
            self.seen, self.queries, self.most_in_flight = [], [], 0


def http_date(seconds_from_now):
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + seconds_from_now))
