"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Picture = Annotated[Path, typer.Argument(help="a picture file", show_default=False)]
Model = Annotated[str, typer.Option("--model", "-m", help="tabletop, a folder with a checkpoint, or a hub id")]
Dtype = Annotated[str, typer.Option(help="auto, float32, bfloat16, float16 or int8")]
Runtime = Annotated[str, typer.Option(help="torch, openvino, or a folder that kosmos-agent export made")]
Device = Annotated[str, typer.Option(help="cpu, cuda, ...")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads, if not torch's choice", show_default=False)]
Zoom = Annotated[
    bool | None,
    typer.Option("--zoom/--no-zoom", help="look again at small things (as the model wants)", show_default=False),
]
SingleLook = Annotated[
    bool, typer.Option("--single-look", help="one look at each picture: no second looks, no mirror image")
]
Host = Annotated[str, typer.Option(help="address to listen on; beyond loopback a token is needed")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0: any free one")]
AllowHost = Annotated[
    list[str] | None, typer.Option(help="name that clients may call this machine; may be given several times")
]
Json = Annotated[bool, typer.Option("--json", help="one JSON object on stdout")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="write the annotated picture here", show_default=False)]
