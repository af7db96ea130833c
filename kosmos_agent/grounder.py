"""The public face: a `Grounder` holds a model, a `View` is one picture that it has looked at.

grounder = Grounder.load("tabletop")
view = grounder.view(image)              # the frame is encoded once
answer = view.find("the red cup")        # a question costs only its own few tokens; the first reads the picture too
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from kosmos_agent.calibration import Calibration
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.images import as_rgb_array, mirror_image
from kosmos_agent.inference.calibration_file import load_calibration
from kosmos_agent.inference.candidates import Decision
from kosmos_agent.inference.devices import check_device
from kosmos_agent.inference.frame import encode_frame, encode_frames
from kosmos_agent.inference.int8_model import Say
from kosmos_agent.inference.zoom import Zoom
from kosmos_agent.model.checkpoint import check_tokenizer, load_tokenizer, read_config
from kosmos_agent.model.engine import Engine
from kosmos_agent.model.folder import locate
from kosmos_agent.precision import Loaded, load_precision
from kosmos_agent.processor import Picture, Processor
from kosmos_agent.profile import Profile
from kosmos_agent.results import Frame
from kosmos_agent.runtime.choosing import TORCH, load_exported
from kosmos_agent.tokenizer import Tokenizer
from kosmos_agent.view import View


class Grounder:
    """A model ready to look at pictures. Views may be used from several threads.

    calibration: None where the numbers in answers are the model's own, and nothing can be said to be absent.
    precision: the number type that answers are computed in, as `load` names it.
    warnings: what is amiss but did not keep it from loading, such as a calibration that is for other weights.
    """

    def __init__(
        self,
        model: Engine,
        tokenizer: Tokenizer,
        *,
        name: str,
        profile: Profile | None = None,
        decision: Decision | None = None,
        zoom: Zoom | None = None,
        calibration: Calibration | None = None,
        precision: str | None = None,
        warnings: tuple[str, ...] = (),
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.processor = Processor.for_config(tokenizer, model.config)
        self.name = name
        self.profile = profile or Profile()
        self.decision = decision or Decision(mean_boxes=self.profile.mean_boxes)
        self.zoom = zoom or Zoom()
        self.calibration = calibration
        self.precision = precision or model.precision
        self.warnings = warnings

    @classmethod
    def load(
        cls,
        model: str | Path = "tabletop",
        *,
        dtype: str = "auto",
        device: str = "cpu",
        threads: int | None = None,
        calibrated: bool = True,
        zoom: bool | None = None,
        both_ways: bool | None = None,
        runtime: str | Path = TORCH,
        say: Say | None = None,
    ) -> Grounder:
        """An embedded name, a local folder in the published layout, or a hub id.

        dtype: float32, bfloat16, float16, int8 or auto: `precision.load_precision` says what that is. say: is told
        of the making of 8-bit weights, which takes minutes for a large model, once. threads: of the whole process.
        calibrated: use the folder's calibration.json; one for other weights is set aside with a warning.
        zoom, both_ways: as in `Profile`; None leaves it to the model's own, which calibration.json was fitted for.
        Both False is the single look, for camera rate: it has a calibration of its own, calibration-single-look.json.
        runtime: torch; openvino, whose graphs are made on first use and kept in the user's cache; or a folder that
        `kosmos-agent export` made. With these dtype is what the graphs compute in, auto the fastest of the CPU's, and
        threads are the graphs', with one left to torch, whose own would get in their way; None leaves torch's alone.
        UnknownModelError, CheckpointError (naming the tensors), InvalidArgumentError, MissingDependencyError.
        """
        if threads is not None and threads < 1:
            raise InvalidArgumentError(f"threads {threads} must be at least 1")
        if threads is not None and runtime == TORCH:
            torch.set_num_threads(threads)
        check_device(device)
        folder = locate(model)
        tokenizer, profile = load_tokenizer(folder), Profile.read(folder)
        profile = replace(
            profile,
            zoom=profile.zoom if zoom is None else zoom,
            both_ways=profile.both_ways if both_ways is None else both_ways,
        )
        check_tokenizer(tokenizer, read_config(folder))
        calibration, warnings = load_calibration(folder, single_look=profile.single_look) if calibrated else (None, ())
        if runtime == TORCH:
            loaded = load_precision(folder, tokenizer, dtype, device, say=say)
        else:
            loaded = Loaded(load_exported(folder, runtime, dtype=dtype, device=device, threads=threads))
            if threads is not None:
                torch.set_num_threads(1)  # those that wait for more work would keep processors from the graphs
        return cls(
            loaded.engine,
            tokenizer,
            name=str(model),
            profile=profile,
            calibration=calibration,
            precision=loaded.precision,
            warnings=(*warnings, *loaded.warnings),
        )

    def unknown_words(self, phrase: str) -> tuple[str, ...]:
        """The words that the model never learnt: spelled letter by letter, and not taught since (`Profile`)."""
        taught = self.profile.taught_words
        return tuple(word for word in self.tokenizer.spelled(phrase) if word.lower() not in taught)

    def view(self, image: Picture, *, stamp_ns: int | None = None, frame_id: str = "camera_optical_frame") -> View:
        """Look at a picture: PIL, or (H, W, 3) uint8 RGB. InvalidImageError when it is neither."""
        rgb = as_rgb_array(image)
        height, width = rgb.shape[:2]
        frame = Frame(width=width, height=height, stamp_ns=stamp_ns, frame_id=frame_id)
        if not self.profile.both_ways:
            return View(self, frame, encode_frame(self.model, self.processor, rgb), rgb)
        both = encode_frames(self.model, self.processor, [rgb, mirror_image(rgb)])
        return View(self, frame, both.row(0), rgb, both.row(1))
