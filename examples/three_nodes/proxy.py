"""A TCP proxy on 127.0.0.1 that can be cut, as a network can."""
import socket
import threading


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Proxy:
    """Passes what comes to `port` on to `target`; while it is cut, nothing, and closes what is open."""

    def __init__(self, target):
        self.target, self.is_cut = target, False
        self.open, self.lock = set(), threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def set_cut(self, is_cut):
        with self.lock:
            self.is_cut = is_cut
            if is_cut:
                for each in self.open:
                    each.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.set_cut(True)
        self.listener.close()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target), 5)
            except OSError:
                if self.listener.fileno() < 0:
                    return
                near.close()
                continue
            with self.lock:
                if self.is_cut:
                    near.close()
                    far.close()
                    continue
                self.open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        with self.lock:
            for each in (source, sink):
                self.open.discard(each)
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        source.close()
