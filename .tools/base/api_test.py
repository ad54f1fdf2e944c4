"""Tests which certificates a call of the API trusts, on a machine that has none of its own."""

import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from botocore.httpsession import get_cert_path

from base import api

NOTHING = {"SSL_CERT_FILE": "/nonexistent", "SSL_CERT_DIR": "/nonexistent"}  # as Python from python.org on macOS
END = "-----END CERTIFICATE-----\n"


class CertificatesTest(unittest.TestCase):
    def trusted(self, **variables: str) -> int:
        own = {name: value for name, value in os.environ.items() if name != "AWS_CA_BUNDLE"}
        with mock.patch.dict(os.environ, own | NOTHING | variables, clear=True):
            return api.certificates().cert_store_stats()["x509_ca"]

    def test_a_machine_without_certificates_trusts_those_of_the_sdk(self) -> None:
        self.assertGreater(self.trusted(), 50)

    def test_the_certificate_of_a_companys_proxy_is_trusted_too(self) -> None:
        first = Path(get_cert_path(True)).read_text(encoding="utf-8").partition(END)[0] + END
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(api, "get_cert_path", return_value=None):
            bundle = Path(folder, "company.pem")
            bundle.write_text(first, encoding="utf-8")
            self.assertEqual(self.trusted(), 0)
            self.assertEqual(self.trusted(AWS_CA_BUNDLE=str(bundle)), 1)


if __name__ == "__main__":
    unittest.main()
