"""Tests of what `make lint` gives to parliament."""

import json
import unittest

from check import template_lint
from check.variants import variants


class PoliciesTest(unittest.TestCase):
    def test_every_policy_of_every_kind_is_checked(self) -> None:
        """A policy that no linter reads is refused on AWS only."""
        for deployment, template in variants().items():
            found = {name for name, _ in template_lint.policies_of(template)}
            for name, resource in template["Resources"].items():
                text = json.dumps({k: v for k, v in resource["Properties"].items() if k != "AssumeRolePolicyDocument"})
                if '"Statement"' in text:
                    self.assertIn(name, found, deployment)
        kinds = {resource["Type"] for name, resource in template["Resources"].items() if name in found}
        want = {"AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::SQS::QueuePolicy"}
        self.assertLessEqual(want, kinds)

    def test_arns_stand_in_place_of_references(self) -> None:
        """parliament compares the resources of a statement with those of its actions."""
        for deployment, template in variants().items():
            for name, policy in template_lint.policies_of(template):
                self.assertNotRegex(json.dumps(policy), r'"(Ref|Fn::\w+)"|\$\{', f"{name} of {deployment}")

    def test_a_keys_policy_is_about_the_key(self) -> None:
        policies = dict(template_lint.policies_of(variants()["prod"]))
        resources = {statement["Resource"] for statement in policies["SecretsKey"]["Statement"]}
        self.assertEqual(resources, {"arn:aws:kms:ap-southeast-1:123456789012:key/secretskey"})


if __name__ == "__main__":
    unittest.main()
