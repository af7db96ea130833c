"""MuJoCo table-tops that train, test and judge: scenes, exact labels, referring expressions, an arm."""

from kosmos_sim.gl_backend import select_backend

select_backend()
