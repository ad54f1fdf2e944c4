"""Tests of the forwarding between containers and the local cloud."""

import socket
import threading
import unittest

from cloud import containers


class ForwardingTest(unittest.TestCase):
    """A container reaches the local cloud again after a connection that failed."""

    def test_a_refused_connection_does_not_end_the_forwarding(self) -> None:
        """The first connection finds nobody listening, the second one is forwarded."""
        with socket.create_server(("127.0.0.1", 0)) as entrance:
            with socket.create_server(("127.0.0.1", 0)) as closed:
                port = closed.getsockname()[1]
            threading.Thread(target=containers.accept, args=(entrance, port), daemon=True).start()
            with socket.create_connection(entrance.getsockname()) as first:
                first.settimeout(5)
                self.assertEqual(first.recv(1), b"")
            with (
                socket.create_server(("127.0.0.1", port)) as target,
                socket.create_connection(entrance.getsockname()) as second,
            ):
                second.sendall(b"x")
                target.settimeout(5)
                forwarded, _ = target.accept()
                with forwarded:
                    forwarded.settimeout(5)
                    self.assertEqual(forwarded.recv(1), b"x")
