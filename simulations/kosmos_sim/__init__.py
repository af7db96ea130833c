"""MuJoCo table-tops that train, test and judge: scenes, exact labels, referring expressions, an arm."""

from importlib.util import find_spec

from kosmos_sim.gl_backend import select_backend

select_backend()

if find_spec("gymnasium") is not None:
    from kosmos_sim.registration import register_env

    register_env()
