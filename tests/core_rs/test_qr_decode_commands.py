"""`tram qr read` and `tram qr score` on real files."""

import json

import segno
from click.testing import CliRunner

from portal.cli.qr import command
from tests.shared_data import shared_data


def run(*arguments: object):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def write_code(path, text: str) -> None:
    segno.make(text, micro=False, mode="byte").save(str(path), scale=5)


def test_every_image_below_a_folder_is_read_in_order(tmp_path):
    (tmp_path / "deep").mkdir()
    write_code(tmp_path / "a.png", "ống 1")
    write_code(tmp_path / "deep" / "b.png", "ống 2")
    (tmp_path / "notes.txt").write_text("not an image")
    result = run("read", "--json", "--threads", 2, tmp_path)
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.output.splitlines()]
    assert [line["symbols"][0]["text"] for line in lines] == ["ống 1", "ống 2"]
    assert all(len(line["symbols"][0]["corners"]) == 4 for line in lines)
    assert all(line["milliseconds"] > 0 for line in lines)


def test_a_file_that_is_no_image_is_named_and_the_others_are_read(tmp_path):
    write_code(tmp_path / "good.png", "ống 3")
    (tmp_path / "bad.png").write_bytes(b"not an image")
    result = run("read", tmp_path, tmp_path / "missing.png")
    assert result.exit_code == 1
    assert "good.png: ống 3" in result.output
    assert "bad.png: The file is neither" in result.output
    assert "missing.png: The file cannot be opened" in result.output


def test_scores_count_exact_missed_and_wrong(tmp_path):
    for name, text in [("a", "one"), ("b", "two"), ("c", "three"), ("d", "four")]:
        write_code(tmp_path / f"{name}.png", text)
    manifest = [
        {"file": "a.png", "expected": ["one"], "codes": 1},
        {"file": "b.png", "expected": ["another"], "codes": 1},
        {"file": "c.png", "expected": [], "codes": 1},
        {"file": "d.png", "expected": [], "codes": 0},
    ]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    result = run("score", tmp_path)
    # b is missed and misread, c is a code of unknown text, d shows no code at all.
    assert result.output.splitlines()[1].split()[1:4] == ["1", "1", "2"]
    assert result.exit_code == 1


def test_a_folder_without_a_manifest_is_a_plain_sentence(tmp_path):
    result = run("score", tmp_path)
    assert result.exit_code == 2
    assert "has no manifest.json" in result.output


def test_shared_photos_score_without_a_wrong_read():
    result = run("score", shared_data("qr_photos") / "zxing-1")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1].split()[:4] == ["all", "20", "0", "0"]
