"""``python -m salzoo_ntire26 DIR --root ROOT --split test``: is a folder of videos of maps what the challenge takes?"""

import argparse
import sys
from pathlib import Path

from salzoo.interfaces import SalzooError
from salzoo_ntire26.dataset import check_submission, open_ntire26


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m salzoo_ntire26", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--root", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--split", default="val", help="val is the public test, test the private one")
    given = parser.parse_args()
    try:
        count = check_submission(given.folder, open_ntire26(given.root), given.split)
    except (SalzooError, OSError) as error:
        sys.exit(f"salzoo: {error}")
    print(f"{given.folder}: a video of maps for each of the {count} videos of {given.split}")


if __name__ == "__main__":
    main()
