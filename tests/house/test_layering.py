#!/usr/bin/python3
"""Layering: the tree keeps the rules, and each rule speaks up where it is broken."""
import tempfile
import unittest
from pathlib import Path

import layering

ROOT = Path(__file__).resolve().parents[2]
# (file, its text, the sentence that must be said), the sentence None where nothing may be said
CASES = [
    ("model/core/a.c", '#include "stream/b.h"\n', "model/core/a.c:1: core must not include stream/b.h"),
    ("model/data/a.c", '\n#include "nn/b.h"\n', "model/data/a.c:2: data must not include nn/b.h"),
    ("model/stream/a.c", '#include "bundle/b.h"\n', None),
    ("daemon/a.c", '#include "cli/b.h"\n', "daemon/a.c:1: daemon must not include cli/b.h"),
    ("model/stream/a.c", "#include <librdkafka/rdkafka.h>\n", "yet includes librdkafka/rdkafka.h"),
    ("model/nn/cell.c", "#include <cblas.h>\n", "only model/nn/tensor.c includes cblas.h"),
    ("model/nn/tensor.c", "#include <cblas.h>\n", None),
    ("model/core/a.c", "int f(void)\n{\n    return time(NULL);\n}\n", "model/core/a.c:3: a library reads a clock"),
    ("model/core/a.c", "/* time(NULL) */ const char *s = \"exit(1)\";\nlong event_time(void);\n", None),
    ("model/core/a.c", 'void f(void) { fprintf(stderr, "no"); }\n', "a library prints"),
    ("model/core/a.c", "void f(void) { exit(1); }\n", "a library ends the process"),
    ("model/cli/a.c", 'void f(void) { printf("%d", time(NULL)); }\n', None),
    ("tests/unit/test_a.c", "\n" * 601, "601 lines, more than 600"),
]


class Layering(unittest.TestCase):
    def test_each_rule_speaks_up(self):
        for name, text, expected in CASES:
            with self.subTest(file=name, text=text), tempfile.TemporaryDirectory() as folder:
                root = Path(folder)
                path = root / name
                path.parent.mkdir(parents=True)
                path.write_text(text)
                (root / "tests").mkdir(exist_ok=True)
                said = [line for line in layering.breaches(root) if "README" not in line]
                if expected is None:
                    self.assertEqual(said, [])
                else:
                    self.assertTrue(any(expected in line for line in said), said)

    def test_a_folder_without_readme_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tests" / "unit"
            path.mkdir(parents=True)
            (path / "a.c").write_text("")
            self.assertIn("tests/unit: no README.md", list(layering.breaches(Path(folder))))

    def test_this_tree_keeps_them_all(self):
        self.assertEqual(list(layering.breaches(ROOT)), [])


if __name__ == "__main__":
    unittest.main()
