"""Tests when a test cloud is started and stopped; no cloud is started."""

import unittest
from unittest import mock

from cloud import local_stack
from testkit.stubs import printed


class TestCloudTest(unittest.TestCase):
    def setUp(self) -> None:
        self.cloud = mock.MagicMock()
        patch = mock.patch("cloud.instance.test", return_value=self.cloud)
        patch.start()
        self.addCleanup(patch.stop)

    def use(self, runs_already: bool, failure: Exception | None = None) -> None:
        self.cloud.process.return_value = 4711 if runs_already else None
        self.cloud.start.return_value = not runs_already
        with printed(), local_stack.test_cloud(4577, deployed=False) as cloud:
            self.assertIs(cloud, self.cloud)
            if failure:
                raise failure

    def test_a_cloud_that_was_started_is_stopped(self) -> None:
        self.use(runs_already=False)
        self.cloud.write_stack.assert_called_once_with()
        self.cloud.stop.assert_called_once_with()

    def test_a_cloud_that_was_started_is_stopped_after_a_failure(self) -> None:
        with self.assertRaises(ValueError):
            self.use(runs_already=False, failure=ValueError())
        self.cloud.stop.assert_called_once_with()

    def test_a_running_cloud_keeps_running_and_keeps_its_file(self) -> None:
        self.use(runs_already=True)
        self.cloud.write_stack.assert_not_called()
        self.cloud.stop.assert_not_called()


if __name__ == "__main__":
    unittest.main()
