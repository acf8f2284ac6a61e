"""Provenance: enough to repeat a run, nothing about who ran it."""

import hashlib
import json
import re

import pytest

from phusong.errors import InputError
from phusong.result.provenance import digest, file_digest, provenance


def test_it_names_seed_versions_and_hashes_and_repeats():
    first = provenance({"b": "2" * 64, "a": "1" * 64}, "seed = 7\n", 7)
    second = provenance({"a": "1" * 64, "b": "2" * 64}, "seed = 7\n", 7)
    assert json.dumps(first) == json.dumps(second)
    assert first["seed"] == 7
    assert re.fullmatch(r"\d+\.\d+.*", first["packages"]["numpy"])


@pytest.mark.parametrize("change", [{"seed": 8}, {"scenario": "seed = 8\n"}, {"inputs": {"a": "3" * 64}}])
def test_any_change_changes_the_digest(change):
    base = {"inputs": {"a": "1" * 64}, "scenario": "seed = 7\n", "seed": 7}
    assert provenance(**base)["digest"] != provenance(**{**base, **change})["digest"]


@pytest.mark.parametrize("name", ["/home/an/sites.csv", "C:\\data\\sites.csv", "D:/sites.csv"])
def test_absolute_paths_are_refused(name):
    with pytest.raises(InputError, match="relative"):
        provenance({name: "1" * 64}, "", 1)


def test_file_digest_is_the_sha256_of_its_bytes(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"phusong" * 300_000)
    assert file_digest(path) == hashlib.sha256(b"phusong" * 300_000).hexdigest()
    with pytest.raises(InputError, match="cannot be read"):
        file_digest(tmp_path / "absent")


def test_digest_ignores_the_order_of_keys():
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
