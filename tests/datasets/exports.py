"""Made exports of each tracker, in its columns, with the fixations that are in them."""

import gzip
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "gaze"))
from recording import Numbers, record

SCREEN = (1080, 1920)
"""Height and width; the picture fills it."""

DEGREE = 60.0


@dataclass
class Recorded:
    """One person looking at one picture for some seconds, as the screen's pixels."""

    times: Numbers
    places: Numbers
    true: Numbers
    rate: float
    rng: np.random.Generator

    def fixation(self, time: float) -> int:
        """The number of the fixation at a time; −1 between two."""
        own = np.flatnonzero((self.true[:, 0] <= time + 1e-9) & (time < self.true[:, 0] + self.true[:, 1] - 1e-9))
        return int(own[0]) if len(own) else -1

    def labels(self) -> np.ndarray:
        """(n,) the fixation of each sample; −1 between two."""
        return np.array([self.fixation(time) for time in self.times])


def recorded(seed: int, rate: float, *, lost: float = 0.0, blinks: int = 1, seconds: float = 4.0) -> Recorded:
    """A recording; a share of single samples is lost beside blinks."""
    rng = np.random.default_rng(seed)
    times, places, true = record(rng, seconds=seconds, size=SCREEN, rate=rate, degree=DEGREE, noise=0.1, blinks=blinks)
    places[rng.random(len(times)) < lost] = np.nan
    return Recorded(times, places, true, rate, rng)


def plain(
    path: Path, made: Recorded, separator: str = ",", decimal: str = ".", encoding: str = "utf-8", mark: str = ""
) -> Path:
    """Samples of the observer Jürgen; lost ones are a mark, such as "0", for both x and y."""

    def number(value: float) -> str:
        return mark if np.isnan(value) else f"{value:.2f}".replace(".", decimal)

    lines = [separator.join(("stimulus", "observer", "time_ms", "x", "y"))]
    for time, (x, y) in zip(made.times, made.places, strict=True):
        at = f"{1000 * time:.3f}".replace(".", decimal)
        lines.append(separator.join(("pic.png", "Jürgen", at, number(x), number(y))))
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


def tobii(path: Path, made: Recorded) -> Path:
    """Tobii Pro Lab: samples with their fixations' numbers, between them rows of the mouse, of keys and of starts."""
    header = (
        "Recording timestamp [μs]\tSensor\tParticipant name\tRecording name\tEvent\tRecording resolution width\t"
        "Recording resolution height\tPresented Media name\tEye movement type\tEye movement type index\t"
        "Gaze event duration [ms]\tFixation point X [DACS px]\tFixation point Y [DACS px]\tGaze point X [DACS px]\t"
        "Gaze point Y [DACS px]\tValidity left\tValidity right"
    )
    lines = [header, "900000\t\tP1\tR1\tRecordingStart\t1920\t1080\t\t\t\t\t\t\t\t\t\t"]
    lines.append("1000000\t\tP1\tR1\tImageStimulusStart\t1920\t1080\tpic.png\t\t\t\t\t\t\t\t\t")
    for time, (x, y), number in zip(made.times, made.places, made.labels(), strict=True):
        at = f"{1e6 + 1e6 * time:.0f}"
        if made.rng.random() < 0.1:
            lines.append(f"{at}\tMouse\tP1\tR1\t\t1920\t1080\tpic.png\t\t\t\t\t\t5\t5\t\t")
        if made.rng.random() < 0.05:
            lines.append(f"{at}\t\tP1\tR1\tKeyboardEvent\t1920\t1080\tpic.png\t\t\t\t\t\t\t\t\t")
        seen = not np.isnan(x)
        place = f"{x:.0f}\t{y:.0f}\tValid\tValid" if seen else "\t\tInvalid\tInvalid"
        if number >= 0:
            _, duration, fx, fy = made.true[number]
            label = f"Fixation\t{number + 1}\t{1000 * duration:.0f}\t{fx:.0f}\t{fy:.0f}"
        else:
            label = ("Saccade" if seen else "EyesNotFound") + "\t7\t30\t\t"
        lines.append(f"{at}\tEye Tracker\tP1\tR1\t\t1920\t1080\tpic.png\t{label}\t{place}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def gazepoint(path: Path, made: Recorded) -> Path:
    """Gazepoint's all_gaze: a row a sample, whose fixation grows until it is over."""
    lines = [
        "MEDIA_ID,MEDIA_NAME,CNT,TIME(2026/01/01 10:00:00.000),FPOGX,FPOGY,FPOGS,FPOGD,FPOGID,FPOGV,BPOGX,BPOGY,BPOGV"
    ]
    for count, (time, (x, y), number) in enumerate(zip(made.times, made.places, made.labels(), strict=True)):
        shown = max(number, 0)
        start, duration, fx, fy = made.true[shown]
        now = min(time - start, duration) if time + 1 / made.rate <= start + duration else duration
        seen = "0,0,0" if np.isnan(x) else f"{x / SCREEN[1]:.5f},{y / SCREEN[0]:.5f},1"
        place = (
            f"{fx / SCREEN[1]:.5f},{fy / SCREEN[0]:.5f},{start:.5f},{max(now, 0):.5f},{shown + 1},{int(number >= 0)}"
        )
        lines.append(f"0,pic.png,{count},{time:.5f},{place},{seen}")
    path.write_text("\n".join(lines) + "\n")
    return path


def eyelink(path: Path, made: Recorded, eyes: str = "L", fixations: bool = True) -> Path:
    """An .asc file of one trial, with calibration before it, blinks, saccades, and messages among the samples."""
    start = 5_000_000
    sides = {"L": "LEFT", "R": "RIGHT", "LR": "LEFT\tRIGHT"}[eyes]
    lines = [
        "** CONVERTED FROM x.edf using edfapi", "** DATE: Mon Jan 1 10:00:00 2026", "",
        f"MSG\t{start - 900} DISPLAY_COORDS 0 0 1919 1079", f"MSG\t{start - 800} !CAL", ">>>>>>> CALIBRATION <<<<<<<",
        f"MSG\t{start - 50} TRIALID 1", f"START\t{start} \t{sides}\tSAMPLES\tEVENTS", "PRESCALER\t1", "PUPIL\tAREA",
        f"EVENTS\tGAZE\t{sides}\tRATE\t{made.rate:.2f}\tTRACKING\tCR\tFILTER\t2",
        f"SAMPLES\tGAZE\t{sides}\tRATE\t{made.rate:.2f}\tTRACKING\tCR\tFILTER\t2",
    ]  # fmt: skip
    onset = start + 40  # the picture comes 40 ms after the recording's start, and the message 12 ms later still
    ends = {round(onset + 1000 * (s + d)): n for n, (s, d, _, _) in enumerate(made.true)} if fixations else {}
    told = False
    for time, (x, y) in zip(made.times, made.places, strict=True):
        at = onset + 1000 * time
        if not told and at >= onset + 12:
            lines.append(f"MSG\t{onset + 12} 12 !V IMGLOAD FILL images/pic.png")
            told = True
        for when in sorted(each for each in ends if each <= at):
            s, d, fx, fy = made.true[ends.pop(when)]
            first = round(onset + 1000 * s)
            lines += [f"EFIX {eye}   {first}\t{when}\t{1000 * d:.1f}\t  {fx:.1f}\t  {fy:.1f}\t   900" for eye in eyes]
        one = "   .\t   .\t    0.0" if np.isnan(x) else f"  {x:.1f}\t  {y:.1f}\t  900.0"
        stamp = f"{int(at + 1e-6)}"  # cut to whole milliseconds, at 2000 a second too
        lines.append(f"{stamp}\t{one}" + (f"\t{one}" if len(eyes) == 2 else "") + "\t...")
    for n in ends.values():
        s, d, fx, fy = made.true[n]
        lines += [
            f"EFIX {e} {onset + 1000 * s:.0f}\t{onset + 1000 * (s + d):.0f}\t{1000 * d:.1f}\t{fx:.1f}\t{fy:.1f}\t9"
            for e in eyes
        ]
    lines += [f"END\t{round(at) + 1} \tSAMPLES\tEVENTS\tRES\t  37.17\t  37.75", f"MSG\t{round(at) + 9} TRIAL_RESULT 0"]
    path.write_text("\n".join(lines) + "\n")
    return path


def smi(path: Path, made: Recorded) -> Path:
    """SMI's raw samples of both eyes, 0 where one was lost, with messages that have fewer values; after the picture
    comes one that is none of the stimuli, with its own gaze."""
    head = ["## [BeGaze]", "## Sample Rate:\t%d" % made.rate, "## Calibration Area:\t1920\t1080", "## Subject:\tP7"]  # noqa: UP031
    lines = [*head, "Time\tType\tTrial\tL Dia X [px]\tL POR X [px]\tL POR Y [px]\tR POR X [px]\tR POR Y [px]"]
    start = 77_000_000_000
    lines.append(f"{start - 400_000}\tMSG\t1\t# Message: fixation cross")
    lines += [f"{start - 200_000 + 4000 * n}\tSMP\t1\t12\t960\t540\t960\t540" for n in range(50)]
    lines.append(f"{start - 100}\tMSG\t1\t# Message: pic.png")
    for time, (x, y) in zip(made.times, made.places, strict=True):
        both = "0\t0\t0\t0" if np.isnan(x) else f"{x - 8:.2f}\t{y:.2f}\t{x + 8:.2f}\t{y:.2f}"
        if not np.isnan(x) and made.rng.random() < 0.02:
            both = f"0\t0\t{x:.2f}\t{y:.2f}"  # one eye alone
        lines.append(f"{start + 1e6 * time:.0f}\tSMP\t1\t12\t{both}")
    over = round(start + 1e6 * (made.times[-1] + 1 / made.rate))
    lines.append(f"{over}\tMSG\t1\t# Message: questions.jpg")
    lines += [f"{over + 4000 * n}\tSMP\t1\t12\t100\t900\t100\t900" for n in range(200)]
    lines.append(f"{over + 800_100}\tMSG\t1\t# Message: UE-mouseclick left x=407 y=378")
    lines += [f"{over + 801_000 + 4000 * n}\tSMP\t1\t12\t1500\t900\t1500\t900" for n in range(100)]
    path.write_text("\r\n".join(lines) + "\r\n")
    return path


def pupil_surface(path: Path, made: Recorded) -> Path:
    """Fixations on a surface of Pupil Core: a row for each frame of the camera, counted from the lower left corner."""
    lines = [
        "world_timestamp,world_index,fixation_id,start_timestamp,duration,dispersion,norm_pos_x,norm_pos_y,on_surf"
    ]
    for frame in range(int(made.times[-1] * 30)):
        number = made.fixation(frame / 30)
        if number >= 0:
            start, duration, x, y = made.true[number]
            jitter = made.rng.normal(0, 1e-4, 2)
            place = f"{x / SCREEN[1] + jitter[0]:.6f},{1 - y / SCREEN[0] + jitter[1]:.6f}"
            lines.append(
                f"{5000 + frame / 30:.4f},{frame},{number + 3},{5000 + start:.6f},{1000 * duration:.3f},1.0,"
                f"{place},True"
            )
            lines.append(lines[-1].replace("True", "False")) if made.rng.random() < 0.02 else None
    path.write_text("\n".join(lines) + "\n")
    return path


def bids(path: Path, made: Recorded) -> Path:
    """A run of BIDS, with its JSON above it and its events beside it."""
    about = {
        "Columns": ["timestamp", "x_coordinate", "y_coordinate", "pupil_size"],
        "SamplingFrequency": made.rate,
        "SampleCoordinateSystem": "gaze-on-screen",
        "timestamp": {"Units": "ms"},
        "x_coordinate": {"Units": "pixel"},
    }
    (path.parent / "task-see_physio.json").write_text(json.dumps(about))
    (path.parent / "task-see_events.json").write_text(
        json.dumps({"StimulusPresentation": {"ScreenResolution": [1920, 1080]}})
    )
    start = 123_456.0
    rows = [f"{start + 1000 * n / made.rate:.4f}\t960\t540\t9" for n in range(int(made.rate / 4))]
    onset = len(rows) / made.rate
    for time, (x, y) in zip(made.times, made.places, strict=True):
        place = "n/a\tn/a" if np.isnan(x) else f"{x:.2f}\t{y:.2f}"
        rows.append(f"{start + 1000 * (onset + time):.4f}\t{place}\t9")
    file = path.parent / "sub-7_task-see_recording-eye1_physio.tsv.gz"
    file.write_bytes(gzip.compress(("\n".join(rows) + "\n").encode()))
    shown = f"{onset:.6f}\t{made.times[-1] + 1:.3f}\tpicture\timages/pic.png"
    other = f"{onset - 0.2:.6f}\t0.2\tpicture\timages/none-of-ours.png"
    events = f"onset\tduration\ttrial_type\tstim_file\n0\t0.05\tcross\tn/a\n{other}\n{shown}\n"
    (path.parent / "sub-7_task-see_events.tsv").write_text(events)
    return file


Maker = Callable[[Path, Recorded], Path]
