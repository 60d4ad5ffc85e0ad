"""Files of regions: our own, and those of other tools, right and wrong."""

import base64
import json
from pathlib import Path
from time import perf_counter
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salzoo.interfaces import SalzooError
from salzoo.regions.reading import Medium, read_regions, write_regions
from salzoo.regions.region import Region
from salzoo.regions.shapes import Ellipse, Mask, Polygon, Rectangle

PICTURE = Medium("page.png", (100, 200))


def write(folder: Path, text: str, name: str = "regions.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read(folder: Path, text: str, name: str = "regions.csv", medium: Medium = PICTURE) -> dict[str, Any]:
    regions = read_regions(write(folder, text, name)).of(medium)
    return {region.name: region.places[0] if not region.times else region for region in regions}


def test_csv(tmp_path: Path) -> None:
    grey = np.zeros((100, 200), np.uint8)
    grey[10:20, 30:50] = 255
    cv2.imwrite(str(tmp_path / "sky.png"), grey)
    found = read(
        tmp_path,
        "name,shape,x,y,width,height,points,mask,time,file\n"
        "logo,,20,10,120,60,,,,\n"
        "eye,ellipse,1.5,2,3,4,,,,page.png\n"
        'tree,,,,,,"0 0 10 0 0 10",,,\n'
        "sky,,,,,,,sky.png,,\n"
        "other,,1,1,2,2,,,,other.png\n"
        "ball,,0,0,4,4,,,0,\n"
        "ball,,,,,,,,2,\n"
        "ball,,5,5,4,4,,,3.5,\n",
    )
    assert found["logo"] == Rectangle(20, 10, 120, 60)
    assert found["eye"] == Ellipse(1.5, 2, 3, 4)
    assert found["tree"] == Polygon((((0, 0), (10, 0), (0, 10)),))
    assert (found["sky"].bounds, found["sky"].area) == ((30, 10, 50, 20), 200)
    assert found["ball"] == Region("ball", (Rectangle(0, 0, 4, 4), None, Rectangle(5, 5, 4, 4)), (0, 2, 3.5))
    assert "other" not in found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,y\n1,2\n", "line 1: a column name is needed"),
        ("name,x,y,widht,height\na,1,2,3,4\n", "line 1: no column is called 'widht'"),
        ("name,x,y,width,height\na,1,2,3,4\na,1,2,3,4\n", "line 2: the name 'a' is taken"),
        ("name,x,y,width,height\na,1,2,3,nan\n", "line 2: height must be a number"),
        ("name,x,y,width,height\na,1,2,inf,4\n", "line 2: width must be a number below a million"),
        ("name,x,y,width,height\na,1,2,3,0\n", "line 2: the rectangle has no area"),
        ("name,x,y,width,height\na,1,2,3,-4\n", "line 2: the rectangle has no area"),
        ("name,x,y,width,height\na,1,2,3\n", "line 2: no height"),
        ("name,x,y,width,height\n,1,2,3,4\n", "line 2: no name"),
        ("name,x,y,width,height\na,1,2,3,4,5\n", "line 2: more values than columns"),
        ("name,points\na,0 0 1 1 2 2\n", "line 2: the polygon has no area"),
        ("name,points\na,0 0 1\n", "pairs x y"),
        ("name,x,y,width,height,shape\na,1,2,3,4,star\n", "'star' is none of"),
        ("name,x,y,width,height,time\na,1,2,3,4,5\na,1,2,3,4,4\n", "must rise"),
        ("name,x,y,width,height\na,900,2,3,4\n", "outside of page.png"),
        ("name,mask\na,gone.png\n", "gone.png"),
        ("name,x,y,width,height\n", "holds no region"),
        ("", "a column name is needed"),
    ],
)
def test_wrong_csv_is_one_line_that_says_where(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SalzooError, match=message):
        read(tmp_path, text)


def test_own_json_comes_back_as_it_was(tmp_path: Path) -> None:
    regions = [
        Region("logo", (Rectangle(20, 10, 120, 60),)),
        Region("eye", (Ellipse(1, 2, 3, 4),)),
        Region("tree", (Polygon((((0.0, 0.0), (10.0, 0.0), (0.0, 10.5)),)),)),
        Region("rope", (Polygon((((0, 0), (9, 0), (0, 9)), ((20, 20), (29, 20), (20, 29)))),)),
        Region("ball", (Rectangle(0, 0, 4, 4), None, Rectangle(5, 5, 4, 4)), (0.0, 2.0, 3.5)),
    ]
    path = tmp_path / "regions.json"
    write_regions(regions, path)
    assert read_regions(path).of(PICTURE) == regions


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('{"rectangle": [1, 2, 3, 4]}', "region 1 has no name"),
        ('{"name": "a"}', "has no of rectangle"),
        ('{"name": "a", "rectangle": [1, 2, 3]}', "is not laid out"),
        ('{"name": "a", "rectangle": [1, 2, 3, NaN]}', "height must be a number"),
        ('{"name": "a", "rectangle": [1, 2, 3, true]}', "height must be a number"),
        ('{"name": "a", "rectangle": [1, 2, 3, 4], "ellipse": [1, 2, 3, 4]}', "more than one"),
        ('{"name": "a", "places": [{"time": 0, "absent": true}]}', "never there"),
        ('{"name": "a", "places": [{"rectangle": [1, 2, 3, 4]}]}', "time must be a number"),
        ('{"name": "a", "polygon": [[1, 2, 3], [4, 5, 6], [7, 8, 9]]}', "two numbers"),
        ('{"name": "a", "rectangle": [1, 2, 3, ' + "9" * 5000 + "]}", "no JSON|below a million"),
        ("7", "is not laid out"),
    ],
)
def test_wrong_json_is_one_line(tmp_path: Path, entry: str, message: str) -> None:
    with pytest.raises(SalzooError, match=message):
        read(tmp_path, f'{{"salzoo_regions": 1, "regions": [{entry}]}}', "regions.json")


def test_json_that_is_none_says_its_line(tmp_path: Path) -> None:
    with pytest.raises(SalzooError, match="line 3: it is no JSON"):
        read(tmp_path, '{"salzoo_regions": 1,\n"regions": [\n}', "regions.json")
    with pytest.raises(SalzooError, match="no JSON"):
        read(tmp_path, "[" * 100_000, "regions.json")
    with pytest.raises(SalzooError, match="no file of regions"):
        read(tmp_path, '{"salzoo_regions": 2, "regions": []}', "regions.json")


def test_labelme(tmp_path: Path) -> None:
    mask = np.zeros((11, 21), np.uint8)
    mask[2:4, 5:9] = 1
    image = base64.b64encode(cv2.imencode(".png", mask)[1].tobytes()).decode()
    held = {
        "version": "5.4.1",
        "imagePath": "page.png",
        "shapes": [
            {"label": "face", "shape_type": "rectangle", "points": [[30, 40], [10, 20]]},
            {"label": "face", "shape_type": "polygon", "points": [[0, 0], [10, 0], [0, 10]]},
            {"label": "sun", "shape_type": "circle", "points": [[50, 50], [53, 54]]},
            {"label": "sea", "shape_type": "mask", "points": [[60, 70], [80, 80]], "mask": image},
        ],
    }
    found = read(tmp_path, json.dumps(held), "page.json")
    assert found["face"] == Rectangle(10, 20, 20, 20)
    assert found["face 2"] == Polygon((((0, 0), (10, 0), (0, 10)),))
    assert found["sun"] == Ellipse(45, 45, 10, 10)
    assert (found["sea"].bounds, found["sea"].area) == ((65, 72, 69, 74), 8)
    flat = [{"label": "nose", "shape_type": kind, "points": [[1, 1]]} for kind in ("point", "line", "point")]
    held["shapes"] += flat
    file = read_regions(write(tmp_path, json.dumps(held), "page.json"))
    assert [region.name for region in file.of(PICTURE)] == ["face", "face 2", "sun", "sea"]
    assert file.notes() == [f"{tmp_path}/page.json holds point, line too, 3 in all: without an area, and left out"]
    held["shapes"] = flat
    with pytest.raises(SalzooError, match=r"holds no region; .* holds point, line too"):
        read(tmp_path, json.dumps(held), "page.json")
    held["shapes"] = [{"label": "nose", "shape_type": "oriented", "points": [[1, 1]]}]
    with pytest.raises(SalzooError, match="shape 1, 'nose' is a oriented, which is not read"):
        read(tmp_path, json.dumps(held), "page.json")


def test_coco(tmp_path: Path) -> None:
    runs = [205, 3, 97, 3, 20000 - 308]  # columns 2 and 3, rows 5 to 7, of 100 × 200
    held: dict[str, Any] = {
        "images": [{"id": 7, "file_name": "some/page.png"}, {"id": 8, "file_name": "other.png"}],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [
            {"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4]},
            {"image_id": 7, "category_id": 1, "bbox": [9, 9, 9, 9], "segmentation": [[0, 0, 10, 0, 0, 10]]},
            {
                "image_id": 7,
                "category_id": 2,
                "bbox": [0, 0, 1, 1],
                "segmentation": {"size": [100, 200], "counts": runs},
            },
            {"image_id": 8, "category_id": 2, "bbox": [5, 6, 7, 8], "segmentation": []},
        ],
    }
    found = read(tmp_path, json.dumps(held), "coco.json")
    assert found["cat"] == Rectangle(1, 2, 3, 4)
    assert found["cat 2"] == Polygon((((0, 0), (10, 0), (0, 10)),))
    assert (found["dog"].bounds, found["dog"].area) == ((2, 5, 4, 8), 6)
    assert list(read(tmp_path, json.dumps(held), "coco.json", Medium("other", (100, 200)))) == ["dog"]
    with pytest.raises(SalzooError, match=r"no region for new.png: it has some for page.png, other.png"):
        read(tmp_path, json.dumps(held), "coco.json", Medium("new.png", (100, 200)))
    held["annotations"][0]["image_id"] = 9
    with pytest.raises(SalzooError, match="annotation 1 is of image 9"):
        read(tmp_path, json.dumps(held), "coco.json")


def compressed(runs: list[int]) -> str:
    """COCO's letters for run lengths, as its documentation has them."""
    text = ""
    for index, run in enumerate(runs):
        value = run - (runs[index - 2] if index > 2 else 0)
        while True:
            bits = value & 31
            value >>= 5
            more = value != (-1 if bits & 16 else 0)
            text += chr(48 + (bits | 32 if more else bits))
            if not more:
                break
    return text


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=12))
def test_compressed_run_lengths_come_back(runs: list[int]) -> None:
    from salzoo.regions.labelled import _decode_counts

    assert _decode_counts(compressed(runs), "") == runs


CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta/>
<track id="0" label="ball">
  <box frame="0" keyframe="1" outside="0" xtl="0" ytl="0" xbr="4" ybr="6"/>
  <box frame="10" keyframe="1" outside="0" xtl="10" ytl="20" xbr="14" ybr="26"/>
  <box frame="11" keyframe="1" outside="1" xtl="10" ytl="20" xbr="14" ybr="26"/>
</track>
<track id="1" label="ball"><polygon frame="0" outside="0" points="0,0;10,0;0,10"/></track>
<track id="2" label="hat"><box frame="0" outside="0" xtl="10" ytl="10" xbr="20" ybr="14" rotation="90"/></track>
</annotations>"""


def test_cvat_tracks_move_by_the_times_of_the_frames(tmp_path: Path) -> None:
    times = np.concatenate([np.arange(11) * 0.04, [0.5, 0.9]])  # the last frames stand longer
    found = read(tmp_path, CVAT, "tracks.xml", Medium("film.mp4", (100, 200), times))
    assert found["ball"].at(0.2) == Rectangle(5, 10, 4, 6)
    assert found["ball"].at(0.45) == Rectangle(10, 20, 4, 6)
    assert found["ball"].at(0.5) is None
    hat = found["hat"].at(0)
    np.testing.assert_allclose(sorted(hat.bounds), sorted((13, 7, 17, 17)))
    with pytest.raises(SalzooError, match="counts frames"):
        read(tmp_path, CVAT, "tracks.xml")
    with pytest.raises(SalzooError, match="has frame 11"):
        read(tmp_path, CVAT, "tracks.xml", Medium("film.mp4", (100, 200), times[:6]))


def test_of_cvat_what_has_no_area_is_left_out_and_said(tmp_path: Path) -> None:
    """As its exports have them: tracks of points, of a skeleton with tracks of its own; lines in an image."""
    others = (
        '<track id="7" label="eye"><points frame="0" outside="0" points="1,2"/></track><track id="8" label="man">'
        '<skeleton frame="0" points="1,2;3,4"/><track id="0" label="knee"><points frame="0"/></track></track>'
    )
    file = read_regions(write(tmp_path, CVAT.replace("</annotations>", others + "</annotations>"), "tracks.xml"))
    assert [region.name for region in file.regions[""]] == [
        region.name for region in read_regions(write(tmp_path, CVAT, "t.xml")).regions[""]
    ]
    assert file.left_out == ("points", "skeleton")
    image = (
        '<image id="{0}" name="{1}"><box label="" xtl="1" ytl="2" xbr="4" ybr="6"/><polyline points="1,2;3,4"/></image>'
    )
    text = f"<annotations>{image.format(0, 'a.png')}{image.format(1, 'b.png')}</annotations>"
    file = read_regions(write(tmp_path, text, "images.xml"))
    assert ([region.name for region in file.regions["b.png"]], file.left_out) == (["box"], ("polyline", "polyline"))
    with pytest.raises(SalzooError, match=r"several images called 'a\.png'"):
        read_regions(write(tmp_path, text.replace("b.png", "a.png"), "images.xml"))


def test_cvat_images(tmp_path: Path) -> None:
    text = (
        '<annotations><image id="0" name="page.png"><box label="a" xtl="1" ytl="2" xbr="4" ybr="6"/>'
        '<ellipse label="b" cx="10" cy="20" rx="3" ry="4"/><mask label="c" rle="1, 2, 1" left="5" top="6" width="2" '
        'height="2"/></image><image id="1" name="other.png"><box label="d" xtl="1" ytl="2" xbr="4" ybr="6"/></image>'
        "</annotations>"
    )
    found = read(tmp_path, text, "images.xml")
    assert found["a"] == Rectangle(1, 2, 3, 4)
    assert found["b"] == Ellipse(7, 16, 6, 8)
    assert isinstance(found["c"], Mask)
    assert found["c"].holds(np.array([[5.5, 6.5], [6.5, 6.5], [5.5, 7.5], [6.5, 7.5]])).tolist() == [0, 1, 1, 0]


def test_a_folder_has_a_file_for_each_picture(tmp_path: Path) -> None:
    write(tmp_path, "name,x,y,width,height\na,1,2,3,4\n", "page.csv")
    write(tmp_path, '{"shapes": [{"label": "b", "points": [[0, 0], [9, 9]], "shape_type": "rectangle"}]}', "other.json")
    file = read_regions(tmp_path)
    assert [region.name for region in file.of(PICTURE)] == ["a"]
    assert [region.name for region in file.of(Medium("other.jpg", (50, 50)))] == ["b"]
    with pytest.raises(SalzooError, match="no region for third"):
        file.of(Medium("third", (50, 50)))


def test_masks_that_would_fill_the_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("salzoo.regions.region.PIXELS", 100_000)
    full = {"size": [100, 200], "counts": [0, 20_000]}
    held = {
        "images": [{"id": 1, "file_name": "page.png"}],
        "annotations": [{"image_id": 1, "bbox": [0, 0, 1, 1], "segmentation": full}] * 10_000,
    }
    with pytest.raises(SalzooError, match="than fit into memory"):
        read(tmp_path, json.dumps(held), "coco.json")


def test_hostile_xml_is_refused(tmp_path: Path) -> None:
    entities = '<!DOCTYPE a [<!ENTITY a "lol">]><annotations>&a;</annotations>'
    for text in (entities, "<annotations>", "<svg/>", "<annotations/>", "<a>" * 50_000):
        with pytest.raises(SalzooError):
            read(tmp_path, text, "tracks.xml")


def test_interest_areas_of_eyelink(tmp_path: Path) -> None:
    lines = ["RECTANGLE 1 10 20 40 60 the logo", "ELLIPSE\t2\t0\t0\t10\t20\tface", "", "FREEHAND 3 0,0 10,0 0,10 tail"]
    text = "\n".join([*lines, "RECTANGLE 4 0 0 5 5"])
    found = read(tmp_path, text, "set.ias")
    assert found["the logo"] == Rectangle(10, 20, 30, 40)
    assert found["face"] == Ellipse(0, 0, 10, 20)
    assert found["tail"] == Polygon((((0, 0), (10, 0), (0, 10)),))
    assert found["4"] == Rectangle(0, 0, 5, 5)
    for wrong in (
        "CIRCLE 1 2 3 4 5",
        "RECTANGLE 1 2 3 x 5",
        "RECTANGLE 1 10 20 10 60",
        "-100 -200 RECTANGLE 1 2 3 4 5",
    ):
        with pytest.raises(SalzooError, match="line 1"):
            read(tmp_path, wrong, "set.ias")


def complaint(folder: Path, text: str, name: str) -> str:
    """What is said of a file; any other error than ours fails the test."""
    try:
        read(folder, text, name)
    except SalzooError as error:
        return str(error)
    return ""


@settings(max_examples=60)
@given(st.text(max_size=200) | st.binary(max_size=100).map(lambda data: data.decode("latin-1")))
def test_any_text_is_regions_or_one_line(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    for start in ("", "name,x,y,width,height\n", '{"salzoo_regions": 1, "regions": [', "<annotations>", '{"shapes": ['):
        for name in ("regions.csv", "set.ias"):
            assert "\n" not in complaint(folder, start + text, name)


values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                (
                    "name",
                    "label",
                    "points",
                    "rectangle",
                    "polygon",
                    "places",
                    "time",
                    "bbox",
                    "image_id",
                    "segmentation",
                    "counts",
                    "size",
                    "shape_type",
                    "mask",
                    "id",
                    "file_name",
                )
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=60)
@given(values)
def test_any_json_is_regions_or_one_line(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    folder = tmp_path_factory.mktemp("json")
    for held in (
        {"salzoo_regions": 1, "regions": value},
        {"salzoo_regions": 1, "regions": [value]},
        {"shapes": value},
        {"shapes": [value]},
        {"images": [{"id": 1, "file_name": "page.png"}], "annotations": [value]},
        {"images": value, "annotations": value},
    ):
        assert "\n" not in complaint(folder, json.dumps(held), "regions.json")


def test_many_regions_and_places_are_read_in_a_second(tmp_path: Path) -> None:
    lines = [f"r{number},{number % 190},{number % 90},5,5" for number in range(10_000)]
    path = write(tmp_path, "name,x,y,width,height\n" + "\n".join(lines))
    began = perf_counter()
    assert len(read_regions(path).of(PICTURE)) == 10_000
    moving = [f"ball,{number % 190},{number % 90},5,5,{number / 100}" for number in range(100_000)]
    path = write(tmp_path, "name,x,y,width,height,time\n" + "\n".join(moving), "moving.csv")
    (ball,) = read_regions(path).of(PICTURE)
    assert len(ball.places) == 100_000
    assert ball.at(500.005) == Rectangle(50_000 % 190 + 0.5, 50_000 % 90 + 0.5, 5, 5)
    assert perf_counter() - began < 30  # a hang, not a slow machine, is what this finds
    path = write(tmp_path, "name,x,y,width,height\n" + "\n".join([*lines, "one,1,1,5,5"]), "more.csv")
    with pytest.raises(SalzooError, match="10,001 regions"):
        read_regions(path).of(PICTURE)
