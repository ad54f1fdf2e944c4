"""Tests of which deployments the rules about AWS see."""

import unittest
import unittest.mock

from check import variants as checked
from check.variants import Deployment


class VariantsTest(unittest.TestCase):
    def test_every_option_is_set_in_a_deployment(self) -> None:
        """A parameter that is empty by default must have a value, or no rule sees what it brings."""
        declared = checked.variants()["prod"]["Parameters"]
        empty = {name for name, parameter in declared.items() if parameter["Default"] == ""}
        self.assertTrue(empty)
        self.assertLessEqual(empty, checked.OPTIONS.keys())
        for name, value in checked.OPTIONS.items():
            self.assertIn(name, declared.keys())
            self.assertNotEqual(value, str(declared[name]["Default"]), f"{name} keeps its default")

    def test_every_condition_is_true_in_one_deployment_and_false_in_another(self) -> None:
        seen: dict[str, set[bool]] = {}
        made = Deployment.template

        def watch(deployment: Deployment) -> checked.Template:
            for name in deployment.body["Conditions"]:
                seen.setdefault(name, set()).add(deployment.holds({"Condition": name}))
            return made(deployment)

        with unittest.mock.patch.object(Deployment, "template", watch):
            checked.variants()
        # No deployment is in a region without loop detection: the condition leaves out one property.
        self.assertEqual({name for name, values in seen.items() if len(values) < 2}, {"HasLoopDetection"})

    def test_a_parameter_without_a_limit_has_no_longest_value(self) -> None:
        declared = {
            "Bounded": {"Type": "String", "AllowedPattern": "[a-z]{3}(,[a-z]{3}){0,2}"},
            "Short": {"Type": "String", "AllowedPattern": "[a-z]*", "MaxLength": 5},
            "Endless": {"Type": "String", "AllowedPattern": "[a-z]*"},
            "Number": {"Type": "Number", "MaxValue": 3650},
            "Choice": {"Type": "String", "AllowedValues": ["a", "abc"]},
        }
        lengths = {name: len(value) for name, value in checked.longest(declared).items()}
        want = {"Bounded": 11, "Short": 5, "Endless": checked.UNBOUNDED, "Number": 4, "Choice": 3}
        self.assertEqual(lengths, want)


if __name__ == "__main__":
    unittest.main()
